"""A journal that is no longer a database: it is found out at the start and moved aside, never written over."""

from __future__ import annotations

import fcntl
import itertools
import sqlite3
from contextlib import closing
from pathlib import Path

from tightfit.engine.disk import Disk

# Result codes of SQLite that mean the file's content is wrong (sqlite3.h), not that it can't be reached.
_CORRUPT, _NOT_A_DATABASE = 11, 26
_PRIMARY_CODE = 0xFF
# In this order: a log left behind would be replayed into the new file of that name.
_COMPANIONS = ("-wal", "-shm", "")


def damage(path: Path) -> str:
    """What is wrong with the content of the database at ``path``; nothing where it is sound, or can't be reached."""
    try:
        with closing(sqlite3.connect(path)) as db:
            said = str(db.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.DatabaseError as exc:
        code = getattr(exc, "sqlite_errorcode", 0) & _PRIMARY_CODE
        return str(exc) if code in (_CORRUPT, _NOT_A_DATABASE) else ""
    return "" if said == "ok" else said


def set_aside(path: Path, disk: Disk) -> Path | None:
    """Give a damaged database and its log other names; the new one of the database. Raises OSError.

    Two processes that find it at once agree by a lock: the second one finds it gone or sound, and moves nothing.
    """
    with path.with_name(f"{path.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        names = (path.with_name(f"{path.name}.damaged-{n}") for n in itertools.count(1))
        free = next(name for name in names if not name.exists())
        if not path.exists() or not damage(path):
            return None
        for ending in _COMPANIONS:
            part = path.with_name(path.name + ending)
            if part.exists():
                disk.replace(part, free.with_name(free.name + ending), "damaged")
        disk.sync_folder(path.parent, "damaged")
        return free
