"""What is foretold of an encode, and how what happened before corrects it. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from tightfit.domain.codec import Codec, Effort
from tightfit.domain.plan import Pace, Plan

# The work behind an analysis, in seconds: what it takes whatever the clip (probing, spawning, journal), and for each
# second of the analysis what does not shrink with the picture (decoding, measuring, verifying) and x264 medium at full
# size, which shrinks with the pixels. Fitted to the CPU seconds of 50 cases of 18 clips (docs/benchmarks.md) over those
# of their analyses: 40 lie within 30 %. That wall time is to the analysis' as CPU is to CPU was not measured.
_ALWAYS_S, _OF_SOURCE, _OF_PICTURE = 1.4, 1.5, 7.0
# What takes more or less time than x264 medium, by preset. x264: single encodes (docs/codecs.md), and CPU of whole runs
# of two clips (a10, 305 kB; a51, 549 kB). x265: CPU of whole runs over x264's, one clip of one segment (a10). SVT-AV1:
# the same of two clips that are far apart, since a piece is made once or six times: q14 (four segments) 2.0 for preset
# 10; a51 (two) 3.7, 4.9 and 17.6 for 12, 10 and 8; between them in the middle.
_OVER_MEDIUM = {
    ("h264", "veryfast"): 0.5,
    ("h264", "faster"): 0.75,
    ("h264", "slow"): 1.3,
    ("hevc", "superfast"): 2.2,
    ("hevc", "fast"): 3.0,
    ("hevc", "medium"): 3.0,
    ("av1", "12"): 2.6,
    ("av1", "10"): 3.2,
    ("av1", "8"): 8.0,
}

# So many of the newest pairs are asked: enough for a median, few enough to follow a machine that changed.
_NEWEST_TIMES, _NEWEST_SIZES = 15, 40
# What is shipped counts as so many pairs: one run that was disturbed changes nothing, three alike change the plan.
_SHIPPED_COUNTS_AS = 2
# From so many pairs of the picture's own size on, others are not asked.
_ENOUGH_ALIKE = 5
# A tenth of the sizes may lie outside their range; fewer than ten pairs say nothing of a tenth.
_OUTSIDE = 0.1
# No machine is further from what is shipped than this: what says so is damaged.
_MOST_FACTOR = 20.0
# Pixels of a picture up to which its size has this name.
_SIZES = ((500_000, "small"), (1_000_000, "720p"), (2_100_000, "1080p"))
_LARGEST = "2160p"


@dataclass(frozen=True)
class Forecast:
    """What a plan says before it is corrected, and what that depends on.

    ``seconds`` is wall time of the whole work but the analysis; the file has ``low`` to ``high`` bytes; ``vmaf`` is the
    mean, None where it was not foretold. ``picture`` is how many pixels it has, roughly; ``machine`` tells machines
    apart that differ in speed for reasons that the analysis does not show.
    """

    codec: str
    effort: str
    pace: str
    picture: str
    machine: str
    seconds: float
    low: int
    high: int
    vmaf: float | None = None


@dataclass(frozen=True)
class Pair:
    """A forecast and what happened; ``took_s`` and ``vmaf`` are None where they were not measured."""

    forecast: Forecast
    took_s: float | None
    bytes: int
    vmaf: float | None

    @property
    def is_sound(self) -> bool:
        """False for what no run can have left."""
        told = self.forecast
        numbers = [told.seconds, told.low, told.high, self.bytes]
        numbers += [n for n in (told.vmaf, self.took_s, self.vmaf) if n is not None]
        return (
            all(math.isfinite(n) for n in numbers)
            and told.seconds > 0
            and 0 < told.low <= told.high
            and 0 < self.bytes <= told.high
            and (self.took_s is None or self.took_s > 0)
        )


def picture_name(pixels: int) -> str:
    """The class of sizes that a picture of so many pixels is in."""
    return next((name for most, name in _SIZES if pixels <= most), _LARGEST)


def foretold(plan: Plan, effort: Effort, analysis_s: float, machine: str) -> Forecast:
    """The forecast for a plan whose analysis took ``analysis_s`` seconds on the same machine."""
    low, high = plan.predicted_bytes
    choice = plan.choice
    return Forecast(
        codec=plan.codec.name,
        effort=effort.value,
        pace=choice.pace.value,
        picture=picture_name(plan.size.pixels),
        machine=machine,
        seconds=shipped_seconds(analysis_s, choice.scale, plan.codec, effort, choice.pace),
        low=low,
        high=high,
    )


def shipped_seconds(analysis_s: float, scale: Fraction, codec: Codec, effort: Effort, pace: Pace) -> float:
    """Wall time in seconds of the work behind an analysis of ``analysis_s`` seconds, before anything was learned."""
    preset = codec.presets[effort][pace is Pace.QUICK]
    of_picture = _OF_PICTURE * float(scale) ** 2 * _OVER_MEDIUM.get((codec.name, preset), 1.0)
    return _ALWAYS_S + analysis_s * (_OF_SOURCE + of_picture)


def corrected(plan: Plan, forecast: Forecast, pairs: Sequence[Pair]) -> Plan:
    """The plan with what ``pairs``, the oldest first, teach of its ``forecast``."""
    vmaf = forecast.vmaf
    if vmaf is not None:
        vmaf = round(min(100.0, max(0.0, vmaf + vmaf_error(forecast, pairs))), 1)
    return replace(
        plan,
        predicted_seconds=forecast.seconds * time_factor(forecast, pairs),
        predicted_vmaf=vmaf,
        least_fill=least_fill(forecast, pairs),
    )


def time_factor(forecast: Forecast, pairs: Sequence[Pair]) -> float:
    """What to multiply the foretold time with: the median of how wrong those like it were."""

    def ratio(pair: Pair) -> float | None:
        return None if pair.took_s is None else pair.took_s / pair.forecast.seconds

    like = [p for p in pairs if _work(p.forecast) == _work(forecast) and p.took_s is not None]
    factor = _median(like, forecast, ratio, 1.0)
    return min(_MOST_FACTOR, max(1 / _MOST_FACTOR, factor))


def vmaf_error(forecast: Forecast, pairs: Sequence[Pair]) -> float:
    """What to add to the foretold VMAF."""

    def miss(pair: Pair) -> float | None:
        seen, told = pair.vmaf, pair.forecast.vmaf
        return None if seen is None or told is None else seen - told

    like = [p for p in pairs if p.forecast.codec == forecast.codec and miss(p) is not None]
    return _median(like, forecast, miss, 0.0)


def least_fill(forecast: Forecast, pairs: Sequence[Pair]) -> float:
    """How full the file will be at the least, as a share of the most: as shipped, or less where a tenth was less."""
    shipped = forecast.low / forecast.high
    like = [p for p in pairs if (p.forecast.codec, p.forecast.effort) == (forecast.codec, forecast.effort)]
    fills = sorted(p.bytes / p.forecast.high for p in like[-_NEWEST_SIZES:])
    may_be_outside = int(len(fills) * _OUTSIDE)
    return min(shipped, fills[may_be_outside]) if may_be_outside else shipped


def _work(forecast: Forecast) -> tuple[str, ...]:
    return forecast.codec, forecast.effort, forecast.pace, forecast.machine


def _median(like: Sequence[Pair], forecast: Forecast, value: Callable[[Pair], float | None], shipped: float) -> float:
    """The median of the newest values, of pictures of this size where there are enough of them."""
    same = [pair for pair in like if pair.forecast.picture == forecast.picture]
    chosen = same if len(same) >= _ENOUGH_ALIKE else like
    values = [found for pair in chosen[-_NEWEST_TIMES:] if (found := value(pair)) is not None]
    return statistics.median([*values, *[shipped] * _SHIPPED_COUNTS_AS])
