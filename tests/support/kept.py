"""Pictures kept on the disk, harmed, and what is made of them."""

from __future__ import annotations

import os
from pathlib import Path

import av

HARMS = ("gone", "short", "garbage")


def spoil(pictures: Path, harm: str) -> None:
    """Do one of ``HARMS`` to kept pictures."""
    if harm == "gone":
        pictures.unlink()
    elif harm == "short":
        os.truncate(pictures, pictures.stat().st_size // 2)
    else:
        pictures.write_bytes(b"nothing of the kind" * 1000)


def coded_in(path: Path) -> list[tuple[int | None, bytes]]:
    """The time and the bytes of each picture of a piece."""
    with av.open(str(path), format="nut") as file:
        return [(packet.pts, bytes(packet)) for packet in file.demux(video=0)]
