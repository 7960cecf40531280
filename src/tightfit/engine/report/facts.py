"""Everything that the page tells, as values."""

from __future__ import annotations

from dataclasses import dataclass

from tightfit.domain.moments import Scores
from tightfit.domain.result import Quality, Result


@dataclass(frozen=True)
class Still:
    """One frame twice, as JPEG files: as it is in the source, and as it became."""

    title: str
    at_s: float
    score: float
    source: bytes
    encoded: bytes


@dataclass(frozen=True)
class SegmentRow:
    """``crf`` is the mean over the segment's frames; ``note`` says where it was made, if not here, and how often."""

    from_s: float
    to_s: float
    frames: int
    bytes: int
    crf: float
    quality: Quality | None
    note: str


@dataclass(frozen=True)
class ReportFacts:
    """``times_s`` are those of the scored frames; ``bytes_per_second`` are video bytes in each second from 0 on."""

    result: Result
    source_bytes: int
    source_says: str
    reasons: tuple[str, ...]
    scores: Scores
    times_s: tuple[float, ...]
    bytes_per_second: tuple[int, ...]
    segments: tuple[SegmentRow, ...]
    stills: tuple[Still, ...]
    made_by: str
