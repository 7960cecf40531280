"""x265 as ffmpeg runs it: its options, and the notes of its first pass."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from tightfit.domain.light import Light
from tightfit.errors import EncoderError
from tightfit.media.coding import Coding, ConstantQuality, FirstPass, SecondPass

BLOCK_NOTES = ".cutree"
FRUGAL = "rc-lookahead=10"
SCREEN = ""
_BITS = 8
# Closed GOPs, and nothing between the pictures that would have to agree with those of other pieces. The threads are
# those of one encode, and one picture at a time: a piece comes out the same whatever else runs.
_ALWAYS = "log-level=error:info=0:open-gop=0:repeat-headers=0:vui-timing-info=0:frame-threads=1"
_RATE, _FRAME = re.compile(r" fps=(\d+)/(\d+)"), re.compile(r"^in:\d+ ", re.MULTILINE)
_MISC = re.compile(r" misc:(\d+)")
# What it takes as the two numbers of a rate.
_MOST = 1_000_000


def options(coding: Coding) -> dict[str, Any]:
    """Output options of ffmpeg. Its own options for two passes don't reach x265; these parameters do."""
    params = [_ALWAYS, f"pools={coding.threads}"]
    params += _said_of(coding.light) if coding.light else []
    if coding.tuning:
        params.append(coding.tuning)
    fps, quality = coding.fps.limit_denominator(1001), dict[str, Any]()
    match coding.rate:
        case ConstantQuality(crf):
            quality = {"crf": f"{coding.codec.own_crf(crf):.3f}"}
        case FirstPass(crf, stats):
            params += ["pass=1", f"stats={stats}-0.log", "slow-firstpass=0"]
            quality = {"crf": f"{coding.codec.own_crf(crf):.3f}"}
        case SecondPass(kbps, stats, stretch=stretch):
            fps = _slowed(fps, stretch)
            params += ["pass=2", f"stats={stats}-0.log"]
            quality = {"b:v": f"{kbps}k"}
    params.append(f"fps={fps.numerator}/{fps.denominator}")
    return {"preset": coding.preset, "x265-params": ":".join(params), **quality}


def _said_of(light: Light) -> list[str]:
    """Written once, among the parameter sets."""
    said = [f"max-cll={light.content[0]},{light.content[1]}"] if light.content else []
    if shown := light.mastering:
        colours = "".join(f"{name}({x},{y})" for name, (x, y) in shown.points.items())
        said.append(f"master-display={colours}L({shown.most},{shown.least})")
    return said


def duration_s(notes: str) -> float:
    """All frames at the rate that it was told: what it divides its bits by. Raises EncoderError."""
    rate = _rate_in(notes)
    return float(len(_FRAME.findall(notes)) / rate)


def least_bytes(notes: str) -> float:
    """Headers and skipped blocks of all frames."""
    return sum(int(bits) for bits in _MISC.findall(notes)) / _BITS


def stretch(notes: str, factor: float) -> str:
    """The notes at a rate at which the same frames last ``factor`` times as long: what whole kilobits per second can't
    say, the rate does."""
    slowed = _slowed(_rate_in(notes), factor)
    return _RATE.sub(f" fps={slowed.numerator}/{slowed.denominator}", notes, count=1)


def _slowed(rate: Fraction, factor: float) -> Fraction:
    return (rate / Fraction(factor)).limit_denominator(_MOST // max(1, round(rate)))


def _rate_in(notes: str) -> Fraction:
    found = _RATE.search(notes)
    if found is None or not int(found[1]) or not int(found[2]):
        raise EncoderError("x265's notes of its first pass name no rate.", hint="Please report this clip.")
    return Fraction(int(found[1]), int(found[2]))
