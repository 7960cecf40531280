"""Which frames of a source an edited clip shows, and when: integers of the source's time base throughout.

A frame belongs to a stretch of time if it begins there: ``start <= pts < end``. What stays is a row of runs, each of
which comes out earlier by its own whole number of ticks, so that no timestamp is ever rounded.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from math import ceil, inf

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


# A frame may come this part of a slot too early: that is no other rate, only a timestamp rounded to milliseconds. Where
# a rate of 240 is to become one of 30, frames are an eighth of a slot apart.
_EARLY = 16
# ffmpeg's expressions are of floating point numbers, whole up to here.
_WHOLE_UP_TO = 2**52
# A camera's 30 frames per second may be 30.01.
_RATE_TOLERANCE = 1.0005


@dataclass(frozen=True)
class Slots:
    """Time in equal slots, of which each shows its first frame: ``floor((pts * num + lead) / den)`` is a frame's slot.

    Integers throughout, so that ffmpeg comes to the same slots.
    """

    num: int
    den: int
    lead: int

    def of(self, pts: int) -> int:
        return (pts * self.num + self.lead) // self.den


@dataclass(frozen=True)
class Layout:
    """The edited clip's timeline, in ticks of the source's time base before any change of speed.

    ``shown`` are its frames' timestamps, the first one 0; ``end`` is when the last ends. ``runs`` are the stretches of
    the source it is made of, in order, and ``origin`` is the source's first picture; each run shows its first frame,
    and of the others those that ``slots`` leave. ``tick`` is the usual distance of frames.
    """

    runs: tuple[Cut, ...]
    shown: tuple[int, ...]
    origin: int
    end: int
    tick: int
    time_base: Fraction
    edits: Edits = NO_EDITS
    speed: Fraction = Fraction(1)
    slots: Slots | None = None
    keeps_time: bool = False
    is_whole: bool = False

    @property
    def shown_base(self) -> Fraction:
        """What a tick lasts in the edited clip, in seconds: at twice the speed half as long, and nothing is rounded."""
        return self.time_base / self.speed

    @property
    def duration_s(self) -> float:
        return float(self.end * self.shown_base)

    @cached_property
    def begins(self) -> tuple[int, ...]:
        """When each run begins in the edited clip."""
        return tuple(run.start - run.origin for run in self.runs)

    @property
    def fps(self) -> Fraction:
        """Frames per second of the edited clip (the mean for variable rate)."""
        if len(self.shown) < 2:
            return 1 / (self.tick * self.shown_base)
        return Fraction(len(self.shown) - 1) / ((self.shown[-1] - self.shown[0]) * self.shown_base)

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

    @property
    def all_kept(self) -> bool:
        """Whether nothing is cut off or out."""
        return len(self.runs) == 1 and self.runs[0].end is None and self.runs[0].start == self.origin

    def kept_s(self) -> tuple[tuple[float, float], ...]:
        """The runs in seconds from the source's first picture on."""
        origin = float(self.origin * self.time_base)
        return tuple((start - origin, end - origin) for start, end in self.stretches_s())

    def muted_s(self) -> tuple[tuple[float, float], ...]:
        """The silenced stretches in seconds of the source's own clock."""
        origin, ends = float(self.origin * self.time_base), self.stretches_s()[-1][1]
        found = []
        for mute in self.edits.mutes:
            start = ends - mute.last_s if mute.last_s is not None else origin + (mute.start_s or 0.0)
            found.append((start, ends if mute.end_s is None else origin + mute.end_s))
        return tuple(found)

    def stretches_s(self) -> tuple[tuple[float, float], ...]:
        """The runs in seconds of the source's own clock, each as long as it is shown at the source's speed."""
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
    for low, high, stop in _joined(_kept(video, edits), pts):
        run = Cut(pts[low], pts[high] if high < len(pts) else None, pts[low] - out)
        shown.extend(p - run.origin for p in pts[low:high])
        ends = last_end if run.end is None else run.end
        # A usual frame is shown to its end, or each joint would bring another rate; a long one is cut short.
        out = (ends if ends - stop < video.frame_ticks else int(stop)) - run.origin
        runs.append(run)
    speed = Fraction(str(edits.speed)).limit_denominator(1000)
    all_of_it = len(shown) == len(pts) and len(runs) == 1
    keeps_time = all_of_it and speed == 1
    tick = video.frame_ticks if all_of_it else _tick(shown, out, video.frame_ticks)
    whole = Layout(
        tuple(runs),
        tuple(shown),
        pts[0],
        out,
        tick,
        video.time_base,
        edits,
        speed,
        None,
        keeps_time,
        is_whole=keeps_time,
    )
    return _within_rate(whole, video) if runs else whole


