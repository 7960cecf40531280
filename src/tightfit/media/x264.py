"""x264 as ffmpeg runs it: its options, and the notes of its first pass."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from tightfit.errors import EncoderError
from tightfit.media.coding import Coding, ConstantQuality, FirstPass, Rate, SecondPass

# How far, in seconds of bits, the second pass may run ahead or behind before it answers, over its default. At 1 a
# piece misses its size by -2.6 … +4.6 %, at 0.1 by -0.5 … +0.5 %, with no less VMAF (ten encodes of 3 … 10 s at
# three sizes); at 0.03 it is no closer and the worst pictures suffer.
_RATE_TOLERANCE = 0.1
# What it appends to the name of its notes, for those about blocks.
BLOCK_NOTES = ".mbtree"
# Pictures that it holds to look ahead; by default 20 or 40, which is most of its memory.
FRUGAL = "rc-lookahead=10"
# As its own tuning for drawings has it, but for the frames it refers to: grain that is made up looks like dirt between
# lines and letters. Measured on two screen recordings at four sizes: +0.2, +0.2, +0.4 and +1.8 VMAF.
SCREEN = "psy-rd=0.4,0:deblock=1,1:aq-strength=0.6"
# How thoroughly the presets weigh what they refer to: the one option on which two passes have to agree and presets
# don't (x264's encoder/ratecontrol.c refuses notes of another).
_WEIGHTS = {"veryfast": 1, "faster": 1, "medium": 2, "slow": 2}
_BITS = 8
# Durations are counted in fields, two to a picture, and the time base named is that of pictures.
_FIELDS = 2
_TIME_BASE, _DURATION = re.compile(r"timebase=(\d+/0*[1-9]\d*)"), re.compile(r" dur:(\d+)")
_MISC = re.compile(r" misc:(\d+)")


def options(coding: Coding) -> dict[str, Any]:
    """Output options of ffmpeg."""
    rate = coding.fps.limit_denominator(1001)
    params = f"stitchable=1:level={coding.level}:fps={rate.numerator}/{rate.denominator}"
    if coding.tuning:
        params += f":{coding.tuning}"
    if isinstance(coding.rate, SecondPass):
        params += f":ratetol={_RATE_TOLERANCE}:weightp={_WEIGHTS[coding.rate.first_preset]}"
    return {
        "preset": coding.preset,
        "threads": coding.threads,
        "x264-params": params,
        **_rate_options(coding.rate),
    }


def _rate_options(rate: Rate) -> dict[str, Any]:
    match rate:
        case ConstantQuality(crf):
            return {"crf": f"{crf:.3f}"}
        case FirstPass(crf, stats):
            return {"crf": f"{crf:.3f}", "pass": 1, "passlogfile": stats}
        case SecondPass(kbps, stats):  # the stretch is in the notes
            return {"b:v": f"{kbps}k", "pass": 2, "passlogfile": stats}


def duration_s(notes: str) -> float:
    """The sum of all frames' durations: what it divides its bits by. Raises EncoderError."""
    time_base = _TIME_BASE.search(notes)
    if time_base is None:
        raise EncoderError("x264's notes of its first pass name no time base.", hint="Please report this clip.")
    return float(sum(int(ticks) for ticks in _DURATION.findall(notes)) * Fraction(time_base[1]) / _FIELDS)


def least_bytes(notes: str) -> float:
    """Headers and skipped blocks of all frames."""
    return sum(int(bits) for bits in _MISC.findall(notes)) / _BITS


def stretch(notes: str, factor: float) -> str:
    """The notes with all durations times ``factor``, as near as whole ticks allow.

    ffmpeg hands x264 whole kilobits per second, which at 50 kb/s is 1 % of the size or nothing; x264 multiplies them by
    the sum of these durations and only then has bits, so that what the rate can't say the durations do.
    """
    exact = made = 0.0

    def stretched(found: re.Match[str]) -> str:
        nonlocal exact, made
        exact += int(found[1]) * factor
        ticks = max(1, round(exact - made))
        made += ticks
        return f" dur:{ticks}"

    return _DURATION.sub(stretched, notes)
