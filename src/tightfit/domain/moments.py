"""What the scores of a clip's frames say: on the whole, from second to second, and where it looks worst."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tightfit.domain.result import Quality

_WORST_SHARE = Fraction(1, 100)


@dataclass(frozen=True)
class Scores:
    """Quality of every ``every``-th frame from frame 0 on: VMAF (0 to 100), XPSNR of luma (dB) or SSIM (0 to 1)."""

    metric: str
    model: str | None
    every: int
    values: tuple[float, ...]

    def frame(self, n: int) -> int:
        """The number of the frame that the ``n``-th score is of."""
        return n * self.every

    def summary(self) -> Quality:
        """Mean, harmonic mean (of score + 1, as libvmaf does), first percentile. Raises ValueError without a score."""
        return summarise(self.metric, self.model, self.values)

    def between(self, first: int, last: int) -> Quality | None:
        """``summary`` of the frames ``[first, last)``; None where none of them was scored."""
        inside = self.values[-(-first // self.every) : -(-last // self.every)]
        return summarise(self.metric, self.model, inside) if inside else None


def summarise(metric: str, model: str | None, scores: Sequence[float]) -> Quality:
    """As ``Scores.summary``."""
    if not scores:
        raise ValueError("no frame was scored")
    ordered = sorted(scores)
    harmonic = len(scores) / sum(1 / (score + 1) for score in scores) - 1
    return Quality(metric, model, sum(scores) / len(scores), harmonic, ordered[int(_WORST_SHARE * len(scores))])


@dataclass(frozen=True)
class Moments:
    """Frames to look at: in the worst second, and in one that is as good as most."""

    worst: int
    typical: int


def moments(scores: Scores, fps: float) -> Moments:
    """A single bad frame is not seen; a bad second is. Of the second, its worst frame and its middle one are shown."""
    per_second = max(1, round(fps / scores.every))
    starts = range(0, len(scores.values), per_second)
    means = [_mean(scores.values[start : start + per_second]) for start in starts]
    worst = starts[min(range(len(means)), key=lambda n: means[n])]
    median = sorted(means)[len(means) // 2]
    typical = starts[min(range(len(means)), key=lambda n: abs(means[n] - median))]
    second = scores.values[worst : worst + per_second]
    middle = typical + len(scores.values[typical : typical + per_second]) // 2
    return Moments(scores.frame(worst + second.index(min(second))), scores.frame(middle))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
