"""The journal: what was appended is there after any death, in order, for every process."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from support.command import ended_with_the_test

from tightfit.domain.job import Kind, State
from tightfit.engine.journal import Journal
from tightfit.errors import IllegalTransition, OutputError

ASKED = {"source": "/clips/a.mp4", "target": {"text": "5MB"}}


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "home" / "journal.db")


def test_a_job_is_what_its_events_say(journal: Journal):
    journal.submit("A", "print", ASKED)
    assert journal.append("A", Kind.STARTED, {"content": "c"}).state is State.RUNNING
    record = Journal(journal.path).record("A")
    assert record is not None
    assert (record.state, record.request) == (State.RUNNING, ASKED)


def test_an_illegal_event_is_not_written(journal: Journal):
    journal.submit("A", "print", ASKED)
    with pytest.raises(IllegalTransition):
        journal.append("A", Kind.PUBLISHED)
    record = journal.record("A")
    assert record is not None
    assert record.state is State.SUBMITTED


def test_a_request_that_is_an_unfinished_job_already_is_that_job(journal: Journal):
    assert journal.submit("A", "same", ASKED) == "A"
    assert journal.submit("B", "same", ASKED) == "A"
    assert journal.submit("C", "other", ASKED) == "C"
    journal.append("A", Kind.CANCELLED)
    assert journal.submit("D", "same", ASKED) == "D"
    assert [record.id for record in journal.records()] == ["A", "C", "D"]


def test_only_what_is_finished_is_forgotten(journal: Journal):
    for name in ("A", "B"):
        journal.submit(name, name, ASKED)
    journal.append("A", Kind.CANCELLED)
    journal.forget("A")
    journal.forget("B")
    assert [record.id for record in journal.records()] == ["B"]


def test_the_file_is_in_wal_mode_and_names_its_version(journal: Journal):
    with sqlite3.connect(journal.path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA user_version").fetchone() == (4,)


def test_a_journal_of_a_newer_version_is_left_alone(journal: Journal):
    with sqlite3.connect(journal.path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="newer"):
        Journal(journal.path)


def damaged_in_the_middle(path: Path) -> None:
    journal = Journal(path)
    for n in range(10):
        journal.submit(f"J{n}", f"print{n}", {"source": "x" * 5000})
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    content = bytearray(path.read_bytes())
    content[4096 : 3 * 4096] = b"\xa5" * 2 * 4096
    path.write_bytes(content)


@pytest.mark.parametrize("harm", ["no database", "pages overwritten", "cut short"])
def test_a_damaged_journal_is_set_aside_whole_and_a_new_one_begun(tmp_path: Path, harm: str):
    path = tmp_path / "journal.db"
    if harm == "no database":
        path.write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    else:
        damaged_in_the_middle(path)
        if harm == "cut short":
            path.write_bytes(path.read_bytes()[:5000])
    content = path.read_bytes()
    journal = Journal(path)
    aside = tmp_path / "journal.db.damaged-1"
    assert str(aside) in journal.notice
    assert aside.read_bytes() == content
    known = {record.id for record in journal.records()}
    assert f"{len(known) or 'no'} job" in journal.notice
    journal.submit("A", "print", ASKED)
    again = Journal(path)
    assert (again.notice, {record.id for record in again.records()}) == ("", {*known, "A"})


PAGE = 4096


def test_every_row_on_a_sound_page_of_a_damaged_journal_is_taken_over(tmp_path: Path):
    """A hundred jobs, and then each page in turn is lost: no job comes back as anything but what it was, or less."""
    path = tmp_path / "whole" / "journal.db"
    journal = Journal(path)
    with journal.writing() as db:
        for n in range(100):
            rows = [("submitted", {"source": f"/{n}"}), ("started", {"content": "c"}), ("made", {"segment": n})]
            for kind, data in rows:
                db.execute(
                    "INSERT INTO events (job, at, kind, data) VALUES (?, 0, ?, ?)", (f"J{n}", kind, json.dumps(data))
                )
            db.execute("INSERT INTO requests VALUES (?, ?)", (f"J{n}", "print"))
    before = {record.id: record for record in journal.records()}
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole, most = path.read_bytes(), 0
    for page in range(1, len(whole) // PAGE):
        harmed = tmp_path / str(page) / "journal.db"
        harmed.parent.mkdir()
        harmed.write_bytes(whole[: page * PAGE] + b"\xa5" * PAGE + whole[(page + 1) * PAGE :])
        found = Journal(harmed)
        if not found.notice:
            continue
        records = {record.id: record for record in found.records()}
        assert all(record.request == before[name].request for name, record in records.items())
        assert all(record.work in (before[name].work, ()) for name, record in records.items())
        most = max(most, len(records))
        assert found.submit("A", "new", ASKED) == "A"
        assert Journal(harmed).notice == ""
    assert most == len(before), "an index can be lost without a job"


def test_a_second_damaged_journal_does_not_replace_the_first(tmp_path: Path):
    path = tmp_path / "journal.db"
    for n in (1, 2):
        path.write_bytes(b"rubbish %d " % n * 200)
        Journal(path)
    kept = sorted(tmp_path.glob("journal.db.damaged-*"))
    assert [b"rubbish 1" in kept[0].read_bytes(), b"rubbish 2" in kept[1].read_bytes()] == [True, True]


def test_a_row_that_makes_no_sense_is_told_in_a_sentence(journal: Journal):
    journal.submit("A", "print", ASKED)
    with closing(sqlite3.connect(journal.path)) as db, db:
        db.execute("INSERT INTO events (job, at, kind, data) VALUES ('A', 0, 'exploded', '{}')")
    with pytest.raises(IllegalTransition, match="job A"):
        journal.record("A")


@pytest.mark.parametrize("jump", [-365 * 86_400, 365 * 86_400])
def test_a_clock_that_jumps_by_a_year_changes_no_order_and_no_state(tmp_path: Path, jump: float):
    times = iter([1e9, 1e9 + jump, 1e9 + 1, 1e9 + jump, 1e9, 1e9 + jump])
    journal = Journal(tmp_path / "journal.db", clock=lambda: next(times))
    journal.submit("A", "print", ASKED)
    journal.append("A", Kind.STARTED, {"content": "c"})
    journal.append("A", Kind.MADE, {"segment": 0, "parts": []})
    journal.append("A", Kind.MADE, {"segment": 1, "parts": []})
    journal.submit("B", "other", ASKED)
    record = journal.record("A")
    assert record is not None
    assert (record.state, [event.data["segment"] for event in record.work]) == (State.RUNNING, [0, 1])
    assert [record.id for record in journal.records()] == ["A", "B"]
    journal.append("A", Kind.CANCELLED)
    assert journal.submit("C", "other", ASKED) == "B"


WRITER = """
import sys
import time
from pathlib import Path
from tightfit.engine.journal import Journal
from tightfit.domain.job import Kind
journal = Journal(Path(sys.argv[1]))
journal.submit("A", "print", {"source": "x"})
journal.append("A", Kind.STARTED, {"content": "c"})
for n in range(100_000):
    journal.append("A", Kind.MADE, {"segment": n, "parts": []})
    print(n, flush=True)
