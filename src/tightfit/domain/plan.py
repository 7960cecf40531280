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
# Within this many CRF steps of a crossing the rule is a guess and a second of measured quality decides.
CLOSE_CALL_CRF = 2.5
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
    """A picture size with the quality the budget allows there; ``rival`` is the size that may look as good."""

    scale: Fraction
    crf: float
    rival: Fraction | None = None


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
    return Choice(chosen, crf[chosen], _rival(scales, crf, chosen))


def _rival(scales: Sequence[Fraction], crf: dict[Fraction, float], chosen: Fraction) -> Fraction | None:
    """The neighbour across the nearer crossing, if that is close."""
    at = scales.index(chosen)
    close: list[tuple[float, Fraction]] = []
    if at + 1 < len(scales) and chosen in CROSSOVER_CRF:
        close.append((CROSSOVER_CRF[chosen] - crf[chosen], scales[at + 1]))
    if at > 0:
        close.append((crf[scales[at - 1]] - CROSSOVER_CRF[scales[at - 1]], scales[at - 1]))
    near = [(distance, scale) for distance, scale in close if 0 <= distance <= CLOSE_CALL_CRF]
    return min(near)[1] if near else None


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


def explain(choice: Choice, full: Size, budget: Budget, duration_s: float, audio: AudioPlan, segments: int) -> tuple[str, ...]:
    """The plan in sentences."""
    size = scaled(full, choice.scale)
    kbps = budget.video * 8 / 1000 / duration_s
    if choice.scale == 1:
        picture = f"The picture keeps its {size}: {kbps:.0f} kb/s carry it at CRF {choice.crf:.1f}."
    else:
        picture = f"The picture shrinks from {full} to {size}: at {kbps:.0f} kb/s fewer, better pixels look sharper."
    sentences = [
        f"{format_bytes(budget.limit)} hold {format_bytes(budget.video)} of picture, {format_bytes(budget.audio)} of sound "
        f"and {format_bytes(budget.container)} of container.",
        picture,
        f"It is encoded in {segments} segment{'s' if segments != 1 else ''}, cut where the encoder puts keyframes anyway.",
    ]
    if audio.reason:
        sentences.append(f"{audio.reason[0].upper()}{audio.reason[1:]}.")
    return tuple(sentences)
