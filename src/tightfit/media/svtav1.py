"""SVT-AV1 as ffmpeg runs it: its options. Its own passes miss a size by up to 29 %, so that none are made."""

from __future__ import annotations

from typing import Any

from tightfit.domain.light import CHROMATICITY_UNIT, Light
from tightfit.media.coding import Coding, ConstantQuality

# Fewer pictures ahead is what takes less memory.
FRUGAL = "lookahead=16"
SCREEN = ""


def options(coding: Coding) -> dict[str, Any]:
    """Output options of ffmpeg: one closed GOP, unless it is longer than people wait when they seek."""
    assert isinstance(coding.rate, ConstantQuality), "there is one way to encode AV1"
    crf = coding.codec.own_crf(coding.rate.crf)
    params = [f"crf={crf:g}", "keyint=-1", f"lp={coding.threads}", *([coding.tuning] if coding.tuning else [])]
    params += _said_of(coding.light) if coding.light else []
    return {"preset": coding.preset, "svtav1-params": ":".join(params)}


def _said_of(light: Light) -> list[str]:
    """Written before each keyframe."""
    said = [f"content-light={light.content[0]},{light.content[1]}"] if light.content else []
    if shown := light.mastering:
        points = {name: (x / CHROMATICITY_UNIT, y / CHROMATICITY_UNIT) for name, (x, y) in shown.points.items()}
        colours = "".join(f"{name}({x:.5f},{y:.5f})" for name, (x, y) in points.items())
        said.append(f"mastering-display={colours}L({shown.most_nits:.4f},{shown.least_nits:.4f})")
    return said
