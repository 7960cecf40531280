"""Which module knows which encoder."""

from __future__ import annotations

from typing import Any, Protocol, cast

from tightfit.domain.codec import AV1, H264, HEVC, Codec
from tightfit.media import svtav1, x264, x265
from tightfit.media.coding import Coding


class Encoder(Protocol):
    """What has to be known of any encoder; ``FRUGAL`` is a tuning that takes less memory, ``SCREEN`` one that suits
    screens better than its defaults, if one is known."""

    FRUGAL: str
    SCREEN: str

    def options(self, coding: Coding) -> dict[str, Any]: ...


class TwoPassEncoder(Encoder, Protocol):
    """And of one that makes a size in two passes.

    The notes of a first pass are text, in a file of the name ``stats``-0.log; those about blocks have ``BLOCK_NOTES``
    appended to that.
    """

    BLOCK_NOTES: str

    def duration_s(self, notes: str) -> float: ...

    def least_bytes(self, notes: str) -> float: ...

    def stretch(self, notes: str, factor: float) -> str: ...


_BY_NAME = {H264.name: x264, HEVC.name: x265, AV1.name: svtav1}


def encoder_of(codec: Codec) -> Encoder:
    return cast(Encoder, _BY_NAME[codec.name])


def two_passes_of(codec: Codec) -> TwoPassEncoder:
    assert codec.two_passes, "nobody asks another"
    return cast(TwoPassEncoder, _BY_NAME[codec.name])
