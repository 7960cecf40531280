"""Picture sizes: even, in square pixels, never larger than the source."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tightfit.domain.request import Resolution

# Sizes tried below the source's own, as a share of its width and height, in about equal steps. On either side of a
# crossing two neighbours look nearly alike (docs/how-it-hits-the-size.md), so that finer steps would gain little.
LADDER = (Fraction(1), Fraction(2, 3), Fraction(1, 2), Fraction(1, 3), Fraction(1, 4))
# Below this a picture is a stamp; also the least that analysis works on.
MIN_SIDE = 96

UNBOUNDED = Resolution()


@dataclass(frozen=True)
class Size:
    """Width and height in square pixels, both even."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width}x{self.height}"


def even(value: float | Fraction) -> int:
    """The nearest even number, at least 2."""
    return max(2, 2 * round(value / 2))


def full_size(display: tuple[int, int], bound: Resolution = UNBOUNDED) -> Size:
    """The largest picture allowed: the source as displayed, cropped to even, inside ``bound``."""
    width, height = display
    factor = _factor(display, bound)
    if factor == 1.0:
        return Size(max(2, width - width % 2), max(2, height - height % 2))
    return Size(even(width * factor), even(height * factor))


def bounded(display: tuple[int, int], bound: Resolution) -> tuple[int, int]:
    """As ``full_size``, for still pictures, whose sides need not be even."""
    factor = _factor(display, bound)
    return max(1, round(display[0] * factor)), max(1, round(display[1] * factor))


def _factor(display: tuple[int, int], bound: Resolution) -> float:
    width, height = display
    factor = 1.0
    if bound.width:
        factor = min(factor, bound.width / width)
    if bound.height:
        # "1080p" means the short side of the picture, so that upright phone video is not cut to a third.
        side = height if bound.width else min(width, height)
        factor = min(factor, bound.height / side)
    return factor


def scaled(full: Size, scale: Fraction) -> Size:
    """``full`` times ``scale``, even, and exactly ``full`` at 1."""
    if scale == 1:
        return full
    return Size(even(full.width * scale), even(full.height * scale))


def ladder(full: Size) -> tuple[Fraction, ...]:
    """The scales worth trying for this picture, largest first; small pictures have fewer."""
    return tuple(s for s in LADDER if s == 1 or min(full.width, full.height) * s >= MIN_SIDE)


def analysis_size(full: Size) -> Size:
    """A third of each side, but not below ``MIN_SIDE`` where the source has that much."""
    scale = Fraction(1, 3)
    short = min(full.width, full.height)
    if short * scale < MIN_SIDE:
        scale = min(Fraction(1), Fraction(MIN_SIDE, short))
    return scaled(full, scale)
