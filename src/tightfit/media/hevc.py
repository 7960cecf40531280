"""H.265 byte streams: to length prefixes and the record that MP4 keeps of their parameter sets.

x265 derives the level from the bitrate where it is given one, so that a piece made to a size may claim another than
one made at constant quality; telling it a level instead makes it limit the rate. So levels are no part of the
comparison, and a file is described as the piece that asks most of a decoder.
"""

from __future__ import annotations

from tightfit.media.nal import units

_VPS, _SPS, _PPS, _PREFIX_SEI = 32, 33, 34, 39
_USER_DATA_UNREGISTERED = 5
# Where profile, tier and level begin in a set without its escapes, two bytes of NAL unit header counted; they are
# twelve bytes, the tier's bit in the first and the level in the last (ITU-T H.265 7.3.2.1, 7.3.2.2, 7.3.3).
_PROFILE_AT = {_VPS: 6, _SPS: 3}
_PROFILE_BYTES, _TIER = 12, 0x20
# x265 takes the profile Main 10 for 10 bits and for nothing else; two bits more than 8 is how the record says it.
_PROFILE, _MAIN_10, _DEEP = 0x1F, 2, 2


def _kind(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F


def sample(coded: bytes) -> bytes:
    """A picture as MP4 stores it (ISO/IEC 14496-15, four-byte lengths), the encoder's remarks left out."""
    kept = [unit for unit in units(coded) if not _is_user_data(unit)]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in kept)


def _is_user_data(unit: bytes) -> bool:
    return _kind(unit) == _PREFIX_SEI and len(unit) > 2 and unit[2] == _USER_DATA_UNREGISTERED


def comparable(given: bytes) -> bytes:
    """Parameter sets in Annex B form without what may differ between pieces of one clip: tier and level."""
    found = []
    for unit in units(given):
        plain, at = bytearray(_unescaped(unit)), _PROFILE_AT.get(_kind(unit))
        if at is not None and len(plain) >= at + _PROFILE_BYTES:
            plain[at] &= ~_TIER
            plain[at + _PROFILE_BYTES - 1] = 0
        found.append(bytes(plain))
    return b"".join(len(plain).to_bytes(4, "big") + plain for plain in found)


def demand(given: bytes) -> tuple[int, int]:
    """Tier and level: the higher, the more is asked of a decoder. (0, 0) where there is no SPS."""
    for unit in units(given):
        if _kind(unit) == _SPS and len(plain := _unescaped(unit)) >= 15:
            return plain[3] & _TIER, plain[14]
    return 0, 0


def description(given: bytes) -> bytes:
    """The HEVCDecoderConfigurationRecord (ISO/IEC 14496-15, 8.3.3.1) for 4:2:0 parameter sets of 8 or 10 bits.

    ``given`` is one VPS, SPS and PPS in Annex B form, and what is said of the light. Raises ValueError where they are
    not.
    """
    found = {_kind(unit): unit for unit in units(given) if len(unit) > 1}
    remarks = [unit for unit in units(given) if _kind(unit) == _PREFIX_SEI and not _is_user_data(unit)]
    try:
        sets = [found[kind] for kind in (_VPS, _SPS, _PPS)]
    except KeyError:
        raise ValueError("the encoder gave no parameter sets") from None
    sps = _unescaped(sets[1])
    if len(sps) < 15:
        raise ValueError("the encoder gave a parameter set that is cut short")
    layers, nested = (sps[2] >> 1 & 7) + 1, sps[2] & 1
    record = b"\x01" + sps[3:15]
    depth = 0xF8 | (_DEEP if sps[3] & _PROFILE == _MAIN_10 else 0)
    # No spatial segmentation or kind of parallelism named, 4:2:0, bits of luma and chroma, no frame rate.
    record += b"\xf0\x00\xfc\xfd" + bytes([depth, depth]) + b"\x00\x00"
    record += bytes([layers << 3 | nested << 2 | 3, len(sets) + bool(remarks)])
    for kind, unit in zip((_VPS, _SPS, _PPS), sets, strict=True):
        record += _array(kind, [unit])
    return record + (_array(_PREFIX_SEI, remarks) if remarks else b"")


def _array(kind: int, found: list[bytes]) -> bytes:
    """All there are of the kind are here, and none between the pictures: that is what hvc1 means."""
    listed = b"".join(len(unit).to_bytes(2, "big") + unit for unit in found)
    return bytes([0x80 | kind]) + len(found).to_bytes(2, "big") + listed


def told(stored: bytes) -> bytes:
    """The record without what a muxer says of it by itself: whether sets may come between the pictures too."""
    record, at = bytearray(stored), 23
    while at + 3 <= len(record):
        record[at] &= 0x7F
        count, at = int.from_bytes(record[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            at += 2 + int.from_bytes(record[at : at + 2], "big")
    return bytes(record)


def _unescaped(unit: bytes) -> bytes:
    return unit.replace(b"\x00\x00\x03", b"\x00\x00")
