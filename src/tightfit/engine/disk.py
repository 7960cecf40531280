"""The few file operations whose order decides what a power cut leaves behind; tests put another disk in their place."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_BLOCK = 1 << 20


class Disk:
    """The real one. Every method raises OSError; after an error of ``sync`` the file's content is unknown."""

    def sync(self, path: Path) -> None:
        """Make the content of ``path`` durable."""
        with path.open("rb") as file:
            os.fsync(file.fileno())

    def sync_folder(self, path: Path) -> None:
        """Make the names in the folder ``path`` durable."""
        folder = os.open(path, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def replace(self, source: Path, target: Path) -> None:
        source.replace(target)

    def link(self, source: Path, target: Path) -> None:
        """A second name; raises FileExistsError where there is one already."""
        os.link(source, target)

    def unlink(self, path: Path) -> None:
        path.unlink()


def keep(disk: Disk, made: Path, name: Path) -> str:
    """Give ``made`` its durable ``name`` and return its SHA-256: content, then name, then folder."""
    digest = sha256_of(made)
    disk.sync(made)
    disk.replace(made, name)
    disk.sync_folder(name.parent)
    return digest


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
