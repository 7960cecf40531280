"""Renders as rows: the queue, what became of each, and which files are theirs."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tightfit.domain.render_job import INTERRUPTED, RenderState, after_crash, moved
from tightfit.server.json_text import dumps
from tightfit.server.store import Row, Store


@dataclass(frozen=True)
class Render:
    """One render. ``id`` is the client's, ``number`` and ``file`` are ours; ``output`` are its facts when completed."""

    number: int
    id: str
    user: str
    session: str
    file: str
    body: Mapping[str, Any]
    state: RenderState
    attempts: int
    created_ms: int
    ended_ms: int | None
    output: Mapping[str, Any] | None
    error: str | None


class OtherBody(Exception):
    """The id was used before, for something else."""


class Renders:
    def __init__(self, store: Store) -> None:
        self._store = store

    def submit(
        self, render_id: str, user: str, session: str, body: Mapping[str, Any], now_ms: int
    ) -> tuple[Render, bool]:
        """The render of this id, and whether it is new: the same id and body again is the same render.

        Raises OtherBody.
        """
        text = dumps(body)
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._store.transaction():
            known = self._store.row("SELECT * FROM renders WHERE user = ? AND id = ?", user, render_id)
            if known:
                if known["body_digest"] != digest:
                    raise OtherBody(render_id)
                return _render(known), False
            self._store.write(
                "INSERT INTO renders (id, user, session, file, body_digest, body, state, attempts, created_ms)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
                *(render_id, user, session, secrets.token_hex(16), digest, text, RenderState.PENDING, now_ms),
            )
            found = self.find(render_id, user)
        assert found is not None, "just inserted"
        return found, True

    def find(self, render_id: str, user: str) -> Render | None:
        row = self._store.row("SELECT * FROM renders WHERE user = ? AND id = ?", user, render_id)
        return _render(row) if row else None

    def by_file(self, file: str) -> Render | None:
        row = self._store.row("SELECT * FROM renders WHERE file = ?", file)
        return _render(row) if row else None

    def of_session(self, session: str) -> list[Render]:
        return [
            _render(row) for row in self._store.rows("SELECT * FROM renders WHERE session = ? ORDER BY number", session)
        ]

    def take_next(self) -> Render | None:
        """The oldest render that waits, now being worked on."""
        with self._store.transaction():
            row = self._store.row("SELECT * FROM renders WHERE state = 'pending' ORDER BY number LIMIT 1")
            if row is None:
                return None
            self._move(row, RenderState.PROCESSING)
            self._store.write("UPDATE renders SET attempts = attempts + 1 WHERE number = ?", row["number"])
            return _render(self._by_number(row["number"]))

    def complete(self, number: int, output: Mapping[str, Any], now_ms: int) -> None:
        with self._store.transaction():
            self._move(self._by_number(number), RenderState.COMPLETED)
            self._store.write(
                "UPDATE renders SET output = ?, ended_ms = ? WHERE number = ?", dumps(dict(output)), now_ms, number
            )

    def end(self, number: int, state: RenderState, error: str | None, now_ms: int) -> None:
        """Failed or cancelled, for this reason."""
        with self._store.transaction():
            self._move(self._by_number(number), state)
            self._store.write("UPDATE renders SET error = ?, ended_ms = ? WHERE number = ?", error, now_ms, number)

    def requeue_interrupted(self, now_ms: int) -> int:
        """After a crash: what was being worked on waits again, or has failed too often. Returns how many there were."""
        with self._store.transaction():
            left = self._store.rows("SELECT * FROM renders WHERE state = 'processing'")
            for row in left:
                if after_crash(row["attempts"]) is RenderState.FAILED:
                    self.end(row["number"], RenderState.FAILED, INTERRUPTED, now_ms)
                else:
                    self._move(row, RenderState.PENDING)
        return len(left)

    def ended_before(self, ms: int) -> list[Render]:
        """Completed renders whose files may go."""
        rows = self._store.rows("SELECT * FROM renders WHERE state = 'completed' AND ended_ms < ?", ms)
        return [_render(row) for row in rows]

    def _by_number(self, number: int) -> Row:
        row = self._store.row("SELECT * FROM renders WHERE number = ?", number)
        assert row is not None, "renders are never removed"
        return row

    def _move(self, row: Row, state: RenderState) -> None:
        self._store.write(
            "UPDATE renders SET state = ? WHERE number = ?", moved(RenderState(row["state"]), state), row["number"]
        )


def _render(row: Row) -> Render:
    return Render(
        number=row["number"],
        id=row["id"],
        user=row["user"],
        session=row["session"],
        file=row["file"],
        body=json.loads(row["body"]),
        state=RenderState(row["state"]),
        attempts=row["attempts"],
        created_ms=row["created_ms"],
        ended_ms=row["ended_ms"],
        output=json.loads(row["output"]) if row["output"] else None,
        error=row["error"],
    )
