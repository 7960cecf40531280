"""What every way of fitting shares: what is known and done so far, and how one segment is made to a size."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import NoReturn

from tightfit.domain import control
from tightfit.domain.codec import H264
from tightfit.domain.geometry import Size, scaled
from tightfit.domain.pieces import Part, Segment, Variant
from tightfit.domain.plan import USUAL_CROSSINGS, Choice, Crossings, choose
from tightfit.domain.rate import CRF_MIN, Observation, RateModel
from tightfit.engine.executors.local import FIRST_PASS_WORK, LocalExecutor, Task
from tightfit.engine.lanes import Lanes
from tightfit.engine.memory import WHOLE, Cover, Memory
from tightfit.engine.places import Cloud
from tightfit.media.two_pass import Measured

log = logging.getLogger("tightfit.fit")

# With so few segments little comes after the first one to make good for it: one is measured before any is encoded, and
# all of them where that was a surprise. With more, each teaches the next.
_FEW_SEGMENTS = 5
# Share of the first piece, and least frames, at which it is compared with its forecast.
_LOOK_SHARE, _LOOK_FRAMES, _SHORTEST_LOOKED_AT = 0.15, 40, 60


def never(_: Part) -> bool:
    """For an encode that is not to be ended early."""
    return False


class StartOver(Exception):
    """The clip is encoded anew with what was learned."""


@dataclass(frozen=True)
class Miss:
    """Bytes that a second pass made, and those that it was asked for."""

    measured: Measured
    made: float
    asked: float


@dataclass
class FitState:
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
    whole: Variant | None = None
    credits: int | None = None
    restarts: int = 0
    recalled_frames: int = 0
    recalled_corrections: int = 0
    running: dict[int, tuple[Segment, float]] = field(default_factory=dict)
    steady: dict[int, Segment] = field(default_factory=dict)
    closing_seen: Measured | None = None
    misses: dict[tuple[int, int], Miss] = field(default_factory=dict)
    corrected: set[tuple[int, int]] = field(default_factory=set)
    is_recalled: bool = False

    @property
    def scale(self) -> float:
        return float(self.choice.scale)

    @property
    def size(self) -> Size:
        return scaled(self.full, self.choice.scale)

    @property
    def floor_reached(self) -> bool:
        """True where the best quality there is does not fill the limit."""
        return all(v.crf <= CRF_MIN + 0.01 for v in self.current())

    @property
    def forecast(self) -> int:
        """The video bytes this is heading for."""
        done = sum(v[-1].bytes for v in self.tried.values()) + self.in_work()
        crf = min((crf for _, crf in self.running.values()), default=self.choice.crf)
        return int(done + sum(self.model.predict(s.first, s.last, self.scale, crf) for s in self.waiting))

    @property
    def work_expected(self) -> float:
        """All that is to be done if nothing goes wrong, as ``LocalExecutor.work_done`` counts it."""
        frames = sum(s.frames for s in self.segments)
        measured = frames / len(self.segments)
        return frames + FIRST_PASS_WORK * measured

    @property
    def side_by_side(self) -> Lanes:
        return Lanes(self.lanes, self.cores, StartOver)

    @property
    def hits_from_below(self) -> bool:
        """Whether pieces made to a size are never larger than that."""
        return not self.executor.codec.two_passes

    @property
    def are_few(self) -> bool:
        return len(self.segments) <= (_FEW_SEGMENTS if self.cloud is None else 1)

    @property
    def keeps_pictures(self) -> bool:
        """Pieces of kept pictures may not join those of the source, and are made again then: where chroma lies is not
        kept. So pictures are kept only where most clips are one piece."""
        return len(self.segments) == 1

    @property
    def everything(self) -> tuple[tuple[int, int], ...]:
        return tuple((s.first, s.last) for s in self.segments)

    @property
    def step_limit(self) -> float:
        """How far the quality of the last piece may be from that of the others."""
        return control.FEW_STEP_LIMIT if self.are_few else control.STEP_LIMIT

    def current(self) -> tuple[Variant, ...]:
        return tuple(self.tried[s.index][-1] for s in self.segments)

    def recall(self) -> None:
        """Go on where an earlier run of the same job ended."""
        if self.is_recalled:
            return
        self.is_recalled = True
        before = self.memory.recall()
        self.restarts = before.restarts
        self.model = self.model.learn(*before.seen)
        if before.scale is not None and before.pace is not None:
            self.choice = replace(self.choice, scale=before.scale, pace=before.pace)
        for cover in before.covers:
            if cover.segment == WHOLE:
                self.use_whole(cover.variant)
                self.recalled_frames += cover.frames
                continue
            self.tried.setdefault(cover.segment, []).append(cover.variant)
            self.recalled_frames += cover.frames
            if cover.again:
                self.reencoded.add(cover.segment)
                self.recalled_corrections += 1
            if cover.cloud:
                self.by_cloud.add(cover.segment)
            if cover.constant:
                self.model = self.model.learn(Observation.of(cover.variant.parts[0], self.scale))

    def keep(self, segment: int, variant: Variant, frames: int, *, constant: bool = False, again: bool = False) -> None:
        """Another way to cover a segment, from ``frames`` encoded for it; durable where the job is."""
        by_cloud = segment in self.by_cloud and not again
        cover = Cover(segment, variant, self.choice.scale, self.choice.pace, constant, again, frames, by_cloud)
        self.tried.setdefault(segment, []).append(self.memory.made(cover))

    def keep_whole(self, variant: Variant) -> None:
        """Take a file that a service made of the whole clip for the result; durable where the job is."""
        cover = Cover(WHOLE, variant, Fraction(1), self.choice.pace, False, False, variant.frames, True)
        self.use_whole(self.memory.made(cover))
        self.executor.made_elsewhere(variant.frames)

    def use_whole(self, variant: Variant) -> None:
        """Nothing else is to be made: one segment, at the full size."""
        self.whole = variant
        self.choice = replace(self.choice, scale=Fraction(1))
        self.segments = (Segment(0, variant.first, variant.last),)
        self.tried, self.reencoded, self.by_cloud = {0: [variant]}, set(), {0}

    def as_encoded(self, looked_at: Part) -> Observation:
        """What a first pass says about the encode behind it."""
        seen = Observation.of(looked_at, self.scale)
        codec = self.executor.codec
        share = control.first_pass_share(looked_at.crf) if codec is H264 else codec.first_pass_ratio
        factor = 1 / share
        return replace(seen, bytes=round(seen.bytes * factor), idr_bytes=round(seen.idr_bytes * factor))

    def start_over(self) -> NoReturn:
        """Begin again with what was learned, at another size where this one is clearly wrong now."""
        better = choose(self.model, self.video_budget, self.full, self.crossings, in_work=self.choice.scale)
        self.choice = better or self.choice
        raise StartOver

    def reconsider_size(self) -> None:
        """Start over at another size where what was learned makes the one in work clearly wrong."""
        if self.restarts >= control.MOST_RESTARTS or (self.are_few and self.tried):
            return
        better = choose(self.model, self.video_budget, self.full, self.crossings, in_work=self.choice.scale)
        if better and better.scale != self.choice.scale:
            log.debug("not %s but %s of the size", self.choice.scale, better.scale)
            self.choice = better
            raise StartOver

    def reconsider_pace(self) -> None:
        """Take the time that the picture is worth by what was learned: second passes don't mind who made the first."""
        if self.tried:
            return
        now = choose(self.model, self.video_budget, self.full, self.crossings, in_work=self.choice.scale)
        if now and now.scale == self.choice.scale and now.pace != self.choice.pace:
            log.debug("CRF %.2f: preset %s from here on", now.crf, now.pace)
            self.choice = replace(self.choice, pace=now.pace)

    @property
    def waiting(self) -> list[Segment]:
        return [s for s in self.steady.values() if s.index not in self.tried and s.index not in self.running]

    def look_at(self, segment: Segment) -> int | None:
        """Where the first piece is looked at while it runs: nothing is known yet, and beginning again costs little."""
        if self.restarts >= control.MOST_RESTARTS or self.tried or segment.frames < _SHORTEST_LOOKED_AT:
            return None
        return max(_LOOK_FRAMES, round(_LOOK_SHARE * segment.frames))

    def is_too_far(self, seen: Observation, crf: float, limit: float) -> bool:
        """Learn from ``seen`` where it shows that its quality is not worth going on at."""
        learned = self.model.learn(seen)
        right = learned.solve(self.everything, self.scale, self.video_budget * control.FIRST_AIM)
        if self.tried or abs(right - crf) <= limit:
            return False
        log.debug("off course after %d frames: CRF %.2f instead of %.2f", seen.last - seen.first, crf, right)
        self.model = learned
        return True

    def done_but(self, segment: Segment) -> float:
        """Bytes that are finished or will come of other running pieces."""
        return sum(v[-1].bytes for v in self.tried.values()) + self.in_work(but=segment)

    def in_work(self, but: Segment | None = None) -> float:
        """What the running pieces will come to, ``but`` one segment."""
        return sum(
            self.model.predict(s.first, s.last, self.scale, crf) for s, crf in self.running.values() if s is not but
        )

    def fits_all(self) -> float:
        """The CRF at which the whole clip would fit."""
        return self.model.solve(self.everything, self.scale, self.video_budget * control.FIRST_AIM)

    def task(self, segment: Segment, crf: float, threads: int, look_at: int | None = None) -> Task:
        return Task(segment.first, segment.last, self.size, crf, threads, look_at, self.choice.pace)

    async def measured(self, task: Task) -> Measured:
        """A first pass to its end. Raises EncoderError."""
        measured = await self.executor.measure(task, never, keeps=self.keeps_pictures)
        assert measured is not None, "nobody looks at it"
        return measured

    async def close(self, segment: Segment, measured: Measured, wanted: float, crf: float, threads: int) -> None:
        """Make a measured segment to ``wanted`` bytes, or as good as it gets."""
        if crf <= CRF_MIN:
            made = await self.executor.encode(self.task(segment, CRF_MIN, threads), never)
            assert made is not None, "nobody looks at it"
            part = made
        else:
            part = await self.executor.encode_to_size(self.task(segment, crf, threads), measured, wanted)
        self.misses[segment.first, segment.last] = Miss(measured, part.bytes, wanted)
        log.debug("[%d, %d) at %s: %d bytes for %d", part.first, part.last, self.size, part.bytes, wanted)
        self.keep(segment.index, Variant((part,)), part.kept)
