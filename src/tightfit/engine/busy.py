"""A journal that another process has in hands: how long to wait for it, and who that is."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tightfit.engine.lockers import Lock, locks_on
from tightfit.errors import JobHeld

# How long one process waits for another one's write, in seconds; it takes milliseconds.
PATIENCE_S = 15.0
# How often whoever waits looks whether the other one is stopped, in milliseconds.
_LOOK_EVERY_MS = 250
# The byte of the -shm file that whoever writes has locked (WAL_WRITE_LOCK of SQLite's walformat.html).
_WRITE_LOCK = 120
_PRIMARY_CODE = 0xFF


def is_busy(exc: BaseException) -> bool:
    """True where SQLite gave up waiting for another process."""
    return getattr(exc, "sqlite_errorcode", 0) & _PRIMARY_CODE == sqlite3.SQLITE_BUSY


def use_wal(db: sqlite3.Connection, patience_s: float) -> None:
    """Raises sqlite3.OperationalError where another process held the new file for as long as we wait for a write.

    The first change to WAL needs the file for itself, and SQLite refuses it at once, its busy timeout
    notwithstanding, to all but one of those who begin a new file together (they could wait for each other).
    """
    deadline = time.monotonic() + patience_s
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as exc:
            if not is_busy(exc) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def begin(db: sqlite3.Connection, path: Path, patience_s: float, *, anew: bool) -> None:
    """Begin to write. Raises JobHeld where another process does and does not end for ``patience_s``.

    ``anew`` where nothing is lost by giving up: one that is stopped is not waited for then.
    """
    deadline = time.monotonic() + patience_s
    db.execute(f"PRAGMA busy_timeout = {_LOOK_EVERY_MS}")
    while True:
        try:
            db.execute("BEGIN IMMEDIATE")
            break
        except sqlite3.OperationalError as exc:
            if not is_busy(exc):
                raise
            if time.monotonic() > deadline or (anew and _is_stopped(writer_of(path))):
                raise held(path, patience_s) from exc
    db.execute(f"PRAGMA busy_timeout = {patience_s * 1000:.0f}")


def writer_of(path: Path) -> int | None:
    """The process that has the database at ``path`` in hands; None where nobody has, or this system doesn't tell."""
    found = list(_locks(path))
    for lock in found:
        if lock.first <= _WRITE_LOCK <= lock.last:
            return lock.pid
    return found[0].pid if found else None


def _locks(path: Path) -> Iterator[Lock]:
    for file in (path.with_name(f"{path.name}-shm"), path):
        yield from (lock for lock in locks_on(file) if lock.writes)


def _is_stopped(pid: int | None) -> bool:
    try:
        return bool(pid) and psutil.Process(pid).status() == psutil.STATUS_STOPPED
    except psutil.Error:
        return False


def held(path: Path, patience_s: float) -> JobHeld:
    """What to tell of a journal that stays in another process's hands."""
    pid = writer_of(path)
    who = f"process {pid}" if pid else "another process"
    if _is_stopped(pid):
        return JobHeld(
            f"The job journal {path} is held by {who}, which was stopped while it wrote.",
            pid=pid,
            hint=f"Let it go on (fg, or kill -CONT {pid}) or end it, and run this again.",
        )
    return JobHeld(
        f"The job journal {path} is held by {who}, which has not ended its write after {patience_s:.0f} s.",
        pid=pid,
        hint="Wait for it, or end it, and run this again.",
    )
