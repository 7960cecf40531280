"""Sessions with their drafts, the assets uploaded into them, and the runs that answer messages."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tightfit.domain.ledger import OutOfCredits
from tightfit.domain.render_job import RunState
from tightfit.server.accounts import Accounts
from tightfit.server.json_text import dumps
from tightfit.server.store import Row, Store


@dataclass(frozen=True)
class Session:
    id: str
    task: str
    user: str
    name: str
    language: str | None
    version: int
    updated_at: float
    edited: bool
    draft: dict[str, Any] | None
    canvas: dict[str, Any] | None


@dataclass(frozen=True)
class Asset:
    """One uploaded file; ``facts`` as the API shows them, without addresses."""

    id: str
    session: str
    sha256: str
    facts: Mapping[str, Any]


class RunGoingOn(Exception):
    """The session already answers a message; ``run`` is that one."""

    def __init__(self, run: str) -> None:
        super().__init__(run)
        self.run = run


class Sessions:
    def __init__(self, store: Store, accounts: Accounts) -> None:
        self._store, self._accounts = store, accounts

    def create(self, user: str, name: str, language: str | None, now: float) -> Session:
        # As long as the hosted service's: more than a float holds exactly.
        session = str(10**18 + secrets.randbelow(9 * 10**18))
        task = f"task_{secrets.token_hex(8)}"
        self._store.write(
            "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, 0, ?, 0, NULL, NULL)", session, task, user, name, language, now
        )
        return Session(session, task, user, name, language, 0, now, False, None, None)

    def find(self, session: str, user: str) -> Session | None:
        """The session, where it is this user's."""
        row = self._store.row("SELECT * FROM sessions WHERE id = ? AND user = ?", session, user)
        return _session(row) if row else None

    def assets(self, session: str) -> list[Asset]:
        rows = self._store.rows("SELECT * FROM assets WHERE session = ? ORDER BY rowid", session)
        return [_asset(row) for row in rows]

    def asset(self, asset: str, user: str) -> Asset | None:
        row = self._store.row("SELECT * FROM assets WHERE id = ? AND user = ?", asset, user)
        return _asset(row) if row else None

    def asset_by_id(self, asset: str) -> Asset | None:
        row = self._store.row("SELECT * FROM assets WHERE id = ?", asset)
        return _asset(row) if row else None

    def has_asset_file(self, asset: str) -> bool:
        return self.asset_by_id(asset) is not None

    def asset_like(self, session: str, sha256: str) -> Asset | None:
        row = self._store.row("SELECT * FROM assets WHERE session = ? AND sha256 = ?", session, sha256)
        return _asset(row) if row else None

    def add_assets(
        self, session: Session, assets: Sequence[Asset], canvas: Mapping[str, Any] | None, now: float
    ) -> None:
        """All of one request's files, in one step; what is there already stays as it is."""
        with self._store.transaction():
            for asset in assets:
                self._store.write(
                    "INSERT OR IGNORE INTO assets VALUES (?, ?, ?, ?, ?)",
                    *(asset.id, session.id, session.user, asset.sha256, dumps(dict(asset.facts))),
                )
            kept = dumps(session.canvas or canvas) if session.canvas or canvas else None
            self._store.write(
                "UPDATE sessions SET version = version + 1, updated_at = ?, canvas = ? WHERE id = ?",
                *(now, kept, session.id),
            )

    def running(self, session: str) -> str | None:
        row = self._store.row("SELECT id FROM runs WHERE session = ? AND state = 'running'", session)
        return str(row["id"]) if row else None

    def last_run(self, session: str) -> dict[str, Any] | None:
        row = self._store.row("SELECT id, state FROM runs WHERE session = ? ORDER BY rowid DESC LIMIT 1", session)
        return {"id": row["id"], "status": row["state"]} if row else None

    def begin_run(self, session: Session, cost: int, now: float) -> str:
        """A new run and the credits it may need, in one step.

        Raises RunGoingOn, OutOfCredits; nothing has changed then.
        """
        run = f"e-{secrets.token_hex(12)}"
        with self._store.transaction():
            if going_on := self.running(session.id):
                raise RunGoingOn(going_on)
            self._store.write(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, NULL)", run, session.id, session.user, RunState.RUNNING, now
            )
            self._accounts.hold(session.user, run, cost, now)
        return run

    def finish_run(self, run: str, session: str, draft: Mapping[str, Any] | None, spent: int, now: float) -> None:
        """What the run did and what it cost, in one step; ``draft`` None where it changed nothing."""
        with self._store.transaction():
            if draft is not None:
                self._store.write(
                    "UPDATE sessions SET draft = ?, version = version + 1, updated_at = ?, edited = 1 WHERE id = ?",
                    *(dumps(dict(draft)), now, session),
                )
            self._accounts.capture(run, spent)
            self._ended(run, RunState.DONE, now)

    def fail_run(self, run: str, now: float) -> None:
        """The run came to nothing: the draft is as it was and the credits return."""
        with self._store.transaction():
            self._accounts.release(run)
            self._ended(run, RunState.FAILED, now)

    def fail_interrupted_runs(self, now: float) -> int:
        """After a crash: what was running then never ends by itself. Returns how many there were."""
        with self._store.transaction():
            left = self._store.rows("SELECT id FROM runs WHERE state = 'running'")
            for row in left:
                self.fail_run(row["id"], now)
        return len(left)

    def _ended(self, run: str, state: RunState, now: float) -> None:
        self._store.write("UPDATE runs SET state = ?, ended_at = ? WHERE id = ?", state, now, run)


def _session(row: Row) -> Session:
    return Session(
        id=row["id"],
        task=row["task"],
        user=row["user"],
        name=row["name"],
        language=row["language"],
        version=row["version"],
        updated_at=row["updated_at"],
        edited=bool(row["edited"]),
        draft=json.loads(row["draft"]) if row["draft"] else None,
        canvas=json.loads(row["canvas"]) if row["canvas"] else None,
    )


def _asset(row: Row) -> Asset:
    return Asset(row["id"], row["session"], row["sha256"], json.loads(row["facts"]))


__all__ = ["Asset", "OutOfCredits", "RunGoingOn", "Session", "Sessions"]
