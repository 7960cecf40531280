"""Damaged files, by the hundred: each becomes a valid file within its limit or a refusal in a sentence, in time."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support.command import Tool, results_of
from support.footage import decode_complaints, lavfi, make
from support.mutants import mutant
from support.patience import patience

from tightfit.errors import ExitCode

# `make fuzz MUTANTS=2000` makes more, of every real clip that there is too.
MUTANTS, SEED = int(os.environ.get("TIGHTFIT_MUTANTS", "12")), os.environ.get("TIGHTFIT_SEED", "1")
# So many are given to one run of the command line: what takes longest with them is starting it.
BATCH = 12
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
    clips = sorted(path for path in Path(named).iterdir() if path.suffix != ".md") if named else []
    return made + [_first_moments(clip, folder) for clip in clips]


def _first_moments(clip: Path, folder: Path) -> Path:
    """Its packets as they are: what is tried is damage, not patience. A file that can't be cut is taken whole."""
    cut = folder / clip.name
    try:
        make("-t", 0.5, "-i", clip, "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", cut)
    except AssertionError:
        return clip
    return cut if cut.stat().st_size else clip


@dataclass
class Report:
    """How the mutants ended."""

    ends: Counter[int] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def fail(self, seed: str, complaint: str) -> None:
        self.failures.append(f"{seed}: {complaint}")
        print(self.failures[-1], flush=True)


@pytest.mark.timeout(300 + 60 * MUTANTS)
def test_no_damaged_file_brings_anything_but_a_file_that_fits_or_a_sentence(
    tmp_path: Path, known_ffmpegs: Path, originals: list[Path]
):
    report = Report()
    for first in range(0, MUTANTS, BATCH):
        folder, home = tmp_path / str(first), tmp_path / f"home-{first}"
        (folder / "out").mkdir(parents=True)
        shutil.copytree(known_ffmpegs, home)
        seeds = {}
        for n in range(first, min(first + BATCH, MUTANTS)):
            original = originals[n % len(originals)]
            source = folder / f"{n}{original.suffix}"
            seeds[source] = f"{SEED}-{original.name}-{n}"
            source.write_bytes(mutant(original.read_bytes(), seeds[source]))
        _try(Tool(folder, home), seeds, report)
        shutil.rmtree(folder)
        shutil.rmtree(home)
        print(f"{first + len(seeds)}: {dict(report.ends)}, slowest {report.slowest_s:.1f} s", flush=True)
    print(f"{MUTANTS} mutants, seed {SEED}, slowest {report.slowest_s:.1f} s: {dict(sorted(report.ends.items()))}")
    assert report.failures == []


def _try(tool: Tool, seeds: dict[Path, str], report: Report) -> None:
    names = [source.name for source in seeds]
    messages = tool.folder.parent / "messages"
    with messages.open("w") as stderr:
        process = tool.start(*names, f"{LIMIT}B", "-o", "out", "--json", "-q", stderr=stderr.fileno())
        ended: set[Path] = set()
        for result, took_s in results_of(process, patience(LONGEST_S)):
            source = tool.folder / result["input"]
            ended.add(source)
            report.slowest_s = max(report.slowest_s, took_s)
            code = result["error"]["code"] if result["status"] == "failed" else 0
            code = ExitCode.INFEASIBLE if result["status"] == "infeasible" else code
            report.ends[int(code)] += 1
            if complaint := _complaint(source, result, code):
                report.fail(seeds[source], complaint)
        process.kill()
        process.communicate(timeout=patience(10))
    said = messages.read_text()
    if "Traceback" in said:
        report.fail(str(list(seeds.values())), said)
    for source in seeds.keys() - ended:
        report.fail(seeds[source], f"no result; this file or the one before hangs, or all ended: {said[-2000:]}")
    left = [path for path in (tool.folder / "out").iterdir() if path.name.startswith(".")]
    left += (tool.home / "work").glob("*")
    # Where a run had to be ended its job is there to go on with.
    if left and len(ended) == len(seeds):
        report.fail(str(list(seeds.values())), f"left behind: {left}")


def _complaint(source: Path, result: dict[str, Any], code: int) -> str:
    """What is wrong with this end; nothing where it is a whole file within the limit, or a sentence and no file."""
    outputs = list((source.parent / "out").glob(f"{source.stem}-*"))
    if code not in ALLOWED:
        return str(result)
    if code != 0:
        return f"an output in spite of {result}" if outputs else ""
    [output] = outputs
    # One that was under the limit is copied as it is, damage and all.
    if output.read_bytes() == source.read_bytes():
        return ""
    return f"{output.stat().st_size} bytes" if output.stat().st_size > LIMIT else decode_complaints(output)
