"""What can still be read of a damaged journal: row by row, past the pages that are lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tightfit.cloud.ledger import Call, Stage
from tightfit.domain.job import Event, JobRecord, Kind, after
from tightfit.engine import facts
from tightfit.errors import IllegalTransition

_EVENTS = "job, kind, data, at"
_CALLS = "key, attempt, call, job, body, cost, stage, data, at"
# A lost page takes a few dozen rows with it, and one above it a few hundred such pages.
_MOST_LOST = 10_000

Jobs = dict[str, list[Event]]
Calls = list[tuple[Any, ...]]


def salvaged(damaged: Path) -> tuple[Jobs, Calls]:
    """The jobs that ``damaged`` still tells of, and the calls to a service; its file and log are left as they are.

    Of a job those events are kept that can follow one another. A piece that they name is hashed before it is used, and
    one that they don't name any more is made again: what is lost here costs work, and never a wrong file.
    """
    try:
        with TemporaryDirectory(prefix="tightfit-journal-") as folder:
            copy = Path(folder) / "journal.db"
            for ending in ("", "-wal"):
                part = damaged.with_name(damaged.name + ending)
                if part.exists():
                    shutil.copyfile(part, copy.with_name(copy.name + ending))
            with closing(sqlite3.connect(copy)) as db:
                return _jobs_in(db), list(_calls_in(db))
    except (sqlite3.Error, OSError):
        return {}, []


def insert(db: sqlite3.Connection, jobs: Jobs, calls: Calls) -> None:
    """Write what was ``salvaged`` into the new journal, within a transaction of the caller's."""
    for job, events in jobs.items():
        db.execute("INSERT INTO requests VALUES (?, ?)", (job, facts.fingerprint(events[0].data)))
        rows = [(job, event.kind.value, json.dumps(event.data), event.at) for event in events]
        db.executemany(f"INSERT INTO events ({_EVENTS}) VALUES (?, ?, ?, ?)", rows)
    db.executemany(f"INSERT INTO cloud_calls ({_CALLS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", calls)


def _jobs_in(db: sqlite3.Connection) -> Jobs:
    records: dict[str, JobRecord] = {}
    jobs: Jobs = {}
    for job, kind, data, at in _rows(db, "events", _EVENTS):
        try:
            event = Event(Kind(kind), _mapping(data), float(at))
            records[str(job)] = after(records.get(job, JobRecord(job)), event)
        except (IllegalTransition, ValueError, KeyError, TypeError):
            continue
        jobs.setdefault(str(job), []).append(event)
    return jobs


def _calls_in(db: sqlite3.Connection) -> Iterator[tuple[Any, ...]]:
    """Of each call what follows its intention: without that nothing is known of it."""
    begun = set()
    for row in _rows(db, "cloud_calls", _CALLS):
        key, attempt, call, _, _, _, stage, data, _ = row
        try:
            Call(call)
            _mapping(data)
            if Stage(stage) is Stage.INTENDED:
                begun.add((key, attempt))
        except (ValueError, TypeError):
            continue
        if (key, attempt) in begun:
            yield row


def _mapping(data: str) -> Mapping[str, Any]:
    """Raises ValueError where ``data`` is no object."""
    found = json.loads(data)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def _rows(db: sqlite3.Connection, table: str, columns: str) -> Iterator[tuple[Any, ...]]:
    last = lost = 0
    while lost < _MOST_LOST:
        try:
            rows = db.execute(f"SELECT number, {columns} FROM {table} WHERE number > ? ORDER BY number", (last,))
            for number, *row in rows:
                last, lost = number, 0
                yield tuple(row)
            return
        except sqlite3.DatabaseError:
            last += 1
            lost += 1
