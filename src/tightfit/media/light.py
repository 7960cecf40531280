"""What a decoder says of the light of HDR pictures."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

from tightfit.domain.light import CHROMATICITY_UNIT, LUMINANCE_UNIT, Light, MasteringDisplay

# libavutil's AVMasteringDisplayMetadata: red, green, blue and white as x and y, the least and the most luminance, all
# of them fractions of two integers; then whether there are colours, and luminance.
_MASTERING = struct.Struct("@22i")
# AVContentLightMetadata.
_CONTENT = struct.Struct("@2I")
_MOST_16_BITS, _MOST_32_BITS = 0xFFFF, 0xFFFFFFFF


def light_of(along: Mapping[str, bytes]) -> Light:
    """What comes along with a picture, by libavutil's names; what makes no sense counts as unsaid."""
    mastering, content = None, None
    data = along.get("MASTERING_DISPLAY_METADATA", b"")
    if len(data) >= _MASTERING.size:
        mastering = _mastering(_MASTERING.unpack_from(data))
    data = along.get("CONTENT_LIGHT_LEVEL", b"")
    if len(data) >= _CONTENT.size:
        most, mean = _CONTENT.unpack_from(data)
        content = (min(most, _MOST_16_BITS), min(mean, _MOST_16_BITS)) if most else None
    return Light(mastering, content, "DYNAMIC_HDR_PLUS" in along)


def _mastering(values: tuple[int, ...]) -> MasteringDisplay | None:
    fractions, has_colours, has_luminance = values[:20], values[20], values[21]
    if not (has_colours and has_luminance) or not all(fractions[1::2]):
        return None
    units = [CHROMATICITY_UNIT] * 8 + [LUMINANCE_UNIT] * 2
    pairs = zip(fractions[::2], fractions[1::2], units, strict=True)
    told = [round(num * unit / den) for num, den, unit in pairs]
    least, most = told[8:]
    if min(told) < 0 or max(told[:8]) > _MOST_16_BITS or not least < most <= _MOST_32_BITS:
        return None
    red, green, blue, white = ((told[at], told[at + 1]) for at in range(0, 8, 2))
    return MasteringDisplay(red, green, blue, white, most, least)


def light_in(frame: Any) -> Light:
    return light_of({getattr(one.type, "name", ""): bytes(one) for one in frame.side_data})
