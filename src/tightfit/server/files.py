"""Where the server's files lie, under names of ours alone, and how they are handed out."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from starlette.responses import FileResponse

from tightfit.engine.disk import Disk, sha256_of
from tightfit.engine.job import made_folder


class Files:
    """``assets`` are kept uploads, ``incoming`` what is on its way: nothing there outlives a restart."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.assets = made_folder(root / "assets", Disk())
        self.incoming = root / "incoming"
        shutil.rmtree(self.incoming, ignore_errors=True)
        made_folder(self.incoming, Disk())

    def asset(self, asset_id: str) -> Path:
        return self.assets / asset_id

    @staticmethod
    def settle(arrived: Path) -> str:
        """Make an arrived file durable and return its SHA-256. Takes as long as the disk does."""
        with arrived.open("rb") as file:
            os.fsync(file.fileno())
        os.chmod(arrived, 0o600)
        return sha256_of(arrived)

    def keep(self, arrived: Path, asset_id: str) -> None:
        """Give a settled file the name of its id."""
        arrived.replace(self.asset(asset_id))

    def sweep(self, is_known: Callable[[str], bool]) -> None:
        """Remove files that a crash left before anybody heard of them."""
        for path in self.assets.iterdir():
            if not is_known(path.name):
                path.unlink(missing_ok=True)

    def without_paths(self, text: str) -> str:
        """``text`` with every path below our folder called by what it is to the user."""
        return re.sub(re.escape(str(self.root)) + r"\S*", "the video", text)


def served(path: Path, media_type: str, sha256: str, name: str) -> FileResponse:
    """A file with ranges, a strong validator, and nothing that a browser would take for a page."""
    headers = {
        "ETag": f'"{sha256}"',
        "X-Content-SHA256": sha256,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, max-age=3600",
    }
    return FileResponse(path, headers=headers, media_type=media_type, filename=name, stat_result=path.stat())
