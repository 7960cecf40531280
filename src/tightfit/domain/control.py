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
# The first look comes early: what the prior got wrong (up to a factor of 2) shows in two seconds of
# pictures to within 15 %, and beginning again then costs little. Smaller mistakes than this wait.
_EARLY_LIMIT = 1.5
# Later, a running encode may be cut and continued at another quality up to this far away; beyond, the
# jump would be seen and it is begun again.
CUT_LIMIT = 1.5
_HOPELESS_LIMIT = 2.5
# While what is still to come needs a change smaller than this, it is left to settling.
_CUT_FROM_MIDDLE, _CUT_FROM_LATE = 0.8, 0.4
_LATE_SHARE = 0.55
# … and so is a forecast that misses the budget by less than this share of it.
_LEAST_ERROR = 0.005
# A cut costs one more IDR picture; where that is more than this share of the budget it is not worth it.
_DEAREST_IDR = 0.02
# An IDR picture put where none was wanted costs about this share of the nearest one that was, less the
# picture it replaces; the pictures behind it get cheaper.
_IDR_NET_COST = 0.8
_SHORTEST_CUT_FRAMES = 12
MOST_RESTARTS = 2


@dataclass(frozen=True)
class Load:
    """What is known of the rest of the clip: bytes already finished, ranges still to come."""

    done_bytes: float
    ranges: tuple[tuple[int, int], ...]


def encode_order(segments: Sequence[Segment], model: RateModel) -> list[Segment]:
    """An average one first, since it teaches the model; then from large to small, so that what is left can
    always make good for what was done, and the last to finish are short."""
    size = {s.index: model.content.bytes_in(s.first, s.last) for s in segments}
    mean = sum(size.values()) / len(size)
    first = min(segments, key=lambda s: abs(size[s.index] - mean))
    return [first, *sorted((s for s in segments if s is not first), key=lambda s: -size[s.index])]


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


@dataclass(frozen=True)
class Course:
    """What a running piece is part of: the rest of the clip without it, and all of the clip's ranges."""

    budget: float
    others: Load
    everything: tuple[tuple[int, int], ...]
    may_restart: bool
    first_look: bool


def judge(model: RateModel, scale: float, part: Part, last: int, course: Course) -> Verdict:
    """Look at a running encode: ``part`` is what exists of frames ``[part.first, last)``."""
    cuts = [n for n in part.closed_prefixes if n >= _SHORTEST_CUT_FRAMES]
    if not cuts or last - (part.first + cuts[-1]) < _SHORTEST_CUT_FRAMES:
        return Keep()
    kept = cuts[-1]
    middle, seen = part.first + kept, part.bytes_up_to(kept)
    learned = model.learn(Observation.of(part.cut(kept), scale))
    aim = course.budget * FIRST_AIM
    done_share = kept / (last - part.first)
    fits_all = learned.solve(course.everything, scale, aim)
    cut_cost = idr_cost(part.idrs(), middle, seen / kept)
    too_dear = cut_cost > _DEAREST_IDR * course.budget
    limit = _EARLY_LIMIT if course.first_look else _HOPELESS_LIMIT
    if course.may_restart and abs(fits_all - part.crf) > limit:
        return Restart()
    if course.first_look or too_dear:
        return Keep()
    rest = [(middle, last), *course.others.ranges]
    left = max(1.0, aim - course.others.done_bytes - seen - cut_cost)
    heading_for = sum(learned.predict(a, b, scale, part.crf) for a, b in rest)
    cut_from = _CUT_FROM_LATE if done_share > _LATE_SHARE else _CUT_FROM_MIDDLE
    wanted = learned.solve(rest, scale, left)
    if abs(wanted - part.crf) < cut_from or abs(heading_for - left) < _LEAST_ERROR * aim:
        return Keep()
    return CutHere(kept)


def after_cut(crf: float, wanted: float) -> float:
    """The quality behind a cut: what is wanted, but no visible jump from ``crf``."""
    return min(crf + CUT_LIMIT, max(crf - CUT_LIMIT, wanted))


def idr_cost(known: Sequence[tuple[int, int]], at: int, mean_bytes: float) -> float:
    """Bytes that one more IDR picture at frame ``at`` adds, judged by the nearest of the ``known`` ones.

    ``known`` are (frame number, bytes), at least one; ``mean_bytes`` is what a picture costs there on average.
    """
    _, nearest = min(known, key=lambda idr: abs(idr[0] - at))
    return max(0.0, _IDR_NET_COST * (nearest - mean_bytes))
