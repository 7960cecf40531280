"""Whether a file that came over the network is a whole file of its kind, told by its outermost structure alone."""

from __future__ import annotations

import struct
from pathlib import Path

_MARKUP_TYPES = ("text/", "application/xml", "application/xhtml")
_MARKUP = (b"<?xml", b"<!doc", b"<html", b"<erro", b'{"')
_MP4_BRANDED = (b"ftyp", b"styp", b"moov", b"mdat", b"free", b"skip", b"wide")


def is_markup(content_type: str) -> bool:
    """True for a page or an error document where a video was asked for."""
    return content_type.startswith(_MARKUP_TYPES)


def is_page(head: bytes) -> bool:
    """True where the first bytes of a body are those of a page or of JSON, whatever its type says."""
    return head.lstrip().lower().startswith(_MARKUP)


def is_cut_short(path: Path) -> str:
    """Why the file can't be whole; empty where nothing speaks against it.

    An MP4 is a row of boxes that each say their size (ISO 14496-12, 4.2); together they are the file, and one of them
    is its index. Of other kinds only that they are no page is known.
    """
    size = path.stat().st_size
    if size == 0:
        return "it is empty"
    with path.open("rb") as file:
        head = file.read(16)
        if is_page(head):
            return "it is a page, not a video"
        if head[4:8] not in _MP4_BRANDED:
            return ""
        at, names = 0, set()
        while at < size:
            file.seek(at)
            head = file.read(16)
            if len(head) < 8:
                return "its last box is cut"
            length, name = struct.unpack(">I4s", head[:8])
            if length == 1:
                if len(head) < 16:
                    return "its last box is cut"
                length = struct.unpack(">Q", head[8:16])[0]
            if length == 0:
                length = size - at
            if length < 8:
                return "its boxes are damaged"
            names.add(name)
            at += length
    if at != size:
        return "its last box is cut"
    return "" if b"moov" in names else "its index is missing"
