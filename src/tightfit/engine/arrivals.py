"""When a file that appeared in a folder is whole: at rest, held open by no writer, and not half a download."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tightfit.domain.file_kinds import MEDIA_EXTENSIONS

# Programs that copy or download write at least this often while they are at it.
AT_REST_S = 2.0
# What browsers and download tools write beside the file, or put behind or into its name, until it is whole.
_PARTIAL = (".part", ".partial", ".crdownload", ".download", ".opdownload", ".aria2", ".ytdl", ".!qb", ".filepart")
_INNER = frozenset((".temp", ".tmp", ".part", ".partial"))

Look = tuple[int, int, int]


@dataclass
class Arrivals:
    """Looks at ``folder`` again and again. Times are seconds of one clock that only runs forward."""

    folder: Path
    _since: dict[Path, tuple[Look, float]] = field(default_factory=dict)
    _given: dict[Path, Look] = field(default_factory=dict)

    def whole(self, now: float) -> list[Path]:
        """Those that are whole and were not given before as they are now, in the order of their names."""
        there = dict(_candidates(self.folder))
        self._since = {path: seen for path, seen in self._since.items() if path in there}
        self._given = {path: look for path, look in self._given.items() if path in there}
        ready = []
        for path, look in sorted(there.items()):
            if self._given.get(path) == look:
                continue
            before = self._since.get(path)
            if before is None or before[0] != look:
                self._since[path] = (look, now)
            elif now - before[1] >= AT_REST_S and not is_being_written(path):
                self._given[path] = look
                ready.append(path)
        return ready

    @property
    def waits(self) -> bool:
        """True while something is there that is not whole yet."""
        return any(self._given.get(path) != look for path, (look, _) in self._since.items())


def _candidates(folder: Path) -> Iterator[tuple[Path, Look]]:
    names = {entry.name for entry in os.scandir(folder)}
    for name in names:
        path = folder / name
        if name.startswith(".") or path.suffix.lower() not in MEDIA_EXTENSIONS:
            continue
        if _INNER.intersection(path.suffixes[:-1]) or any(name + end in names for end in _PARTIAL):
            continue
        with suppress(OSError):
            facts = path.stat()
            if facts.st_size and path.is_file():
                yield path, (facts.st_ino, facts.st_size, facts.st_mtime_ns)


def is_being_written(path: Path) -> bool:
    """True where a process has ``path`` open for writing; False also where the system does not tell (no /proc)."""
    try:
        facts = path.stat()
    except OSError:
        return True
    return any(key == (facts.st_dev, facts.st_ino) for key in _open_for_writing())


def _open_for_writing() -> Iterator[tuple[int, int]]:
    for process in Path("/proc").glob("[0-9]*"):
        # Processes end while they are looked at, and those of others can't be looked at.
        with suppress(OSError):
            for number in os.listdir(process / "fd"):
                with suppress(OSError, ValueError, IndexError):
                    facts = os.stat(process / "fd" / number)
                    if _writes(process / "fdinfo" / number):
                        yield facts.st_dev, facts.st_ino


def _writes(fdinfo: Path) -> bool:
    flags = next(line for line in fdinfo.read_text().splitlines() if line.startswith("flags:"))
    return int(flags.split()[1], 8) & os.O_ACCMODE != os.O_RDONLY
