"""Boxes of our own in an MP4 file that libavformat has finished: the index grows, the media behind it moves."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
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


# Of a tkhd: behind its size, name and version, the last of three bytes of flags; the lowest bit is that the track is
# enabled (ISO/IEC 14496-12, 8.3.2).
_TRACK_FLAGS, _ENABLED = 11, 1


def disable(path: Path, tracks: Iterable[int]) -> None:
    """Mark tracks, by their place among all from 0 on, as not shown unless asked for.

    libavformat enables the first track of a kind where none is to be. Raises ValueError where the index is damaged.
    """
    with path.open("r+b") as file:
        start, size = _moov(file)
        file.seek(start)
        moov = bytearray(file.read(size))
        all_tracks = [(at, end) for name, at, end in _children(moov, 8, len(moov)) if name == b"trak"]
        for at, end in (all_tracks[n] for n in tracks):
            (header,) = (a for name, a, _ in _children(moov, at + 8, end) if name == b"tkhd")
            moov[header + _TRACK_FLAGS] &= ~_ENABLED
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


# Of stsd: a box header, version and flags, a count (ISO/IEC 14496-12, 8.5.2).
_ENTRY_HEAD = 16
_TO_ENTRY = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")


def add_to_sample_entry(file: bytes, added: bytes) -> bytes:
    """``file`` with boxes more in the first sample entry of its first track; its index stands behind its media.

    Raises ValueError where there is none.
    """
    data, start, end = bytearray(file), 0, len(file)
    for name in _TO_ENTRY:
        found = next(((a, b) for kind, a, b in _children(data, start, end) if kind == name), None)
        if found is None:
            raise ValueError("an index without pictures")
        at, end = found
        struct.pack_into(">I", data, at, end - at + len(added))
        start = at + (8 if name != b"stsd" else _ENTRY_HEAD)
    _, at, end = next(_children(data, start, end))
    struct.pack_into(">I", data, at, end - at + len(added))
    data[end:end] = added
    return bytes(data)


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
