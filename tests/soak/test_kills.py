"""SIGKILL at random moments over real jobs: each ends valid and under its limit, and nothing is lost or left."""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from support.command import Tool
from support.footage import decode_complaints, times_in
from support.leavings import made_again
from support.patience import patience

from tightfit.domain.job import State
from tightfit.engine.journal import Journal

# `make soak KILLS=3000` runs more of them; the seed makes a failure repeatable as far as a machine's timing is.
KILLS, SEED = int(os.environ.get("TIGHTFIT_KILLS", "100")), int(os.environ.get("TIGHTFIT_SEED", "1"))
LIMITS = ("30KB", "45KB", "60KB")
# A run of this clip takes about this long, alone on the machine: kills fall into all of it, and the start of Python.
LONGEST_S = 1.6
# So many tests share the kills, so that two workers can.
PARTS = 2
MOST_RUNS_PER_JOB = 60


@pytest.mark.timeout(300 + 10 * KILLS)
@pytest.mark.parametrize("part", range(PARTS))
def test_random_kills_lose_nothing(tmp_path: Path, known_ffmpegs: Path, made_small_scenes: Path, part: int):
    luck, killed, jobs = random.Random(f"{SEED}-{part}"), 0, 0
    while killed < KILLS / PARTS:
        folder, home = tmp_path / str(jobs), tmp_path / f"home-{jobs}"
        folder.mkdir()
        shutil.copytree(known_ffmpegs, home)
        source = Path(shutil.copy(made_small_scenes, folder / "scenes.mp4"))
        before = _facts(source)
        tool = Tool(folder, home)
        kills, is_tidied = _run_to_the_end(tool, LIMITS[jobs % len(LIMITS)], luck)
        killed += kills
        jobs += 1
        assert _facts(source) == before, "the source was touched"
        _assert_well_ended(tool, LIMITS[(jobs - 1) % len(LIMITS)], is_tidied)
        # Said as it goes, so that a soak that has to be stopped tells how far it came.
        print(f"{killed} kills over {jobs} jobs, seed {SEED}, part {part + 1} of {PARTS}", flush=True)


def _run_to_the_end(tool: Tool, limit: str, luck: random.Random) -> tuple[int, bool]:
    """How many kills it took."""
    for kills in range(MOST_RUNS_PER_JOB):
        process = tool.start("scenes.mp4", limit, "-o", "out.mp4")
        # Later and later, so that every job ends.
        deadline = time.monotonic() + luck.uniform(0, LONGEST_S) * (1 + kills / 10)
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        children = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        _, err = process.communicate(timeout=patience(10))
        if process.returncode == 0:
            return kills, True
        assert process.returncode == -9, err.decode()
        _assert_all_die(children)
        if _is_done(tool):
            return kills + 1, False
    raise AssertionError(f"not done after {MOST_RUNS_PER_JOB} runs")


def _is_done(tool: Tool) -> bool:
    """It may be killed when all is said and done."""
    journal = tool.home / "journal.db"
    return journal.exists() and any(record.state is State.DONE for record in Journal(journal).records())


def _assert_all_die(children: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(children, timeout=patience(1))
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == [], "an encoder outlived its parent"


def _assert_well_ended(tool: Tool, limit: str, is_tidied: bool) -> None:
    output = tool.folder / "out.mp4"
    assert output.stat().st_size <= int(limit.removesuffix("KB")) * 1000
    assert len(times_in(output)) == len(times_in(tool.folder / "scenes.mp4"))
    assert decode_complaints(output) == ""
    assert tool.files == {"scenes.mp4", "out.mp4"}, "something was left beside the output"
    records = Journal(tool.home / "journal.db").records()
    assert [record.state for record in records] == [State.DONE]
    with closing(sqlite3.connect(tool.home / "journal.db")) as db:
        assert made_again(db) == [], "a finished segment was encoded twice"
    if not is_tidied:
        # Killed after it was done and before it had tidied up: that is left to the next run.
        assert tool("jobs", "clean").code == 0
    assert list((tool.home / "work").iterdir()) == []


def _facts(path: Path) -> tuple[str, int]:
    return hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns
