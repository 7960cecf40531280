"""What every door asks of the engine: the same value from the command line, a sentence or Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tightfit.units import Target

AudioChoice = Literal["auto", "none", "copy"] | int


@dataclass(frozen=True)
class Resolution:
    """An upper bound on the picture; None where that side is free. ``source`` keeps the source's size."""

    width: int | None = None
    height: int | None = None
    source: bool = False


@dataclass(frozen=True)
class CompressRequest:
    """One input and what to make of it.

    ``limit`` is resolved against the source's bytes by the engine; ``limit_bytes`` is set for presets,
    whose files know their own number. ``audio`` is a choice or kb/s. ``min_quality`` is a VMAF mean, 0 is off.
    """

    source: Path
    target: Target
    limit_bytes: int | None = None
    output: Path | None = None
    resolution: Resolution = Resolution()
    audio: AudioChoice = "auto"
    min_quality: float = 0.0
    overwrite: bool = False
    jobs: int | None = None
    max_fps: float | None = None

    def limit_for(self, source_bytes: int) -> int:
        """The limit in bytes for this source."""
        return self.limit_bytes if self.limit_bytes is not None else self.target.resolve(source_bytes)
