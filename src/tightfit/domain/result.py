"""What happened, in numbers: one value per output, the same for every door."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Status(StrEnum):
    """How a job ended. There is no status for "a little over": such a file is never published."""

    MET = "met"
    ALREADY_FITS = "already_fits"
    INFEASIBLE = "infeasible"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Option:
    """A change under which the clip would fit. ``limit_bytes`` is None where the named limit is kept."""

    change: str
    limit_bytes: int | None = None
    predicted_vmaf: float | None = None


@dataclass(frozen=True)
class VideoOut:
    """``codec`` is the format's name for pictures; ``fps`` is None for a still one."""

    codec: str
    width: int
    height: int
    fps: float | None


@dataclass(frozen=True)
class AudioOut:
    codec: str
    kbps: float
    channels: int


@dataclass(frozen=True)
class Quality:
    """Measured picture quality against the source, both at the source's size."""

    metric: str
    model: str | None
    mean: float
    harmonic_mean: float
    p1: float


@dataclass(frozen=True)
class Decisions:
    """What was done to the picture beside its size, by what it really is; None where nothing was.

    ``deinterlace`` is the field that came first (``top_first``, ``bottom_first``), ``tone_map`` the kind of HDR that
    became SDR (``pq``, ``hlg``), ``keep_hdr`` the kind that it still is.
    """

    deinterlace: str | None = None
    tone_map: str | None = None
    keep_hdr: str | None = None


@dataclass(frozen=True)
class SegmentCounts:
    """How many segments the clip was cut into, how many of them were encoded again, and where."""

    total: int = 0
    reencoded: int = 0
    local: int = 0
    cloud: int = 0
    cluster: int = 0


@dataclass(frozen=True)
class Failure:
    """Why a job failed: ``code`` is the exit code, ``kind`` the error's name in the tree."""

    code: int
    kind: str
    message: str
    hint: str


@dataclass(frozen=True)
class Result:
    """One output file, or why there is none. Fields that do not apply are None or empty.

    ``destination`` names the preset where one run makes files for several, ``part`` counts those of a
    split from 1. ``credits`` were spent at a service; None where none took part.
    """

    status: Status
    job_id: str
    input: str
    output: str | None = None
    limit_bytes: int | None = None
    bytes: int | None = None
    duration_s: float | None = None
    frames: int | None = None
    video: VideoOut | None = None
    audio: tuple[AudioOut, ...] = ()
    quality: Quality | None = None
    segments: SegmentCounts = field(default_factory=SegmentCounts)
    encoded_frames_ratio: float = 0.0
    elapsed_s: float = 0.0
    warnings: tuple[str, ...] = ()
    decisions: Decisions | None = None
    smallest_bytes: int | None = None
    options: tuple[Option, ...] = ()
    error: Failure | None = None
    destination: str | None = None
    part: int | None = None
    credits: int | None = None

    @property
    def fill(self) -> float | None:
        """Bytes over limit: 1.0 is a full file, above 1.0 does not exist."""
        if self.bytes is None or not self.limit_bytes:
            return None
        return self.bytes / self.limit_bytes
