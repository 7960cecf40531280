"""SVT-AV1 as ffmpeg runs it: its options. Its own passes miss a size by up to 29 %, so that none are made."""

from __future__ import annotations

from typing import Any

from tightfit.media.coding import Coding, ConstantQuality

# Fewer pictures ahead is what takes less memory.
FRUGAL = "lookahead=16"
SCREEN = ""


def options(coding: Coding) -> dict[str, Any]:
    """Output options of ffmpeg: one closed GOP, unless it is longer than people wait when they seek."""
    assert isinstance(coding.rate, ConstantQuality), "there is one way to encode AV1"
    crf = coding.codec.own_crf(coding.rate.crf)
    params = [f"crf={crf:g}", "keyint=-1", f"lp={coding.threads}", *([coding.tuning] if coding.tuning else [])]
    return {"preset": coding.preset, "svtav1-params": ":".join(params)}
