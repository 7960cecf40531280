"""Conversations in the journal: lines that are only ever added to, and replayed into sessions (``domain.session``)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence

from tightfit.domain.session import Event, Kind, Session, replay
from tightfit.engine.journal import Journal


class SessionLog:
    """A line is durable when ``add`` returns. ``clock`` stamps it for people; nothing follows from it."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.time) -> None:
        self._journal, self._clock = journal, clock

    def add(self, session: str, events: Sequence[Event]) -> None:
        """Write events down, all of them or none. Raises OutputError."""
        rows = [(session, self._clock(), event.kind.value, json.dumps(event.data)) for event in events]
        with self._journal.writing() as db:
            db.executemany("INSERT INTO session_events (session, at, kind, data) VALUES (?, ?, ?, ?)", rows)

    def session(self, name: str) -> Session:
        """The session of that name as its lines tell it."""
        with self._journal.reading() as db:
            rows = db.execute("SELECT kind, data, at FROM session_events WHERE session = ? ORDER BY number", (name,))
            return replay(name, [Event(Kind(kind), json.loads(data), at) for kind, data, at in rows.fetchall()])

    def newest(self) -> str | None:
        """The session in which something was said last; None where there is none."""
        with self._journal.reading() as db:
            row = db.execute(
                "SELECT session FROM session_events WHERE kind != 'opened' ORDER BY number DESC LIMIT 1"
            ).fetchone()
        return str(row[0]) if row else None
