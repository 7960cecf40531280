"""A crash before and after everything lasting that a job does: in a run, in its resume, and in the resume of that."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio
import pytest
from support.command import Tool
from support.disks import FaultyDisk, PowerCut
from support.footage import decode_complaints, times_in
from support.leavings import made_again

from tightfit.domain.job import State
from tightfit.engine.compress import compress, ignore
from tightfit.engine.disk import Disk
from tightfit.engine.journal import Journal
from tightfit.engine.requests import make_request
from tightfit.engine.tidying import clean
from tightfit.settings import Settings

LIMIT, LIMIT_BYTES = "30KB", 30_000
KILLED = 137
# `make crashes` takes all of them; the seed chooses those of `make test`.
ALL, SEED = os.environ.get("TIGHTFIT_CRASHES") == "all", int(os.environ.get("TIGHTFIT_SEED", "1"))
CHOSEN = 2
ONE_PIECE_DONE = "journal.made:after"
# A run, its resume, and the resume of that.
RUNS = 3


@dataclass(frozen=True)
class Case:
    """Every run of a job crashes at ``point``; ``overwrite`` where an older file stands at the output's name."""

    point: str
    overwrite: bool

    def __str__(self) -> str:
        return f"{self.point}{' over a file' if self.overwrite else ''}"


@pytest.fixture(scope="session")
def points(made_cuts: Path, known_ffmpegs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[bool, list[str]]:
    """What a run and its resume do to the disk, as seen from inside; without and with an older file."""
    found: dict[bool, list[str]] = {}
    for overwrite in (False, True):
        folder = tmp_path_factory.mktemp("points")
        home, source = folder / "home", Path(shutil.copy(made_cuts, folder / "cuts.mp4"))
        shutil.copytree(known_ffmpegs, home)
        if overwrite:
            (folder / "out.mp4").write_bytes(b"old")
        request = make_request(source, to=LIMIT, output=folder / "out.mp4", overwrite=overwrite)
        settings, seen = Settings(home=home), list[str]()
        # The first run dies as soon as it has a piece.
        disks = [FaultyDisk(dies_after="journal.made"), FaultyDisk()]
        for disk in disks:
            with suppress(PowerCut, BaseExceptionGroup):
                anyio.run(compress, request, settings, ignore, disk)
            seen += disk.points
        found[overwrite] = sorted(set(seen))
    return found


def cases_of(points: dict[bool, list[str]]) -> list[Case]:
    cases = [
        Case(f"{point}:{when}", overwrite)
        for overwrite, names in points.items()
        for point in names
        # Over a file everything but the last step is as without.
        if not overwrite or point.startswith("output.")
        for when in ("before", "after")
    ]
    return cases if ALL else random.Random(SEED).sample(cases, CHOSEN)


@pytest.mark.timeout(7200 if ALL else 300)
def test_every_crash_ends_in_the_same_valid_file(
    points: dict[bool, list[str]], made_cuts: Path, known_ffmpegs: Path, tmp_path: Path
):
    assert {"piece.replace", "journal.made", "output.link", "tidy.unlink"} <= set(points[False])
    assert "output.replace" in points[True]
    cases, crashes = cases_of(points), 0
    for number, case in enumerate(cases):
        folder, home = tmp_path / str(number), tmp_path / f"home-{number}"
        folder.mkdir()
        shutil.copytree(known_ffmpegs, home)
        tool = Tool(folder, home)
        times = _crash(tool, case, made_cuts)
        assert times, f"{case} never came about"
        crashes += times
        _assert_ends_well(tool, case, made_cuts)
        print(f"{case}: {times} of {RUNS} runs crashed there", flush=True)
        shutil.rmtree(folder)
        shutil.rmtree(home)
    print(f"{len(cases)} points, {crashes} crashes: every job ended in a valid file")


def _crash(tool: Tool, case: Case, clip: Path) -> int:
    """Run, resume, and resume again; how many of these crashed at the point."""
    shutil.copy(clip, tool.folder / "cuts.mp4")
    if case.overwrite:
        (tool.folder / "out.mp4").write_bytes(b"old")
    # Tidying up is for those that come after a run that was killed.
    before = ONE_PIECE_DONE if case.point.startswith("tidy") else ""
    crashes = 0
    for point in [*filter(None, [before]), *[case.point] * RUNS]:
        ran = tool(*_words(case), TIGHTFIT_TEST_CRASH=point)
        assert ran.code in (0, KILLED), f"{case}: {ran.err}"
        assert "Traceback" not in ran.err
        crashes += ran.code == KILLED and point == case.point
        _assert_no_half_file(tool, case)
        if ran.code == 0 or _is_done(tool):
            break
    return crashes


def _words(case: Case) -> list[str]:
    return ["cuts.mp4", LIMIT, "-o", "out.mp4", *(["--overwrite"] if case.overwrite else [])]


def _is_done(tool: Tool) -> bool:
    journal = tool.home / "journal.db"
    return journal.exists() and any(record.state is State.DONE for record in Journal(journal).records())


def _assert_no_half_file(tool: Tool, case: Case) -> None:
    output = tool.folder / "out.mp4"
    if output.exists() and not (case.overwrite and output.read_bytes() == b"old"):
        assert decode_complaints(output) == "", f"{case}: a half file"


def _assert_ends_well(tool: Tool, case: Case, clip: Path) -> None:
    if not _is_done(tool):
        ran = tool(*_words(case))
        assert ran.code == 0, f"{case}: {ran.err}"
    output = tool.folder / "out.mp4"
    assert output.stat().st_size <= LIMIT_BYTES, str(case)
    assert len(times_in(output)) == len(times_in(clip)), str(case)
    assert decode_complaints(output) == "", str(case)
    # A crash after the last word leaves a folder; whatever tightfit does next removes it.
    clean(Settings(home=tool.home), Journal(tool.home / "journal.db"), Disk())
    assert tool.files == {"cuts.mp4", "out.mp4"}, f"{case}: something was left beside the output"
    assert list((tool.home / "work").iterdir()) == [], str(case)
    assert (tool.folder / "cuts.mp4").read_bytes() == clip.read_bytes(), f"{case}: the source was touched"
    with closing(sqlite3.connect(tool.home / "journal.db")) as db:
        assert made_again(db) == [], f"{case}: a finished segment was encoded twice"
