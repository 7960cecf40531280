"""What goes wrong in the middle of a job: it stops in a sentence, keeps what is finished, and goes on when asked."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import psutil
import pytest
from support.command import Ran, Tool, ended_with_the_test
from support.faulty import faulty_ffmpeg
from support.footage import decode_complaints, times_in
from support.leavings import made_again
from support.patience import patience
from support.tracing import require_strace

from tightfit.domain.job import Event, JobRecord, Kind, State
from tightfit.engine.journal import Journal

LIMIT, LIMIT_BYTES = "30KB", 30_000
YEAR_S = 365 * 86_400
ONE_PIECE_DONE = "journal.made:after"


@pytest.fixture
def cuts(tool: Tool, made_cuts: Path) -> Iterator[Path]:
    """Three segments in ``cuts.mp4``; whatever a test does, it is the same afterwards."""
    path = Path(shutil.copy(made_cuts, tool.folder / "cuts.mp4"))
    (tool.folder / "to").mkdir()
    yield path
    assert path.read_bytes() == made_cuts.read_bytes()


def compress(tool: Tool, **environment: str) -> Ran:
    return tool("cuts.mp4", LIMIT, "-o", "to/out.mp4", **environment)


def spoiled(tool: Tool, fault: str, **plan: Any) -> dict[str, str]:
    program = faulty_ffmpeg(tool.home / "faulty", imageio_ffmpeg.get_ffmpeg_exe(), fault, **plan)
    return {"TIGHTFIT_FFMPEG": str(program)}


def the_job(tool: Tool) -> JobRecord:
    [record] = Journal(tool.home / "journal.db").records()
    return record


def events(tool: Tool) -> list[Event]:
    return list(the_job(tool).work)


def assert_stopped(tool: Tool, ran: Ran, code: int) -> JobRecord:
    """Nothing was written, and what was finished is kept."""
    assert ran.code == code, ran.err
    job = the_job(tool)
    assert f"tightfit jobs resume {job.id}" in ran.said[-1]
    assert (job.state, job.is_unfinished, job.pieces > 0) == (State.FAILED, True, True)
    # What is in a folder that became read-only can't be removed; it is when the job goes on.
    assert {name for name in tool.files if not name.endswith(".part")} <= {"cuts.mp4", "to"}
    return job


def assert_goes_on(tool: Tool) -> None:
    before = the_job(tool)
    ran = tool("jobs", "resume", before.id)
    assert ran.code == 0, ran.err
    assert_well_made(tool)


def assert_well_made(tool: Tool) -> None:
    output = tool.folder / "to" / "out.mp4"
    assert output.stat().st_size <= LIMIT_BYTES
    assert decode_complaints(output) == ""
    assert len(times_in(output)) == len(times_in(tool.folder / "cuts.mp4"))
    assert tool.files == {"cuts.mp4", "to", "to/out.mp4"}
    assert list((tool.home / "work").iterdir()) == []
    with closing(sqlite3.connect(tool.home / "journal.db")) as db:
        assert made_again(db) == [], "a finished segment was encoded twice"


def test_a_source_that_can_no_longer_be_read_stops_the_job_and_it_goes_on_when_it_can(tool: Tool, cuts: Path):
    require_strace()
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(cuts), "-p", "PARENT"]
    failing = [*trace, "-e", "trace=read,pread64", "-e", "inject=read,pread64:error=EIO"]
    ran = compress(tool, **spoiled(tool, "meanwhile", times=1, command=failing, pause_s=1.5))
    assert_stopped(tool, ran, 3)
    assert "cuts.mp4 can't be read: Input/output error" in ran.said[-1]
    assert_goes_on(tool)


@pytest.mark.parametrize("harm", [["truncate", "-s", "30000"], ["rm"]], ids=["cut short", "removed"])
def test_a_source_that_is_changed_while_it_is_encoded_is_not_taken_for_a_damaged_one(
    tool: Tool, made_cuts: Path, harm: list[str]
):
    source = Path(shutil.copy(made_cuts, tool.folder / "cuts.mp4"))
    (tool.folder / "to").mkdir()
    plan = {"times": 1, "first": 1, "command": [*harm, str(source)], "pause_s": 0.3}
    ran = compress(tool, **spoiled(tool, "meanwhile", **plan))
    assert ran.code == 3
    assert "changed while" in ran.complaint or "does not exist" in ran.complaint
    assert tool.files <= {"cuts.mp4", "to"}


@pytest.mark.usefixtures("cuts")
def test_a_last_look_that_was_killed_for_want_of_memory_is_taken_again(tool: Tool):
    ran = compress(tool, **spoiled(tool, "killed", on="-xerror", times=1))
    assert ran.code == 0, ran.err
    assert_well_made(tool)


@pytest.mark.usefixtures("cuts")
def test_an_ffmpeg_that_is_removed_in_the_middle_is_named(tool: Tool):
    removed = ["rm", str(tool.home / "faulty" / "ffmpeg")]
    ran = compress(tool, **spoiled(tool, "meanwhile", times=1, command=removed, pause_s=0.3))
    assert_stopped(tool, ran, 1)
    assert "ffmpeg is no longer at" in ran.said[-1]
    assert_goes_on(tool)


@pytest.mark.usefixtures("cuts")
def test_a_disk_that_fills_up_leaves_a_job_that_goes_on(tool: Tool):
    ran = compress(tool, **spoiled(tool, "full", times=1000, first=1))
    assert_stopped(tool, ran, 6)
    assert "full" in ran.said[-1]
    assert_goes_on(tool)


@pytest.mark.usefixtures("cuts")
def test_pieces_of_another_ffmpeg_are_not_mixed_with_those_of_the_new_one(tool: Tool):
    assert compress(tool, TIGHTFIT_TEST_CRASH=ONE_PIECE_DONE).code == 137
    old = {event.data["by"] for event in events(tool)}
    ran = compress(tool, **spoiled(tool, "none", times=0, version="8.8-of-another-house"))
    assert ran.code == 0, ran.err
    new = [event.data for event in events(tool) if event.kind is Kind.MADE and event.data["by"] not in old]
    assert {piece["segment"] for piece in new if not piece["again"]} == {0, 1, 2}
    assert decode_complaints(tool.folder / "to" / "out.mp4") == ""


@pytest.mark.usefixtures("cuts")
def test_a_folder_that_vanishes_before_the_file_is_named_costs_no_piece(tool: Tool):
    gone = ["rm", "-rf", str(tool.folder / "to")]
    ran = compress(tool, **spoiled(tool, "meanwhile", on="-xerror", times=1, command=gone, pause_s=0.3))
    assert_stopped(tool, ran, 6)
    before = events(tool)
    assert "to does not exist" in ran.said[-1]
    (tool.folder / "to").mkdir()
    assert_goes_on(tool)
    assert events(tool) == before, "something was encoded again though only the name was missing"


@pytest.fixture
def disk_of_the_output(tool: Tool) -> Iterator[Path]:
    """A file system of its own at ``to``, where this machine lets us have one."""
    folder = tool.folder / "to"
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("no disk that can become read-only: mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_folder_that_becomes_read_only_before_the_file_is_named_costs_no_piece(
    tool: Tool,
    cuts: Path,  # noqa: ARG001 - the source has to be there before its folder is mounted over
    disk_of_the_output: Path,
):
    locked = ["mount", "-o", "remount,ro", str(disk_of_the_output)]
    ran = compress(tool, **spoiled(tool, "meanwhile", on="-xerror", times=1, command=locked, pause_s=0.3))
    assert_stopped(tool, ran, 6)
    before = events(tool)
    subprocess.run(["mount", "-o", "remount,rw", disk_of_the_output], check=True)
    assert_goes_on(tool)
    assert events(tool) == before, "something was encoded again though only the name was missing"


def test_a_disk_that_is_filled_by_others_before_the_file_is_whole_costs_no_piece(
    tool: Tool,
    cuts: Path,  # noqa: ARG001 - as above
    disk_of_the_output: Path,
):
    subprocess.run(["mount", "-o", "remount,size=1m", disk_of_the_output], check=True)
    filler = disk_of_the_output / "filler"
    filling = ["dd", "if=/dev/zero", f"of={filler}", "bs=4k"]
    ran = compress(tool, **spoiled(tool, "meanwhile", times=1, first=2, command=filling, pause_s=0.5))
    filler.unlink()
    assert_stopped(tool, ran, 6)
    assert "full" in ran.said[-1]
    assert_goes_on(tool)


@pytest.mark.usefixtures("cuts")
def test_a_job_whose_first_run_lies_in_the_future_goes_on(tool: Tool):
    assert compress(tool, TIGHTFIT_TEST_CRASH=ONE_PIECE_DONE).code == 137
    with closing(sqlite3.connect(tool.home / "journal.db")) as db, db:
        db.execute("UPDATE events SET at = at + ?", (YEAR_S,))
    for path in [*(tool.home / "work").rglob("*"), *(tool.home / "cache").iterdir()]:
        at = path.stat().st_mtime + YEAR_S
        os.utime(path, (at, at))
    assert tool("jobs").code == 0
    assert_goes_on(tool)


def test_a_clock_that_jumps_while_a_job_runs_changes_nothing(tool: Tool, cuts: Path):  # noqa: ARG001 - the source
    """Every call of the wall clock is a year before or after the one before; no other clock is touched."""
    preload = tool.home / "jumping"
    preload.mkdir()
    (preload / "sitecustomize.py").write_text(JUMPING)
    ran = compress(tool, PYTHONPATH=f"{preload}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    assert ran.code == 0, ran.err
    with closing(sqlite3.connect(tool.home / "journal.db")) as db:
        times = [row[0] for row in db.execute("SELECT at FROM events ORDER BY number")]
    assert max(times) - min(times) > YEAR_S
    assert_well_made(tool)


JUMPING = """
import itertools, time
now, now_ns, years = time.time, time.time_ns, itertools.cycle([0, 1, -1])
time.time = lambda: now() + next(years) * 365 * 86400
time.time_ns = lambda: now_ns() + next(years) * 365 * 86400 * 10**9
"""


STOPPABLE = """
import sys, anyio
from tightfit.media import process
done = anyio.run(lambda: process.run([sys.argv[1], "-c", sys.argv[2]], limit_s=2.0))
print(done.returncode)
"""


def test_a_child_that_slept_with_us_is_not_taken_for_one_that_hangs(tmp_path: Path):
    """A closed laptop or Ctrl-Z: it has worked for one second of its two when it is woken after four."""
    shell, begun = Path(__file__).parents[1] / "support" / "sh", tmp_path / "begun"
    script = f"touch {begun}; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.1; done"
    argv = [sys.executable, "-c", STOPPABLE, str(shell), script]
    ours = ended_with_the_test(subprocess.Popen(argv, stdout=subprocess.PIPE))
    _wait_for(begun.exists)
    both = [psutil.Process(ours.pid), *psutil.Process(ours.pid).children(recursive=True)]
    for process in both:
        process.send_signal(signal.SIGSTOP)
    time.sleep(4)
    for process in reversed(both):
        process.send_signal(signal.SIGCONT)
    out, _ = ours.communicate(timeout=patience(20))
    assert out.strip() == b"0"


def test_a_child_that_hangs_is_ended_though_we_are_awake(tmp_path: Path):
    shell = Path(__file__).parents[1] / "support" / "sh"
    begun = time.monotonic()
    ours = subprocess.run(
        [sys.executable, "-c", STOPPABLE, str(shell), "sleep 60"], stdout=subprocess.PIPE, cwd=tmp_path
    )
    assert ours.stdout.strip() == b"-9"
    assert time.monotonic() - begun < patience(20)


def _wait_for(what: Any) -> None:
    deadline = time.monotonic() + patience(20)
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.usefixtures("cuts")
def test_a_journal_that_is_damaged_between_two_runs_is_set_aside_and_said_so(tool: Tool):
    assert compress(tool, TIGHTFIT_TEST_CRASH=ONE_PIECE_DONE).code == 137
    journal = tool.home / "journal.db"
    for path in tool.home.glob("journal.db-*"):
        path.unlink()
    journal.write_bytes(b"\0" * journal.stat().st_size)
    ran = compress(tool)
    assert ran.code == 0, ran.err
    assert "journal.db.damaged-1" in ran.err
    assert "Traceback" not in ran.err
    assert_well_made(tool)


@pytest.mark.usefixtures("cuts")
def test_a_job_that_can_still_be_read_in_a_damaged_journal_goes_on_with_its_pieces(tool: Tool):
    assert compress(tool, TIGHTFIT_TEST_CRASH=ONE_PIECE_DONE).code == 137
    before = the_job(tool)
    journal = tool.home / "journal.db"
    with closing(sqlite3.connect(journal)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'events_by_job'").fetchone()[0]
    content = bytearray(journal.read_bytes())
    content[(root - 1) * 4096 : root * 4096] = b"\xa5" * 4096
    journal.write_bytes(content)
    ran = compress(tool)
    assert ran.code == 0, ran.err
    assert "1 job could be read from it" in ran.err
    assert f"resuming job {before.id}: 1 finished piece" in ran.err
    assert_well_made(tool)


@pytest.mark.usefixtures("cuts")
def test_a_job_that_is_given_up_twice_because_the_first_time_crashed_leaves_nothing(tool: Tool):
    assert compress(tool, TIGHTFIT_TEST_CRASH=ONE_PIECE_DONE).code == 137
    job = the_job(tool)
    assert tool("jobs", "cancel", job.id, TIGHTFIT_TEST_CRASH="journal.cancelled:after").code == 137
    assert tool("jobs", "cancel", job.id).code in (0, 2)
    assert the_job(tool).state is State.CANCELLED
    assert tool("jobs", "clean").code == 0
    assert list((tool.home / "work").iterdir()) == []
    assert tool.files == {"cuts.mp4", "to"}
