"""What every door asks of the engine: the same value from the command line, a sentence or Python."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Literal

from tightfit.domain.codec import Effort
from tightfit.domain.containers import Container, container_of
from tightfit.domain.edits import NO_EDITS, Edits
from tightfit.units import Target

AudioChoice = Literal["auto", "none", "copy"] | int
# A codec that is chosen by what the destination plays.
AUTO_CODEC = "auto"
Hdr = Literal["auto", "keep", "tonemap"]


class Where(StrEnum):
    """AUTO: this machine, and the cloud where that was agreed to and is sooner."""

    AUTO = "auto"
    LOCAL = "local"
    CLOUD = "cloud"


@dataclass(frozen=True)
class Resolution:
    """An upper bound on the picture; None where that side is free. ``source`` keeps the source's size."""

    width: int | None = None
    height: int | None = None
    source: bool = False


@dataclass(frozen=True)
class Destination:
    """What a preset demands of a file; an empty tuple allows all. ``hdr``: it shows HDR as such."""

    limit_bytes: int
    codecs: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()
    max_duration_s: float | None = None
    max_fps: float | None = None
    edit_lists: bool = True
    audio_codecs: tuple[str, ...] = ()
    max_audio_tracks: int | None = None
    max_channels: int | None = None
    max_audio_rate: int | None = None
    max_audio_kbps: int | None = None
    hdr: bool = False


@dataclass(frozen=True)
class CompressRequest:
    """One input and what to make of it. ``audio`` is a choice or kb/s; ``destination`` is set for presets.

    ``no_fallback``: what the cloud can't do is not done here instead. ``max_credits`` is the most that may be spent.
    ``codec`` is a name in ``domain.codec``, or ``AUTO_CODEC``.
    ``container`` None follows the output's name. ``private`` leaves out facts of a place, a person or a device.
    ``min_quality`` is the mean VMAF below which no file is made, 0 for none; ``report`` is where a page about the
    result goes.
    ``keeps_rate``: no size was named, only edits; what stays of the source may take the bytes that it takes there.
    ``stem`` begins the output's name instead of the source's. ``share_bytes`` is the file's part of a limit that is for
    several together, and takes the place of the limit that was named. ``part`` counts
    from 1 where a clip becomes ``parts``.
    """

    source: Path
    target: Target
    destination: Destination | None = None
    output: Path | None = None
    resolution: Resolution = Resolution()
    audio: AudioChoice = "auto"
    overwrite: bool = False
    jobs: int | None = None
    where: Where = Where.AUTO
    no_fallback: bool = False
    max_credits: int | None = None
    codec: str = "h264"
    effort: Effort = Effort.BALANCED
    container: Container | None = None
    private: bool = False
    hdr: Hdr = "auto"
    report: Path | None = None
    min_quality: float = 0.0
    edits: Edits = NO_EDITS
    keeps_rate: bool = False
    stem: str = ""
    share_bytes: int | None = None
    part: int | None = None
    parts: int = 1

    @property
    def writes(self) -> Container:
        """The container of a file that is made: as asked, by the output's name, or by the destination."""
        named = container_of(self.output.suffix) if self.output is not None else None
        taken = self.destination.containers if self.destination else ()
        usual = next((kind for name in taken if (kind := container_of(name))), Container.MP4)
        return self.container or named or (Container.MP4 if Container.MP4 in taken else usual)

    def limit_for(self, source_bytes: int) -> int:
        """The limit in bytes for a source of this size."""
        if self.share_bytes is not None:
            return self.share_bytes
        return self.destination.limit_bytes if self.destination else self.target.resolve(source_bytes)
