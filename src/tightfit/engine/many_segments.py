"""Many segments: each at the quality that makes the rest fit, the last one to the size that is left."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from tightfit.domain import control, settle
from tightfit.domain.control import Load
from tightfit.domain.pieces import Part, Segment, Variant
from tightfit.domain.places import Lane, Work
from tightfit.domain.rate import Observation
from tightfit.engine import schedule
from tightfit.engine.executors.local import Task
from tightfit.engine.fit_state import FitState, StartOver
from tightfit.engine.places import LocalLane, noted_by_the_client
from tightfit.engine.schedule import Finished, Hooks
from tightfit.errors import told_singly
from tightfit.media.two_pass import Measured

log = logging.getLogger("tightfit.fit")

# A picture size that turns out wrong is changed only while this little of the clip is done.
_EARLY_ENOUGH = 0.34


async def encode_many(fit: FitState) -> None:
    """Encode what is not there yet, here and at a service that takes part.

    Raises StartOver, EncoderError, NoPlaceLeft.
    """
    *others, closing = control.encode_order(fit.segments, fit.model)
    todo = [segment for segment in others if segment.index not in fit.tried]
    fit.steady = {segment.index: segment for segment in todo}
    lanes = min(fit.lanes, len(todo)) if fit.cloud is None or fit.cloud.may_fall_back else 0
    threads = max(1, fit.cores // max(1, lanes))

    def task_of(work: Work, threads: int) -> Task:
        return _steady_task(fit, fit.steady[work.index], closing, threads)

    async def encode(work: Work, on_frames: Callable[[int], None]) -> Part:
        part = await fit.executor.encode(task_of(work, threads), partial(_is_off_course, fit), on_frames)
        if part is None:
            fit.start_over()
        return part

    if fit.cloud and todo and not fit.model.seen:
        # Several places begin at once, so that none learns from another: the look at the last segment comes first.
        fit.closing_seen = await _look_at_closing(fit, closing)
        fit.reconsider_size()
    local = [LocalLane(Lane(f"local {n + 1}", is_local=True), encode) for n in range(lanes)]
    await _work_off(fit, todo, local, partial(task_of, threads=threads))
    if closing.index not in fit.tried:
        await _encode_closing(fit, closing)


async def _work_off(
    fit: FitState, todo: Sequence[Segment], local: Sequence[LocalLane], task_of: Callable[[Work], Task]
) -> None:
    cloud, works = fit.cloud, [Work(segment.index, segment.frames) for segment in todo]
    if cloud is not None:
        works = [cloud.work_of(segment, _predicted(fit, segment)) for segment in todo]
    lanes = cloud.open_lanes(task_of, fit.steady, fit.executor.parameter_sets) if cloud else ()
    on_done = partial(_made_steadily, fit)
    hooks = Hooks(on_done, noted_by_the_client, cloud.on_fallback) if cloud else Hooks(on_done)
    try:
        with told_singly():
            report = await schedule.run(works, local, lanes, hooks, cloud.rules if cloud else None)
    except* StartOver:
        raise StartOver from None
    if cloud is not None:
        fit.credits = (fit.credits or 0) + report.credits


def _steady_task(fit: FitState, segment: Segment, closing: Segment, threads: int) -> Task:
    """The quality at which the rest would fit, as things stand when this segment's turn comes."""
    waiting = [s for s in fit.waiting if s is not segment]
    ranges = tuple((s.first, s.last) for s in (segment, *waiting, closing))
    load = Load(fit.done_but(segment), ranges)
    crf = control.next_crf(fit.model, fit.scale, fit.video_budget, load, fit.everything)
    fit.running[segment.index] = (segment, crf)
    return fit.task(segment, crf, threads, fit.look_at(segment))


def _made_steadily(fit: FitState, made: Finished[Part]) -> None:
    part, segment = made.value, fit.steady[made.work.index]
    log.debug("[%d, %d) at %s CRF %.2f: %d bytes", part.first, part.last, fit.size, part.crf, part.bytes)
    fit.running.pop(segment.index, None)
    fit.model = fit.model.learn(Observation.of(part, fit.scale))
    if not made.lane.is_local:
        fit.executor.made_elsewhere(part.kept)
        fit.by_cloud.add(segment.index)
    fit.keep(segment.index, Variant((part,)), part.kept, constant=True)
    if sum(v[-1].frames for v in fit.tried.values()) <= _EARLY_ENOUGH * fit.model.content.frames:
        fit.reconsider_size()


def _predicted(fit: FitState, segment: Segment) -> float:
    return fit.model.predict(segment.first, segment.last, fit.scale, fit.choice.crf)


async def _encode_closing(fit: FitState, closing: Segment) -> None:
    left = fit.video_budget - fit.done_but(closing)
    left = settle.aim(fit.limit, left, sure=fit.hits_from_below) - (fit.limit - left)
    measured = fit.closing_seen or await _look_at_closing(fit, closing)
    seen = fit.as_encoded(measured.part)
    crf = control.closing_crf(fit.model, seen, left, fit.fits_all(), fit.step_limit)
    wanted = left if crf.fits else fit.model.bytes_after_change(seen.crf, seen.bytes, crf.value)
    await fit.close(closing, measured, wanted, crf.value, fit.cores)


async def _look_at_closing(fit: FitState, closing: Segment) -> Measured:
    measured = await fit.measured(fit.task(closing, fit.fits_all(), fit.cores))
    fit.model = fit.model.learn(fit.as_encoded(measured.part))
    return measured


def _is_off_course(fit: FitState, growing: Part) -> bool:
    seen = control.seen_of(growing)
    return seen is not None and fit.is_too_far(Observation.of(seen, fit.scale), seen.crf, control.RESTART_LIMIT)
