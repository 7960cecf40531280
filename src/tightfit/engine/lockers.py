"""Who holds a lock on a file, as the system tells: what stands in a lock file may be of the owner before."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# Linux's table of all locks (proc(5)): number, kind, ADVISORY, READ or WRITE, pid, major:minor:inode, first, last.
_TABLE = Path("/proc/locks")
_COLUMNS = 8


@dataclass(frozen=True)
class Lock:
    """Another process's lock on bytes ``first`` to ``last`` of a file; ``kind`` is FLOCK or POSIX."""

    pid: int
    kind: str
    writes: bool
    first: int
    last: int


def locks_on(path: Path) -> list[Lock]:
    """All locks that other processes hold on ``path``; none where it isn't there, or this system doesn't tell.

    Nothing is opened: closing a file would give back every lock that SQLite has on it in this process.
    """
    try:
        facts = path.stat()
        table = _TABLE.read_text()
    except OSError:
        return []
    where = f"{os.major(facts.st_dev):02x}:{os.minor(facts.st_dev):02x}:{facts.st_ino}"
    # Locks of what is outside of our process namespace have pid 0, those of no single process -1.
    return [lock for lock in _read(table, where) if lock.pid > 0 and lock.pid != os.getpid()]


def _read(table: str, where: str) -> Iterator[Lock]:
    for line in table.splitlines():
        # Those who wait for a lock stand below it with an arrow.
        words = line.split()
        if len(words) != _COLUMNS or words[5] != where:
            continue
        _, kind, _, access, pid, _, first, last = words
        with suppress(ValueError):
            yield Lock(int(pid), kind, access == "WRITE", int(first), sys.maxsize if last == "EOF" else int(last))
