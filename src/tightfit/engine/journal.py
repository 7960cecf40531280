"""The one SQLite file that survives everything: an append-only list of events (WAL, synchronous=FULL).

A row is durable when ``append`` returns. What a job is follows from its rows alone (``domain.job``).
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from tightfit.domain.job import Event, JobRecord, Kind, after, replay
from tightfit.engine import busy, salvage
from tightfit.engine.damage import damage, set_aside
from tightfit.engine.disk import Disk
from tightfit.errors import IllegalTransition, OutputError

# Each script brings the schema from the version before to the next; user_version counts them.
_MIGRATIONS = (
    """
    CREATE TABLE events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        job TEXT NOT NULL,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        data TEXT NOT NULL
    );
    CREATE INDEX events_by_job ON events (job, number);
    CREATE TABLE requests (job TEXT PRIMARY KEY, fingerprint TEXT NOT NULL);
    CREATE INDEX requests_by_fingerprint ON requests (fingerprint);
    """,
    """
    CREATE TABLE cloud_calls (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        call TEXT NOT NULL,
        job TEXT NOT NULL,
        body TEXT NOT NULL,
        cost INTEGER NOT NULL,
        stage TEXT NOT NULL,
        data TEXT NOT NULL,
        at REAL NOT NULL
    );
    CREATE INDEX cloud_calls_by_key ON cloud_calls (key, attempt, number);
    CREATE INDEX cloud_calls_by_job ON cloud_calls (job, number);
    """,
    """
    CREATE TABLE session_events (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        session TEXT NOT NULL,
        at REAL NOT NULL,
        kind TEXT NOT NULL,
        data TEXT NOT NULL
    );
    CREATE INDEX session_events_by_session ON session_events (session, number);
    """,
    """
    CREATE TABLE watched (key TEXT PRIMARY KEY);
    """,
)


class Journal:
    """Appends and replays. Every call opens the file anew: no connection is held across an encode or a fork.

    ``clock`` stamps events for people; nothing follows from it. Another process's write is waited for ``patience_s``
    seconds; JobHeld, which every method may raise, names that process then. ``notice`` says, where the file was
    damaged, where it went: a new one is begun then.
    """

    def __init__(
        self,
        path: Path,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.time,
        patience_s: float = busy.PATIENCE_S,
    ) -> None:
        self.path, self.notice, moved = path, "", None
        self._disk, self._clock, self._patience_s = disk or Disk(), clock, patience_s
        with _explained(path, patience_s):
            if not path.exists():
                self._disk.make_folder(path.parent, "home")
            elif damage(path):
                moved = set_aside(path, self._disk)
        with self._open() as db:
            self._migrate(db)
        if moved:
            self.notice = self._gone_on_from(moved)

    def submit(self, job: str, fingerprint: str, request: Mapping[str, Any]) -> str:
        """The id of the unfinished job with this fingerprint, which is equal for equal requests; else ``job``, new."""
        with self._open() as db:
            # Reading needs no lock: an owner that is stopped in the middle of a write holds nobody up here.
            if known := _unfinished_like(db, fingerprint):
                return known
            return self._submit(db, job, fingerprint, request)

    def _submit(self, db: sqlite3.Connection, job: str, fingerprint: str, request: Mapping[str, Any]) -> str:
        with self._writing(db, Kind.SUBMITTED, anew=True):
            if known := _unfinished_like(db, fingerprint):
                return known
            db.execute("INSERT INTO requests VALUES (?, ?)", (job, fingerprint))
            _insert(db, job, Event(Kind.SUBMITTED, request, self._clock()))
        return job

    def append(self, job: str, kind: Kind, data: Mapping[str, Any] | None = None) -> JobRecord:
        """One more event; the record with it. Raises IllegalTransition, and nothing is written then."""
        event = Event(kind, data or {}, self._clock())
        with self._open() as db, self._writing(db, kind):
            record = after(replay(job, _events(db, job)), event)
            _insert(db, job, event)
        return record

    def record(self, job: str) -> JobRecord | None:
        """What is known of ``job``; None where it never was."""
        with self._open() as db:
            events = list(_events(db, job))
        return replay(job, events) if events else None

    def records(self) -> list[JobRecord]:
        """All jobs, the oldest first."""
        with self._open() as db:
            ids = [row[0] for row in db.execute("SELECT job FROM events GROUP BY job ORDER BY min(number)")]
            return [replay(job, _events(db, job)) for job in ids]

    def forget(self, job: str) -> None:
        """Remove every row of a job that is done, failed for good or cancelled; others stay."""
        with self._open() as db, self._writing(db, "forget"):
            if replay(job, _events(db, job)).is_unfinished:
                return
            db.execute("DELETE FROM events WHERE job = ?", (job,))
            db.execute("DELETE FROM requests WHERE job = ?", (job,))
            # Something may still run at the service; what names it stays until it has ended.
            db.execute(
                "DELETE FROM cloud_calls WHERE job = ? AND (key, attempt) IN"
                " (SELECT key, attempt FROM cloud_calls WHERE stage NOT IN ('intended', 'accepted'))",
                (job,),
            )

    def _gone_on_from(self, damaged: Path) -> str:
        """Take over what ``damaged`` still tells of, and say so."""
        jobs, calls = salvage.salvaged(damaged)
        if jobs or calls:
            with self._open() as db, self._writing(db, "salvaged"):
                salvage.insert(db, jobs, calls)
        found = {0: "no job", 1: "1 job"}.get(len(jobs), f"{len(jobs)} jobs")
        return f"The job journal was damaged and is kept as {damaged}; {found} could be read from it, more is unknown."

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The file for a look at another of its tables."""
        with self._open() as db:
            yield db

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """The file for one transaction; durable when this is left, undone by an exception."""
        with self._open() as db, self._writing(db, "ledger"):
            yield db

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with _explained(self.path, self._patience_s):
            opened = partial(sqlite3.connect, self.path, timeout=self._patience_s, isolation_level=None)
            with closing(self._disk.act("journal.open", opened, self.path)) as db:
                busy.use_wal(db, self._patience_s)
                # WAL with anything less may lose what was committed when the power goes.
                db.execute("PRAGMA synchronous = FULL")
                db.execute("PRAGMA fullfsync = 1")
                yield db

    @contextmanager
    def _writing(self, db: sqlite3.Connection, what: str, *, anew: bool = False) -> Iterator[None]:
        """One transaction. What it wrote is durable afterwards; where anything fails, nothing is.

        Raises JobHeld as ``busy.begin``.
        """
        busy.begin(db, self.path, self._patience_s, anew=anew)
        try:
            yield
            self._disk.act(f"journal.{what}", partial(db.execute, "COMMIT"), self.path)
        except BaseException:
            # A failed COMMIT may have ended the transaction by itself.
            with suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _migrate(self, db: sqlite3.Connection) -> None:
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(_MIGRATIONS):
            raise OutputError(
                "The job journal was written by a newer tightfit.",
                hint="Update tightfit, or name another TIGHTFIT_HOME.",
            )
        if version == len(_MIGRATIONS):
            return
        with self._writing(db, "migrate", anew=True):
            version = db.execute("PRAGMA user_version").fetchone()[0]
            for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
                for statement in filter(str.strip, script.split(";")):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {number}")


