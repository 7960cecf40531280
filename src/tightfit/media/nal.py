"""H.264 byte streams: from start codes to length prefixes, without the encoder's own remarks.

x264 repeats about 700 bytes of its settings (SEI user data, ITU-T H.264 D.1.6) at the head of every
encode. In a file joined from many encodes of a few hundred kilobytes they would be paid for many times.
"""

from __future__ import annotations

_SEI, _SPS, _PPS = 6, 7, 8
_USER_DATA_UNREGISTERED = 5


def units(stream: bytes) -> list[bytes]:
    """The NAL units of an Annex B stream, without start codes and the zero bytes before them."""
    return [unit for part in stream.split(b"\x00\x00\x01")[1:] if (unit := part.rstrip(b"\x00"))]


def length_prefixed(stream: bytes) -> bytes:
    """The same units as MP4 stores them (ISO/IEC 14496-15, four-byte lengths), user data left out."""
    kept = [unit for unit in units(stream) if not _is_user_data(unit)]
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in kept)


def _is_user_data(unit: bytes) -> bool:
    return unit[0] & 0x1F == _SEI and len(unit) > 1 and unit[1] == _USER_DATA_UNREGISTERED


def avcc(parameter_sets: bytes) -> bytes:
    """The AVCDecoderConfigurationRecord (ISO/IEC 14496-15, 5.3.3.1) for 4:2:0 8-bit parameter sets.

    ``parameter_sets`` is one SPS and one PPS in Annex B form. Raises ValueError where they are not.
    """
    found = {unit[0] & 0x1F: unit for unit in units(parameter_sets)}
    try:
        sps, pps = found[_SPS], found[_PPS]
    except KeyError:
        raise ValueError("the encoder gave no parameter sets") from None
    record = b"\x01" + sps[1:4] + b"\xff\xe1" + len(sps).to_bytes(2, "big") + sps
    record += b"\x01" + len(pps).to_bytes(2, "big") + pps
    if sps[1] not in (66, 77, 88):  # the High profiles append chroma format and bit depths
        record += b"\xfd\xf8\xf8\x00"
    return record
