"""The encode of one planned clip: segments in parallel, steered while they run, settled at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from tightfit.domain import control, settle
from tightfit.domain.control import CutHere, Keep, Load, Restart, Verdict
from tightfit.domain.geometry import Size, scaled
from tightfit.domain.pieces import Part, Segment, Variant
from tightfit.domain.plan import Choice, choose
from tightfit.domain.rate import CRF_MIN, Observation, RateModel
from tightfit.engine.executors.local import LocalExecutor, Task
from tightfit.errors import EncoderError

log = logging.getLogger("tightfit.fit")

# With fewer segments than this they run one after another, each with all cores, and each is looked at on
# the way; with more, the ones before teach the ones after and only the last ones are looked at.
FEW_SEGMENTS = 4
# Shares of a piece at which a running encode is compared with its forecast.
_LOOKS = (0.3, 0.6, 0.85)
_SHORTEST_LOOKED_AT = 48
# A picture size that turns out wrong is changed only while this little of the clip is done.
_EARLY_ENOUGH = 0.34
# Rounds beyond the usual ones, for a file that is still over: nothing over the limit may come of it.
_LAST_ROUNDS = 2


class _StartOver(Exception):
    """The clip is encoded anew with what was learned."""


@dataclass(frozen=True)
class _Running:
    """A segment in work: bytes of its finished parts, and the range and quality being encoded now."""

    finished_bytes: int
    first: int
    last: int
    crf: float


@dataclass
class Fit:
    """One fit of one clip; ``sizer`` gives the bytes of the whole file made of these variants."""

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
    tried: dict[int, list[Variant]] = field(default_factory=dict)
    reencoded: set[int] = field(default_factory=set)
    restarts: int = 0
    _running: dict[int, _Running] = field(default_factory=dict)
    _waiting: list[Segment] = field(default_factory=list)

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
        done = sum(v[-1].bytes for v in self.tried.values()) + self._in_work(None)
        waiting = [(s.first, s.last) for s in self._waiting]
        crf = min((r.crf for r in self._running.values()), default=self.choice.crf)
        return int(done + sum(self.model.predict(a, b, self._scale, crf) for a, b in waiting))

    def _current(self) -> tuple[Variant, ...]:
        return tuple(self.tried[s.index][-1] for s in self.segments)

    async def run(self) -> tuple[Variant, ...]:
        """Encode and settle: the variants to publish, together at most ``limit`` bytes as a file.

        Raises EncoderError where ffmpeg keeps failing, or where no bounded effort gets under the limit.
        """
        while True:
            self.tried.clear()
            self._running.clear()
            try:
                await self._encode_all()
                return await self._settle()
            except _StartOver:
                self.restarts += 1

    async def _encode_all(self) -> None:
        self._waiting = control.encode_order(self.segments, self.model)
        lanes = 1 if len(self.segments) < FEW_SEGMENTS else self.lanes
        try:
            async with anyio.create_task_group() as tasks:
                for _ in range(lanes):
                    tasks.start_soon(self._work_off, max(1, self.cores // lanes))
        except* _StartOver:
            raise _StartOver from None

    async def _work_off(self, threads: int) -> None:
        while self._waiting:
            await self._encode_segment(self._waiting.pop(0), threads)
            self._reconsider_size()

    def _reconsider_size(self) -> None:
        done = sum(v[-1].frames for v in self.tried.values())
        if self.restarts >= control.MOST_RESTARTS or not self._waiting or done > _EARLY_ENOUGH * self.model.content.frames:
            return
        better = choose(self.model, self.video_budget, self.full)
        if better and better.scale not in (self.choice.scale, self.choice.rival):
            self.choice = better
            raise _StartOver

    async def _encode_segment(self, segment: Segment, threads: int) -> None:
        parts: list[Part] = []
        at = segment.first
        while at < segment.last:
            finished = sum(part.bytes for part in parts)
            crf = self._next_crf(segment, at, finished)
            self._running[segment.index] = _Running(finished, at, segment.last, crf)
            part = await self._encode_steered(segment, at, crf, threads)
            self.model = self.model.learn(Observation(at, part.last, self._scale, crf, part.bytes))
            log.debug("piece [%d, %d) at %s CRF %.2f: %d bytes", at, part.last, self.size, crf, part.bytes)
            parts.append(part)
            at = part.last
        del self._running[segment.index]
        self.tried.setdefault(segment.index, []).append(Variant(tuple(parts)))

    async def _encode_steered(self, segment: Segment, first: int, crf: float, threads: int) -> Part:
        """One attempt at ``[first, segment.last)``: all of it, or its beginning where it was off course."""
        task = Task(first, segment.last, self.size, crf, threads, self._looks(segment.last - first))
        part, verdict = await self.executor.encode(task, lambda seen: self._look(segment, seen))
        match verdict:
            case Restart():
                cuts = part.closed_prefixes
                seen = part.cut(cuts[-1])
                self.model = self.model.learn(Observation(first, seen.last, self._scale, crf, seen.bytes))
                self.choice = choose(self.model, self.video_budget, self.full) or self.choice
                raise _StartOver
            case CutHere(kept):
                return part.cut(kept)
            case Keep():
                return part

    def _looks(self, frames: int) -> list[int]:
        few = len(self.segments) < FEW_SEGMENTS
        if frames < _SHORTEST_LOOKED_AT or (self._waiting and not few):
            return []
        return [round(share * frames) for share in _LOOKS]

    def _look(self, segment: Segment, part: Part) -> Verdict:
        done = sum(v[-1].bytes for v in self.tried.values()) + self._in_work(segment.index)
        done += self._running[segment.index].finished_bytes
        others = Load(done, tuple((s.first, s.last) for s in self._waiting))
        may_restart = self.restarts < control.MOST_RESTARTS and not self.tried
        return control.judge(
            self.model, self._scale, self.video_budget, part, segment.last, others, may_restart=may_restart
        )

    def _next_crf(self, segment: Segment, at: int, finished: int) -> float:
        done = sum(v[-1].bytes for v in self.tried.values()) + self._in_work(segment.index) + finished
        ranges = ((at, segment.last), *((s.first, s.last) for s in self._waiting))
        everything = [(s.first, s.last) for s in self.segments]
        return control.next_crf(self.model, self._scale, self.video_budget, Load(done, ranges), everything)

    def _in_work(self, but: int | None) -> float:
        """What the running pieces will come to, ``but`` one segment."""
        return sum(
            r.finished_bytes + self.model.predict(r.first, r.last, self._scale, r.crf)
            for index, r in self._running.items()
            if index != but
        )

    async def _settle(self) -> tuple[Variant, ...]:
        for turn in range(settle.MOST_ROUNDS + _LAST_ROUNDS):
            best = self._best()
            size = self.sizer(best or self._current())
            self.on_settle(size)
            log.debug("round %d: %d bytes, %.4f of the limit", turn, size, size / self.limit)
            settled = best is not None and settle.is_settled(size, self.limit, self.floor_reached)
            if settled or (turn >= settle.MOST_ROUNDS and best is not None):
                break
            await self._again(settle.next_steps(best or self._current(), self.model, size, self.limit, turn), best)
        best = self._best()
        if best is None:
            raise EncoderError(
                "No encode of this clip came out under the limit, though one should have.",
                hint="Name a slightly different size, and please report this clip.",
            )
        return best

    def _best(self) -> tuple[Variant, ...] | None:
        """The fullest combination of everything encoded so far that is under the limit."""
        current = self._current()
        overhead = self.sizer(current) - sum(v.bytes for v in current)
        return settle.best_combination([self.tried[s.index] for s in self.segments], self.limit - overhead)

    async def _again(self, steps: list[settle.Again], base: tuple[Variant, ...] | None) -> None:
        variants = base or self._current()
        log.debug("again: %s", steps)
        limiter = anyio.CapacityLimiter(self.lanes if len(steps) > 1 else 1)
        threads = 1 if len(steps) > 1 else self.cores

        async def one(step: settle.Again) -> None:
            async with limiter:
                task = Task(step.first, step.last, self.size, step.crf, threads)
                part, _ = await self.executor.encode(task, lambda _: Keep())
            self.model = self.model.learn(Observation(step.first, step.last, self._scale, step.crf, part.bytes))
            self.tried[step.segment].append(variants[step.segment].with_tail(part))
            self.reencoded.add(step.segment)

        async with anyio.create_task_group() as tasks:
            for step in steps:
                tasks.start_soon(one, step)
