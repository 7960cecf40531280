"""Boxes of our own in an MP4 file that libavformat has finished: the index grows, the media behind it moves."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_PARENTS = (b"trak", b"mdia", b"minf", b"stbl")
_STCO_LIMIT = 2**32 - 1
_BLOCK = 1 << 20


def add_boxes(path: Path, user_data: bytes, movie: bytes) -> None:
    """Append ``user_data`` to the movie's ``udta`` and ``movie`` to its ``moov``, which stands before the media.

    Raises ValueError where the file is not laid out so, or would need other tables.
    """
    grown = len(user_data) + len(movie)
    if not grown:
        return
    with path.open("r+b") as file:
        start, size = _moov(file)
        file.seek(start)
        moov = bytearray(file.read(size))
        _shift_chunks(moov, grown)
        _append(moov, user_data, movie)
        _make_room(file, start + size, grown)
        file.seek(start)
        file.write(moov)


def _moov(file: BinaryIO) -> tuple[int, int]:
    at = 0
    while len(header := _header_at(file, at)) == 8:
        size, name = struct.unpack(">I4s", header)
        if name == b"moov":
            return at, size
        if name == b"mdat" or size < 8:
            break
        at += size
    raise ValueError("the index does not stand before the media")


def _header_at(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    return file.read(8)


def _children(data: bytearray, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(type, start of the box, its end) of the boxes in a range."""
    at = start
    while at + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > end:
            raise ValueError("a damaged index")
        yield name, at, at + size
        at += size


def _shift_chunks(moov: bytearray, by: int) -> None:
    """Tables of where chunks lie (ISO/IEC 14496-12, 8.7.5) count from the start of the file."""
    todo = [(8, len(moov))]
    while todo:
        for name, start, end in _children(moov, *todo.pop()):
            if name in _PARENTS:
                todo.append((start + 8, end))
            elif name in (b"stco", b"co64"):
                form = "I" if name == b"stco" else "Q"
                (count,) = struct.unpack_from(">I", moov, start + 12)
                moved = [offset + by for offset in struct.unpack_from(f">{count}{form}", moov, start + 16)]
                if name == b"stco" and max(moved, default=0) > _STCO_LIMIT:
                    raise ValueError("chunks beyond 4 GiB")
                struct.pack_into(f">{count}{form}", moov, start + 16, *moved)


def _append(moov: bytearray, user_data: bytes, movie: bytes) -> None:
    for name, start, end in _children(moov, 8, len(moov)):
        if name == b"udta":
            moov[end:end] = user_data
            struct.pack_into(">I", moov, start, end - start + len(user_data))
            break
    else:
        raise ValueError("no user data")
    moov += movie
    struct.pack_into(">I", moov, 0, len(moov))


def _make_room(file: BinaryIO, at: int, by: int) -> None:
    """Move everything from ``at`` on by so many bytes, last block first."""
    end = file.seek(0, 2)
    while end > at:
        begin = max(at, end - _BLOCK)
        file.seek(begin)
        block = file.read(end - begin)
        file.seek(begin + by)
        file.write(block)
        end = begin
