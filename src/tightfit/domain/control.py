"""Steering while encoding: which quality comes next, and whether a running encode is on course.

All pure. Bytes are payload bytes of video; ``budget`` is what all frames together may cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tightfit.domain.pieces import Part, Segment
from tightfit.domain.rate import CRF_MAX, CRF_MIN, Observation, RateModel

# The first encode aims this far below the budget: correcting upwards by a small piece costs as little as
# downwards, but only being over forces a correction.
FIRST_AIM = 0.9965
# How far one piece may stray from the quality that would fit all: more is seen as a jump.
STEP_LIMIT = 1.0
# A running encode may be cut and continued at another quality up to this far away.
CUT_LIMIT = 1.5
# Mistakes smaller than this (as a share of the budget) are left to later pieces or to settling.
_TOLERANCE_EARLY, _TOLERANCE_LATE = 0.035, 0.008
_EARLY = 0.5
# A cut costs one more IDR picture; where that is more than this share of the budget it is not worth it.
_DEAREST_IDR = 0.02
# Bytes of an extra IDR over the frame it replaces; the frames after it get cheaper (measured: +0.9 % of a
# clip whose IDR is 1.3 % of it).
_IDR_NET_COST = 0.7
_SHORTEST_CUT_FRAMES = 12
MOST_RESTARTS = 2


@dataclass(frozen=True)
class Load:
    """What is known of the rest of the clip: bytes already finished, ranges still to come."""

    done_bytes: float
    ranges: tuple[tuple[int, int], ...]


def encode_order(segments: Sequence[Segment], model: RateModel) -> list[Segment]:
    """Average-sized first, since the first ones teach the model; then from large to small, so that the
    last to finish are short."""
    if len(segments) < 4:
        return sorted(segments, key=lambda s: -s.frames)
    size = {s.index: model.content.bytes_in(s.first, s.last) for s in segments}
    mean = sum(size.values()) / len(size)
    first = sorted(segments, key=lambda s: abs(size[s.index] - mean))[:2]
    rest = [s for s in segments if s not in first]
    return [*first, *sorted(rest, key=lambda s: -size[s.index])]


def next_crf(model: RateModel, scale: float, budget: float, load: Load, everything: Sequence[tuple[int, int]]) -> float:
    """The quality for the next piece: what makes the rest fit, near what would fit all."""
    aim = budget * FIRST_AIM
    fits_all = model.solve(everything, scale, aim)
    fits_rest = model.solve(load.ranges, scale, max(1.0, aim - load.done_bytes))
    return min(CRF_MAX, max(CRF_MIN, min(fits_all + STEP_LIMIT, max(fits_all - STEP_LIMIT, fits_rest))))


@dataclass(frozen=True)
class Keep:
    """On course."""


@dataclass(frozen=True)
class CutHere:
    """Stop, keep ``kept`` packets, and go on from there at another quality."""

    kept: int


@dataclass(frozen=True)
class Restart:
    """So far off that what was done is not worth keeping."""


Verdict = Keep | CutHere | Restart


def judge(
    model: RateModel, scale: float, budget: float, part: Part, last: int, others: Load, *, may_restart: bool
) -> Verdict:
    """Look at a running encode: ``part`` is what exists of frames ``[part.first, last)``.

    ``others`` is the rest of the clip without this piece.
    """
    cuts = [n for n in part.closed_prefixes if _SHORTEST_CUT_FRAMES <= n]
    if not cuts or last - (part.first + cuts[-1]) < _SHORTEST_CUT_FRAMES:
        return Keep()
    kept = cuts[-1]
    middle = part.first + kept
    seen = part.bytes_up_to(kept)
    learned = model.learn(Observation(part.first, middle, scale, part.crf, seen))
    rest = [(middle, last), *others.ranges]
    aim = budget * FIRST_AIM
    forecast = others.done_bytes + seen + sum(learned.predict(a, b, scale, part.crf) for a, b in rest)
    done_share = kept / (last - part.first)
    tolerance = _TOLERANCE_EARLY if done_share < _EARLY else _TOLERANCE_LATE
    if abs(forecast - aim) <= tolerance * aim:
        return Keep()
    wanted = learned.solve(rest, scale, max(1.0, aim - others.done_bytes - seen))
    if abs(wanted - part.crf) > CUT_LIMIT:
        return Restart() if may_restart else _cut_or_keep(part, kept, budget)
    return _cut_or_keep(part, kept, budget)


def _cut_or_keep(part: Part, kept: int, budget: float) -> Verdict:
    return CutHere(kept) if idr_cost(part) <= _DEAREST_IDR * budget else Keep()


def idr_cost(part: Part) -> float:
    """Bytes that one more IDR picture adds to this part's frames."""
    rest = part.bytes_up_to(len(part.sizes)) - part.sizes[0]
    mean = rest / max(1, len(part.sizes) - 1)
    return max(0.0, _IDR_NET_COST * (part.sizes[0] - mean))
