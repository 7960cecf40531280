"""Bringing the sum under the limit and close to it, by encoding as little as possible again.

Pure: sizes in, one instruction out. A change of quality by dq turns b bytes into b 2^(-g s dq), s being the
usual slope and g the clip's own gain; both come from the rate model.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tightfit.domain.control import idr_cost
from tightfit.domain.pieces import Variant
from tightfit.domain.rate import CRF_MAX, CRF_MIN, RateModel

# A file in this window is done: going on would cost more than it gives.
GOOD_ENOUGH = 0.9945
# Where no single correction is worth its bytes, this much is left as it is rather than encode everything again.
GOOD_ENOUGH_AT_LAST = 0.99
# Where correction lands: below the limit by the error it must expect, which is a share of the bytes it moves.
# A measured slope, or an encode of the same frames at a nearby quality, makes it surer.
_AIM_MARGIN, _AIM_ERROR, _AIM_ERROR_KNOWN = 0.0008, 0.12, 0.06
# x264's bytes scatter by 0.2 % around any smooth curve.
_SCATTER = 0.003
# Below the limit, a correction that would gain less than this share of it is not worth an encode; one of the
# whole clip has to gain more.
_LEAST_GAIN, _LEAST_GAIN_OF_WHOLE = 0.002, 0.008
MOST_ROUNDS = 3
# A visible jump is avoided by moving no piece further than this from where it is, and small steps land where
# they are predicted; later rounds may go further.
_MOST_STEP, _STEP_PER_ROUND = 1.0, 0.5
# x264 answers to CRF changes below this with noise.
_LEAST_STEP = 0.06
_SHORTEST_TAIL = 12
# An extra IDR may cost this share of the bytes that the correction moves, but where bytes are spent it may cost
# no more than this share of the limit: a keyframe that nobody needs is no way to fill a file.
_DEAREST_IDR, _DEAREST_IDR_OF_LIMIT = 0.7, 0.015
_MOST_COMBINATIONS = 20_000


@dataclass(frozen=True)
class Again:
    """Encode frames ``[first, last)`` of segment ``segment`` again at ``crf``; ``first`` is the segment's
    own first frame or a place where its present encode can be cut. ``bytes_now`` is what these frames
    would cost at ``crf_now``, the present quality, in the same cut."""

    segment: int
    first: int
    last: int
    crf: float
    crf_now: float
    bytes_now: int

    @property
    def frames(self) -> int:
        return self.last - self.first


def is_settled(size: int, limit: int, floor_reached: bool) -> bool:
    """``floor_reached``: quality is at its best already, so no more bytes can be spent."""
    return size <= limit and (floor_reached or size >= GOOD_ENOUGH * limit)


@dataclass(frozen=True)
class State:
    """The file as it stands: ``variants`` cover the segments in order and make ``size`` bytes with everything else.

    ``idrs`` are (frame number, bytes) of all IDR pictures ever made, at least one.
    """

    variants: Sequence[Variant]
    model: RateModel
    scale: float
    size: int
    limit: int
    idrs: Sequence[tuple[int, int]]

    @property
    def frames(self) -> int:
        return sum(v.frames for v in self.variants)


def next_steps(state: State, turn: int) -> list[Again]:
    """What to encode again so that the file lands just under its limit.

    ``turn`` counts rounds from 0. One instruction where one can do it; otherwise one for as many segments as
    it takes, dearest frames first. Empty where nothing sensible is left to gain.
    """
    step = _MOST_STEP + _STEP_PER_ROUND * turn
    singles = [again for i in range(len(state.variants)) for again in _candidates(i, state, step)]
    late = turn >= MOST_ROUNDS - 1 and state.size > state.limit and len(state.variants) > 1
    if singles and not late:
        # A stretch whose answer to CRF is known lands surer than a shorter one that is new.
        return [min(singles, key=lambda a: (not _is_known(a, state), a.frames))]
    if GOOD_ENOUGH_AT_LAST * state.limit <= state.size <= state.limit:
        return []
    return _together(state, step)


def _is_known(again: Again, state: State) -> bool:
    """True where exactly these frames were encoded at another quality than the present one."""
    nearest = state.model.nearest_crf(again.first, again.last, state.scale, again.crf)
    return nearest is not None and abs(nearest - again.crf_now) >= _LEAST_STEP


def _target(state: State, frames: int, *, known: bool) -> float:
    error = _AIM_ERROR_KNOWN if known else _AIM_ERROR
    margin = _AIM_MARGIN + _SCATTER * frames / state.frames
    return state.limit * (1 - margin) - error * abs(state.limit - state.size)


def _candidates(index: int, state: State, step: float) -> list[Again]:
    variant, found = state.variants[index], []
    for first, bytes_now, crf_now, extra in _ranges(variant, state.idrs):
        known = state.model.is_surely_known(first, variant.last, state.scale, crf_now)
        change = _target(state, variant.last - first, known=known) - state.size
        wanted = bytes_now + change
        share = (variant.last - first) / state.frames
        least_gain = _LEAST_GAIN + (_LEAST_GAIN_OF_WHOLE - _LEAST_GAIN) * share
        too_little = state.size <= state.limit and change < least_gain * state.limit
        too_dear = extra > _DEAREST_IDR * abs(change) or (change > 0 and extra > _DEAREST_IDR_OF_LIMIT * state.limit)
        if wanted <= extra or too_little or too_dear:
            continue
        crf = state.model.crf_for(first, variant.last, state.scale, wanted, otherwise=(crf_now, bytes_now + extra))
        fresh = state.model.nearest_crf(first, variant.last, state.scale, crf)
        news = min(abs(crf - crf_now), abs(crf - fresh) if fresh is not None else CRF_MAX)
        # Bytes are only ever spent on quality: a file that is too small gets no second IDR to fill it.
        sensible = (crf < crf_now) == (change > 0) and CRF_MIN <= crf <= CRF_MAX
        # A clip that moves as a whole has no seam where a large step would be seen.
        whole = len(state.variants) == 1 and first == variant.first
        if sensible and news >= _LEAST_STEP and (whole or abs(crf - crf_now) <= step):
            found.append(Again(index, first, variant.last, crf, crf_now, round(bytes_now + extra)))
    return found


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


def _together(state: State, step: float) -> list[Again]:
    """Whole segments moved by one common step, as few as suffice; all of them by more where even that is too little."""
    variants = state.variants
    order = sorted(range(len(variants)), key=lambda i: -variants[i].bytes / variants[i].frames)
    for count in range(1, len(order) + 1):
        chosen = order[:count]
        bytes_now = sum(variants[i].bytes for i in chosen)
        frames = sum(variants[i].frames for i in chosen)
        wanted = max(1.0, bytes_now + _target(state, frames, known=False) - state.size)
        mean = sum(variants[i].crf * variants[i].bytes for i in chosen) / bytes_now
        if len(chosen) == 1:
            first, last = variants[chosen[0]].first, variants[chosen[0]].last
            change = state.model.crf_for(first, last, state.scale, wanted, otherwise=(mean, bytes_now)) - mean
        else:
            change = state.model.crf_for_change(mean, bytes_now, wanted) - mean
        if abs(change) <= step or count == len(order):
            steps = [
                Again(i, v.first, v.last, min(CRF_MAX, max(CRF_MIN, v.crf + change)), v.crf, v.bytes)
                for i, v in ((i, variants[i]) for i in sorted(chosen))
            ]
            fresh = [again for again in steps if not _was_made(again, state)]
            # Over the limit something has to change, even where all that was predicted to help was tried.
            return fresh or [replace(a, crf=min(CRF_MAX, a.crf + step)) for a in steps if state.size > state.limit]
    raise AssertionError("unreachable: the last count returns")


def _was_made(again: Again, state: State) -> bool:
    nearest = state.model.nearest_crf(again.first, again.last, state.scale, again.crf)
    return nearest is not None and abs(nearest - again.crf) < _LEAST_STEP / 2


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
