"""How an MP4 or MOV file is laid out, as far as destinations mind: what comes first, and whether it is edited."""

from __future__ import annotations

import struct
from typing import BinaryIO

_PARENTS = (b"moov", b"trak", b"edts")
_MOST_BOXES = 10_000


def layout(file: BinaryIO) -> dict[str, bool | None]:
    """``index_first``: the index stands before the media (None where it is no such file); ``edit_lists``: any track
    has one."""
    order: list[bytes] = []
    edited = False
    size = file.seek(0, 2)
    todo = [(0, size, 0)]
    for _ in range(_MOST_BOXES):
        while todo and todo[-1][0] + 8 > todo[-1][1]:
            todo.pop()
        if not todo:
            break
        at, end, depth = todo.pop()
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            break
        length, name = struct.unpack(">I4s", header[:8])
        skip = 8
        if length == 1 and len(header) == 16:
            length, skip = struct.unpack(">Q", header[8:])[0], 16
        if length < skip:
            length = end - at
        after = min(end, at + length)
        todo.append((after, end, depth))
        edited |= name == b"elst"
        if depth == 0:
            order.append(name)
        if name in _PARENTS:
            todo.append((at + skip, after, depth + 1))
    file.seek(0)
    if b"moov" not in order:
        return {"index_first": None, "edit_lists": edited}
    return {"index_first": b"mdat" not in order[: order.index(b"moov")], "edit_lists": edited}
