"""A server whose books can be read: what it was sent, and what it rendered."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, field
from pathlib import Path

from support.served import Served


@dataclass
class Service:
    """A server, and what it has been asked for since ``forget``."""

    served: Served
    _before: int = 0
    _sessions: set[str] = field(default_factory=set)

    @property
    def _folder(self) -> Path:
        return self.served.home / "server"

    def rows(self, sql: str, *values: object) -> list[sqlite3.Row]:
        with sqlite3.connect(self._folder / "server.db", timeout=10) as db:
            db.row_factory = sqlite3.Row
            return db.execute(sql, values).fetchall()

    def forget(self) -> None:
        self.served.break_by()
        self._before = max((row["number"] for row in self.rows("SELECT number FROM renders")), default=0)
        self._sessions = {row["id"] for row in self.rows("SELECT id FROM sessions")}

    @property
    def renders(self) -> list[sqlite3.Row]:
        return self.rows("SELECT * FROM renders WHERE number > ? ORDER BY number", self._before)

    @property
    def assets(self) -> list[sqlite3.Row]:
        return [row for row in self.rows("SELECT * FROM assets") if row["session"] not in self._sessions]

    @property
    def sessions(self) -> int:
        return len({row["id"] for row in self.rows("SELECT id FROM sessions")} - self._sessions)

    def uploaded(self) -> list[Path]:
        return [self._folder / "assets" / row["id"] for row in self.assets]

    def assert_at_rest(self) -> None:
        """Nothing is left running, and nothing was rendered twice for one answer."""
        assert [row["id"] for row in self.renders if row["state"] in ("pending", "processing")] == []
        done = [_asked(row) for row in self.renders if row["state"] == "completed"]
        assert len(done) == len(set(done)), "the same frames were rendered twice to the end"


def _asked(render: sqlite3.Row) -> tuple[int, int]:
    encode = json.loads(render["body"])["output"]["encode"]
    # Where the wanted frames are in the source, however the uploaded stretch was cut.
    return encode["start_pts"] - encode["origin_pts"], encode["end_pts"] - encode["origin_pts"]
