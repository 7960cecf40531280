"""Disks that fail, die, or lose power: real files below, faults at the one place that every change passes."""

from __future__ import annotations

import errno
import random
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tightfit.engine.disk import Disk

_T = TypeVar("_T")


_OPENING = ("lock.take", "journal.open")


class PowerCut(BaseException):
    """The process is dead: nothing catches this, and nothing works after it."""


class FaultyDisk(Disk):
    """Dies at the ``dies_at``-th operation, or after the first one named ``dies_after``; or, with ``fails_at``, that
    one fails with ``error``, and with ``forever`` all after it. ``late`` faults come when the operation has had its
    effect."""

    def __init__(
        self,
        *,
        dies_at: int | None = None,
        dies_after: str = "",
        fails_at: int | None = None,
        error: int = errno.EIO,
        forever: bool = False,
        late: bool = False,
    ) -> None:
        self.points: list[str] = []
        self.dead = False
        self._dies_at, self._fails_at, self._error = dies_at, fails_at, error
        self._forever, self._late, self._dies_after = forever, late, dies_after

    def fail_in(self, operations: int, error: int) -> None:
        """One operation, so many from now, fails with ``error``."""
        self._fails_at, self._error = len(self.points) + operations, error

    def die_in(self, operations: int) -> None:
        self._dies_at = len(self.points) + operations

    @property
    def failed(self) -> bool:
        return self._fails_at is not None and len(self.points) > self._fails_at

    def act(self, point: str, action: Callable[[], _T], *paths: Path) -> _T:
        if self.dead:
            raise PowerCut(point)
        at = len(self.points)
        self.points.append(point)
        # What hands something back to close either hands it back or did not happen.
        late = self._late and point not in _OPENING
        if not late:
            self._fail(at, point)
        done = super().act(point, action, *paths)
        if late:
            self._fail(at, point)
        if point == self._dies_after:
            self.dead = True
            raise PowerCut(point)
        return done

    def _fail(self, at: int, point: str) -> None:
        if at == self._dies_at:
            self.dead = True
            raise PowerCut(point)
        if self._fails_at is not None and (at == self._fails_at or (self._forever and at > self._fails_at)):
            raise OSError(self._error, "injected", point)