@contextmanager
def _explained(path: Path, patience_s: float) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as exc:
        if busy.is_busy(exc):
            raise busy.held(path, patience_s) from exc
        raise OutputError(
            f"The job journal {path} can't be used: {exc}.",
            hint="Free some space or move the file away; TIGHTFIT_HOME names another folder.",
        ) from exc


def _insert(db: sqlite3.Connection, job: str, event: Event) -> None:
    row = (job, event.at, event.kind.value, json.dumps(event.data))
    db.execute("INSERT INTO events (job, at, kind, data) VALUES (?, ?, ?, ?)", row)


def _unfinished_like(db: sqlite3.Connection, fingerprint: str) -> str | None:
    """The newest unfinished job with this fingerprint."""
    rows = db.execute("SELECT job FROM requests WHERE fingerprint = ? ORDER BY rowid DESC", (fingerprint,))
    ids = [str(row[0]) for row in rows]
    return next((job for job in ids if replay(job, _events(db, job)).is_unfinished), None)


def _events(db: sqlite3.Connection, job: str) -> Iterator[Event]:
    rows = db.execute("SELECT kind, data, at FROM events WHERE job = ? ORDER BY number", (job,))
    for kind, data, at in rows.fetchall():
        try:
            yield Event(Kind(kind), json.loads(data), at)
        except ValueError as exc:
            raise IllegalTransition(
                f"The job journal says of job {job} what this tightfit can't read ({exc}).",
                hint="It was written by a newer tightfit, or is damaged; TIGHTFIT_HOME names another folder.",
            ) from exc
