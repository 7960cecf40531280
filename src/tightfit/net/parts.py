"""Files on their way out: read piece by piece, counted as they go, under a name that says nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Progress = Callable[[int, int], None]


class Counted:
    """A file that says how much of it was read; ``progress`` gets bytes so far and in all."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._file = path.open("rb")
        self._progress = progress
        self.size = path.stat().st_size

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        if self._progress and block:
            self._progress(self._file.tell(), self.size)
        return block

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def close(self) -> None:
        self._file.close()


@dataclass(frozen=True)
class Part:
    """One file of a form: ``name`` is what the other side is told, ``file`` is open for reading from its start."""

    field: str
    name: str
    mime: str
    file: Counted


def form_fields(parts: Sequence[Part]) -> list[tuple[str, Any]]:
    """``parts`` as httpx takes them."""
    return [(part.field, (part.name, part.file, part.mime)) for part in parts]
