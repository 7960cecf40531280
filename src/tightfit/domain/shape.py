"""The part of a picture that is shown, how it is turned, and the canvas it is put on; in square pixels."""

from __future__ import annotations

from dataclasses import dataclass

from tightfit.domain.edits import NO_EDITS, Crop, Edits, Fit
from tightfit.domain.geometry import Size, even

# Of one pixel in so many no one sees that a shape is another.
_SAME_SHAPE = 0.002
# Smaller pictures are not worth coding: a macroblock.
LEAST_SIDE = 16


@dataclass(frozen=True)
class Shape:
    """``part`` of the picture as displayed (None: all of it), turned by ``rotate`` degrees clockwise, on a canvas.

    ``inner`` is the turned part's size and ``canvas`` what is shown; they differ where there is black beside it.
    """

    part: Crop | None
    rotate: int
    inner: tuple[int, int]
    canvas: tuple[int, int]

    @property
    def is_plain(self) -> bool:
        return self.part is None and not self.rotate and self.inner == self.canvas

    def inner_of(self, size: Size) -> Size:
        """How large the turned part is where the canvas has this size."""
        if self.inner == self.canvas:
            return size
        factor = min(size.width / self.inner[0], size.height / self.inner[1])
        width, height = even(self.inner[0] * factor), even(self.inner[1] * factor)
        return Size(min(width, size.width), min(height, size.height))


def shape_of(display: tuple[int, int], edits: Edits = NO_EDITS) -> Shape:
    """The shape of a picture displayed at this size after ``edits``. Raises ValueError where its crop is outside."""
    if edits.crop and not _is_inside(edits.crop, display):
        raise ValueError(f"{edits.crop} is not inside {display[0]}x{display[1]}")
    part, turned, aspect = edits.crop or Crop(*display), edits.rotate in (90, 270), edits.aspect
    canvas = None
    if aspect and abs(part.width / part.height / (1 / aspect.ratio if turned else aspect.ratio) - 1) > _SAME_SHAPE:
        if aspect.fit is Fit.COVER:
            part = _covering(part, 1 / aspect.ratio if turned else aspect.ratio)
        else:
            canvas = _around(part, aspect.ratio)
    inner = (part.height, part.width) if turned else (part.width, part.height)
    return Shape(None if part == Crop(*display) else part, edits.rotate, inner, canvas or inner)


def _is_inside(crop: Crop, display: tuple[int, int]) -> bool:
    wide, high = crop.x + crop.width <= display[0], crop.y + crop.height <= display[1]
    return wide and high and min(crop.width, crop.height) >= LEAST_SIDE and min(crop.x, crop.y) >= 0


def _covering(part: Crop, ratio: float) -> Crop:
    """The largest middle of ``part`` with this ratio of width to height."""
    width, height = min(part.width, part.height * ratio), min(part.height, part.width / ratio)
    size = Size(min(even(width), part.width), min(even(height), part.height))
    return Crop(
        size.width, size.height, part.x + (part.width - size.width) // 2, part.y + (part.height - size.height) // 2
    )


def _around(part: Crop, ratio: float) -> tuple[int, int]:
    """A canvas of this ratio with the longer and the shorter side of the picture as its bounds, never more pixels."""
    long, short = max(part.width, part.height), min(part.width, part.height)
    wide, high = (long, short) if ratio >= 1 else (short, long)
    return even(min(wide, high * ratio)), even(min(high, wide / ratio))