def _joined(kept: Iterable[tuple[int, float]], pts: Sequence[int]) -> list[tuple[int, int, float]]:
    """The frames ``[low, high)`` of each stretch, and where it stops; what nothing was taken out between is one."""
    found: list[tuple[int, int, float]] = []
    for start, stop in kept:
        low, high = bisect_left(pts, start), bisect_left(pts, stop)
        if low >= high:
            continue
        if found and found[-1][1] == low:
            low = found.pop()[0]
        found.append((low, high, stop))
    return found


def _kept(video: VideoStream, edits: Edits) -> list[tuple[int, float]]:
    """The stretches that stay, in ticks of the stream, ascending."""
    clip_end = video.pts[-1] + video.frame_ticks
    start, stop = _ticks(video, edits.trim, clip_end)
    found = []
    for hole_start, hole_stop in sorted(_ticks(video, cut, int(min(clip_end, stop))) for cut in edits.cuts):
        if hole_stop <= hole_start:
            continue
        if start < hole_start:
            found.append((start, min(stop, hole_start)))
        start = int(max(start, hole_stop)) if hole_stop < inf else clip_end
    return [*found, (start, stop)] if start < stop else found


def _ticks(video: VideoStream, stretch: Stretch, end: int) -> tuple[int, float]:
    """From when to when in ticks of the stream; ``end`` is what the last seconds are counted from."""
    if stretch.last_s is not None:
        return max(video.pts[0], end - round(stretch.last_s / video.time_base)), inf
    start = video.pts[0] if stretch.start_s is None else _tick_at(video, stretch.start_s)
    return start, inf if stretch.end_s is None else _tick_at(video, stretch.end_s)


def _tick_at(video: VideoStream, seconds: float) -> int:
    """The first tick that is not before ``seconds`` from the first picture."""
    return video.pts[0] + ceil((Fraction(str(seconds)) - _ROUNDING_S) / video.time_base)


def _tick(shown: Sequence[int], end: int, otherwise: int) -> int:
    """The median distance of frames, but no more than what the last one lasts: it must not outlast the clip."""
    steps = sorted(b - a for a, b in pairwise(shown))
    usual = steps[len(steps) // 2] if steps else otherwise
    return max(1, min(usual, end - shown[-1])) if shown else usual


def _within_rate(layout: Layout, video: VideoStream) -> Layout:
    """``layout`` without the frames that come sooner than its bound allows, where any do."""
    bound = _bound(layout, video)
    if bound is None or not _is_too_fast(layout, bound):
        return layout
    slots = _slots(layout, bound)
    numbers = [slots.of(p) for p in layout.shown]
    firsts = {*layout.begins}
    shown = tuple(
        p for p, own, before in zip(layout.shown, numbers, [-1, *numbers], strict=False) if own > before or p in firsts
    )
    tick = _tick(shown, layout.end, layout.tick)
    return replace(layout, shown=shown, tick=tick, slots=slots, is_whole=False)


def _bound(layout: Layout, video: VideoStream) -> Fraction | None:
    """The most frames per second. What is sped up keeps the source's rate, as no one wants 120 frames of it."""
    if layout.edits.fps is not None:
        return Fraction(str(layout.edits.fps)).limit_denominator(1001)
    if layout.speed <= 1 or layout.edits.every_frame:
        return None
    return max(video.fps, Fraction(30)) if video.variable_rate else video.fps


def _is_too_fast(layout: Layout, bound: Fraction) -> bool:
    """Whether the mean rate is above ``bound``, or that of any second clearly is."""
    if layout.fps > bound * Fraction(str(_RATE_TOLERANCE)):
        return len(layout.shown) > 1
    most, second = ceil(bound) + 1, 1 / layout.shown_base
    return any(b - a < second for a, b in zip(layout.shown, layout.shown[most:], strict=False))


def _slots(layout: Layout, bound: Fraction) -> Slots:
    ratio = layout.shown_base * bound
    while layout.end * _EARLY * ratio.numerator >= _WHOLE_UP_TO:
        ratio = ratio.limit_denominator(ratio.denominator // 2)
    return Slots(_EARLY * ratio.numerator, _EARLY * ratio.denominator, ratio.denominator)
