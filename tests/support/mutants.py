"""Files damaged on purpose, each the same whenever it is made again."""

from __future__ import annotations

import random
import struct

_BLOCK = 4096


def mutant(content: bytes, seed: str) -> bytes:
    """``content`` with one kind of damage, chosen and placed by ``seed``."""
    luck = random.Random(seed)
    return luck.choice((_truncated, _flipped, _zeroed, _spliced, _resized_box, _swapped_boxes))(content, luck)


def _truncated(content: bytes, luck: random.Random) -> bytes:
    return content[: luck.randrange(1, len(content))]


def _flipped(content: bytes, luck: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(luck.choice((1, 8, 64, len(content) // 2000 + 1))):
        damaged[luck.randrange(len(damaged))] ^= 1 << luck.randrange(8)
    return bytes(damaged)


def _zeroed(content: bytes, luck: random.Random) -> bytes:
    at = luck.randrange(len(content))
    return content[:at] + bytes(min(_BLOCK, len(content) - at)) + content[at + _BLOCK :]


def _spliced(content: bytes, luck: random.Random) -> bytes:
    """A stretch is missing, or stands twice."""
    a, b = sorted(luck.randrange(len(content)) for _ in range(2))
    return content[:a] + content[b:] if luck.random() < 0.5 else content[:b] + content[a:]


def _resized_box(content: bytes, luck: random.Random) -> bytes:
    """Some box of an MP4 says another size; elsewhere four bytes change."""
    names = (b"moov", b"trak", b"mdia", b"stbl", b"stsz", b"stts", b"stsc", b"stco", b"ctts", b"mdat", b"mvhd", b"elst")
    found = [at for name in names if (at := content.find(name)) >= 4]
    at = luck.choice(found) - 4 if found else luck.randrange(len(content) - 4)
    size = luck.choice((0, 1, 7, 8, 2**31 - 1, 2**32 - 1, luck.randrange(2**32), luck.randrange(len(content))))
    return content[:at] + struct.pack(">I", size) + content[at + 4 :]


def _swapped_boxes(content: bytes, luck: random.Random) -> bytes:
    """The top-level boxes of an MP4 in another order; elsewhere blocks."""
    boxes, at = [], 0
    while at + 8 <= len(content):
        size = struct.unpack(">I", content[at : at + 4])[0]
        if size < 8 or at + size > len(content):
            break
        boxes.append(content[at : at + size])
        at += size
    if len(boxes) < 2:
        boxes = [content[i : i + _BLOCK] for i in range(0, len(content), _BLOCK)]
        at = len(content)
    luck.shuffle(boxes)
    return b"".join(boxes) + content[at:]
