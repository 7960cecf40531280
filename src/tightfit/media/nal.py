"""H.264 byte streams: from start codes to length prefixes, without the encoder's own remarks.

x264 repeats about 700 bytes of its settings (SEI user data, ITU-T H.264 D.1.6) at the head of every
encode. In a file joined from many encodes of a few hundred kilobytes they would be paid for many times.
"""

from __future__ import annotations

_SEI, _SPS, _PPS = 6, 7, 8
_USER_DATA_UNREGISTERED = 5
_START = b"\x00\x00\x00\x01"


def units(stream: bytes) -> list[bytes]:
    """The NAL units of an Annex B stream, without start codes and the zero bytes before them."""
    return [unit for part in stream.split(b"\x00\x00\x01")[1:] if (unit := part.rstrip(b"\x00"))]


def sample(coded: bytes) -> bytes:
    """The same units as MP4 stores them (ISO/IEC 14496-15, four-byte lengths), user data left out."""
    kept = [unit for unit in units(coded) if not _is_user_data(unit)]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in kept)


def _is_user_data(unit: bytes) -> bool:
    return unit[0] & 0x1F == _SEI and len(unit) > 1 and unit[1] == _USER_DATA_UNREGISTERED


def description(given: bytes) -> bytes:
    """The AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) for 4:2:0 8-bit parameter sets.

    ``given`` is one SPS and one PPS in Annex B form. Raises ValueError where they are not.
    """
    found = {unit[0] & 0x1F: unit for unit in units(given)}
    try:
        sps, pps = found[_SPS], found[_PPS]
    except KeyError:
        raise ValueError("the encoder gave no parameter sets") from None
    record = b"\x01" + sps[1:4] + b"\xff\xe1" + len(sps).to_bytes(2, "big") + sps
    record += b"\x01" + len(pps).to_bytes(2, "big") + pps
    if sps[1] not in (66, 77, 88):  # the High profiles append chroma format and bit depths
        record += b"\xfd\xf8\xf8\x00"
    return record


def comparable(given: bytes) -> bytes:
    """What has to be the same in all pieces of a clip: everything, since their level is named by us."""
    return given


def told(stored: bytes) -> bytes:
    return stored


def demand(given: bytes) -> tuple[int, int]:  # noqa: ARG001 - see above
    return 0, 0


def annex_b_sets(record: bytes) -> tuple[bytes, int]:
    """The parameter sets of an AVCDecoderConfigurationRecord in Annex B form, and how many bytes a length has.

    Raises ValueError where it is none, or holds more than one set of a kind: pieces of ours have one of each.
    """
    if len(record) < 7 or record[0] != 1:
        raise ValueError("no description of H.264 as MP4 has it")
    at, sets = 5, list[bytes]()
    for mask in (0x1F, 0xFF):
        if at >= len(record) or record[at] & mask != 1:
            raise ValueError("more than one set of parameters of a kind")
        length = int.from_bytes(record[at + 1 : at + 3], "big")
        sets.append(record[at + 3 : at + 3 + length])
        at += 3 + length
    if len(sets[0]) < 4 or not sets[1] or at > len(record):
        raise ValueError("a description of H.264 that is cut short")
    return b"".join(_START + unit for unit in sets), (record[4] & 3) + 1


def start_coded(sample: bytes, length_bytes: int) -> bytes:
    """A sample as MP4 stores it, with start codes instead of lengths. Raises ValueError where they don't add up."""
    at, found = 0, list[bytes]()
    while at < len(sample):
        length = int.from_bytes(sample[at : at + length_bytes], "big")
        at += length_bytes
        if length == 0 or at + length > len(sample):
            raise ValueError("a picture that is cut short")
        found.append(_START + sample[at : at + length])
        at += length
    return b"".join(found)
