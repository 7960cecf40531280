"""A few segments: a look at the last one says at which quality to make the others, and it closes the sum.

Where that look was a surprise, or there is only one: all are measured, the budget is shared out by what they cost at
one quality, and they are made to size.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial

from tightfit.domain import control, settle
from tightfit.domain.pieces import Part, Segment
from tightfit.domain.plan import is_screen
from tightfit.engine.executors.local import Task
from tightfit.engine.fit_state import FitState
from tightfit.engine.many_segments import encode_many
from tightfit.media.two_pass import Measured

log = logging.getLogger("tightfit.fit")

# Pieces that miss by more than this are odd ones, and say nothing about the others.
_MOST_MISS = 1.1
# No piece pays with more than this of its own for what those before it took too much: settling shares that out.
_LEAST_SHARE = 0.75


async def encode_few(fit: FitState) -> None:
    """Encode what is not there yet, on this machine. Raises StartOver, EncoderError."""
    measured: dict[int, Measured] = {}

    async def look(segment: Segment, threads: int) -> None:
        task = fit.task(segment, fit.fits_all(), threads, None if fit.restarts else fit.look_at(segment))
        seen = await fit.executor.measure(task, partial(_is_off_course, fit), keeps=fit.keeps_pictures)
        if seen is None:
            fit.start_over()
        measured[segment.index] = seen

    todo = [segment for segment in fit.segments if segment.index not in fit.tried]
    # On screens little moves, and x264's second pass misses the size of a piece by up to 4 %, which a sum closed by one
    # piece doesn't bear.
    is_usual = not fit.tried and not fit.restarts and not is_screen(fit.crossings)
    if is_usual and len(todo) > 1:
        closing = control.encode_order(fit.segments, fit.model)[-1]
        await look(closing, fit.cores)
        seen = measured[closing.index]
        await _learn(fit, seen)
        is_surprising = abs(fit.fits_all() - seen.part.crf) > control.SURPRISE or fit.model.steepness > control.STEEP
        if not is_surprising:
            fit.reconsider_pace()
            fit.closing_seen = seen
            await encode_many(fit)
            return
    unseen = [segment for segment in todo if segment.index not in measured]
    await fit.side_by_side.each(unseen, look)
    for segment in unseen:
        fit.model = fit.model.learn(fit.as_encoded(measured[segment.index].part))
    if todo:
        fit.reconsider_size()
        fit.reconsider_pace()
        await _make(fit, todo, measured)


async def _learn(fit: FitState, seen: Measured) -> None:
    """What a first pass says of the clip: its level, and where another quality is wanted, its slope."""
    fit.model = fit.model.learn(fit.as_encoded(seen.part))
    part, wanted = seen.part, fit.fits_all()
    if abs(wanted - part.crf) >= control.NEAR:
        known = await _glimpse(fit, part, wanted)
        if known is not None and known.kept <= part.kept:
            there = part.bytes_up_to(known.kept)
            fit.model = fit.model.learn_slope((part.crf, there), (known.crf, known.bytes))
            log.debug("slope %.2f of the usual one: CRF %.2f, not %.2f", fit.model.steepness, fit.fits_all(), wanted)
    fit.reconsider_size()


async def _glimpse(fit: FitState, part: Part, crf: float) -> Part | None:
    """The first pictures of ``part`` at another quality; None where they end before that can be looked at."""
    found: list[Part] = []

    def noted(growing: Part) -> bool:
        found.extend(filter(None, [control.seen_of(growing)]))
        return True

    task = Task(part.first, part.last, fit.size, crf, fit.cores, control.GLIMPSE_FRAMES, fit.choice.pace)
    await fit.executor.measure(task, noted)
    return found[0] if found else None


async def _make(fit: FitState, todo: Sequence[Segment], measured: dict[int, Measured]) -> None:
    crf = fit.fits_all()
    # Measured at different qualities, they are compared at one.
    waiting = {i: fit.model.bytes_after_change(m.part.crf, m.part.bytes, crf) for i, m in measured.items()}
    closing = fit.video_budget * waiting[todo[-1].index] / sum(waiting.values())
    target = settle.aim(fit.limit, closing, todo[-1].frames, sure=fit.hits_from_below) - (fit.limit - fit.video_budget)
    everything = sum(waiting.values())
    log.debug("measured at %s: %.0f bytes for %.0f, CRF %.2f", fit.size, everything, target, crf)
    spent = sum(v[-1].bytes for v in fit.tried.values())

    async def make(segment: Segment, threads: int) -> None:
        left = target - sum(v[-1].bytes for v in fit.tried.values())
        wanted = left * waiting[segment.index] / sum(waiting.values())
        fair = (target - spent) * waiting[segment.index] / everything
        wanted = max(wanted, _LEAST_SHARE * fair)
        await fit.close(segment, measured[segment.index], max(1.0, wanted / _usual_miss(fit)), crf, threads)
        del waiting[segment.index]

    await fit.side_by_side.each(todo, make)


def _usual_miss(fit: FitState) -> float:
    """By how much pieces made to a size came out larger than that so far; those of one clip miss alike."""
    made = sum(miss.made for miss in fit.misses.values())
    asked = sum(miss.asked for miss in fit.misses.values())
    return min(_MOST_MISS, max(1 / _MOST_MISS, made / asked)) if asked and not fit.hits_from_below else 1.0


def _is_off_course(fit: FitState, growing: Part) -> bool:
    seen = control.seen_of(growing)
    return seen is not None and fit.is_too_far(fit.as_encoded(seen), seen.crf, control.FIRST_PASS_LIMIT)
