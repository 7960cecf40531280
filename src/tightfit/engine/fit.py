"""The encode of one planned clip: segments in parallel, steered while they run, settled at the end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import anyio

from tightfit.domain import control, settle
from tightfit.domain.control import Course, CutHere, Keep, Load, Restart, Verdict
from tightfit.domain.geometry import Size, scaled
from tightfit.domain.pieces import Part, Segment, Variant
from tightfit.domain.plan import Choice, choose
from tightfit.domain.rate import CRF_MIN, Observation, RateModel
from tightfit.engine.executors.local import LocalExecutor, Task
from tightfit.errors import EncoderError, told_singly

log = logging.getLogger("tightfit.fit")

# Shares of a piece at which a running encode is compared with its forecast: while nothing is known yet,
# and where few or no other pieces are left that could make good for it.
_FEW_SEGMENTS = 3
_FIRST_LOOK = 0.15
_LAST_LOOKS = (0.4, 0.7, 0.88)
_FIRST_LOOK_FRAMES = 40
_SHORTEST_LOOKED_AT = 60
# A picture size that turns out wrong is changed only while this little of the clip is done.
_EARLY_ENOUGH = 0.34
# Rounds beyond the usual ones, for a file that is still over: nothing over the limit may come of it.
_LAST_ROUNDS = 2
# The tables of another combination may take a few bytes more; then a less full one is written.
_MOST_WRITES = 4


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
    probed: bool = False
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
        """Encode and settle: the variants of the file that ``sizer`` wrote last, at most ``limit`` bytes.

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
        lanes = min(self.lanes, len(self.segments))
        try:
            with told_singly():
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
        if (
            self.restarts >= control.MOST_RESTARTS
            or not self._waiting
            or done > _EARLY_ENOUGH * self.model.content.frames
        ):
            return
        if self.probed:
            return  # measured quality is not overruled by a rule
        better = choose(self.model, self.video_budget, self.full)
        if better and better.scale not in (self.choice.scale, *self.choice.rivals):
            self.choice = better
            raise _StartOver

    async def _encode_segment(self, segment: Segment, threads: int) -> None:
        parts: list[Part] = []
        at = segment.first
        while at < segment.last:
            finished = sum(part.bytes for part in parts)
            crf = self._next_crf(segment, parts)
            self._running[segment.index] = _Running(finished, at, segment.last, crf)
            part = await self._encode_steered(segment, at, crf, threads)
            self.model = self.model.learn(Observation.of(part, self._scale))
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
                self.model = self.model.learn(Observation.of(seen, self._scale))
                self.choice = self._choose_anew()
                log.debug("start over after %d frames: CRF %.2f gave %d bytes", seen.kept, crf, seen.bytes)
                raise _StartOver
            case CutHere(kept):
                return part.cut(kept)
            case Keep():
                return part

    def _choose_anew(self) -> Choice:
        """The size by what is known now; one that was measured against its rival is kept."""
        fresh = choose(self.model, self.video_budget, self.full)
        if fresh is None or (self.probed and self.choice.scale in (fresh.scale, *fresh.rivals)):
            return self.choice
        return fresh

    def _looks(self, frames: int) -> list[int]:
        shares: list[float] = []
        if not self.probed and self._may_restart:
            shares.append(max(_FIRST_LOOK, _FIRST_LOOK_FRAMES / frames))
        if not self._waiting or len(self.segments) <= _FEW_SEGMENTS:
            shares.extend(share for share in _LAST_LOOKS if not shares or share > shares[0])
        return [round(share * frames) for share in shares] if frames >= _SHORTEST_LOOKED_AT else []

    @property
    def _may_restart(self) -> bool:
        return self.restarts < control.MOST_RESTARTS and not self.tried

    @property
    def _everything(self) -> tuple[tuple[int, int], ...]:
        return tuple((s.first, s.last) for s in self.segments)

    def _look(self, segment: Segment, part: Part) -> Verdict:
        done = self._done_but(segment) + self._running[segment.index].finished_bytes
        others = Load(done, tuple((s.first, s.last) for s in self._waiting))
        first_look = not self.probed and not self.tried and part.kept < _LAST_LOOKS[0] * segment.frames
        course = Course(self.video_budget, others, self._everything, self._may_restart, first_look)
        return control.judge(self.model, self._scale, part, segment.last, course)

    def _next_crf(self, segment: Segment, parts: list[Part]) -> float:
        done = self._done_but(segment) + sum(part.bytes for part in parts)
        at = parts[-1].last if parts else segment.first
        ranges = ((at, segment.last), *((s.first, s.last) for s in self._waiting))
        wanted = control.next_crf(self.model, self._scale, self.video_budget, Load(done, ranges), self._everything)
        return control.after_cut(parts[-1].crf, wanted) if parts else wanted

    def _done_but(self, segment: Segment) -> float:
        """Bytes that are finished or will come of other running pieces."""
        return sum(v[-1].bytes for v in self.tried.values()) + self._in_work(segment.index)

    def _in_work(self, but: int | None) -> float:
        """What the running pieces will come to, ``but`` one segment."""
        return sum(
            r.finished_bytes + self.model.predict(r.first, r.last, self._scale, r.crf)
            for index, r in self._running.items()
            if index != but
        )

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
            state = settle.State(variants, self.model, self._scale, size, self.limit, self._known_idrs())
            steps = settle.next_steps(state, turn)
            if fits and not steps:
                return variants
            await self._again(steps, variants)
        raise EncoderError(
            "No encode of this clip came out under the limit, though one should have.",
            hint="Name a slightly different size, and please report this clip.",
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
        lanes = min(self.lanes, len(steps))
        limiter, threads = anyio.CapacityLimiter(lanes), max(1, self.cores // lanes)

        async def one(step: settle.Again) -> None:
            async with limiter:
                task = Task(step.first, step.last, self.size, step.crf, threads)
                part, _ = await self.executor.encode(task, lambda _: Keep())
            after = Observation.of(part, self._scale)
            before = replace(after, crf=step.crf_now, bytes=step.bytes_now)
            log.debug("[%d, %d) was %d bytes, is %d", step.first, step.last, step.bytes_now, part.bytes)
            # What a tail would have cost in a cut of its own is an estimate, and no witness; nor is a patchwork.
            old = variants[step.segment]
            exact = step.first == old.first and len(old.parts) == 1
            self.model = self.model.learn(*([before] if exact else []), after)
            self.tried[step.segment].append(variants[step.segment].with_tail(part))
            self.reencoded.add(step.segment)

        with told_singly():
            async with anyio.create_task_group() as tasks:
                for step in steps:
                    tasks.start_soon(one, step)
