"""The encode of one planned clip: segments at constant quality, the sum closed to the size, settled if need be."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import NoReturn

from tightfit.domain import control, settle
from tightfit.domain.control import Load
from tightfit.domain.geometry import Size, scaled
from tightfit.domain.pieces import Part, Segment, Variant
from tightfit.domain.places import Lane, Work
from tightfit.domain.plan import USUAL_CROSSINGS, Choice, Crossings, choose
from tightfit.domain.rate import CRF_MIN, Observation, RateModel
from tightfit.engine import schedule
from tightfit.engine.executors.local import FIRST_PASS_WORK, LocalExecutor, Task
from tightfit.engine.lanes import Lanes
from tightfit.engine.memory import Cover, Memory
from tightfit.engine.places import Cloud, LocalLane, noted_by_the_client
from tightfit.engine.schedule import Finished, Hooks
from tightfit.errors import InfeasibleError, told_singly
from tightfit.media.two_pass import Measured

log = logging.getLogger("tightfit.fit")

# With so few segments little comes after the first one to make good for it: all of them are measured first and made
# to a size. With more, constant quality is a quarter cheaper and the last one alone closes the sum.
_FEW_SEGMENTS = 5
# A first pass at a CRF comes out at this much of medium's bytes (0.83 … 0.98 on four clips).
_FIRST_PASS_BYTES = 0.93
# Share of the first piece, and least frames, at which it is compared with its forecast.
_LOOK_SHARE, _LOOK_FRAMES, _SHORTEST_LOOKED_AT = 0.15, 40, 60
# Pieces that miss by more than this are odd ones, and say nothing about the others.
_MOST_MISS = 1.1
# A picture size that turns out wrong is changed only while this little of the clip is done.
_EARLY_ENOUGH = 0.34
# Rounds beyond the usual ones, for a file that is still over: nothing over the limit may come of it.
_LAST_ROUNDS = 2
# The tables of another combination may take a few bytes more; then a less full one is written.
_MOST_WRITES = 4


def _never(_: Part) -> bool:
    return False


class _StartOver(Exception):
    """The clip is encoded anew with what was learned."""


@dataclass(frozen=True)
class _Miss:
    """Bytes that a second pass made, and those that it was asked for."""

    measured: Measured
    made: float
    asked: float


@dataclass
class Fit:
    """One fit of one clip; ``sizer`` writes the whole file made of these variants and returns its bytes."""

    executor: LocalExecutor
    full: Size
    segments: tuple[Segment, ...]
    choice: Choice
    model: RateModel
    video_budget: int
    limit: int
    lanes: int
    cores: int
    sizer: Callable[[tuple[Variant, ...]], int]
    on_settle: Callable[[int], None]
    crossings: Crossings = field(default_factory=lambda: USUAL_CROSSINGS)
    memory: Memory = field(default_factory=Memory)
    tried: dict[int, list[Variant]] = field(default_factory=dict)
    reencoded: set[int] = field(default_factory=set)
    by_cloud: set[int] = field(default_factory=set)
    cloud: Cloud | None = None
    restarts: int = 0
    recalled_frames: int = 0
    _running: dict[int, tuple[Segment, float]] = field(default_factory=dict)
    _steady: dict[int, Segment] = field(default_factory=dict)
    _closing_seen: Measured | None = None
    _misses: dict[tuple[int, int], _Miss] = field(default_factory=dict)
    _corrected: set[tuple[int, int]] = field(default_factory=set)

    @property
    def _scale(self) -> float:
        return float(self.choice.scale)

    @property
    def size(self) -> Size:
        return scaled(self.full, self.choice.scale)

    @property
    def floor_reached(self) -> bool:
        """True where the best quality there is does not fill the limit."""
        return all(v.crf <= CRF_MIN + 0.01 for v in self._current())

    @property
    def forecast(self) -> int:
        """The video bytes this is heading for."""
        done = sum(v[-1].bytes for v in self.tried.values()) + self._in_work()
        crf = min((crf for _, crf in self._running.values()), default=self.choice.crf)
        return int(done + sum(self.model.predict(s.first, s.last, self._scale, crf) for s in self._waiting))

    @property
    def work_expected(self) -> float:
        """All that is to be done if nothing goes wrong, as ``LocalExecutor.work_done`` counts it."""
        frames = sum(s.frames for s in self.segments)
        measured = frames if self._are_few else frames / len(self.segments)
        return frames + FIRST_PASS_WORK * measured

    @property
    def _side_by_side(self) -> Lanes:
        return Lanes(self.lanes, self.cores, _StartOver)

    @property
    def _are_few(self) -> bool:
        return len(self.segments) <= (_FEW_SEGMENTS if self.cloud is None else 1)

    @property
    def _everything(self) -> tuple[tuple[int, int], ...]:
        return tuple((s.first, s.last) for s in self.segments)

    def _current(self) -> tuple[Variant, ...]:
        return tuple(self.tried[s.index][-1] for s in self.segments)

    async def run(self) -> tuple[Variant, ...]:
        """Encode and settle: the variants of the file that ``sizer`` wrote last, at most ``limit`` bytes.

        Raises EncoderError where ffmpeg keeps failing, InfeasibleError where no bounded effort gets under the limit.
        """
        self._recall()
        while True:
            try:
                await (self._encode_few() if self._are_few else self._encode_many())
                return await self._settle()
            except _StartOver:
                self.restarts += 1
                self.tried.clear()
                self.by_cloud.clear()
                self._running.clear()
                self._closing_seen = None
                self._misses.clear()
                self.memory.restarted(self.choice, self.model.seen, self.restarts)

    def _recall(self) -> None:
        """Go on where an earlier run of the same job ended."""
        before = self.memory.recall()
        self.restarts = before.restarts
        self.model = self.model.learn(*before.seen)
        if before.scale is not None and before.pace is not None:
            self.choice = replace(self.choice, scale=before.scale, pace=before.pace)
        for cover in before.covers:
            self.tried.setdefault(cover.segment, []).append(cover.variant)
            self.recalled_frames += cover.frames
            if cover.again:
                self.reencoded.add(cover.segment)
            if cover.cloud:
                self.by_cloud.add(cover.segment)
            if cover.constant:
                self.model = self.model.learn(Observation.of(cover.variant.parts[0], self._scale))

    def _keep(
        self, segment: int, variant: Variant, frames: int, *, constant: bool = False, again: bool = False
    ) -> None:
        by_cloud = segment in self.by_cloud and not again
        cover = Cover(segment, variant, self.choice.scale, self.choice.pace, constant, again, frames, by_cloud)
        self.tried.setdefault(segment, []).append(self.memory.made(cover))

    # A few segments: measure all of them, share the budget out by what they cost at one quality, make them to size.

    async def _encode_few(self) -> None:
        crf = self._fits_all()
        measured: dict[int, Measured] = {}

        async def look(segment: Segment, threads: int) -> None:
            task = self._task(segment, crf, threads, None if self.restarts else self._look_at(segment))
            seen = await self.executor.measure(task, self._is_first_pass_off_course)
            if seen is None:
                self._start_over()
            measured[segment.index] = seen

        todo = [segment for segment in self.segments if segment.index not in self.tried]
        await self._side_by_side.each(todo, look)
        for seen in measured.values():
            self.model = self.model.learn(self._as_encoded(seen.part))
        if todo:
            self._reconsider_size()
            await self._make_few(todo, measured)

    async def _make_few(self, todo: Sequence[Segment], measured: dict[int, Measured]) -> None:
        crf = self._fits_all()
        waiting = {index: seen.part.bytes for index, seen in measured.items()}
        closing = self.video_budget * waiting[todo[-1].index] / sum(waiting.values())
        target = settle.aim(self.limit, closing) - (self.limit - self.video_budget)
        log.debug("measured at %s: %d bytes for %d, CRF %.2f", self.size, sum(waiting.values()), target, crf)

        async def make(segment: Segment, threads: int) -> None:
            left = target - sum(v[-1].bytes for v in self.tried.values())
            wanted = left * waiting[segment.index] / sum(waiting.values())
            await self._close(segment, measured[segment.index], max(1.0, wanted / self._usual_miss), crf, threads)
            del waiting[segment.index]

        await self._side_by_side.each(todo, make)

    @property
    def _usual_miss(self) -> float:
        """By how much pieces made to a size came out larger than that so far; those of one clip miss alike."""
        made = sum(miss.made for miss in self._misses.values())
        asked = sum(miss.asked for miss in self._misses.values())
        return min(_MOST_MISS, max(1 / _MOST_MISS, made / asked)) if asked else 1.0

    def _as_encoded(self, looked_at: Part) -> Observation:
        seen = Observation.of(looked_at, self._scale)
        factor = 1 / _FIRST_PASS_BYTES
        return replace(seen, bytes=round(seen.bytes * factor), idr_bytes=round(seen.idr_bytes * factor))

    def _start_over(self) -> NoReturn:
        """Begin again with what was learned, at another size where this one is clearly wrong now."""
        better = choose(self.model, self.video_budget, self.full, self.crossings, in_work=self.choice.scale)
        self.choice = better or self.choice
        raise _StartOver

    def _reconsider_size(self) -> None:
        """Start over at another size where what was learned makes the one in work clearly wrong."""
        if self.restarts >= control.MOST_RESTARTS or (self._are_few and self.tried):
            return
        better = choose(self.model, self.video_budget, self.full, self.crossings, in_work=self.choice.scale)
        if better and better.scale != self.choice.scale:
            log.debug("not %s but %s of the size", self.choice.scale, better.scale)
            self.choice = better
            raise _StartOver

    # Many segments: each at the quality that makes the rest fit, the last one to the size that is left.

    async def _encode_many(self) -> None:
        *others, closing = control.encode_order(self.segments, self.model)
        todo = [segment for segment in others if segment.index not in self.tried]
        self._steady = {segment.index: segment for segment in todo}
        lanes = min(self.lanes, len(todo)) if self.cloud is None or self.cloud.may_fall_back else 0
        threads = max(1, self.cores // max(1, lanes))

        def task_of(work: Work, threads: int) -> Task:
            return self._steady_task(self._steady[work.index], closing, threads)

        async def encode(work: Work, on_frames: Callable[[int], None]) -> Part:
            part = await self.executor.encode(task_of(work, threads), self._is_off_course, on_frames)
            if part is None:
                self._start_over()
            return part

        if self.cloud and todo and not self.model.seen:
            # Several places begin at once, so that none learns from another: the look at the last segment comes first.
            self._closing_seen = await self._look_at_closing(closing)
            self._reconsider_size()
        local = [LocalLane(Lane(f"local {n + 1}", is_local=True), encode) for n in range(lanes)]
        await self._work_off(todo, local, partial(task_of, threads=threads))
        if closing.index not in self.tried:
            await self._encode_closing(closing)

    async def _work_off(
        self, todo: Sequence[Segment], local: Sequence[LocalLane], task_of: Callable[[Work], Task]
    ) -> None:
        cloud, works = self.cloud, [Work(segment.index, segment.frames) for segment in todo]
        if cloud is not None:
            works = [cloud.work_of(segment, self._predicted(segment)) for segment in todo]
        lanes = cloud.open_lanes(task_of, self._steady, self.executor.parameter_sets) if cloud else ()
        hooks = (
            Hooks(self._made_steadily, noted_by_the_client, cloud.on_fallback) if cloud else Hooks(self._made_steadily)
        )
        try:
            with told_singly():
                await schedule.run(works, local, lanes, hooks, cloud.rules if cloud else None)
        except* _StartOver:
            raise _StartOver from None

    def _steady_task(self, segment: Segment, closing: Segment, threads: int) -> Task:
        """The quality at which the rest would fit, as things stand when this segment's turn comes."""
        waiting = [s for s in self._waiting if s is not segment]
        ranges = tuple((s.first, s.last) for s in (segment, *waiting, closing))
        load = Load(self._done_but(segment), ranges)
        crf = control.next_crf(self.model, self._scale, self.video_budget, load, self._everything)
        self._running[segment.index] = (segment, crf)
        return self._task(segment, crf, threads, self._look_at(segment))

    def _made_steadily(self, made: Finished[Part]) -> None:
        part, segment = made.value, self._steady[made.work.index]
        log.debug("[%d, %d) at %s CRF %.2f: %d bytes", part.first, part.last, self.size, part.crf, part.bytes)
        self._running.pop(segment.index, None)
        self.model = self.model.learn(Observation.of(part, self._scale))
        if not made.lane.is_local:
            self.executor.made_elsewhere(part.kept)
            self.by_cloud.add(segment.index)
        self._keep(segment.index, Variant((part,)), part.kept, constant=True)
        if sum(v[-1].frames for v in self.tried.values()) <= _EARLY_ENOUGH * self.model.content.frames:
            self._reconsider_size()

    @property
    def _waiting(self) -> list[Segment]:
        return [s for s in self._steady.values() if s.index not in self.tried and s.index not in self._running]

    def _predicted(self, segment: Segment) -> float:
        return self.model.predict(segment.first, segment.last, self._scale, self.choice.crf)

    async def _encode_closing(self, closing: Segment) -> None:
        left = self.video_budget - self._done_but(closing)
        left = settle.aim(self.limit, left) - (self.limit - left)
        measured = self._closing_seen or await self._look_at_closing(closing)
        seen = self._as_encoded(measured.part)
        crf = control.closing_crf(self.model, seen, left, self._fits_all())
        wanted = left if crf.fits else self.model.bytes_after_change(seen.crf, seen.bytes, crf.value)
        await self._close(closing, measured, wanted, crf.value, self.cores)

    async def _look_at_closing(self, closing: Segment) -> Measured:
        measured = await self._measured(self._task(closing, self._fits_all(), self.cores))
        self.model = self.model.learn(self._as_encoded(measured.part))
        return measured

    def _look_at(self, segment: Segment) -> int | None:
        """Where the first piece is looked at while it runs: nothing is known yet, and beginning again costs little."""
        if self.restarts >= control.MOST_RESTARTS or self.tried or segment.frames < _SHORTEST_LOOKED_AT:
            return None
        return max(_LOOK_FRAMES, round(_LOOK_SHARE * segment.frames))

    def _is_off_course(self, growing: Part) -> bool:
        seen = control.seen_of(growing)
        return seen is not None and self._is_too_far(Observation.of(seen, self._scale), seen.crf, control.RESTART_LIMIT)

    def _is_first_pass_off_course(self, growing: Part) -> bool:
        seen = control.seen_of(growing)
        return seen is not None and self._is_too_far(self._as_encoded(seen), seen.crf, control.FIRST_PASS_LIMIT)

    def _is_too_far(self, seen: Observation, crf: float, limit: float) -> bool:
        """Learn from ``seen`` where it shows that its quality is not worth going on at."""
        learned = self.model.learn(seen)
        right = learned.solve(self._everything, self._scale, self.video_budget * control.FIRST_AIM)
        if self.tried or abs(right - crf) <= limit:
            return False
        log.debug("off course after %d frames: CRF %.2f instead of %.2f", seen.last - seen.first, crf, right)
        self.model = learned
        return True

    def _done_but(self, segment: Segment) -> float:
        """Bytes that are finished or will come of other running pieces."""
        return sum(v[-1].bytes for v in self.tried.values()) + self._in_work(but=segment)

    def _in_work(self, but: Segment | None = None) -> float:
        """What the running pieces will come to, ``but`` one segment."""
        return sum(
            self.model.predict(s.first, s.last, self._scale, crf) for s, crf in self._running.values() if s is not but
        )

    # What both have in common.

    def _fits_all(self) -> float:
        return self.model.solve(self._everything, self._scale, self.video_budget * control.FIRST_AIM)

    def _task(self, segment: Segment, crf: float, threads: int, look_at: int | None = None) -> Task:
        return Task(segment.first, segment.last, self.size, crf, threads, look_at, self.choice.pace)

    async def _measured(self, task: Task) -> Measured:
        measured = await self.executor.measure(task, _never)
        assert measured is not None, "nobody looks at it"
        return measured

    async def _close(self, segment: Segment, measured: Measured, wanted: float, crf: float, threads: int) -> None:
        """Make a measured segment to ``wanted`` bytes, or as good as it gets."""
        if crf <= CRF_MIN:
            made = await self.executor.encode(self._task(segment, CRF_MIN, threads), _never)
            assert made is not None, "nobody looks at it"
            part = made
        else:
            part = await self.executor.encode_to_size(self._task(segment, crf, threads), measured, wanted)
        self._misses[segment.first, segment.last] = _Miss(measured, part.bytes, wanted)
        log.debug("[%d, %d) at %s: %d bytes for %d", part.first, part.last, self.size, part.bytes, wanted)
        self._keep(segment.index, Variant((part,)), part.kept)

    async def _settle(self) -> tuple[Variant, ...]:
        """Correct until the written file is within the window, or nothing sensible is left to try.

        The file that ``sizer`` wrote last is the one returned.
        """
        for turn in range(settle.MOST_ROUNDS + _LAST_ROUNDS + 1):
            variants, size = self._write_best()
            log.debug("round %d: %d bytes, %.4f of the limit", turn, size, size / self.limit)
            self.on_settle(size)
            fits = size <= self.limit
            if settle.is_settled(size, self.limit, self.floor_reached) or (fits and turn >= settle.MOST_ROUNDS):
                return variants
            if turn == settle.MOST_ROUNDS + _LAST_ROUNDS:
                break
            state = settle.State(
                variants, self.model, self._scale, size, self.limit, self._known_idrs(), frozenset(self._corrected)
            )
            steps = settle.next_steps(state, turn)
            if fits and not steps:
                return variants
            await self._again(steps, variants)
        raise InfeasibleError(
            f"No encode of this clip came out under {self.limit} bytes, though one was expected to; "
            f"the smallest took {size}.",
            hint=f"Name a limit of {size} bytes or more.",
        )

    def _known_idrs(self) -> list[tuple[int, int]]:
        made = [variant for tried in self.tried.values() for variant in tried]
        return [idr for variant in made for part in variant.parts for idr in part.idrs()]

    def _write_best(self) -> tuple[tuple[Variant, ...], int]:
        """Write the fullest combination of everything encoded so far that fits, or the newest where none does."""
        newest = self._current()
        size = self.sizer(newest)
        options = [self.tried[s.index] for s in self.segments]
        if all(len(tried) == 1 for tried in options):
            return newest, size
        chosen = newest
        overhead = size - sum(v.bytes for v in newest)
        for _ in range(_MOST_WRITES):
            best = settle.best_combination(options, self.limit - overhead)
            if best is None or best == chosen:
                break
            chosen, size = best, self.sizer(best)
            overhead = max(overhead, size - sum(v.bytes for v in best))
            if size <= self.limit:
                break
        return chosen, size

    async def _again(self, steps: list[settle.Again], variants: tuple[Variant, ...]) -> None:
        log.debug("again: %s", steps)

        async def one(step: settle.Again, threads: int) -> None:
            task = Task(step.first, step.last, self.size, step.crf, threads, pace=self.choice.pace)
            # A second pass over the same frames misses by about as much as the one before.
            before = self._misses.get((step.first, step.last))
            measured = before.measured if before else await self._measured(task)
            asked = step.wanted * before.asked / before.made if before else step.wanted
            part = await self.executor.encode_to_size(task, measured, asked)
            self._misses[step.first, step.last] = _Miss(measured, part.bytes, asked)
            self._corrected.add((step.first, step.last))
            log.debug("[%d, %d) is %d bytes, for %d", step.first, step.last, part.bytes, step.wanted)
            self._keep(step.segment, variants[step.segment].with_tail(part), part.kept, again=True)
            self.reencoded.add(step.segment)

        await self._side_by_side.each(steps, one)
