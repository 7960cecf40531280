"""Where two picture sizes are nearly as good, a second or two of measured quality decides."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from tightfit.domain.geometry import ladder, scaled
from tightfit.domain.plan import CLOSE_ABOVE_CRF, CROSSOVER_CRF, Choice, choose
from tightfit.domain.rate import CRF_MAX, Content, Observation, RateModel
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.measure import measure
from tightfit.media.tools import Ffmpeg

log = logging.getLogger("tightfit.quality")

# One second picks the better size 88 % of the time and loses 0.21 VMAF on average, two seconds 93 % and 0.09
# (measured on seven clips); a probe is not worth more than this share of the clip, but takes some pictures.
_PROBE_S, _PROBE_SHARE, _LEAST_FRAMES = 1.2, 0.12, 24
# Longer clips are probed in several places: one second of a trailer says little about the rest.
_SECONDS_PER_WINDOW, _MOST_WINDOWS = 12.0, 4
# Shorter clips of more than half a megapixel are not worth comparing sizes on: it would cost as much as encoding.
_SHORTEST_COMPARED, _SMALL_PIXELS = 200, 500_000
_SUBSAMPLE = 3
# VMAF points that nobody sees, and that a probe of a second is off by anyway.
_LOOKS_ALIKE = 0.5
# With few segments nobody comes after to make good for a wrong start, and x264 looks 40 pictures ahead before
# the first byte comes out, so that judging it on the way comes late: a probe is cheaper than a restart.
_FEW_SEGMENTS = 3
# A probe this many CRF steps off says little about the right quality: it is repeated there, once. One that is
# near enough serves as it is.
_FAR_OFF, _NEAR_ENOUGH = 3.0, 1.0
# Guesses outside of this are more often wrong than right, and low ones are the dearest to try.
_FIRST_GUESS, _LAST_GUESS = 16.0, 42.0
# A clip of a single GOP can only be corrected as a whole, so how its bytes answer to CRF is measured too: slopes
# differ between clips by 17 % (one standard deviation), and a step of this size tells one to about 6 %.
_SLOPE_STEP = 1.5
# Where IDR pictures are cheaper than this share of all bytes, tails can be corrected instead.
_DEAR_IDRS = 0.08


@dataclass(frozen=True)
class Decision:
    """The picture size with its quality, what probing taught, and the VMAF seen; ``sure`` after a probe."""

    choice: Choice
    model: RateModel
    vmaf: float | None = None
    sure: bool = False


@dataclass
class Prober:
    """Encodes one short stretch of a clip at different sizes, for its bytes and its quality."""

    ffmpeg: Ffmpeg
    clip: Clip
    work: Path
    video_bytes: int
    model: RateModel
    made: dict[Fraction, tuple[float, list[Path]]] = field(default_factory=dict)

    def wanted(self, scale: Fraction) -> float:
        return self.model.solve([(0, self.clip.frames)], float(scale), self.video_bytes)

    async def encode_at(self, scale: Fraction, crf: float) -> None:
        """Encode the stretches and learn from them."""
        setting = Setting(scaled(self.clip.picture.full, scale), crf, 2)
        files = []
        for number, (first, last) in enumerate(self.windows):
            out = self.work / f"probe-{scale.numerator}-{scale.denominator}-{number}.nut"
            part = await encode(self.ffmpeg, self.clip, first, last, setting, out, on_frames=lambda _: None)
            seen = _as_inside_a_clip(Observation.of(part, float(scale)), self.model.content)
            self.model = self.model.learn(seen)
            files.append(out)
        self.made[scale] = (crf, files)

    async def settle_on(self, scale: Fraction) -> None:
        """Encode them at about the quality the budget allows there, twice where the first guess was far off."""
        crf, _ = self.made.get(scale, (CRF_MAX, []))
        if abs(self.wanted(scale) - crf) > _NEAR_ENOUGH:
            crf = min(_LAST_GUESS, max(_FIRST_GUESS, self.wanted(scale)))
            await self.encode_at(scale, crf)
        if abs(self.wanted(scale) - crf) > _FAR_OFF:
            await self.encode_at(scale, self.wanted(scale))

    async def learn_slope(self, scale: Fraction) -> None:
        """Encode the stretches once more, a known step away, unless their slope is known already."""
        if not self.model.slope_known:
            await self.encode_at(scale, self.wanted(scale) + _SLOPE_STEP)

    async def score(self, scale: Fraction) -> float:
        """Mean VMAF of the stretches at this size, at the quality the budget allows there."""
        await self.settle_on(scale)
        means = []
        for (first, last), encoded in zip(self.windows, self.made[scale][1], strict=True):
            quality = await measure(
                self.ffmpeg, self.clip, encoded, first, last, subsample=_SUBSAMPLE, threads=2, work=self.work
            )
            means.append(quality.mean)
        return sum(means) / len(means)

    @cached_property
    def windows(self) -> list[tuple[int, int]]:
        return _windows(self.model, self.clip)


async def decide_size(choice: Choice, prober: Prober, segments: int, *, keep_source: bool) -> Decision:
    """Confirm or change ``choice`` by probing, where it is a close call or where a wrong start would cost more."""
    full = prober.clip.picture.full
    if keep_source:
        choice = Choice(Fraction(1), prober.wanted(Fraction(1)))
    worth_it = prober.clip.frames >= _SHORTEST_COMPARED or full.pixels <= _SMALL_PIXELS
    comparable = worth_it and prober.ffmpeg.quality_metric == "vmaf"
    close = bool(choice.rivals) and comparable
    if not close and segments > _FEW_SEGMENTS:
        return Decision(choice, prober.model)
    await prober.settle_on(choice.scale)
    if not keep_source:
        # The size is chosen anew by what was learned; it may be another one, or a close call only now.
        choice = choose(prober.model, prober.video_bytes, full) or choice
    vmaf = None
    if choice.rivals and comparable:
        choice, vmaf = await _climb(choice, prober)
    if segments == 1 and prober.model.content.idr_share > _DEAR_IDRS:
        await prober.learn_slope(choice.scale)
    return Decision(replace(choice, crf=prober.wanted(choice.scale)), prober.model, vmaf, sure=True)


async def _climb(choice: Choice, prober: Prober) -> tuple[Choice, float]:
    """Score the chosen size against its rivals, and go on in a rival's direction while that gains."""
    sizes = ladder(prober.clip.picture.full)
    best, best_score = choice.scale, await prober.score(choice.scale)
    for rival in choice.rivals:
        at, step = sizes.index(rival), sizes.index(rival) - sizes.index(choice.scale)
        while 0 <= at < len(sizes) and not _hopeless(sizes[at], prober):
            score = await prober.score(sizes[at])
            log.debug("VMAF %.1f at %s of the size, %.1f at %s", best_score, best, score, sizes[at])
            # Of two that look alike the smaller one is kept: it takes half the work.
            if score <= best_score + (_LOOKS_ALIKE if step < 0 else -_LOOKS_ALIKE):
                break
            best, best_score = sizes[at], score
            at += step
        if best is not choice.scale:
            break
    return replace(choice, scale=best), best_score


