"""How many bytes a stretch of frames costs at a given size and quality, and how that is learned.

The prior comes from one cheap encode of the whole clip (the analysis): bytes at half size and CRF 24 are
about 3.1 times the analysis bytes. Bytes fall by a factor of 2^s per CRF step, with
s(q) = clip(0.19 - 0.004 (q - 25), 0.11, 0.26). Both were measured on clips of very different kinds
(docs/how-it-hits-the-size.md). Every finished encode corrects the prior for this clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate

# Bytes of x264 medium at half size and CRF 24 over the analysis bytes: 2.66 … 3.87 on five clips.
_HALF_SIZE_RATIO = 3.1
_ANCHOR_CRF = 24.0
_ANCHOR_SCALE = 0.5
# Twice the width and height costs as much as 8.4 CRF steps (8.6 from 1/2 to 1, 3.4 from 1/2 to 2/3).
_BYTES_LOG2_PER_OCTAVE = 1.55
# The analysis is made at a third of each side; a different one moves the prior by the same law.
_ANALYSIS_SCALE = 1 / 3
# Weight of the prior against the observed frames, as a share of the clip.
_PRIOR_WEIGHT = 0.03
_SLOPE_GAIN_RANGE = (0.6, 2.4)
CRF_MIN, CRF_MAX = 6.0, 51.0


def slope(crf: float) -> float:
    """log2 of the bytes lost per CRF step at ``crf``."""
    return min(0.26, max(0.11, 0.19 - 0.004 * (crf - 25)))


def _slope_sum(crf: float) -> float:
    """The integral of ``slope`` from 25 to ``crf`` (closed form of the clipped line)."""
    low, high = 25 - (0.26 - 0.19) / 0.004, 25 + (0.19 - 0.11) / 0.004
    x = min(high, max(low, crf)) - 25
    total = 0.19 * x - 0.002 * x * x
    if crf > high:
        total += 0.11 * (crf - high)
    elif crf < low:
        total += 0.26 * (crf - low)
    return total


@dataclass(frozen=True)
class Content:
    """What the analysis encode saw: bytes of each frame in presentation order, and its keyframes.

    ``scale`` is the analysis picture's width over the full picture's.
    """

    frame_bytes: tuple[int, ...]
    idrs: tuple[int, ...]
    scale: float

    @property
    def frames(self) -> int:
        return len(self.frame_bytes)

    @cached_property
    def _sums(self) -> tuple[int, ...]:
        return (0, *accumulate(self.frame_bytes))

    def bytes_in(self, first: int, last: int) -> int:
        return max(1, self._sums[last] - self._sums[first])

    @cached_property
    def key_share(self) -> float:
        """The keyframes' part of all bytes: near 1 where nothing moves."""
        return sum(self.frame_bytes[i] for i in self.idrs) / self.bytes_in(0, self.frames)


@dataclass(frozen=True)
class Observation:
    """One real encode: payload bytes of frames ``[first, last)`` at ``scale`` and ``crf``."""

    first: int
    last: int
    scale: float
    crf: float
    bytes: int


@dataclass(frozen=True)
class RateModel:
    """Predicts bytes; pure, grown by ``learn``."""

    content: Content
    seen: tuple[Observation, ...] = field(default=())

    def learn(self, *observations: Observation) -> RateModel:
        return RateModel(self.content, (*self.seen, *observations))

    def predict(self, first: int, last: int, scale: float, crf: float) -> float:
        """Bytes of frames ``[first, last)``; one's own encode at another CRF is the best witness."""
        own = [o for o in self.seen if (o.first, o.last, o.scale) == (first, last, scale)]
        if own:
            nearest = min(own, key=lambda o: abs(o.crf - crf))
            return nearest.bytes * 2.0 ** -self._fall(nearest.crf, crf)
        return 2.0 ** (self._prior(first, last, scale, crf) + self.bias)

    def solve(self, ranges: Sequence[tuple[int, int]], scale: float, budget: float) -> float:
        """The one CRF at which ``ranges`` together cost ``budget`` bytes, within [CRF_MIN, CRF_MAX]."""
        low, high = CRF_MIN, CRF_MAX
        for _ in range(24):
            middle = (low + high) / 2
            cost = sum(self.predict(first, last, scale, middle) for first, last in ranges)
            low, high = (middle, high) if cost > budget else (low, middle)
        return (low + high) / 2

    def crf_for_change(self, crf: float, bytes_now: float, bytes_wanted: float) -> float:
        """The CRF at which frames that cost ``bytes_now`` at ``crf`` cost ``bytes_wanted``."""
        low, high = CRF_MIN - 6, CRF_MAX + 6
        for _ in range(24):
            middle = (low + high) / 2
            cost = bytes_now * 2.0 ** -self._fall(crf, middle)
            low, high = (middle, high) if cost > bytes_wanted else (low, middle)
        return (low + high) / 2

    def _prior(self, first: int, last: int, scale: float, crf: float) -> float:
        content = self.content
        octaves = math.log2(scale / _ANCHOR_SCALE) - math.log2(content.scale / _ANALYSIS_SCALE)
        size = math.log2(content.bytes_in(first, last) * _HALF_SIZE_RATIO)
        return size + _BYTES_LOG2_PER_OCTAVE * octaves - self._fall(_ANCHOR_CRF, crf)

    def _fall(self, start: float, end: float) -> float:
        return self.slope_gain * (_slope_sum(end) - _slope_sum(start))

    @cached_property
    def slope_gain(self) -> float:
        """How much steeper this clip is than the usual slope, from ranges encoded at two qualities.

        Noisy sources have twice the usual slope (0.38 against 0.19 per step, measured).
        """
        by_range: dict[tuple[int, int, float], list[Observation]] = {}
        for o in self.seen:
            by_range.setdefault((o.first, o.last, o.scale), []).append(o)
        expected = measured = 0.0
        for group in by_range.values():
            group.sort(key=lambda o: o.crf)
            for a, b in zip(group, group[1:], strict=False):
                if b.crf - a.crf >= 0.05 and b.bytes > 0:
                    weight = b.last - b.first
                    expected += weight * (_slope_sum(b.crf) - _slope_sum(a.crf))
                    measured += weight * math.log2(a.bytes / b.bytes)
        if expected <= 0:
            return 1.0
        # One step of usual slope over a tenth of the clip is worth of trust; less is drawn towards 1.
        prior = 0.02 * self.content.frames
        gain = (measured + prior) / (expected + prior)
        return min(_SLOPE_GAIN_RANGE[1], max(_SLOPE_GAIN_RANGE[0], gain))

    @cached_property
    def bias(self) -> float:
        """log2 of what this clip's frames cost over what the prior says, by observed frames."""
        total = _PRIOR_WEIGHT * self.content.frames
        weighted = 0.0
        latest = {(o.first, o.last): o for o in self.seen}
        for o in latest.values():
            weight = o.last - o.first
            weighted += weight * (math.log2(max(1, o.bytes)) - self._prior(o.first, o.last, o.scale, o.crf))
            total += weight
        return weighted / total if total else 0.0
