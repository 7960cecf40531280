"""Facts about a video as MP4 and QuickTime boxes that libavformat has no option for: place, camera, Apple's own keys.

Sizes are those of the bytes themselves. ``©xyz``, ``©mak`` and ``©mod`` are user data of the QuickTime File Format
(international text: length, language, text) and what phones write and read in MP4 too; the ``mdta`` form (metadata
item keys) is what iPhones write.
"""

from __future__ import annotations

from collections.abc import Mapping

APPLE = "com.apple.quicktime."
_USER_DATA = {"location": b"\xa9xyz", "make": b"\xa9mak", "model": b"\xa9mod"}
# ISO 639-2 "und", five bits a letter.
_NO_LANGUAGE = 0x55C4
_UTF8 = 1
_LONGEST_TEXT = 0xFFFF


def box(name: bytes, *content: bytes) -> bytes:
    """A box (ISO/IEC 14496-12, 4.2)."""
    inside = b"".join(content)
    return (8 + len(inside)).to_bytes(4, "big") + name + inside


def user_data(tags: Mapping[str, str]) -> bytes:
    """What goes into the movie's ``udta``, after what libavformat wrote there."""
    return b"".join(box(_USER_DATA[key], _text(tags[key])) for key in _USER_DATA if tags.get(key))


def _text(value: str) -> bytes:
    said = value.encode()[:_LONGEST_TEXT]
    return len(said).to_bytes(2, "big") + _NO_LANGUAGE.to_bytes(2, "big") + said


def apple_keys(tags: Mapping[str, str]) -> dict[str, str]:
    """Those of ``tags`` that are kept under Apple's names."""
    return {key: value for key, value in tags.items() if key.startswith(APPLE) and value}


def item_list(tags: Mapping[str, str]) -> bytes:
    """The movie's ``meta`` box of the kind ``mdta`` for Apple's keys; nothing where there are none."""
    items = apple_keys(tags)
    if not items:
        return b""
    handler = box(b"hdlr", bytes(8), b"mdta", bytes(12), b"\0")
    names = b"".join(box(b"mdta", key.encode()) for key in items)
    keys = box(b"keys", bytes(4), len(items).to_bytes(4, "big"), names)
    values = [
        box(at.to_bytes(4, "big"), box(b"data", _UTF8.to_bytes(4, "big"), bytes(4), value.encode()))
        for at, value in enumerate(items.values(), start=1)
    ]
    return box(b"meta", bytes(4), handler, keys, box(b"ilst", *values))
