"""Steering while encoding: which quality comes next, and whether a running encode is on course.

All pure. Bytes are payload bytes of video; ``budget`` is what all frames together may cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tightfit.domain.pieces import Part, Segment
from tightfit.domain.rate import CRF_MAX, CRF_MIN, Observation, RateModel

# The first encode aims this far below the budget: what closes the sum is made to a size, so that little is lost.
FIRST_AIM = 0.9975
# How far one piece may stray from the quality that would fit all: more is seen as a jump.
STEP_LIMIT = 1.0
# Of few pieces the last one is much of the clip: it has to make good for all that the others missed.
FEW_STEP_LIMIT = 2.5
# What the prior got wrong (up to a factor of 2) shows in two seconds of pictures to within 15 %, and beginning
# again then costs little. Smaller mistakes than this are made good for by the pieces that follow; a first pass may be
# further off, since the second one can be made from it up to a factor of 2 away.
RESTART_LIMIT, FIRST_PASS_LIMIT = 1.5, 4.0
# Noise is foretold badly: on clips whose prior was far off, or whose slope is that much steeper than usual, a first
# pass of one piece missed the real cost of another by up to a third, elsewhere by less than a tenth.
SURPRISE, STEEP = 4.0, 1.3
# At this distance the slope matters.
NEAR = 0.7
# So many pictures tell a slope to a twentieth, for a tenth of a first pass.
GLIMPSE_FRAMES = 48
# x264's first pass at a CRF comes out at this share of medium's bytes: 0.95 at CRF 24 (0.75 … 1.02 on nine clips),
# 0.87 at 31 (0.78 … 0.97).
_FIRST_PASS_SHARE, _FIRST_PASS_CRF, _FIRST_PASS_SLOPE = 0.948, 24.0, 0.0113
_FIRST_PASS_SHARES = (0.8, 1.0)
# Less than this much of the mean can't make good for what another piece missed.
_ABLE_TO_CLOSE = 0.6
# An IDR picture put where none was wanted costs about this share of the nearest one that was, less the
# picture it replaces; the pictures behind it get cheaper.
_IDR_NET_COST = 0.8
_LEAST_SEEN_FRAMES = 12
MOST_RESTARTS = 2


def first_pass_share(crf: float) -> float:
    """Bytes of x264's first pass at ``crf`` over those of an encode at it."""
    low, high = _FIRST_PASS_SHARES
    return min(high, max(low, _FIRST_PASS_SHARE - _FIRST_PASS_SLOPE * (crf - _FIRST_PASS_CRF)))


@dataclass(frozen=True)
class Load:
    """What is known of the rest of the clip: bytes already finished, ranges still to come."""

    done_bytes: float
    ranges: tuple[tuple[int, int], ...]


def encode_order(segments: Sequence[Segment], model: RateModel) -> list[Segment]:
    """An average one first, since it teaches the model; then from large to small, so that what is left can always
    make good for what was done; another average one last, which closes the sum and has to be able to. Of two it is the
    shorter one where that is able: being measured first, it costs half as much again."""
    size = {s.index: model.content.bytes_in(s.first, s.last) for s in segments}
    mean = sum(size.values()) / len(size)
    if len(segments) == 2:
        return sorted(segments, key=lambda s: (size[s.index] >= _ABLE_TO_CLOSE * mean, -s.frames))
    first, *rest = sorted(segments, key=lambda s: abs(size[s.index] - mean))
    return [first, *sorted(rest[1:], key=lambda s: -size[s.index]), *rest[:1]]


def next_crf(model: RateModel, scale: float, budget: float, load: Load, everything: Sequence[tuple[int, int]]) -> float:
    """The quality for the next piece: what makes the rest fit, near what would fit all."""
    aim = budget * FIRST_AIM
    fits_all = model.solve(everything, scale, aim)
    fits_rest = model.solve(load.ranges, scale, max(1.0, aim - load.done_bytes))
    return min(CRF_MAX, max(CRF_MIN, min(fits_all + STEP_LIMIT, max(fits_all - STEP_LIMIT, fits_rest))))


@dataclass(frozen=True)
class ClosingCrf:
    """The quality of the last piece; ``fits`` where it takes exactly what is left."""

    value: float
    fits: bool


def closing_crf(
    model: RateModel, seen: Observation, left: float, fits_all: float, step: float = STEP_LIMIT
) -> ClosingCrf:
    """What takes the bytes that are ``left``, unless it would stand out by more than ``step``; ``seen`` is what a look
    at it showed."""
    wanted = model.crf_for_change(seen.crf, seen.bytes, max(1.0, left))
    allowed = min(CRF_MAX, fits_all + step, max(CRF_MIN, fits_all - step, wanted))
    return ClosingCrf(allowed, allowed == wanted)


def seen_of(growing: Part) -> Part | None:
    """What can be said of the beginning of a running encode; None while it is too little."""
    prefixes = [n for n in growing.closed_prefixes if n >= _LEAST_SEEN_FRAMES]
    return growing.cut(prefixes[-1]) if prefixes else None


def idr_cost(known: Sequence[tuple[int, int]], at: int, mean_bytes: float) -> float:
    """Bytes that one more IDR picture at frame ``at`` adds, judged by the nearest of the ``known`` ones.

    ``known`` are (frame number, bytes), at least one; ``mean_bytes`` is what a picture costs there on average.
    """
    _, nearest = min(known, key=lambda idr: abs(idr[0] - at))
    return max(0.0, _IDR_NET_COST * (nearest - mean_bytes))