"""


def test_what_was_said_to_be_written_survives_a_kill(tmp_path: Path):
    path = tmp_path / "journal.db"
    argv = [sys.executable, "-c", WRITER, str(path)]
    writer = ended_with_the_test(subprocess.Popen(argv, stdout=subprocess.PIPE))
    assert writer.stdout is not None
    told = -1
    for line in writer.stdout:
        told = int(line)
        if told == 20:
            os.kill(writer.pid, signal.SIGKILL)
    writer.wait()
    record = Journal(path).record("A")
    assert record is not None
    assert record.pieces >= told + 1
    assert [event.data["segment"] for event in record.work] == list(range(record.pieces))


def test_events_come_back_as_they_were_with_their_time(journal: Journal):
    begun = time.time()
    journal.submit("B", "print", ASKED)
    journal.submit("A", "another print", ASKED)
    journal.append("B", Kind.STARTED, {"content": "c"})
    journal.append("B", Kind.MADE, {"segment": 3})
    journal.append("B", Kind.INTERRUPTED)
    first, second = journal.records()
    assert (first.id, second.id) == ("B", "A")
    assert begun <= first.submitted_at <= first.changed_at <= time.time()
    assert [event.data for event in first.work] == [{"segment": 3}]
    assert begun <= first.work[0].at <= time.time()
    assert journal.record("C") is None
    found = journal.record("B")
    assert found == first


def test_an_illegal_event_names_its_job(journal: Journal):
    journal.submit("A", "print", ASKED)
    with pytest.raises(IllegalTransition, match=r"^Job A is submitted"):
        journal.append("A", Kind.PUBLISHED)


def test_a_newer_journal_is_told_in_a_sentence(journal: Journal):
    with sqlite3.connect(journal.path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError) as caught:
        Journal(journal.path)
    assert caught.value.message == "The job journal was written by a newer tightfit."
    assert caught.value.hint == "Update tightfit, or name another TIGHTFIT_HOME."
