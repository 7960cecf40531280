"""Killed, stopped, changed under its feet: a job goes on where it was, and says so."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from support.command import Ran, Tool
from support.footage import decode_complaints
from support.patience import patience

from tightfit.domain.job import JobRecord, Kind, State
from tightfit.engine.journal import Journal

LIMIT = "150KB"


@pytest.fixture
def scenes(tool: Tool, made_scenes: Path) -> Path:
    return Path(shutil.copy(made_scenes, tool.folder / "scenes.mp4"))


def journal_of(tool: Tool) -> Journal:
    return Journal(tool.home / "journal.db")


def the_job(tool: Tool) -> JobRecord:
    records = journal_of(tool).records()
    assert len(records) == 1
    return records[0]


def begun(tool: Tool, *, pieces: int) -> subprocess.Popen[bytes]:
    """A run that has finished this many pieces."""
    process = tool.start("scenes.mp4", LIMIT, "-o", "out.mp4", stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + patience(60)
    while time.monotonic() < deadline and process.poll() is None:
        if (tool.home / "journal.db").exists():
            records = journal_of(tool).records()
            if records and records[0].state is State.RUNNING and records[0].pieces >= pieces:
                return process
        time.sleep(0.02)
    raise AssertionError("it ended before it could be met at work")


def killed(tool: Tool, *, pieces: int) -> JobRecord:
    process = begun(tool, pieces=pieces)
    process.kill()
    process.communicate(timeout=patience(5))
    return the_job(tool)


def assert_well_made(tool: Tool, ran: Ran) -> None:
    assert ran.code == 0, ran.err
    output = tool.folder / "out.mp4"
    assert output.stat().st_size <= 150_000
    assert decode_complaints(output) == ""
    assert tool.files == {"scenes.mp4", "out.mp4"}
    assert list((tool.home / "work").iterdir()) == []
    assert the_job(tool).state is State.DONE


@pytest.mark.usefixtures("scenes")
def test_a_killed_run_goes_on_with_its_pieces_when_the_command_is_given_again(tool: Tool):
    before = killed(tool, pieces=2)
    ran = tool("scenes.mp4", LIMIT, "-o", "out.mp4")
    assert f"resuming job {before.id}: {before.pieces} finished pieces" in ran.err
    assert_well_made(tool, ran)
    with sqlite3.connect(tool.home / "journal.db") as db:
        made = [json.loads(row[0]) for row in db.execute("SELECT data FROM events WHERE kind = 'made'")]
    first_encodes = [piece["segment"] for piece in made if not piece["again"]]
    assert len(first_encodes) == len(set(first_encodes)), "a finished segment was encoded twice"


@pytest.mark.usefixtures("scenes")
def test_jobs_resume_goes_on_with_everything_that_was_interrupted(tool: Tool):
    process = begun(tool, pieces=1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=patience(5))
    assert process.returncode == 130
    job = the_job(tool)
    assert job.state is State.INTERRUPTED
    assert f"tightfit jobs resume {job.id}" in err.decode().splitlines()[-1]
    ran = tool("jobs", "resume", "--json")
    assert_well_made(tool, ran)
    assert [result["status"] for result in ran.results] == ["met"]


@pytest.mark.usefixtures("scenes")
def test_a_second_process_is_told_who_is_at_work(tool: Tool):
    process = begun(tool, pieces=1)
    process.send_signal(signal.SIGSTOP)
    try:
        ran = tool("scenes.mp4", LIMIT, "-o", "out.mp4")
        assert ran.code == 7
        assert f"process {process.pid}" in ran.complaint
        listed = tool("jobs", "--json").lines[0]["jobs"]
        assert [(job["state"], job["pid"], job["can_resume"]) for job in listed] == [("running", process.pid, False)]
        refused = tool("jobs", "cancel", listed[0]["id"])
        assert refused.code == 7
    finally:
        process.kill()
        process.communicate(timeout=patience(5))


def test_a_source_that_changed_under_a_job_stops_it_and_nothing_is_touched(tool: Tool, scenes: Path):
    job = killed(tool, pieces=1)
    kept = sorted(path.name for path in (tool.home / "work" / job.id).glob("*-*.nut"))
    content = bytearray(scenes.read_bytes())
    content[len(content) // 3] ^= 0xFF
    scenes.write_bytes(content)
    ran = tool("jobs", "resume", job.id)
    assert ran.code == 3
    assert "scenes.mp4" in ran.complaint
    assert tool.files == {"scenes.mp4"}
    assert sorted(path.name for path in (tool.home / "work" / job.id).glob("*-*.nut")) == kept


@pytest.mark.usefixtures("scenes")
def test_a_damaged_piece_is_noticed_and_made_again(tool: Tool):
    job = killed(tool, pieces=2)
    folder = tool.home / "work" / job.id
    piece = folder / job.work[-1].data["parts"][0]["file"]
    content = bytearray(piece.read_bytes())
    content[len(content) // 2] ^= 0xFF
    piece.write_bytes(content)
    assert_well_made(tool, tool("jobs", "resume", job.id[:12]))


@pytest.mark.usefixtures("scenes")
def test_a_job_that_was_killed_before_it_could_say_it_was_done_is_done(tool: Tool):
    assert tool("scenes.mp4", LIMIT, "-o", "out.mp4").code == 0
    made = (tool.folder / "out.mp4").stat()
    with sqlite3.connect(tool.home / "journal.db") as db:
        db.execute("DELETE FROM events WHERE kind = ?", (Kind.PUBLISHED.value,))
    begun_at = time.monotonic()
    ran = tool("scenes.mp4", LIMIT, "-o", "out.mp4", "--json")
    assert time.monotonic() - begun_at < patience(3)
    assert_well_made(tool, ran)
    assert ran.results[0]["bytes"] == made.st_size
    assert (tool.folder / "out.mp4").stat().st_ino == made.st_ino


@pytest.mark.usefixtures("scenes")
def test_a_job_that_is_given_up_leaves_nothing(tool: Tool):
    job = killed(tool, pieces=1)
    ran = tool("jobs", "cancel", job.id)
    assert ran.code == 0
    assert the_job(tool).state is State.CANCELLED
    assert tool.files == {"scenes.mp4"}
    assert list((tool.home / "work").iterdir()) == []
    assert tool("jobs", "resume", job.id).code == 2
    assert tool("jobs", "clean").code == 0
    assert journal_of(tool).records() == []


@pytest.mark.parametrize("words", [("show", "XYZ"), ("resume", "XYZ"), ("cancel", "XYZ"), ("launch",)])
def test_a_job_that_is_not_there_is_a_usage_error(tool: Tool, words: tuple[str, ...]):
    ran = tool("jobs", *words)
    assert ran.code == 2
    assert "tightfit jobs" in ran.complaint
