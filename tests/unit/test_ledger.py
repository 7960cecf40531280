"""The ledger: what was about to be sent is known after any death, and an end once written stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tightfit.cloud.ledger import Call, Entry, Stage
from tightfit.domain.job import Kind
from tightfit.engine.journal import Journal
from tightfit.engine.ledger import JournalLedger
from tightfit.errors import IllegalTransition


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.db")


@pytest.fixture
def ledger(journal: Journal) -> JournalLedger:
    return JournalLedger(journal)


def entry(key: str = "k", attempt: int = 1, job: str = "J", call: Call = Call.RENDER) -> Entry:
    return Entry(key, attempt, call, job, "hash", cost=3, data={"id": f"{key}_{attempt}"})


def test_an_intent_is_there_for_the_next_process(journal: Journal, ledger: JournalLedger):
    ledger.intend(entry())
    assert JournalLedger(Journal(journal.path)).latest("k") == entry()
    assert ledger.open_calls() == [entry()]


def test_the_same_attempt_is_not_begun_twice(ledger: JournalLedger):
    ledger.intend(entry())
    with pytest.raises(IllegalTransition):
        ledger.intend(entry())
    ledger.intend(entry(attempt=2))
    latest = ledger.latest("k")
    assert latest is not None
    assert latest.attempt == 2


def test_an_end_of_what_was_never_begun_is_refused(ledger: JournalLedger):
    with pytest.raises(IllegalTransition):
        ledger.note(entry(), Stage.DONE)


def test_outcomes_add_up_and_the_first_end_stays(ledger: JournalLedger):
    ledger.intend(entry())
    ledger.note(entry(), Stage.ACCEPTED, {"id": "theirs"})
    noted = ledger.note(entry(), Stage.CANCELLED, {"why": "slow"})
    assert noted.outcome == {"id": "theirs", "why": "slow"}
    assert ledger.note(entry(), Stage.DONE) == noted
    assert ledger.latest("k") == noted
    assert ledger.open_calls() == []


def test_open_calls_are_told_by_job_and_in_order(ledger: JournalLedger):
    for key, job in (("b", "J"), ("a", "J"), ("c", "K")):
        ledger.intend(entry(key, job=job))
    ledger.note(entry("b"), Stage.FAILED)
    assert [e.key for e in ledger.open_calls("J")] == ["a"]
    assert [e.key for e in ledger.open_calls()] == ["a", "c"]
    assert [e.key for e in ledger.all_calls("J")] == ["b", "a"]


def test_what_may_still_run_at_the_service_is_not_forgotten_with_its_job(journal: Journal, ledger: JournalLedger):
    journal.submit("J", "print", {})
    ledger.intend(entry("done"))
    ledger.note(entry("done"), Stage.DONE)
    ledger.intend(entry("runs"))
    ledger.note(entry("runs"), Stage.ACCEPTED, {"id": "theirs"})
    journal.append("J", Kind.CANCELLED)
    journal.forget("J")
    assert [(e.key, e.outcome) for e in ledger.all_calls("J")] == [("runs", {"id": "theirs"})]


def test_a_journal_of_the_version_before_is_brought_up(tmp_path: Path):
    import sqlite3

    from tightfit.engine import journal as module

    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as db:
        for statement in module._MIGRATIONS[0].split(";"):
            db.execute(statement)
        db.execute("PRAGMA user_version = 1")
    JournalLedger(Journal(path)).intend(entry())
