"""An animation made to a size as WebP, inside a child; one frame is in memory at a time."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from tightfit.domain.search import Search

# On WebP's scale; below the least the frames crawl, and a smaller picture looks better.
_BEST, _LEAST, _FIRST = 95.0, 25.0, 60.0
_METHOD = 3
_STEP, _LEAST_SIDE, _ROUNDS = 0.75, 32, 8


class Reel:
    """The frames of an animation, each in its turn and at one size, as Pillow's writers take several pictures."""

    def __init__(self, source: Image.Image, size: tuple[int, int], first: int = 0) -> None:
        self._source, self._size, self._first = source, size, first
        self.n_frames = getattr(source, "n_frames", 1) - first
        self.frame = self.shot(0)

    def shot(self, n: int) -> Image.Image:
        self._source.seek(self._first + n)
        frame = self._source.convert("RGBA")
        return frame if frame.size == self._size else frame.resize(self._size, Image.Resampling.LANCZOS)

    def seek(self, n: int) -> None:
        self.frame = self.shot(n)

    def tell(self) -> int:
        return 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.frame, name)


@dataclass
class ReelFitting:
    """``durations`` of the frames in milliseconds; ``loops`` 0 plays for ever."""

    source: Image.Image
    size: tuple[int, int]
    durations: Sequence[int]
    loops: int
    limit: int
    encodes: int = 0
    tried: list[int] = field(default_factory=list)

    def run(self) -> tuple[bytes, tuple[int, int], float] | None:
        """The best file within the limit, its size and its quality; None where there is none."""
        width, height = self.size
        while True:
            if found := self._at((width, height)):
                return found
            if min(width, height) * _STEP < _LEAST_SIDE:
                return None
            width, height = round(width * _STEP), round(height * _STEP)

    def _at(self, size: tuple[int, int]) -> tuple[bytes, tuple[int, int], float] | None:
        search = Search(self.limit, _LEAST, _BEST, _FIRST, rounds=_ROUNDS, close=0.98)
        best = b""
        while (quality := search.next()) is not None:
            data = self._encoded(size, quality)
            search.saw(quality, len(data))
            if search.best == quality:
                best = data
        return (best, size, search.best) if search.best is not None else None

    def _encoded(self, size: tuple[int, int], quality: float) -> bytes:
        written = io.BytesIO()
        self.source.seek(0)
        first = Reel(self.source, size).frame
        rest = Reel(self.source, size, first=1)
        first.save(
            written,
            "WEBP",
            save_all=True,
            append_images=[rest],
            duration=list(self.durations),
            loop=self.loops,
            quality=quality,
            method=_METHOD,
        )
        self.encodes += 1
        self.tried.append(written.tell())
        return written.getvalue()
