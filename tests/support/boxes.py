"""MP4 and Matroska by hand: boxes and elements that no muxer would write."""

from __future__ import annotations

import struct


def box(name: bytes, *content: bytes, size: int | None = None) -> bytes:
    """An MP4 box; ``size`` is what it claims, where that is a lie."""
    whole = b"".join(content)
    return struct.pack(">I4s", len(whole) + 8 if size is None else size, name) + whole


def patched(content: bytes, name: bytes, at: int, value: bytes) -> bytes:
    """``content`` with ``value`` written ``at`` bytes into the first box called ``name``."""
    start = content.index(name) + 4 + at
    return content[:start] + value + content[start + len(value) :]


def element(number: int, content: bytes, size: int | None = None) -> bytes:
    """An EBML element with an eight-byte length, which may be a lie."""
    name = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return name + ((1 << 56) | (len(content) if size is None else size)).to_bytes(8, "big") + content


def dref(entry: bytes) -> bytes:
    """A movie of one video track whose samples are where ``entry``, an entry of its data references, says."""
    table = box(b"dref", struct.pack(">II", 0, 1), entry)
    sample = struct.pack(">6xH16xHHIII H32sHh", 1, 64, 64, 0x480000, 0x480000, 0, 1, b"\0" * 32, 24, -1)
    stbl = box(
        b"stbl",
        box(b"stsd", struct.pack(">II", 0, 1), box(b"png ", sample)),
        box(b"stts", struct.pack(">IIII", 0, 1, 1, 1000)),
        box(b"stsc", struct.pack(">IIIII", 0, 1, 1, 1, 1)),
        box(b"stsz", struct.pack(">III", 0, 100, 1)),
        box(b"stco", struct.pack(">III", 0, 1, 0)),
    )
    minf = box(b"minf", box(b"vmhd", struct.pack(">I8x", 1)), box(b"dinf", table), stbl)
    mdhd = box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, 1000, 1000, 0, 0))
    hdlr = box(b"hdlr", struct.pack(">I4s4s12xB", 0, b"mhlr", b"vide", 0))
    tkhd = box(
        b"tkhd", struct.pack(">IIIIII8xHHHH36sII", 1, 0, 0, 1, 0, 1000, 0, 0, 0, 0, b"\0" * 36, 64 << 16, 64 << 16)
    )
    mvhd = box(b"mvhd", struct.pack(">IIIII", 0, 0, 0, 1000, 1000), b"\0\1\0\0", b"\1\0", bytes(70), b"\0\0\0\2")
    moov = box(b"moov", mvhd, box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf)))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + moov + box(b"mdat", bytes(200))


def alias(path: str) -> bytes:
    """A Macintosh alias record that leads to ``path``, an entry of data references."""
    name = path.rpartition("/")[2].encode()[:63]
    record = struct.pack(">IHH", 0, 0, 2) + bytes([0]) + bytes(27) + bytes(4) + b"H+" + bytes(2)
    record += bytes(4) + bytes([len(name)]) + name.ljust(63, b"\0") + bytes(16) + struct.pack(">hh", 1, 1) + bytes(16)
    record += struct.pack(">HH", 2, len(path)) + path.encode() + bytes(len(path) % 2) + struct.pack(">HH", 0xFFFF, 0)
    return box(b"alis", struct.pack(">I", 0), record)
