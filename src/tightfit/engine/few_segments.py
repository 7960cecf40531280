"""A few segments: measure all of them, share the budget out by what they cost at one quality, make them to size."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from tightfit.domain import control, settle
from tightfit.domain.pieces import Part, Segment
from tightfit.engine.fit_state import FitState
from tightfit.media.two_pass import Measured

log = logging.getLogger("tightfit.fit")

# Pieces that miss by more than this are odd ones, and say nothing about the others.
_MOST_MISS = 1.1


async def encode_few(fit: FitState) -> None:
    """Encode what is not there yet, on this machine. Raises StartOver, EncoderError."""
    crf = fit.fits_all()
    measured: dict[int, Measured] = {}

    async def look(segment: Segment, threads: int) -> None:
        task = fit.task(segment, crf, threads, None if fit.restarts else fit.look_at(segment))
        seen = await fit.executor.measure(task, partial(_is_off_course, fit))
        if seen is None:
            fit.start_over()
        measured[segment.index] = seen

    todo = [segment for segment in fit.segments if segment.index not in fit.tried]
    await fit.side_by_side.each(todo, look)
    for seen in measured.values():
        fit.model = fit.model.learn(fit.as_encoded(seen.part))
    if todo:
        fit.reconsider_size()
        await _make(fit, todo, measured)


async def _make(fit: FitState, todo: Sequence[Segment], measured: dict[int, Measured]) -> None:
    crf = fit.fits_all()
    waiting = {index: seen.part.bytes for index, seen in measured.items()}
    closing = fit.video_budget * waiting[todo[-1].index] / sum(waiting.values())
    target = settle.aim(fit.limit, closing) - (fit.limit - fit.video_budget)
    log.debug("measured at %s: %d bytes for %d, CRF %.2f", fit.size, sum(waiting.values()), target, crf)

    async def make(segment: Segment, threads: int) -> None:
        left = target - sum(v[-1].bytes for v in fit.tried.values())
        wanted = left * waiting[segment.index] / sum(waiting.values())
        await fit.close(segment, measured[segment.index], max(1.0, wanted / _usual_miss(fit)), crf, threads)
        del waiting[segment.index]

    await fit.side_by_side.each(todo, make)


def _usual_miss(fit: FitState) -> float:
    """By how much pieces made to a size came out larger than that so far; those of one clip miss alike."""
    made = sum(miss.made for miss in fit.misses.values())
    asked = sum(miss.asked for miss in fit.misses.values())
    return min(_MOST_MISS, max(1 / _MOST_MISS, made / asked)) if asked else 1.0


def _is_off_course(fit: FitState, growing: Part) -> bool:
    seen = control.seen_of(growing)
    return seen is not None and fit.is_too_far(fit.as_encoded(seen), seen.crf, control.FIRST_PASS_LIMIT)
