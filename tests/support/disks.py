"""A disk whose power can go at any moment: what was not synced is gone, and names fall back to what they were.

It works on real files and remembers what is durable. ``cut_power`` then does the worst that a file system may: content
that was never synced becomes empty, and names changed since the folder was last synced are as before.
"""

from __future__ import annotations

import errno
from pathlib import Path

from tightfit.engine.disk import Disk


class PowerCut(BaseException):
    """The machine is off: nothing catches this."""


class FragileDisk(Disk):
    """Dies before the ``dies_at``-th operation; or, with ``fails_at``, that one fails with ``error``, once."""

    def __init__(self, *, dies_at: int | None = None, fails_at: int | None = None, error: int = errno.EIO) -> None:
        self.operations: list[str] = []
        self._dies_at, self._fails_at, self._error = dies_at, fails_at, error
        self._synced: set[tuple[int, int]] = set()
        # Names changed since their folder was synced, the newest last: (path, content before or None where it was new).
        self._undo: list[tuple[Path, bytes | None, tuple[int, int] | None]] = []

    def trust(self, path: Path) -> None:
        """``path`` was there long before: its content is durable."""
        self._synced.add(_id(path))

    def _step(self, what: str) -> None:
        at = len(self.operations)
        self.operations.append(what)
        if at == self._dies_at:
            raise PowerCut(what)
        if at == self._fails_at:
            raise OSError(self._error, "injected", what)

    def sync(self, path: Path) -> None:
        self._step("sync")
        super().sync(path)
        self._synced.add(_id(path))

    def sync_folder(self, path: Path) -> None:
        self._step("sync_folder")
        super().sync_folder(path)
        self._undo = [entry for entry in self._undo if entry[0].parent != path]

    def replace(self, source: Path, target: Path) -> None:
        self._step("replace")
        self._remember(target)
        self._remember(source)
        super().replace(source, target)

    def link(self, source: Path, target: Path) -> None:
        self._step("link")
        self._remember(target)
        super().link(source, target)

    def unlink(self, path: Path) -> None:
        self._step("unlink")
        self._remember(path)
        super().unlink(path)

    def _remember(self, path: Path) -> None:
        if path.exists():
            self._undo.append((path, path.read_bytes(), _id(path)))
        else:
            self._undo.append((path, None, None))

    def cut_power(self) -> None:
        """Leave what a power cut at this moment may leave."""
        for path, content, identity in reversed(self._undo):
            path.unlink(missing_ok=True)
            if content is not None:
                path.write_bytes(content if identity in self._synced else b"")
        self._undo.clear()


def _id(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_dev, facts.st_ino
