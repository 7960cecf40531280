"""One owner per job: a lock on a file in its folder, which the system takes back when its owner dies."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from tightfit.engine.disk import Disk
from tightfit.engine.job import unusable
from tightfit.engine.lockers import locks_on
from tightfit.errors import JobHeld

_LOCK = "lock"


@contextmanager
def held(folder: Path, disk: Disk) -> Iterator[None]:
    """Own ``folder`` while this lasts. Raises JobHeld, naming the process that does; OutputError."""
    try:
        descriptor = disk.act("lock.take", partial(_locked, folder), folder / _LOCK)
    except OSError as exc:
        raise unusable(folder, exc) from exc
    try:
        # Only for people: the lock holds where a full disk has no room for these few bytes.
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def holder(folder: Path) -> int | None:
    """The process that owns ``folder`` now; None where nobody does. 0 where it can't be told who."""
    try:
        with held_for_a_look(folder):
            return None
    except JobHeld as exc:
        return exc.pid or 0
    except OSError:
        return None


@contextmanager
def held_for_a_look(folder: Path) -> Iterator[None]:
    """As ``held``, without saying so in the file."""
    descriptor = _locked(folder)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(folder: Path) -> int:
    path = folder / _LOCK
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The owner before may have removed the folder between our two calls: such a lock protects nothing.
            if _is_at(descriptor, path):
                return descriptor
        except BlockingIOError:
            signed = os.pread(descriptor, 20, 0)
            os.close(descriptor)
            raise _held_by(folder, _owner(path, signed)) from None
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _owner(path: Path, signed: bytes) -> int | None:
    """Whom the system names; else who signed, which for an instant after the lock is taken may be the owner before."""
    told = [lock.pid for lock in locks_on(path) if lock.kind == "FLOCK"]
    return told[0] if told else int(signed) if signed.isdigit() else None


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)


def _held_by(folder: Path, pid: int | None) -> JobHeld:
    who = f"process {pid}" if pid else "another process"
    return JobHeld(
        f"Job {folder.name} is being worked on by {who}.", pid=pid, hint="Wait for it, or stop it and run this again."
    )
