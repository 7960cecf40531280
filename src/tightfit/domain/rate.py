"""How many bytes a stretch of frames costs at a given size and quality, and how that is learned.

The prior comes from one cheap encode of the whole clip (the analysis): bytes at half size and CRF 24 are
about 2.75 times the analysis bytes. Bytes fall by a factor of 2^s per CRF step, with
s(q) = clip(0.19 - 0.004 (q - 25), 0.11, 0.26). Both were measured on clips of very different kinds
(docs/how-it-hits-the-size.md). Every finished encode corrects the prior for this clip.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import accumulate

from tightfit.domain.pieces import Part

# Bytes of x264 medium at half size and CRF 24 over the analysis bytes: 2.66 … 3.87 on five clips with the motion search
# of veryfast, and 1.13 times fewer (27 clips) with the one that the analysis uses.
_HALF_SIZE_RATIO = 2.75
_ANCHOR_CRF = 24.0
_ANCHOR_SCALE = 0.5
# Twice the width and height costs as much as 8.4 CRF steps (8.6 from 1/2 to 1, 3.4 from 1/2 to 2/3).
_BYTES_LOG2_PER_OCTAVE = 1.55
# The analysis is made at a third of each side; a different one moves the prior by the same law.
_ANALYSIS_SCALE = 1 / 3
_WINDOW_FRAMES, _SPREAD = 30, 0.8
# The prior misses a clip by 0.45 log2; two observed seconds of one scene tell that scene to 0.2, but the next scene may
# differ by 0.3: the prior is worth as much as this many frames.
_PRIOR_FRAMES = 40
CRF_MIN, CRF_MAX = 6.0, 51.0
# Noise falls twice as steeply as the usual picture (0.38 log2 per CRF step in the study), where it is encoded at all.
_FLATTEST, _STEEPEST = 0.6, 2.2


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


def _fall(start: float, end: float) -> float:
    """log2 of the bytes lost from one CRF to another."""
    return _slope_sum(end) - _slope_sum(start)


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
    def _sums(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Running sums of the weights of ordinary pictures and of IDR pictures."""
        weights, idrs = self._weights(), set(self.idrs)
        ordinary = (0.0 if i in idrs else w for i, w in enumerate(weights))
        keys = (w if i in idrs else 0.0 for i, w in enumerate(weights))
        return (0.0, *accumulate(ordinary)), (0.0, *accumulate(keys))

    def _weights(self) -> list[float]:
        """Each frame's bytes, busy seconds drawn towards the clip's mean: real bytes spread less than these.

        Window bytes to the power of 0.8 predict real bytes of a second with a spread of 0.21 log2, raw ones
        with 0.25 (measured on eleven clips at three sizes and three qualities). The sum stays the same.
        """
        drawn: list[float] = []
        for at in range(0, self.frames, _WINDOW_FRAMES):
            window = self.frame_bytes[at : at + _WINDOW_FRAMES]
            factor = (max(1, sum(window)) / len(window)) ** (_SPREAD - 1)
            drawn.extend(b * factor for b in window)
        whole = sum(self.frame_bytes) / max(1e-9, sum(drawn))
        return [weight * whole for weight in drawn]

    def bytes_in(self, first: int, last: int) -> float:
        """Expected share of the clip's analysis bytes in frames ``[first, last)``, at least 1."""
        return max(1.0, sum(self.split(first, last)))

    @cached_property
    def idr_share(self) -> float:
        """The IDR pictures' part of all analysis bytes: large where little moves."""
        return sum(self.frame_bytes[i] for i in self.idrs) / max(1, sum(self.frame_bytes))

    def split(self, first: int, last: int) -> tuple[float, float]:
        """The same for ordinary and for IDR pictures."""
        ordinary, keys = self._sums
        return ordinary[last] - ordinary[first], keys[last] - keys[first]


@dataclass(frozen=True)
class Observation:
    """One real encode: payload bytes of frames ``[first, last)`` at ``scale`` and ``crf``, IDR pictures apart."""

    first: int
    last: int
    scale: float
    crf: float
    bytes: int
    idr_bytes: int

    @classmethod
    def of(cls, part: Part, scale: float) -> Observation:
        return cls(part.first, part.last, scale, part.crf, part.bytes, part.idr_bytes)


