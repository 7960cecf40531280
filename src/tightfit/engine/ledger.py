"""What was sent to the cloud, in the journal: lines that are only ever added to, folded into entries when read."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from tightfit.cloud.ledger import SETTLED, Call, Entry, Stage
from tightfit.engine.journal import Journal
from tightfit.errors import IllegalTransition

_COLUMNS = "key, attempt, call, job, body, cost, stage, data"
_OF_ONE = f"SELECT {_COLUMNS} FROM cloud_calls WHERE key = ? AND attempt = ? ORDER BY number"


class JournalLedger:
    """A ``cloud.ledger.Ledger``; a line is durable when the call returns."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def intend(self, entry: Entry) -> None:
        with self._journal.writing() as db:
            if _folded(db.execute(_OF_ONE, (entry.key, entry.attempt))):
                raise IllegalTransition(f"Attempt {entry.attempt} of {entry.key} was begun before.")
            _add(db, entry, Stage.INTENDED, entry.data)

    def note(self, entry: Entry, stage: Stage, outcome: Mapping[str, Any] | None = None) -> Entry:
        with self._journal.writing() as db:
            found = _folded(db.execute(_OF_ONE, (entry.key, entry.attempt)))
            # Being told the same end twice, or a late one after a cancel, changes nothing.
            if not found:
                raise IllegalTransition(f"Attempt {entry.attempt} of {entry.key} was never begun.")
            if found[0].stage in SETTLED:
                return found[0]
            _add(db, entry, stage, outcome or {})
        return replace(found[0], stage=stage, outcome={**found[0].outcome, **(outcome or {})})

    def latest(self, key: str) -> Entry | None:
        with self._journal.reading() as db:
            rows = db.execute(f"SELECT {_COLUMNS} FROM cloud_calls WHERE key = ? ORDER BY attempt, number", (key,))
            found = _folded(rows)
        return found[-1] if found else None

    def open_calls(self, job: str | None = None) -> list[Entry]:
        with self._journal.reading() as db:
            where, values = ("WHERE job = ?", (job,)) if job is not None else ("", ())
            found = _folded(db.execute(f"SELECT {_COLUMNS} FROM cloud_calls {where} ORDER BY number", values))
        return [entry for entry in found if entry.is_open]

    def all_calls(self, job: str | None = None) -> list[Entry]:
        """Every attempt, oldest first: what the credits of a job went into."""
        with self._journal.reading() as db:
            where, values = ("WHERE job = ?", (job,)) if job is not None else ("", ())
            return _folded(db.execute(f"SELECT {_COLUMNS} FROM cloud_calls {where} ORDER BY number", values))


def _add(db: sqlite3.Connection, entry: Entry, stage: Stage, data: Mapping[str, Any]) -> None:
    row = (entry.key, entry.attempt, entry.call.value, entry.job, entry.body, entry.cost, stage.value, json.dumps(data))
    db.execute(f"INSERT INTO cloud_calls ({_COLUMNS}, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, time.time()))


def _folded(rows: Iterable[tuple[Any, ...]]) -> list[Entry]:
    entries: dict[tuple[str, int], Entry] = {}
    for key, attempt, call, job, body, cost, stage, data in rows:
        before, facts = entries.get((key, attempt)), json.loads(data)
        if before is None:
            entries[key, attempt] = Entry(key, attempt, Call(call), job, body, cost, facts)
        else:
            outcome = {**before.outcome, **facts}
            entries[key, attempt] = replace(before, stage=Stage(stage), outcome=outcome)
    return list(entries.values())
