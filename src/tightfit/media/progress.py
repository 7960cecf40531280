"""ffmpeg's `-progress` lines as numbers."""

from __future__ import annotations

from collections.abc import Callable


class ProgressReader:
    """Collects key=value lines and calls ``on_frames`` with the frame count at the end of each block."""

    def __init__(self, on_frames: Callable[[int], None]) -> None:
        self._on_frames = on_frames
        self.frames = 0

    def __call__(self, line: str) -> None:
        key, _, value = line.partition("=")
        if key == "frame":
            self.frames = _count(value, self.frames)
        elif key == "progress":
            self._on_frames(self.frames)


def _count(text: str, previous: int) -> int:
    """``N/A`` and other surprises keep the previous count."""
    return int(text) if text.isascii() and text.isdigit() else previous
