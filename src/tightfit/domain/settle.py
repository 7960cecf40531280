"""Bringing the sum under the limit and close to it, by encoding as little as possible again.

Pure: sizes in, one instruction out. A change of quality by dq turns b bytes into b 2^(-s dq), s being the
usual slope of the rate model; it only says how far a correction is seen, since what is made anew is made to a size.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from tightfit.domain.control import idr_cost
from tightfit.domain.pieces import Variant
from tightfit.domain.rate import CRF_MAX, CRF_MIN, RateModel

# A file in this window is done: going on would cost more than it gives.
GOOD_ENOUGH = 0.9945
# Where no single correction is worth its bytes, this much is left as it is rather than encode everything again.
GOOD_ENOUGH_AT_LAST = 0.99
# A piece made to a size is aimed this far below what would fill the limit, as a share of its bytes: x264's second pass
# misses by 0.1 % on most clips and by up to 0.8 % on some, and only what is over costs another encode.
AIM_MARGIN, AIM_ERROR = 0.0008, 0.004
# A second pass over so few pictures has little to balance and misses by 0.7 %: a whole encode for a few bytes over.
_SHORT_AIM_ERROR, _SHORT_FRAMES = 0.008, 120
# However often corrections ended over the limit, no more than this is given away.
_MOST_AIM_ERROR = 0.06
# Below the limit, a correction that would gain less than this share of it is not worth an encode; one of the
# whole clip has to gain more, unless too little would be filled.
_LEAST_GAIN, _LEAST_GAIN_OF_WHOLE = 0.002, 0.014
MOST_ROUNDS = 3
# A visible jump is avoided by moving no piece further than this from where it is or from the mean of all; later
# rounds may go further.
_MOST_STEP, _STEP_PER_ROUND = 1.0, 0.5
# Fewer pictures than these give x264's second pass nothing to balance: it makes up to 2.4 times too much of them.
_SHORTEST_TAIL = 36
# An extra IDR may cost this share of the bytes that the correction moves, but where bytes are spent it may cost
# no more than this share of the limit: a keyframe that nobody needs is no way to fill a file.
_DEAREST_IDR, _DEAREST_IDR_OF_LIMIT = 0.7, 0.015
_MOST_COMBINATIONS = 20_000


@dataclass(frozen=True)
class Again:
    """Encode frames ``[first, last)`` of segment ``segment`` again, to ``wanted`` bytes of payload.

    ``first`` is the segment's own first frame or a place where its present encode can be cut; ``crf`` is the quality
    that this should come to.
    """

    segment: int
    first: int
    last: int
    crf: float
    wanted: float

    @property
    def frames(self) -> int:
        return self.last - self.first


def is_settled(size: int, limit: int, floor_reached: bool) -> bool:
    """``floor_reached``: quality is at its best already, so no more bytes can be spent."""
    return size <= limit and (floor_reached or size >= GOOD_ENOUGH * limit)


@dataclass(frozen=True)
class State:
    """The file as it stands: ``variants`` cover the segments in order and make ``size`` bytes with everything else.

    ``idrs`` are (frame number, bytes) of all IDR pictures ever made, at least one; ``made_to_size`` are the ranges
    that were corrected, and missed; ``known`` are those of which it is known by how much they miss.
    """

    variants: Sequence[Variant]
    model: RateModel
    scale: float
    size: int
    limit: int
    idrs: Sequence[tuple[int, int]]
    made_to_size: frozenset[tuple[int, int]] = frozenset()
    known: frozenset[tuple[int, int]] = frozenset()

    @property
    def frames(self) -> int:
        return sum(v.frames for v in self.variants)

    @property
    def crf(self) -> float:
        """Mean over the frames."""
        return sum(v.crf * v.frames for v in self.variants) / self.frames


def next_steps(state: State, turn: int) -> list[Again]:
    """What to encode again so that the file lands just under its limit.

    ``turn`` counts rounds from 0. One instruction where one can do it; otherwise one for as many segments as
    it takes, dearest frames first. Empty where nothing sensible is left to gain.
    """
    step = _MOST_STEP + _STEP_PER_ROUND * turn
    missed = turn if state.size > state.limit else 0
    singles = [again for i in range(len(state.variants)) for again in _candidates(i, state, step, missed)]
    if singles:
        return [min(singles, key=partial(_preference, state, turn))]
    if GOOD_ENOUGH_AT_LAST * state.limit <= state.size <= state.limit:
        return []
    return _together(state, step, missed)


def _preference(state: State, turn: int, again: Again) -> tuple[bool, bool, int]:
    """The least is best. What missed once is so small or so still that it may miss again; after a first correction that
    missed, one of which it is known by how much it misses is surer than another short tail."""
    at = (again.first, again.last)
    return at in state.made_to_size, turn > 0 and at not in state.known, again.frames


def aim(limit: int, moved_bytes: float, frames: int | None = None, missed: int = 0, *, sure: bool = False) -> float:
    """What a file should come to when ``moved_bytes`` of it are made anew, ``frames`` pictures, after ``missed``
    corrections that ended over the limit: each makes the next one aim lower. ``sure``: what is made is never
    larger than asked for.
    """
    if sure:
        return limit * (1 - AIM_MARGIN)
    error = _SHORT_AIM_ERROR if frames is not None and frames < _SHORT_FRAMES else AIM_ERROR
    error = min(_MOST_AIM_ERROR, error * 2.0**missed)
    return limit * (1 - AIM_MARGIN) - error * min(float(limit), moved_bytes)


def _candidates(index: int, state: State, step: float, missed: int) -> list[Again]:
    variant, found = state.variants[index], []
    for first, bytes_now, crf_now, extra in _ranges(variant, state.idrs):
        change = aim(state.limit, bytes_now, missed=missed, sure=state.model.grain > 0) - state.size
        wanted = bytes_now + change
        share = (variant.last - first) / state.frames
        least_gain = _LEAST_GAIN
        if state.size >= GOOD_ENOUGH_AT_LAST * state.limit:
            least_gain += (_LEAST_GAIN_OF_WHOLE - _LEAST_GAIN) * share
        too_little = state.size <= state.limit and change < least_gain * state.limit
        too_dear = extra > _DEAREST_IDR * abs(change) or (change > 0 and extra > _DEAREST_IDR_OF_LIMIT * state.limit)
        if wanted <= extra or too_little or too_dear:
            continue
        crf = state.model.crf_for_change(crf_now, bytes_now + extra, wanted)
        # A clip that moves as a whole has no seam where a large step would be seen.
        whole = len(state.variants) == 1 and first == variant.first
        unseen = whole or min(abs(crf - crf_now), abs(crf - state.crf)) <= step
        if CRF_MIN <= crf <= CRF_MAX and unseen and _is_on_grid(crf - crf_now, state.model.grain):
            found.append(Again(index, first, variant.last, crf, wanted))
    return found


# An encoder that knows no quality between two steps hits a size where the stretch has the right length for whole steps.
_OFF_GRID = 0.2


def _is_on_grid(change: float, grain: float) -> bool:
    steps = abs(change) / grain if grain else 1.0
    return round(steps) > 0 and abs(steps - round(steps)) <= _OFF_GRID


def _ranges(variant: Variant, idrs: Sequence[tuple[int, int]]) -> list[tuple[int, int, float, float]]:
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
            ranges.append((first, tail_bytes, crf, idr_cost(idrs, first, tail_bytes / tail_frames) if kept else 0.0))
        behind, weighted, frames = behind + part.bytes, weighted + part.crf * part.kept, frames + part.kept
    return ranges


def _together(state: State, step: float, missed: int) -> list[Again]:
    """Whole segments moved by one common step, as few as suffice; all of them by more where even that is too little."""
    variants = state.variants
    order = sorted(range(len(variants)), key=lambda i: -variants[i].bytes / variants[i].frames)
    for count in range(1, len(order) + 1):
        chosen = [variants[i] for i in order[:count]]
        bytes_now = sum(v.bytes for v in chosen)
        wanted = max(
            1.0, bytes_now + aim(state.limit, bytes_now, missed=missed, sure=state.model.grain > 0) - state.size
        )
        mean = sum(v.crf * v.bytes for v in chosen) / bytes_now
        change = state.model.crf_for_change(mean, bytes_now, wanted) - mean
        if abs(change) <= step or count == len(order):
            return [
                Again(i, v.first, v.last, min(CRF_MAX, max(CRF_MIN, v.crf + change)), v.bytes * wanted / bytes_now)
                for i, v in ((i, variants[i]) for i in sorted(order[:count]))
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
