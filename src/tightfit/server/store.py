"""The server's one SQLite file (WAL). One connection, used by the event loop's thread alone: there is one writer.

A transaction holds no ``await``, so that nobody else's work can come between its steps, and it is durable when it ends.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tightfit.errors import OutputError

Row = sqlite3.Row
# Each script brings the schema from the version before to the next; user_version counts them.
_MIGRATIONS = (
    """
    CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL);
    CREATE TABLE users (
        id TEXT PRIMARY KEY, client_id TEXT UNIQUE, available INTEGER NOT NULL, frozen INTEGER NOT NULL,
        credits_until REAL NOT NULL, CHECK (available >= 0), CHECK (frozen >= 0)
    );
    CREATE TABLE tokens (
        digest TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users, scopes TEXT NOT NULL,
        address TEXT NOT NULL, issued_at REAL NOT NULL, expires_at REAL NOT NULL
    );
    CREATE INDEX tokens_by_address ON tokens (address, issued_at);
    CREATE INDEX tokens_by_user ON tokens (user, expires_at);
    CREATE TABLE claims (user TEXT, session TEXT, expires_at REAL NOT NULL, PRIMARY KEY (user, session));
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, task TEXT NOT NULL, user TEXT NOT NULL REFERENCES users, name TEXT NOT NULL,
        language TEXT, version INTEGER NOT NULL, updated_at REAL NOT NULL, edited INTEGER NOT NULL,
        draft TEXT, canvas TEXT
    );
    CREATE TABLE assets (
        id TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions, user TEXT NOT NULL, sha256 TEXT NOT NULL,
        facts TEXT NOT NULL, UNIQUE (session, sha256)
    );
    CREATE TABLE runs (
        id TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions, user TEXT NOT NULL, state TEXT NOT NULL,
        started_at REAL NOT NULL, ended_at REAL
    );
    CREATE UNIQUE INDEX one_run_per_session ON runs (session) WHERE state = 'running';
    CREATE TABLE holds (
        run TEXT PRIMARY KEY REFERENCES runs, user TEXT NOT NULL, amount INTEGER NOT NULL, state TEXT NOT NULL,
        spent INTEGER NOT NULL
    );
    CREATE TABLE renders (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, user TEXT NOT NULL, session TEXT NOT NULL,
        file TEXT NOT NULL UNIQUE, body_digest TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
        attempts INTEGER NOT NULL, created_ms INTEGER NOT NULL, ended_ms INTEGER, output TEXT, error TEXT,
        UNIQUE (user, id)
    );
    CREATE INDEX renders_by_state ON renders (state, number);
    CREATE INDEX renders_by_session ON renders (session, number);
    """,
)


class Store:
    """Opens ``path``, private to its owner. Raises OutputError where it can't be used."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._db = sqlite3.connect(path, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            # Credits are in here: with anything less a power cut may take back what was answered.
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA foreign_keys = ON")
            self._migrate()
        except (sqlite3.Error, OSError) as exc:
            raise OutputError(
                f"The server's store {path} can't be used: {exc}.", hint="TIGHTFIT_HOME names another folder."
            ) from exc

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. One inside another is part of it."""
        if self._db.in_transaction:
            yield
            return
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def rows(self, sql: str, *values: Any) -> list[Row]:
        return self._db.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Any) -> Row | None:
        found: Row | None = self._db.execute(sql, values).fetchone()
        return found

    def write(self, sql: str, *values: Any) -> int:
        """Returns how many rows were changed."""
        return self._db.execute(sql, values).rowcount

    def secret(self, name: str) -> bytes:
        """32 random bytes, the same for the life of the store."""
        with self.transaction():
            self.write("INSERT OR IGNORE INTO secrets VALUES (?, ?)", name, secrets.token_bytes(32))
            found = self.row("SELECT value FROM secrets WHERE name = ?", name)
        assert found is not None, "just inserted"
        return bytes(found["value"])

    def _migrate(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version > len(_MIGRATIONS):
            raise OutputError(
                "The server's store was written by a newer tightfit.",
                hint="Update tightfit, or name another TIGHTFIT_HOME.",
            )
        for number, script in enumerate(_MIGRATIONS[version:], start=version + 1):
            with self.transaction():
                for statement in filter(str.strip, script.split(";")):
                    self._db.execute(statement)
                self._db.execute(f"PRAGMA user_version = {number}")
