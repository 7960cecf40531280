"""The journal: what was appended is there after any death, in order, for every process."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_the_newest_unfinished_job_with_the_same_request_is_found(journal: Journal):
    for name in ("A", "B", "C"):
        journal.submit(name, "same", ASKED)
        journal.append(name, Kind.STARTED, {"content": "c"})
    journal.append("C", Kind.CANCELLED)
    journal.submit("D", "other", ASKED)
    found = journal.unfinished_like("same")
    assert found is not None
    assert found.id == "B"
    assert journal.unfinished_like("never") is None


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
        assert db.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_journal_of_a_newer_version_is_left_alone(journal: Journal):
    with sqlite3.connect(journal.path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(OutputError, match="newer"):
        Journal(journal.path)


def test_a_journal_that_is_none_says_so_in_a_sentence(tmp_path: Path):
    path = tmp_path / "journal.db"
    path.write_bytes(b"not a database at all, but long enough to be taken for one" * 20)
    with pytest.raises(OutputError, match=r"journal\.db"):
        Journal(path)


WRITER = """
import sys
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
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
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


def test_the_state_folder_is_measured_while_others_work_in_it(tmp_path: Path):
    from tightfit.engine.durable import keep_small
    from tightfit.settings import Settings

    settings = Settings(home=tmp_path)
    (tmp_path / "cache").mkdir()
    kept = tmp_path / "cache" / "analysis-1.json"
    kept.write_text("{}")
    (tmp_path / "cache" / "gone").symlink_to(tmp_path / "nowhere")
    keep_small(settings)
    assert kept.exists()
