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
class Destination:
    """What a preset demands of a file; an empty tuple allows all."""

    limit_bytes: int
    codecs: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    max_duration_s: float | None = None
    max_fps: float | None = None


@dataclass(frozen=True)
class CompressRequest:
    """One input and what to make of it. ``audio`` is a choice or kb/s; ``destination`` is set for presets."""

    source: Path
    target: Target
    destination: Destination | None = None
    output: Path | None = None
    resolution: Resolution = Resolution()
    audio: AudioChoice = "auto"
    overwrite: bool = False
    jobs: int | None = None

    def limit_for(self, source_bytes: int) -> int:
        """The limit in bytes for a source of this size."""
        return self.destination.limit_bytes if self.destination else self.target.resolve(source_bytes)
