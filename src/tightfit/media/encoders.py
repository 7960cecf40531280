"""Which module knows which encoder."""

from __future__ import annotations

from typing import Any, Protocol, cast

from tightfit.domain.codec import H264, HEVC, Codec
from tightfit.media import x264, x265
from tightfit.media.coding import Coding


class Encoder(Protocol):
    """What has to be known of an encoder.

    The notes of a first pass are text, in a file of the name ``stats``-0.log; those about blocks have ``BLOCK_NOTES``
    appended to that. ``FRUGAL`` is a tuning that takes less memory.
    """

    BLOCK_NOTES: str
    FRUGAL: str

    def options(self, coding: Coding) -> dict[str, Any]: ...

    def duration_s(self, notes: str) -> float: ...

    def least_bytes(self, notes: str) -> float: ...

    def stretch(self, notes: str, factor: float) -> str: ...


_BY_CODEC = {H264: x264, HEVC: x265}


def encoder_of(codec: Codec) -> Encoder:
    return cast(Encoder, _BY_CODEC[codec])
