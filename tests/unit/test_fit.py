"""The whole fit, steering and settling together, with a simulated encoder and a prior that is wrong."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

import anyio
import pytest
from support.simulated import Footage, random_footage

from tightfit.domain.codec import H264, Codec
from tightfit.domain.geometry import Size
from tightfit.domain.pieces import Part, Variant
from tightfit.domain.plan import Choice, Pace, choose
from tightfit.domain.rate import RateModel
from tightfit.engine.executors.local import Look, Task
from tightfit.engine.fit import Fit
from tightfit.errors import InfeasibleError
from tightfit.media.encode import Setting
from tightfit.media.two_pass import Measured

FULL, ONE = Size(1280, 720), Fraction(1)
CONTAINER, PER_PART = 3000, 200


@dataclass
class SimulatedExecutor:
    """Encodes ``footage`` in no time; looks see the beginning of what would come out."""

    footage: Footage
    luck: random.Random
    attempts: int = 0
    encoded_frames: int = 0
    codec: Codec = H264
    on_progress: Callable[[], None] = field(default=lambda: None)
    to_size: list[Task] = field(default_factory=list)

    async def encode(
        self, task: Task, is_off_course: Look, on_frames: Callable[[int], None] = lambda _: None
    ) -> Part | None:
        await anyio.lowlevel.checkpoint()
        part = self._made(task)
        if self._is_ended(task, part, is_off_course):
            return None
        self.encoded_frames += part.kept
        on_frames(part.kept)
        return part

    async def measure(self, task: Task, is_off_course: Look, *, keeps: bool = False) -> Measured | None:  # noqa: ARG002 - there are no pictures
        await anyio.lowlevel.checkpoint()
        part = self._made(task)
        if self._is_ended(task, part, is_off_course):
            return None
        return Measured(part, Setting(task.size, task.crf, task.threads, self.preset(task.pace)), "", 1.0, 0.0)

    def preset(self, pace: Pace) -> str:
        return pace.value

    async def encode_to_size(self, task: Task, measured: Measured, wanted_bytes: float) -> Part:
        await anyio.lowlevel.checkpoint()
        seen = measured.part
        self.to_size.append(task)
        part = self.footage.encode_to(seen.first, seen.last, wanted_bytes, task.crf, self.luck)
        self.encoded_frames += part.kept
        return part

    def _made(self, task: Task) -> Part:
        self.attempts += 1
        return self.footage.encode(task.first, task.last, task.crf, self.luck, task.size.width / FULL.width)

    def _is_ended(self, task: Task, part: Part, is_off_course: Look) -> bool:
        frames = task.look_at
        if frames is None or frames >= part.kept:
            return False
        growing = replace(
            part, sizes=part.sizes[:frames], ranks=part.ranks[:frames], keys=part.keys[:frames], kept=frames
        )
        if not is_off_course(growing):
            return False
        self.encoded_frames += frames
        return True


@dataclass(frozen=True)
class Outcome:
    limit: int
    size: int | None
    attempts: int
    frames: int
    encoded_frames: int
    foretold: Choice
    to_size: tuple[Task, ...]

    @property
    def fill(self) -> float:
        return (self.size or 0) / self.limit


def sizer(variants: tuple[Variant, ...]) -> int:
    return CONTAINER + sum(v.bytes + PER_PART * len(v.parts) for v in variants)


def fit(footage: Footage, crf: float, luck: random.Random, seen: float = 1.0) -> Outcome:
    """Fit ``footage`` into what it costs at about ``crf``; the prior knows neither level nor slopes, and the analysis
    sees so many times its bytes."""
    analysed = footage.analysed(luck)
    model = RateModel(replace(analysed, frame_bytes=tuple(round(b * seen) for b in analysed.frame_bytes)))
    budget = sum(footage.encode(s.first, s.last, crf, luck).bytes for s in footage.segments)
    choice = choose(model, budget, FULL) or Choice(ONE, crf)
    executor = SimulatedExecutor(footage, luck)
    work = Fit(
        executor=executor,  # type: ignore[arg-type]  # stands in for the local one
        full=FULL,
        segments=footage.segments,
        choice=choice,
        model=model,
        video_budget=budget,
        limit=budget + CONTAINER + PER_PART * len(footage.segments),
        lanes=2,
        cores=2,
        sizer=sizer,
        on_settle=lambda _: None,
    )
    try:
        size = sizer(anyio.run(work.run))
    except InfeasibleError:
        size = None
    made = footage.frames, executor.encoded_frames
    return Outcome(work.limit, size, executor.attempts, *made, choice, tuple(executor.to_size))


USUAL, ANY = (0.11, 0.3), (0.05, 0.5)
# Segments, slopes, noise, and the share of clips that has to end at 99 % of the limit or above.
TEMPERS = {
    "one calm segment": ((1, 1), USUAL, 0.002, 1.0),
    "one wild segment": ((1, 1), ANY, 0.04, 0.40),
    "few calm segments": ((2, 4), USUAL, 0.002, 1.0),
    "few wild segments": ((2, 4), ANY, 0.04, 0.40),
    "many calm segments": ((5, 10), USUAL, 0.002, 0.95),
    "many wild segments": ((5, 10), ANY, 0.04, 0.60),
}
CLIPS, CLOSE = 40, 0.99
MOST_REFUSED = 0.1
# Restarts and settling together, in encoded frames over frames: for any clip, and on average. The wild ones miss
# every size by up to 4 %, where x264 misses it by 0.1 %.
MOST_WORK, USUAL_WORK = 5.0, 3.0


@pytest.mark.parametrize("temper", TEMPERS.values(), ids=TEMPERS.keys())
def test_most_clips_end_close_under_the_limit_for_bounded_work(temper):
    segments, slopes, noise, share = temper
    outcomes = []
    for seed in range(CLIPS):
        luck = random.Random(seed)
        footage = random_footage(luck, segments=segments, slopes=slopes, noise=noise, frames=(60, 250))
        outcomes.append(fit(footage, luck.uniform(20, 34), luck))
    close = sum(o.fill >= CLOSE for o in outcomes) / CLIPS
    work = [o.encoded_frames / o.frames for o in outcomes]
    assert max(work) <= MOST_WORK
    assert sum(work) / CLIPS <= USUAL_WORK
    assert sum(o.size is None for o in outcomes) / CLIPS <= MOST_REFUSED
    assert close >= share, f"only {close:.0%} came close"


def test_a_clip_that_only_looked_clear_is_made_at_the_usual_pace_and_the_other_way_round():
    """Whether a picture is clear (CRF 26 at its full size) is known once it was measured, whatever was foretold."""
    changed = set()
    for seed in range(CLIPS):
        luck = random.Random(seed)
        footage = random_footage(luck, segments=(1, 1), slopes=USUAL, noise=0.002, frames=(60, 250))
        outcome = fit(footage, luck.uniform(22, 30), luck, seen=luck.choice((0.6, 1.0)))
        task = outcome.to_size[0]
        if task.size != FULL or abs(task.crf - 26) < 0.1:
            continue
        assert task.pace is (Pace.QUICK if task.crf <= 26 else Pace.USUAL), seed
        changed |= {task.pace} if task.pace is not outcome.foretold.pace else set()
    assert changed == set(Pace)


def test_what_is_published_is_never_over_the_limit_though_every_part_costs_container_bytes():
    for seed in range(60):
        luck = random.Random(seed)
        footage = random_footage(luck, segments=(1, 3), slopes=USUAL, noise=0.01, frames=(60, 250))
        outcome = fit(footage, luck.uniform(20, 34), luck)
        assert outcome.size is None or outcome.size <= outcome.limit, seed
