"""Every change to the disk on which a job's durability rests, one method each; tests put another disk in its place.

Each change has a name, ``role.operation``, and passes ``act``: there a test's disk fails, forgets or dies.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TypeVar

from tightfit.settings import Settings

_BLOCK = 1 << 20
_T = TypeVar("_T")
# What a shell says of a process that was killed: 128 and SIGKILL.
_KILLED = 137


class Disk:
    """The real one. Every method raises OSError; after an error of ``sync`` the file's content is unknown.

    ``role`` is what a path is to the job: a piece, the output, its folder.
    """

    def act(self, point: str, action: Callable[[], _T], *paths: Path) -> _T:  # noqa: ARG002 - for other disks
        """Do ``action``, which changes ``paths``; ``point`` is its name."""
        return action()

    def sync(self, path: Path, role: str) -> None:
        """Make the content of ``path`` durable."""
        self.act(f"{role}.sync", partial(_sync, path), path)

    def sync_folder(self, path: Path, role: str) -> None:
        """Make the names in the folder ``path`` durable."""
        self.act(f"{role}.sync_folder", partial(_sync, path), path)

    def replace(self, source: Path, target: Path, role: str) -> None:
        self.act(f"{role}.replace", partial(source.replace, target), source, target)

    def link(self, source: Path, target: Path, role: str) -> None:
        """A second name; raises FileExistsError where there is one already."""
        self.act(f"{role}.link", partial(os.link, source, target), source, target)

    def unlink(self, path: Path, role: str) -> None:
        """Remove a file; one that is not there is no error."""
        self.act(f"{role}.unlink", partial(path.unlink, missing_ok=True), path)

    def make_folder(self, path: Path, role: str) -> None:
        """``path``, private, with its parents and durable in them."""
        missing = [folder for folder in (path, *path.parents) if not folder.exists()]
        for folder in reversed(missing):
            self.act(f"{role}.make_folder", partial(folder.mkdir, mode=0o700, exist_ok=True), folder)
            # A folder in which we may write and not read can't be synced by us.
            with suppress(PermissionError):
                self.sync_folder(folder.parent, role)

    def remove_folder(self, path: Path, role: str) -> None:
        """Remove what is at ``path`` and in it, as far as that goes: what is left is removed some other time."""
        with suppress(OSError):
            self.act(f"{role}.remove_folder", partial(shutil.rmtree, path, ignore_errors=True), path)


def _sync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


class CrashingDisk(Disk):
    """Ends the process at one point, as a kill would: ``name:before`` or ``name:after``. For tests alone."""

    def __init__(self, point: str) -> None:
        self._point = point

    def act(self, point: str, action: Callable[[], _T], *paths: Path) -> _T:
        self._die_at(f"{point}:before")
        done = super().act(point, action, *paths)
        self._die_at(f"{point}:after")
        return done

    def _die_at(self, here: str) -> None:
        if here == self._point:
            os._exit(_KILLED)


def disk_of(settings: Settings) -> Disk:
    return CrashingDisk(settings.test_crash) if settings.test_crash else Disk()


def keep(disk: Disk, made: Path, name: Path) -> str:
    """Give ``made`` its durable ``name`` and return its SHA-256: content, then name, then folder."""
    digest = sha256_of(made)
    disk.sync(made, "piece")
    disk.replace(made, name, "piece")
    disk.sync_folder(name.parent, "piece")
    return digest


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
