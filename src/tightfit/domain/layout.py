"""Which frames of a source an edited clip shows, and when: integers of the source's time base throughout.

A frame belongs to a stretch of time if it begins there: ``start <= pts < end``. What stays is a row of runs, each of
which comes out earlier by its own whole number of ticks, so that no timestamp is ever rounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil

from tightfit.domain.edits import NO_EDITS, Edits, Stretch
from tightfit.domain.media_info import VideoStream

# Times are written with six decimals at most, and 0.066667 means the frame at 2/30.
_ROUNDING_S = Fraction(1, 1_000_000)


@dataclass(frozen=True)
class Cut:
    """Source frames with ``start <= pts < end`` in stream ticks; ``end`` None runs to the last one.

    ``origin`` is what is subtracted from their timestamps.
    """

    start: int
    end: int | None
    origin: int


@dataclass(frozen=True)
class Layout:
    """The edited clip's timeline. ``shown`` are its frames' timestamps, the first one 0; ``end`` is when the last ends.

    ``runs`` are the stretches of the source it is made of, in order; ``tick`` is the usual distance of its frames.
    """

    runs: tuple[Cut, ...]
    shown: tuple[int, ...]
    end: int
    tick: int
    time_base: Fraction
    is_whole: bool = False

    @property
    def duration_s(self) -> float:
        return float(self.end * self.time_base)

    @cached_property
    def begins(self) -> tuple[int, ...]:
        """When each run begins in the edited clip."""
        return tuple(run.start - run.origin for run in self.runs)

    @property
    def fps(self) -> Fraction:
        """Frames per second of the edited clip (the mean for variable rate)."""
        if len(self.shown) < 2:
            return 1 / (self.tick * self.time_base)
        return Fraction(len(self.shown) - 1) / ((self.shown[-1] - self.shown[0]) * self.time_base)

    def frames_of(self, run: Cut) -> tuple[int, int]:
        """The numbers ``[first, last)`` of the frames in ``shown`` that are of ``run``."""
        at = self.runs.index(run)
        first = bisect_left(self.shown, self.begins[at])
        return first, bisect_left(self.shown, self.begins[at + 1]) if at + 1 < len(self.runs) else len(self.shown)

    def run_at(self, pts: int) -> Cut:
        """The run that the edited clip shows at ``pts``."""
        return self.runs[max(0, bisect_right(self.begins, pts) - 1)]

    def source_pts(self, pts: int) -> int:
        """The timestamp in the source of the frame shown at ``pts``."""
        return pts + self.run_at(pts).origin

    def stretches_s(self) -> tuple[tuple[float, float], ...]:
        """The runs in seconds of the source's own clock, each as long as it is shown."""
        bounds = pairwise((*self.begins, self.end))
        return tuple(
            (float(run.start * self.time_base), float((run.start + end - begin) * self.time_base))
            for run, (begin, end) in zip(self.runs, bounds, strict=True)
        )


def lay_out(video: VideoStream, edits: Edits = NO_EDITS) -> Layout:
    """The timeline of ``video`` after ``edits``; without a run where they leave no frame."""
    pts, last_end = video.pts, video.pts[-1] + video.frame_ticks
    runs: list[Cut] = []
    shown: list[int] = []
    out = 0
    for start, end in _kept(video, edits):
        low, high = bisect_left(pts, start), len(pts) if end is None else bisect_left(pts, end)
        if low >= high:
            continue
        run = Cut(pts[low], pts[high] if high < len(pts) else None, pts[low] - out)
        shown.extend(p - run.origin for p in pts[low:high])
        ends = [last_end if run.end is None else run.end, *([] if end is None else [end])]
        out = min(ends) - run.origin
        runs.append(run)
    is_whole = len(shown) == len(pts) and len(runs) == 1
    tick = video.frame_ticks if is_whole else _usual_step(shown) or video.frame_ticks
    return Layout(tuple(runs), tuple(shown), out, tick, video.time_base, is_whole)


def _kept(video: VideoStream, edits: Edits) -> list[tuple[int, int | None]]:
    """The stretches that stay, in ticks of the stream."""
    trim = edits.trim
    if edits.last_s is not None:
        end = (video.pts[-1] + video.frame_ticks - video.pts[0]) * video.time_base
        trim = Stretch(max(0.0, float(end) - edits.last_s))
    start = video.pts[0] if trim.start_s is None else _tick_at(video, trim.start_s)
    return [(start, None if trim.end_s is None else _tick_at(video, trim.end_s))]


def _tick_at(video: VideoStream, seconds: float) -> int:
    """The first tick that is not before ``seconds`` from the first picture."""
    return video.pts[0] + ceil((Fraction(str(seconds)) - _ROUNDING_S) / video.time_base)


def _usual_step(shown: Sequence[int]) -> int:
    steps = sorted(b - a for a, b in pairwise(shown))
    return steps[len(steps) // 2] if steps else 0
