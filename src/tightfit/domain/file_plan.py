"""The plan for a file that is made in one piece: a picture, an animation, a sound."""

from __future__ import annotations

from dataclasses import dataclass

from tightfit.domain.result import AudioOut, VideoOut


@dataclass(frozen=True)
class FilePlan:
    """What will be made and why; ``reasons`` are sentences. ``predicted_bytes`` are the least and the most."""

    limit_bytes: int
    video: VideoOut | None
    audio: tuple[AudioOut, ...]
    predicted_bytes: tuple[int, int]
    reasons: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    predicted_seconds: float | None = None
