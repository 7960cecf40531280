"""Damaged files, by the hundred: each becomes a valid file within its limit or a refusal in a sentence, in time."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from support.command import Ran, Tool
from support.footage import decode_complaints, lavfi, make
from support.mutants import mutant

from tightfit.errors import ExitCode

# `make fuzz MUTANTS=2000` makes more, of every real clip that there is too.
MUTANTS, SEED = int(os.environ.get("TIGHTFIT_MUTANTS", "24")), os.environ.get("TIGHTFIT_SEED", "1")
LONGEST_S = 60.0
LIMIT = 30_000
ALLOWED = (ExitCode.OK, ExitCode.INPUT, ExitCode.INFEASIBLE)


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Small sound files of each kind, and those that the user names with TIGHTFIT_FUZZ_CLIPS."""
    folder = tmp_path_factory.mktemp("originals")
    made = []
    for name in ("a.mp4", "a.mkv", "a.ts", "a.avi", "fragmented.mp4"):
        picture, sound = lavfi("testsrc2=s=192x108:r=25:d=2,noise=alls=8:allf=t"), lavfi("sine=440:d=2")
        flags = ("-movflags", "frag_keyframe+empty_moov") if name.startswith("frag") else ()
        coded = ("-c:v", "libx264", "-preset", "veryfast", "-g", 12, "-pix_fmt", "yuv420p", "-c:a", "aac")
        make(*picture, *sound, *coded, *flags, folder / name)
        made.append(folder / name)
    named = os.environ.get("TIGHTFIT_FUZZ_CLIPS")
    return made + (sorted(path for path in Path(named).iterdir() if path.suffix != ".md") if named else [])


@pytest.mark.timeout(120 + 20 * MUTANTS)
def test_no_damaged_file_brings_anything_but_a_file_that_fits_or_a_sentence(
    tmp_path: Path, known_ffmpegs: Path, originals: list[Path]
):
    ends: dict[int, int] = {}
    for n in range(MUTANTS):
        original = originals[n % len(originals)]
        folder, home = tmp_path / str(n), tmp_path / f"home-{n}"
        folder.mkdir()
        shutil.copytree(known_ffmpegs, home)
        seed = f"{SEED}-{original.name}-{n}"
        source = folder / f"damaged{original.suffix}"
        source.write_bytes(mutant(original.read_bytes(), seed))
        ran = _run(Tool(folder, home), source.name, seed)
        ends[ran.code] = ends.get(ran.code, 0) + 1
        assert ran.code in ALLOWED, f"{seed}: {ran.err}"
        assert "Traceback" not in ran.err, seed
        _assert_whole_or_nothing(folder, source, ran, seed)
        shutil.rmtree(folder)
        shutil.rmtree(home)
    print(f"{MUTANTS} mutants, seed {SEED}, by exit code: {dict(sorted(ends.items()))}")


def _run(tool: Tool, name: str, seed: str) -> Ran:
    process = tool.start(name, f"{LIMIT}B", "-o", "out.mp4")
    begun = time.monotonic()
    try:
        out, err = process.communicate(timeout=LONGEST_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"{seed}: not done after {time.monotonic() - begun:.0f} s") from None
    return Ran(process.returncode, out.decode(), err.decode())


def _assert_whole_or_nothing(folder: Path, source: Path, ran: Ran, seed: str) -> None:
    output = folder / "out.mp4"
    expected = {source, output} if ran.code == 0 else {source}
    assert set(folder.iterdir()) == expected, seed
    if ran.code == 0:
        # One that was under the limit is copied as it is, damage and all.
        assert output.stat().st_size <= max(LIMIT, source.stat().st_size), seed
        if output.read_bytes() != source.read_bytes():
            assert output.stat().st_size <= LIMIT, seed
            assert decode_complaints(output) == "", seed