# What an unsynced file may hold after a power cut: nothing, a beginning, zeros where data was to be, or all of it.
_LEFT: tuple[Callable[[bytes], bytes], ...] = (
    lambda _: b"",
    lambda whole: whole[: len(whole) // 2],
    lambda whole: bytes(len(whole)),
    lambda whole: whole,
)
# So many combinations of unsynced names and contents are drawn at each moment, beside the worst and the best.
_DRAWN_PER_MOMENT = 30
# Stands for the inode of every folder.
_FOLDER = 0


@dataclass(frozen=True)
class Left:
    """What a power cut before the ``moment``-th operation left: files with content, and how long the journal is."""

    moment: int
    point: str
    files: dict[Path, bytes]
    events: int


@dataclass(frozen=True)
class _Change:
    """A name that came (``inode`` is what it leads to) or went (None), not yet synced in its folder."""

    path: Path
    inode: int | None


@dataclass
class _Model:
    """What a file system may forget: names live in folders, contents in inodes, and each is synced by itself."""

    names: dict[Path, int] = field(default_factory=dict)
    durable: dict[Path, int] = field(default_factory=dict)
    # Each entry is one operation, whose names come and go together.
    pending: list[tuple[_Change, ...]] = field(default_factory=list)
    contents: dict[int, bytes] = field(default_factory=dict)
    synced: set[int] = field(default_factory=set)
    folders: set[Path] = field(default_factory=set)

    def change(self, *changes: _Change) -> None:
        self.pending.append(changes)
        for path, inode in ((c.path, c.inode) for c in changes):
            if inode is None:
                self.names.pop(path, None)
            else:
                self.names[path] = inode

    def settle(self, folder: Path) -> None:
        """The names in ``folder`` are durable now."""
        for changes in self.pending:
            _apply(self.durable, [c for c in changes if c.path.parent == folder])
        rest = [tuple(c for c in changes if c.path.parent != folder) for changes in self.pending]
        self.pending = [changes for changes in rest if changes]

    def states(self, luck: random.Random) -> Iterator[dict[Path, bytes]]:
        """What may be left: any of the pending changes, any content for what was not synced; none of them twice."""
        seen: list[dict[Path, bytes]] = []
        worst, best = lambda _: False, lambda _: True
        for keeps in (worst, best, *[lambda _: luck.random() < 0.5] * _DRAWN_PER_MOMENT):
            names = dict(self.durable)
            for changes in filter(keeps, self.pending):
                _apply(names, changes)
            files = {
                path: self.contents[inode] if inode in self.synced else luck.choice(_LEFT)(self.contents[inode])
                for path, inode in names.items()
                if inode != _FOLDER and self._is_reachable(path, names)
            }
            if files not in seen:
                seen.append(files)
                yield files

    def _is_reachable(self, path: Path, names: dict[Path, int]) -> bool:
        return all(folder in names for folder in path.parents if folder in self.folders)


def _apply(names: dict[Path, int], changes: Iterable[_Change]) -> None:
    for change in changes:
        if change.inode is None:
            names.pop(change.path, None)
        else:
            names[change.path] = change.inode


class RecordingDisk(Disk):
    """Does everything for real, and knows after each operation what a power cut could leave of the files it saw.

    What others write into ``folders`` is noticed at the next operation, and unsynced until it is synced.
    ``count`` says how long the journal is, whose rows are taken to be durable once committed, as SQLite promises for
    ``synchronous=FULL``; a commit that is under way may be there or not.
    """

    def __init__(self, count: Callable[[], int], folders: tuple[Path, ...], seed: int = 1) -> None:
        self.points: list[str] = []
        self._folders = folders
        self.left: list[Left] = []
        self._count, self._model, self._luck = count, _Model(), random.Random(seed)

    def trust(self, path: Path, *, name: bool = True) -> None:
        """``path`` was synced long before; without ``name`` only its content was."""
        self._see(path)
        self._model.synced.add(_inode(path))
        if name:
            self._model.settle(path.parent)

    def act(self, point: str, action: Callable[[], _T], *paths: Path) -> _T:
        self._cut(point)
        self.points.append(point)
        before = {path: _inode(path) for path in paths if path.is_file()}
        inside = [path for path in self._model.names if paths and paths[0] in path.parents]
        done = super().act(point, action, *paths)
        self._learn(point.rpartition(".")[2], paths, before, inside)
        return done

    def _learn(self, operation: str, paths: tuple[Path, ...], before: dict[Path, int], inside: list[Path]) -> None:
        model = self._model
        match operation:
            case "sync":
                model.synced.add(before[paths[0]])
            case "sync_folder":
                model.settle(paths[0])
            case "replace":
                model.change(_Change(paths[1], before[paths[0]]), _Change(paths[0], None))
            case "link":
                model.change(_Change(paths[1], before[paths[0]]))
            case "unlink" if paths[0] in model.names:
                model.change(_Change(paths[0], None))
            case "make_folder":
                model.folders.add(paths[0])
                model.change(_Change(paths[0], _FOLDER))
            case "remove_folder":
                for path in [*inside, paths[0]]:
                    model.change(_Change(path, None))

    def _see(self, path: Path) -> None:
        if not path.is_file() or path.name == "lock":
            return
        inode, content = _inode(path), path.read_bytes()
        if self._model.contents.get(inode) != content:
            # Written since, or another file that was given a dead one's number.
            self._model.synced.discard(inode)
        self._model.contents[inode] = content
        if self._model.names.get(path) != inode:
            self._model.change(_Change(path, inode))

    def _cut(self, point: str) -> None:
        for folder in self._folders:
            for path in sorted(folder.rglob("*")):
                self._see(path)
        for files in self._model.states(self._luck):
            self.left.append(Left(len(self.points), point, files, self._count()))

    def end(self) -> None:
        """The power may go when all is said and done, too."""
        self._cut("end")


def laid_out(left: Left, folders: tuple[Path, ...]) -> None:
    """Make the files below ``folders`` what ``left`` says, and nothing else."""
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
    for path, content in left.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _inode(path: Path) -> int:
    return path.stat().st_ino
