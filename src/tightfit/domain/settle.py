"""Bringing the sum under the limit and close to it, by encoding as little as possible again.

Pure: sizes in, one instruction out. A change of quality by dq turns b bytes into b 2^(-g s dq), s being the
usual slope and g the clip's own gain; both come from the rate model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from tightfit.domain.control import idr_cost
from tightfit.domain.pieces import Variant
from tightfit.domain.rate import CRF_MAX, CRF_MIN, RateModel

# A file in this window is done: going on would cost more than it gives.
GOOD_ENOUGH = 0.9945
# Where correction lands: below the limit by the error it must expect, a share of the bytes it replaces.
_AIM_MARGIN, _AIM_ERROR = 0.0008, 0.012
MOST_ROUNDS = 3
# A visible jump is avoided by moving no piece further than this from where it is; later rounds may go further.
_MOST_STEP, _STEP_PER_ROUND = 1.25, 0.4
# x264 answers to CRF changes below this with noise.
_LEAST_STEP = 0.06
_SHORTEST_TAIL = 12
_MOST_COMBINATIONS = 20_000


@dataclass(frozen=True)
class Again:
    """Encode frames ``[first, last)`` of segment ``segment`` again at ``crf``; ``first`` is the segment's
    own first frame or a place where its present encode can be cut."""

    segment: int
    first: int
    last: int
    crf: float

    @property
    def frames(self) -> int:
        return self.last - self.first


def is_settled(size: int, limit: int, floor_reached: bool) -> bool:
    """``floor_reached``: quality is at its best already, so no more bytes can be spent."""
    return size <= limit and (floor_reached or size >= GOOD_ENOUGH * limit)


def next_steps(variants: Sequence[Variant], model: RateModel, size: int, limit: int, turn: int) -> list[Again]:
    """What to encode again so that a file of ``size`` bytes lands just under ``limit``.

    ``variants`` cover the segments in order; ``turn`` counts rounds from 0. One instruction where one can
    do it; otherwise one for as many segments as it takes, dearest frames first. Never empty.
    """
    step = _MOST_STEP + _STEP_PER_ROUND * turn
    singles = [again for i, v in enumerate(variants) for again in _candidates(i, v, model, size, limit, step)]
    if singles:
        return [min(singles, key=lambda a: a.frames)]
    return _together(variants, model, size, limit, step)


def _target(limit: int, share: float) -> float:
    return limit * (1 - _AIM_MARGIN - _AIM_ERROR * share)


def _candidates(index: int, variant: Variant, model: RateModel, size: int, limit: int, step: float) -> list[Again]:
    found = []
    for first, bytes_now, crf_now, extra in _ranges(variant):
        change = _target(limit, bytes_now / size) - size
        wanted = bytes_now + change - extra
        if wanted <= 0:
            continue
        crf = model.crf_for_change(crf_now, bytes_now, wanted)
        if _LEAST_STEP <= abs(crf - crf_now) <= step and CRF_MIN <= crf <= CRF_MAX:
            found.append(Again(index, first, variant.last, crf))
    return found


def _ranges(variant: Variant) -> list[tuple[int, int, float, float]]:
    """(first frame, present bytes, mean CRF, bytes of an extra IDR) of the whole segment and of each tail."""
    ranges = [(variant.first, variant.bytes, variant.crf, 0.0)]
    behind, weighted, frames = 0, 0.0, 0
    for part in reversed(variant.parts):
        for kept in (0, *part.closed_prefixes):
            first = part.first + kept
            if kept >= part.kept or variant.last - first < _SHORTEST_TAIL or first == variant.first:
                continue
            tail_bytes = part.bytes - part.bytes_up_to(kept) + behind
            tail_frames = part.kept - kept + frames
            crf = (part.crf * (part.kept - kept) + weighted) / tail_frames
            ranges.append((first, tail_bytes, crf, idr_cost(part) if kept else 0.0))
        behind, weighted, frames = behind + part.bytes, weighted + part.crf * part.kept, frames + part.kept
    return ranges


def _together(variants: Sequence[Variant], model: RateModel, size: int, limit: int, step: float) -> list[Again]:
    """Whole segments moved by one common step, as few as suffice; all of them by more where even that is too little."""
    order = sorted(range(len(variants)), key=lambda i: -variants[i].bytes / variants[i].frames)
    for count in range(1, len(order) + 1):
        chosen = order[:count]
        bytes_now = sum(variants[i].bytes for i in chosen)
        wanted = max(1.0, bytes_now + _target(limit, bytes_now / size) - size)
        mean = sum(variants[i].crf * variants[i].bytes for i in chosen) / bytes_now
        change = model.crf_for_change(mean, bytes_now, wanted) - mean
        if abs(change) <= step or count == len(order):
            return [
                Again(i, variants[i].first, variants[i].last, min(CRF_MAX, max(CRF_MIN, variants[i].crf + change)))
                for i in sorted(chosen)
            ]
    raise AssertionError("unreachable: the last count returns")


def best_combination(tried: Sequence[Sequence[Variant]], budget: float) -> tuple[Variant, ...] | None:
    """Of all encodes ever made of each segment, the choice with the most bytes within ``budget``; None where none fits.

    Exact while there are few combinations, else the newest or the smallest of each.
    """
    total = 1
    for options in tried:
        total *= len(options)
    if total > _MOST_COMBINATIONS:
        tried = [(options[-1], min(options, key=lambda v: v.bytes)) for options in tried]
        tried = tried if 2 ** len(tried) <= _MOST_COMBINATIONS else [(min(o, key=lambda v: v.bytes),) for o in tried]
    fitting = [c for c in itertools.product(*tried) if sum(v.bytes for v in c) <= budget]
    return max(fitting, key=lambda c: sum(v.bytes for v in c), default=None)
