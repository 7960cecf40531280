"""One limit for several files: each gets what it takes at the one quality at which all of them fit together.

The quality is the CRF at each file's full picture. A file that is to become smaller in width and height is still
measured by it: a CRF that is too coarse for the full picture is where a smaller one looks better, for every file alike
(``domain.plan``), so that equal numbers mean equal looks whatever size is chosen.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tightfit.domain.audio import AudioKind, Loudness, packets_expected, plan_audio
from tightfit.domain.media_info import AudioStream
from tightfit.domain.request import AudioChoice

# From as good as x264 gets to where even the smallest picture would be beyond ``plan.WORST_CRF``.
QUALITIES = tuple(range(6, 87, 2))
# A file that has to change is not inflated beyond this (as ``engine.prepare`` has it).
_MOST_INFLATION = 2
# The container's tables take about this much for a packet of sound.
_BYTES_PER_PACKET = 8
# Nothing is known about the sound but its stream: both sides are taken to differ.
_UNKNOWN = Loudness(-20.0, -20.0)


@dataclass(frozen=True)
class Curve:
    """What one file takes at each common quality.

    ``video`` are bytes at ``QUALITIES``, falling; ``least`` those of the smallest picture that works, ``fair`` of one
    that nobody complains about; ``other`` the container's. ``may_stay`` where the source itself would do.
    """

    source_bytes: int
    may_stay: bool
    other: int
    video: tuple[float, ...]
    least: float
    fair: float
    duration_s: float
    sound: AudioStream | None
    audio: AudioChoice = "auto"

    def share(self, quality: float) -> int:
        """The whole file's bytes, at most what it is worth."""
        return self._whole(max(self.least, self._video(quality)))

    @property
    def smallest(self) -> int:
        return self._whole(self.least)

    def fair_share(self) -> int:
        return self._whole(max(self.least, self.fair))

    @property
    def most(self) -> int:
        """More than this buys nothing."""
        return self.source_bytes if self.may_stay else _MOST_INFLATION * self.source_bytes

    def _whole(self, video: float) -> int:
        total = self.other + video
        for _ in range(3):  # the sound's part depends on the whole, and is a small one
            total = self.other + video + self._sound(total)
        return min(self.most, math.ceil(total))

    def _sound(self, limit: float) -> float:
        plan = plan_audio(self.sound, self.audio, max(1, int(limit)), self.duration_s, _UNKNOWN)
        if plan.kind is AudioKind.NONE:
            return 0.0
        return plan.expected_bytes(self.duration_s) + _BYTES_PER_PACKET * packets_expected(plan, self.duration_s)

    def _video(self, quality: float) -> float:
        """Between two qualities the bytes fall by the same factor everywhere."""
        at = min(len(QUALITIES) - 1.000001, max(0.0, (quality - QUALITIES[0]) / (QUALITIES[1] - QUALITIES[0])))
        low = int(at)
        return float(self.video[low] ** (low + 1 - at) * self.video[low + 1] ** (at - low))


def smallest_total(curves: Sequence[Curve]) -> int:
    """The least that all of them can be made into, in bytes."""
    return sum(curve.smallest for curve in curves)


def fair_total(curves: Sequence[Curve]) -> int:
    return sum(curve.fair_share() for curve in curves)


def shares(curves: Sequence[Curve], limit: int) -> list[int]:
    """Each file's bytes at the best common quality; their sum is at most ``limit``, and reaches it where it can.

    What the steps of the sound leave over goes to those that can still grow, in proportion. Where not even the smallest
    files fit together, the shares are in proportion to those.
    """
    smallest = [curve.smallest for curve in curves]
    if sum(smallest) > limit:
        return [limit * each // sum(smallest) for each in smallest]
    low, high = float(QUALITIES[0]), float(QUALITIES[-1])
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(curve.share(middle) for curve in curves) > limit else (low, middle)
    return _filled(curves, [curve.share(high) for curve in curves], limit)


def _filled(curves: Sequence[Curve], given: list[int], limit: int) -> list[int]:
    for _ in range(len(curves)):
        left = limit - sum(given)
        growing = [n for n, curve in enumerate(curves) if given[n] < curve.most]
        base = sum(given[n] for n in growing)
        if left <= 0 or base <= 0:
            break
        for n in growing:
            given[n] = min(curves[n].most, given[n] + left * given[n] // base)
        if all(given[n] < curves[n].most for n in growing):
            break
    return given


def left_out_to_fit(curves: Sequence[Curve], limit: int) -> list[int]:
    """Which files, the largest first, would have to be left out so that the others fit together."""
    left, out = sum(curve.smallest for curve in curves), []
    for number in sorted(range(len(curves)), key=lambda n: -curves[n].smallest):
        if left <= limit:
            break
        left -= curves[number].smallest
        out.append(number)
    return out
