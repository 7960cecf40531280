"""Every decision before the final encode, from facts and measurements alone. In bytes, not bitrates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise

from tightfit.domain.audio import AudioPlan
from tightfit.domain.codec import H264, Codec
from tightfit.domain.geometry import Size, ladder, scaled
from tightfit.domain.pieces import Segment
from tightfit.domain.rate import CRF_MAX, RateModel
from tightfit.domain.result import Decisions, Option
from tightfit.units import format_bytes, format_seconds

# The CRF above which the next smaller picture looks better at the same bytes, where nothing was measured: of the
# tables tried on 29 clips the one that loses least against the best size (0.9 VMAF), and nothing against the source's.
USUAL_CROSSINGS = {Fraction(1): 32.0, Fraction(2, 3): 33.5, Fraction(1, 2): 36.0, Fraction(1, 3): 38.0}
# Where it was measured what a size can show at best: a crossing lies at 24 + 4 sqrt(d), d being the VMAF that the step
# to the next size costs an unencoded picture. It loses 0.2 VMAF (the same clips), as two seconds of encodes would.
_LOWEST_CROSSING, _CROSSING_PER_ROOT = 24.0, 4.0
# In the first step text and lines lose far more than pictures do (6 and below on 25 clips, 8 and 12 on two screen
# recordings); the one that loses 12 stays readable at a CRF that ruins a picture: each VMAF beyond 8 costs this more.
# In the steps below every picture loses as much.
_SCREEN_LOSS, _CROSSING_PER_LOSS = 8.0, 1.0
# No crossing of a picture lies above this; the prior quality is off by 2.4 CRF steps (one standard deviation), and
# what a measurement costs is lost where it changes nothing.
_HIGHEST_CROSSING, _PRIOR_ERROR_CRF = 40.0, 2.0
# No other size than the full one, whatever it looks like.
ONLY_FULL_SIZE = {Fraction(1): CRF_MAX}
# A size in work is left for another one only where it is this far beyond the crossing: nearer, both look alike.
_CLEARLY_BEYOND = 0.75
# Preset faster takes 0.6 … 0.85 of the CPU and loses 0 … 0.6 VMAF where the quality is this good and this far from its
# crossing, up to 1 elsewhere (six clips; preset fast is slower and, with psychovisual decisions, no better by VMAF). It
# is taken there, and where a smaller picture wins much more: the full one would have to be so far beyond its crossing.
# (At two steps beyond it cost 2 and 3 VMAF on two clips of three.)
_CLEAR_CRF, _CLEARLY_ENOUGH, _CLEARLY_BETTER = 26.0, 5.0, 6.0
# Worse than this at the smallest picture is no longer a picture of anything.
WORST_CRF = 45.0
# A prediction is not sure enough to refuse within this of it.
_DOUBT_CRF = 2.0
FAIR_CRF = 30.0
# The prediction behind "the smallest size that works" may be wrong by this much on noisy clips.
_SMALLEST_MARGIN = 1.25
# Size range of a plan: the study's first totals lay within these of their target before settling, and
# settling ends at 0.9945 of the limit at the least.
_LEAST_FILL = 0.99


@dataclass(frozen=True)
class Budget:
    """Where the limit's bytes go; ``video`` is what is left."""

    limit: int
    audio: int
    container: int

    @property
    def video(self) -> int:
        return self.limit - self.audio - self.container


class Pace(StrEnum):
    """How much time x264 takes over the same bytes, by the name of its preset."""

    USUAL = "medium"
    QUICK = "faster"


@dataclass(frozen=True)
class Choice:
    """A picture size with the quality the budget allows there, and how much time that is worth."""

    scale: Fraction
    crf: float
    pace: Pace = Pace.USUAL


@dataclass(frozen=True)
class AlreadyFits:
    """The plan for a source that is under its limit: a copy."""

    limit_bytes: int
    bytes: int


NO_DECISIONS = Decisions()


@dataclass(frozen=True)
class Plan:
    """What will be done and why; ``reasons`` are sentences.

    ``in_cloud`` is true where a render service would be asked first, which may cost ``credits``. ``budget`` may be of
    less than the limit, where more bytes would buy nothing; ``fps`` is that of the file to be. At the least it will
    have ``least_fill`` of the budget's bytes.
    """

    limit_bytes: int
    budget: Budget
    full: Size
    choice: Choice
    segments: tuple[Segment, ...]
    audio: AudioPlan
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    predicted_seconds: float | None = None
    predicted_vmaf: float | None = None
    in_cloud: bool = False
    credits: int = 0
    more_audio: tuple[AudioPlan, ...] = ()
    decisions: Decisions = NO_DECISIONS
    fps: Fraction | None = None
    codec: Codec = H264
    least_fill: float = _LEAST_FILL

    @property
    def size(self) -> Size:
        return scaled(self.full, self.choice.scale)

    @property
    def predicted_bytes(self) -> tuple[int, int]:
        return int(self.budget.limit * self.least_fill), self.budget.limit


Crossings = Mapping[Fraction, float]
# A picture whose full size is worth keeping up to here is a screen's: it is made of lines and letters.
_SCREEN_CROSSING = 34.5


def is_screen(crossings: Crossings) -> bool:
    return crossings.get(Fraction(1), 0.0) >= _SCREEN_CROSSING


