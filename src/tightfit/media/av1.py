"""AV1 byte streams: the units (OBUs) of a picture as containers store them."""

from __future__ import annotations

# Clause 5.3.2 of the AV1 specification: a delimiter has no payload; containers leave it out (AV1-ISOBMFF 2.4).
_DELIMITER = b"\x12\x00"
# An av1C record (AV1-ISOBMFF 2.3.3) is four bytes and the sequence header, which is all that encoders give.
_RECORD, _RECORD_HEAD = 0x81, 4


def sample(coded: bytes) -> bytes:
    """One shown picture with those that it needs and that are not shown, without the delimiter before it."""
    return coded.removeprefix(_DELIMITER)


def description(given: bytes) -> bytes:
    """The sequence header, of which muxers make the record that they store. Raises ValueError where there is none."""
    if not given:
        raise ValueError("the encoder gave no sequence header")
    return given


def told(stored: bytes) -> bytes:
    return stored[_RECORD_HEAD:] if stored[:1] == bytes([_RECORD]) else stored


def comparable(given: bytes) -> bytes:
    return given


def demand(given: bytes) -> tuple[int, int]:  # noqa: ARG001 - all pieces have the same
    return 0, 0
