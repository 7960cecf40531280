"""Does a container hold its media itself, or name other files for it? Read from its structure, without a demuxer.

QuickTime may keep a track's samples in another file (data references: ISO/IEC 14496-12, 8.7.2) or be nothing but a list
of addresses (reference movies: `rmra` of the QuickTime File Format). Matroska may take chapters from other segments
(ChapterSegmentUID, RFC 9559, 5.1.7). ffmpeg follows none of them as it is run here; what it makes without them is
something else than what a player shows.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

_EBML = b"\x1a\x45\xdf\xa3"
_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"dinf")
_SELF_CONTAINED = 1
# An alias without a record of where it leads is shorter than this (as libavformat's mov.c has it).
_SHORTEST_ALIAS = 150
# No honest file has more boxes at these levels, or chapters in more bytes.
_MOST_BOXES, _MOST_CHAPTER_BYTES, _MOST_DREF_BYTES = 100_000, 16 << 20, 1 << 20


def external(file: BinaryIO) -> str:
    """What the file names instead of holding it, in words; nothing where it holds its own media or can't be read."""
    beginning = file.read(12)
    if beginning.startswith(_EBML):
        return _matroska(file)
    return _quicktime(file) if beginning[4:8].isalnum() else ""


def _quicktime(file: BinaryIO) -> str:
    for name, start, end in _boxes(file):
        if name == b"rmra":
            return "a reference movie: a list of the addresses of other files"
        if name == b"dref":
            file.seek(start)
            if _leads_elsewhere(file.read(min(end - start, _MOST_DREF_BYTES))):
                return "a movie whose tracks are kept in other files"
    return ""


def _boxes(file: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """(type, start and end of the content) of every box down to where references are; each is looked into once."""
    size = file.seek(0, 2)
    todo = [(0, size)]
    for _ in range(_MOST_BOXES):
        while todo and todo[-1][0] + 8 > todo[-1][1]:
            todo.pop()
        if not todo:
            return
        at, end = todo.pop()
        file.seek(at)
        header = file.read(16)
        if len(header) < 8:
            return
        length, name, skip = struct.unpack(">I", header[:4])[0], header[4:8], 8
        if length == 1 and len(header) == 16:
            length, skip = struct.unpack(">Q", header[8:])[0], 16
        if length == 0:
            length = end - at
        after = min(end, at + length) if length >= skip else end
        todo.append((after, end))
        yield name, at + skip, after
        if name in _PARENTS and length >= skip:
            todo.append((at + skip, after))


def _leads_elsewhere(dref: bytes) -> bool:
    at = 8  # version, flags and the number of entries
    while at + 12 <= len(dref):
        length, name, flags = struct.unpack(">I4sI", dref[at : at + 12])
        content = dref[at + 12 : at + max(12, length)]
        if not flags & _SELF_CONTAINED:
            if name in (b"url ", b"urn ") and content.strip(b"\0"):
                return True
            if name == b"alis" and length > _SHORTEST_ALIAS:
                return True
        if length < 12:
            return False
        at += length
    return False


_SEGMENT, _CLUSTER, _CHAPTERS = 0x18538067, 0x1F43B675, 0x1043A770
_EDITION, _CHAPTER, _LINKED = 0x45B9, 0xB6, 0x6E67
_UNKNOWN_LENGTHS = {(1 << 7 * n) - 1 for n in range(1, 9)}


def _matroska(file: BinaryIO) -> str:
    size = file.seek(0, 2)
    at = 0
    for _ in range(_MOST_BOXES):
        file.seek(at)
        found = _element(file.read(12), 0)
        if found is None:
            return ""
        name, start, length = found
        if name == _SEGMENT:
            at += start
            continue
        if length in _UNKNOWN_LENGTHS:
            return ""
        if name == _CHAPTERS:
            file.seek(at + start)
            if _has_linked_chapter(file.read(min(length, _MOST_CHAPTER_BYTES))):
                return "a Matroska file whose chapters are kept in other files"
        at += start + length
        if at >= size:
            return ""
    return ""


def _has_linked_chapter(content: bytes) -> bool:
    todo = [(0, len(content))]
    for _ in range(_MOST_BOXES):
        if not todo:
            return False
        at, end = todo.pop()
        found = _element(content, at)
        if at >= end or found is None:
            continue
        name, start, length = found
        if name == _LINKED:
            return True
        todo.append((start + length, end))
        if name in (_EDITION, _CHAPTER):
            todo.append((start, min(end, start + length)))
    return False


def _element(data: bytes, at: int) -> tuple[int, int, int] | None:
    """(id, where the content starts, its length) of the EBML element at ``at`` (RFC 8794); None where there is none."""
    name = _variable(data, at, keep_marker=True)
    length = _variable(data, at + name[1], keep_marker=False) if name else None
    if name is None or length is None:
        return None
    return name[0], at + name[1] + length[1], length[0]


def _variable(data: bytes, at: int, *, keep_marker: bool) -> tuple[int, int] | None:
    """(value, bytes it took) of an EBML variable-size integer."""
    if at >= len(data) or data[at] == 0:
        return None
    width = 9 - data[at].bit_length()
    if at + width > len(data):
        return None
    value = int.from_bytes(data[at : at + width], "big")
    return (value if keep_marker else value & ((1 << 7 * width) - 1)), width