def _hopeless(scale: Fraction, prober: Prober) -> bool:
    """True so far beyond the size's crossing that no detail makes up for it."""
    return prober.wanted(scale) > CROSSOVER_CRF.get(scale, CRF_MAX) + CLOSE_ABOVE_CRF


# Pictures of a short encode are cheaper than the same ones inside a long one: they follow an IDR, and the
# encoder sees little future to save for. In log2 times frames: 3 + 42 times the IDR pictures' share of the clip's
# bytes (eight clips, 24 to 60 frames: bonus 0.03 … 0.46, left over after this 0.07).
_SHORT_BONUS, _SHORT_BONUS_PER_IDR_SHARE = 3.0, 42.0


def _as_inside_a_clip(o: Observation, content: Content) -> Observation:
    bonus = (_SHORT_BONUS + _SHORT_BONUS_PER_IDR_SHARE * content.idr_share) / (o.last - o.first)
    return replace(o, bytes=round(o.idr_bytes + (o.bytes - o.idr_bytes) * 2**bonus))


def _windows(model: RateModel, clip: Clip) -> list[tuple[int, int]]:
    """Stretches to probe, one for every ``_SECONDS_PER_WINDOW`` of the clip: in each part of it, at steps of half
    their length, the one whose bytes per frame are nearest that part's mean."""
    frames = round(min(_PROBE_S * float(clip.video.fps), _PROBE_SHARE * clip.frames))
    frames = min(clip.frames, max(_LEAST_FRAMES, frames))
    count = min(_MOST_WINDOWS, max(1, int(clip.video.duration_s / _SECONDS_PER_WINDOW)))
    bounds = [round(k * clip.frames / count) for k in range(count + 1)]
    windows = []
    for low, high in pairwise(bounds):
        mean = model.content.bytes_in(low, high) / (high - low)
        starts = range(low, max(low, high - frames) + 1, max(1, frames // 2))
        means = [(abs(model.content.bytes_in(i, min(i + frames, high)) / frames - mean), i) for i in starts]
        start = min(means)[1]
        windows.append((start, min(start + frames, clip.frames)))
    return windows