def crossings_of(ceilings: Mapping[Fraction, float]) -> Crossings:
    """The crossing of each size from what each can show at best (VMAF by scale)."""
    return {
        scale: _crossing_at(max(0.0, ceilings[scale] - ceilings[smaller]), is_full=scale == 1)
        for scale, smaller in pairwise(sorted(ceilings, reverse=True))
    }


def _crossing_at(loss: float, *, is_full: bool) -> float:
    of_screens = _CROSSING_PER_LOSS * max(0.0, loss - _SCREEN_LOSS) if is_full else 0.0
    return _LOWEST_CROSSING + _CROSSING_PER_ROOT * math.sqrt(loss) + of_screens


def contested(model: RateModel, video_bytes: int, full: Size) -> list[Fraction]:
    """The sizes between which a measurement should decide, largest first; less than two where none is needed.

    A size whose quality is surely better than any crossing ends the list; one that is surely worse is not on it.
    """
    found: list[Fraction] = []
    for scale in ladder(full):
        crf = model.solve([(0, model.content.frames)], float(scale), max(1, video_bytes))
        if crf <= _HIGHEST_CROSSING + _PRIOR_ERROR_CRF:
            found.append(scale)
        if crf < _LOWEST_CROSSING - _PRIOR_ERROR_CRF:
            break
    return found


def choose(
    model: RateModel,
    video_bytes: int,
    full: Size,
    crossings: Crossings = USUAL_CROSSINGS,
    in_work: Fraction | None = None,
) -> Choice | None:
    """The largest picture whose quality at this budget is on the good side of its crossing; None where even
    the smallest one would surely be worse than ``WORST_CRF``. A size ``in_work`` stays unless it is clearly wrong."""
    everything = [(0, model.content.frames)]
    scales = ladder(full)
    crf = {s: model.solve(everything, float(s), max(1, video_bytes)) for s in scales}

    def fits(scale: Fraction) -> bool:
        slack = 0.0 if in_work is None else _CLEARLY_BEYOND if scale <= in_work else -_CLEARLY_BEYOND
        return crf[scale] <= crossings.get(scale, CRF_MAX) + slack

    chosen = next((s for s in scales if fits(s)), scales[-1])
    hopeless = chosen == scales[-1] and crf[chosen] > WORST_CRF + _DOUBT_CRF
    return None if hopeless else Choice(chosen, crf[chosen], _pace(chosen, crf, crossings))


def _pace(chosen: Fraction, crf: Mapping[Fraction, float], crossings: Crossings) -> Pace:
    """Quick where the slower preset buys nothing that is seen: see the constants."""
    full = max(crf)
    beyond = crf[full] - crossings.get(full, CRF_MAX)
    clear = crf[full] <= _CLEAR_CRF and beyond <= -_CLEARLY_ENOUGH
    return Pace.QUICK if clear or (chosen < full and beyond >= _CLEARLY_BETTER) else Pace.USUAL


def smallest_video_bytes(model: RateModel, full: Size) -> int:
    """Video bytes that surely suffice for the smallest picture at the worst quality allowed."""
    least = model.predict(0, model.content.frames, float(ladder(full)[-1]), WORST_CRF)
    return int(least * _SMALLEST_MARGIN)


def fair_video_bytes(model: RateModel, full: Size) -> int:
    """Video bytes for two thirds of the size at ``FAIR_CRF``: soft, but nobody complains."""
    scales = ladder(full)
    return int(model.predict(0, model.content.frames, float(scales[min(1, len(scales) - 1)]), FAIR_CRF))


def infeasible_options(
    limit: int, smallest: int, fair: int, duration_s: float, audio_bytes: int, has_audio: bool
) -> tuple[Option, ...]:
    """What would work instead, for a limit that can't: each is a change a person can ask for."""
    options = []
    if has_audio and audio_bytes < limit:
        options.append(Option("keep only the sound"))
    share = limit / smallest
    if duration_s * share >= 1:
        options.append(Option(f"trim to {format_seconds(duration_s * share)}"))
    parts = -(-smallest // limit)
    if parts <= 50:
        options.append(Option(f"split in {parts} files"))
    options.append(Option(f"{format_bytes(smallest)} for the smallest picture that works", smallest))
    if fair > smallest:
        options.append(Option(f"{format_bytes(fair)} for fair quality", fair))
    return tuple(options)


def explain(
    choice: Choice,
    full: Size,
    budget: Budget,
    duration_s: float,
    audio: AudioPlan,
    segments: int,
    codec: Codec = H264,
) -> tuple[str, ...]:
    """The plan in sentences."""
    size = scaled(full, choice.scale)
    kbps = budget.video * 8 / 1000 / duration_s
    if choice.scale == 1:
        picture = f"The picture keeps its {size}: {kbps:.0f} kb/s carry it at CRF {codec.own_crf(choice.crf):.1f}."
    else:
        picture = f"The picture shrinks from {full} to {size}: at {kbps:.0f} kb/s fewer, better pixels look sharper."
    sentences = [
        f"{format_bytes(budget.limit)} hold {format_bytes(budget.video)} of picture, "
        f"{format_bytes(budget.audio)} of sound and {format_bytes(budget.container)} of container.",
        picture,
        f"It is encoded in {segments} segment{'s' if segments != 1 else ''}, "
        "cut where the encoder puts keyframes anyway.",
    ]
    if audio.reason:
        sentences.append(f"{audio.reason[0].upper()}{audio.reason[1:]}.")
    return tuple(sentences)
