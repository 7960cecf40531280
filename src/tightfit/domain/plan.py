"""Every decision before the final encode, from facts and measurements alone. In bytes, not bitrates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tightfit.domain.audio import AudioPlan
from tightfit.domain.geometry import Size, ladder, scaled
from tightfit.domain.pieces import Segment
from tightfit.domain.rate import RateModel
from tightfit.domain.result import Option
from tightfit.units import format_bytes, format_seconds

# The CRF above which the next smaller picture looks better at the same bytes. 28.3 and 31.5 are where the
# measured rate–quality curves of seven clips cross; the rest continue them.
CROSSOVER_CRF = {
    Fraction(1): 28.3,
    Fraction(2, 3): 31.5,
    Fraction(1, 2): 33.5,
    Fraction(2, 5): 35.0,
    Fraction(1, 3): 36.5,
}
# Within this many CRF steps of a crossing the rule is a guess and a second of measured quality decides. Upwards
# further: fine detail moves a crossing, and nobody forgives a picture that was made soft.
CLOSE_BELOW_CRF, CLOSE_ABOVE_CRF = 3.0, 5.0
# Worse than this at the smallest picture is no longer a picture of anything.
WORST_CRF = 45.0
FAIR_CRF = 30.0
# The prediction behind "the smallest size that works" may be wrong by this much on noisy clips.
_SMALLEST_MARGIN = 1.25
# Size range of a plan: the study's first totals lay within these of their target before settling, and
# settling ends at 0.9945 of the limit at the least.
_FILL_LOW = 0.99


@dataclass(frozen=True)
class Budget:
    """Where the limit's bytes go; ``video`` is what is left."""

    limit: int
    audio: int
    container: int

    @property
    def video(self) -> int:
        return self.limit - self.audio - self.container


@dataclass(frozen=True)
class Choice:
    """A picture size with the quality the budget allows there; ``rivals`` are sizes that may look as good."""

    scale: Fraction
    crf: float
    rivals: tuple[Fraction, ...] = ()


# CPU of x264 medium at full size over the analysis' (1 / 0.165), by size to the power of 1.3 (half size takes 0.4 of
# it), and what probing, settling and verifying add.
_FULL_OVER_ANALYSIS, _SIZE_POWER, _OTHER_WORK = 6.0, 1.3, 1.25


def predict_seconds(analysis_s: float, scale: Fraction) -> float:
    """Wall time of the encode that follows an analysis of ``analysis_s`` seconds on the same machine."""
    power: float = float(scale) ** _SIZE_POWER
    return analysis_s * _FULL_OVER_ANALYSIS * power * _OTHER_WORK


@dataclass(frozen=True)
class AlreadyFits:
    """The plan for a source that is under its limit: a copy."""

    limit_bytes: int
    bytes: int


@dataclass(frozen=True)
class Plan:
    """What will be done and why; ``reasons`` are sentences."""

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

    @property
    def size(self) -> Size:
        return scaled(self.full, self.choice.scale)

    @property
    def predicted_bytes(self) -> tuple[int, int]:
        return int(self.limit_bytes * _FILL_LOW), self.limit_bytes


def choose(model: RateModel, video_bytes: int, full: Size) -> Choice | None:
    """The largest picture whose quality at this budget is on the good side of its crossing; None where even
    the smallest one would be worse than ``WORST_CRF``."""
    everything = [(0, model.content.frames)]
    scales = ladder(full)
    crf = {s: model.solve(everything, float(s), max(1, video_bytes)) for s in scales}
    chosen = next((s for s in scales if crf[s] <= CROSSOVER_CRF.get(s, 99.0)), scales[-1])
    if crf[chosen] > WORST_CRF:
        return None
    return Choice(chosen, crf[chosen], _rivals(scales, crf, chosen))


def _rivals(scales: Sequence[Fraction], crf: dict[Fraction, float], chosen: Fraction) -> tuple[Fraction, ...]:
    """The neighbours across crossings that are close, the closest first."""
    at = scales.index(chosen)
    crossings: list[tuple[float, Fraction]] = []
    if at + 1 < len(scales) and chosen in CROSSOVER_CRF:
        crossings.append(((CROSSOVER_CRF[chosen] - crf[chosen]) / CLOSE_BELOW_CRF, scales[at + 1]))
    if at > 0:
        above = scales[at - 1]
        crossings.append(((crf[above] - CROSSOVER_CRF[above]) / CLOSE_ABOVE_CRF, above))
    return tuple(scale for distance, scale in sorted(crossings) if distance <= 1)


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
    choice: Choice, full: Size, budget: Budget, duration_s: float, audio: AudioPlan, segments: int
) -> tuple[str, ...]:
    """The plan in sentences."""
    size = scaled(full, choice.scale)
    kbps = budget.video * 8 / 1000 / duration_s
    if choice.scale == 1:
        picture = f"The picture keeps its {size}: {kbps:.0f} kb/s carry it at CRF {choice.crf:.1f}."
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
