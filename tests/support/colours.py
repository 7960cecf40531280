"""Colours of a decoded frame, computed from its own tags: what a correct player would show."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av

# Kr and Kb of ITU-T H.273 matrix code points; an untagged picture this small is read as BT.601.
_WEIGHTS = {1: (0.2126, 0.0722), 5: (0.299, 0.114), 6: (0.299, 0.114), 2: (0.299, 0.114)}
_FULL_RANGE = 2

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Shown:
    """A frame of a clip: its size, its tags and its colours, by the matrix ``guessed`` where it names none."""

    frame: av.VideoFrame
    guessed: int = 2

    @property
    def size(self) -> tuple[int, int]:
        return self.frame.width, self.frame.height

    def at(self, x: float, y: float) -> Rgb:
        """The colour around a point, given as shares of width and height."""
        luma, blue, red = (self._mean(plane, x, y) for plane in range(3))
        matrix = int(self.frame.colorspace)
        kr, kb = _WEIGHTS[self.guessed if matrix == 2 else matrix]
        if int(self.frame.color_range) == _FULL_RANGE:
            shown, u, v = luma / 255, (blue - 128) / 255, (red - 128) / 255
        else:
            shown, u, v = (luma - 16) / 219, (blue - 128) / 224, (red - 128) / 224
        r, b = shown + 2 * (1 - kr) * v, shown + 2 * (1 - kb) * u
        g = (shown - kr * r - kb * b) / (1 - kr - kb)
        return tuple(round(255 * min(1.0, max(0.0, c))) for c in (r, g, b))  # type: ignore[return-value]

    def _mean(self, plane: int, x: float, y: float) -> float:
        """Of the 5 × 5 samples around the point."""
        samples = self.frame.planes[plane]
        content = bytes(samples)
        column, row = int(x * samples.width), int(y * samples.height)
        near = [content[(row + dy) * samples.line_size + column + dx] for dy in range(-2, 3) for dx in range(-2, 3)]
        return sum(near) / len(near)


def first_frame(path: Path) -> Shown:
    return nth_frame(path, 0)


def nth_frame(path: Path, number: int) -> Shown:
    """A frame of a clip that is decoded from its beginning."""
    with av.open(str(path)) as container:
        return Shown(next(islice(container.decode(video=0), number, None)))


def near(a: Rgb, b: Rgb, tolerance: int = 3) -> bool:
    return all(abs(x - y) <= tolerance for x, y in zip(a, b, strict=True))