@dataclass(frozen=True)
class RateModel:
    """Predicts bytes; pure, grown by ``learn`` and ``learn_slope``.

    ``steepness`` is this clip's slope over the usual one, ``bytes_ratio`` the codec's bytes over x264's. Its
    encoder knows qualities ``grain`` apart (0: all).
    """

    content: Content
    seen: tuple[Observation, ...] = field(default=())
    steepness: float = 1.0
    bytes_ratio: float = 1.0
    grain: float = 0.0

    def learn(self, *observations: Observation) -> RateModel:
        return replace(self, seen=(*self.seen, *observations))

    def learn_slope(self, one: tuple[float, float], other: tuple[float, float]) -> RateModel:
        """From what the same frames cost at two qualities, each as (CRF, bytes)."""
        (crf, size), (other_crf, other_size) = one, other
        measured = math.log2(max(1.0, size) / max(1.0, other_size)) / _fall(crf, other_crf)
        return replace(self, steepness=min(_STEEPEST, max(_FLATTEST, measured)))

    def predict(self, first: int, last: int, scale: float, crf: float) -> float:
        """Bytes of frames ``[first, last)``; one's own encode at another CRF is the best witness."""
        if own := self._own(first, last, scale):
            nearest = min(own, key=lambda o: abs(o.crf - crf))
            return float(nearest.bytes * 2.0 ** -self._fall(nearest.crf, crf))
        ordinary, keys = self.content.split(first, last)
        usual = self._usual(scale, crf)
        return max(1.0, float(2.0**usual * (ordinary * 2.0**self.bias + keys * 2.0**self.idr_bias)))

    def solve(self, ranges: Sequence[tuple[int, int]], scale: float, budget: float) -> float:
        """The one CRF at which ``ranges`` together cost ``budget`` bytes, within [CRF_MIN, CRF_MAX]."""
        low, high = CRF_MIN, CRF_MAX
        for _ in range(24):
            middle = (low + high) / 2
            cost = sum(self.predict(first, last, scale, middle) for first, last in ranges)
            low, high = (middle, high) if cost > budget else (low, middle)
        return (low + high) / 2

    def _own(self, first: int, last: int, scale: float) -> list[Observation]:
        return [o for o in self.seen if (o.first, o.last, o.scale) == (first, last, scale)]

    def crf_for_change(self, crf: float, bytes_now: float, bytes_wanted: float) -> float:
        """The CRF at which frames that cost ``bytes_now`` at ``crf`` cost ``bytes_wanted``."""
        low, high = CRF_MIN - 6, CRF_MAX + 6
        for _ in range(24):
            middle = (low + high) / 2
            cost = bytes_now * 2.0 ** -self._fall(crf, middle)
            low, high = (middle, high) if cost > bytes_wanted else (low, middle)
        return (low + high) / 2

    def bytes_after_change(self, crf: float, bytes_now: float, to: float) -> float:
        """What frames that cost ``bytes_now`` at ``crf`` cost at the CRF ``to``."""
        return float(bytes_now * 2.0 ** -self._fall(crf, to))

    def _fall(self, start: float, end: float) -> float:
        return self.steepness * _fall(start, end)

    def _usual(self, scale: float, crf: float) -> float:
        """log2 of bytes over analysis bytes on a usual clip."""
        octaves = math.log2(scale / _ANCHOR_SCALE) - math.log2(self.content.scale / _ANALYSIS_SCALE)
        return (
            math.log2(_HALF_SIZE_RATIO * self.bytes_ratio)
            + _BYTES_LOG2_PER_OCTAVE * octaves
            - self._fall(_ANCHOR_CRF, crf)
        )

    @cached_property
    def bias(self) -> float:
        """log2 of what this clip's ordinary pictures cost over what is usual.

        A ratio of sums, so that a second weighs by its bytes: black frames and titles, which cost next to nothing
        in either encode, say nothing about the rest.
        """
        prior = self.content.split(0, self.content.frames)[0] * _PRIOR_FRAMES / self.content.frames
        expected = observed = max(1e-9, prior)
        for o in self._latest():
            base, _ = self.content.split(o.first, o.last)
            if base > 0 and o.bytes > o.idr_bytes:
                expected += base
                observed += (o.bytes - o.idr_bytes) * 2.0 ** -self._usual(o.scale, o.crf)
        return math.log2(observed / expected)

    @cached_property
    def idr_bias(self) -> float:
        """The same for IDR pictures; as the ordinary ones until some were seen."""
        expected = observed = 0.0
        for o in self._latest():
            _, base = self.content.split(o.first, o.last)
            if base > 0 and o.idr_bytes > 0:
                expected += base * 2.0 ** self._usual(o.scale, o.crf)
                observed += o.idr_bytes
        return math.log2(observed / expected) if expected > 0 else self.bias

    def _latest(self) -> list[Observation]:
        return list({(o.first, o.last): o for o in self.seen}.values())
