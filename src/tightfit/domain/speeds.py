"""How fast each stage of the work goes: a stated guess first, then what was measured, newer sights weighing more."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

from tightfit.domain.places import Work

# Each new sight lets the older ones fade to this share: about ten of them are remembered, so that a line that
# changed its speed is believed after a few segments and one odd segment is not.
_FADING = 0.9
_SLOW_FADING = 0.98
# Of how many real sights a guessed one is worth, and how many times a mean segment's frames an overhead is at most.
_GUESS, _MOST_OVERHEAD = 0.2, 10.0


@dataclass(frozen=True)
class Rate:
    """Units done and the seconds they took, old ones faded."""

    units: float
    seconds: float

    @property
    def per_second(self) -> float:
        return self.units / self.seconds

    def seen(self, units: float, seconds: float) -> Rate:
        """Total units over total seconds, so long work counts more than short; nothing is learned from no time."""
        if seconds <= 0 or units <= 0:
            return self
        return Rate(self.units * _FADING + units, self.seconds * _FADING + seconds)


@dataclass(frozen=True)
class Overhead:
    """What every render takes besides its frames (queue, start, polling), counted in frames.

    A straight line through (frames, seconds) by least squares; the overhead is where it begins over how steep it is.
    Its memory is long, since segments of one clip differ little in length and services much in luck.
    """

    weight: float
    frames: float
    seconds: float
    squares: float
    products: float

    @cached_property
    def in_frames(self) -> float:
        spread = self.weight * self.squares - self.frames**2
        mean, mean_s = self.frames / self.weight, self.seconds / self.weight
        slope = (self.weight * self.products - self.frames * self.seconds) / spread if spread > 0 else 0.0
        slope = max(slope, mean_s / mean / _MOST_OVERHEAD)
        return max(0.0, min(_MOST_OVERHEAD * mean, mean_s / slope - mean))

    def seen(self, frames: float, seconds: float) -> Overhead:
        return Overhead(
            self.weight * _SLOW_FADING + 1,
            self.frames * _SLOW_FADING + frames,
            self.seconds * _SLOW_FADING + seconds,
            self.squares * _SLOW_FADING + frames * frames,
            self.products * _SLOW_FADING + frames * seconds,
        )


def _overhead_guessed(seconds: float, per_second: float) -> Overhead:
    """A prior of two short sights, of 100 and 300 frames."""
    guess = Overhead(0.0, 0.0, 0.0, 0.0, 0.0).seen(100, seconds + 100 / per_second)
    guess = guess.seen(300, seconds + 300 / per_second)
    sums = (guess.weight, guess.frames, guess.seconds, guess.squares, guess.products)
    return Overhead(*(_GUESS * value for value in sums))


@dataclass(frozen=True)
class Speeds:
    """Frames per second of one local lane, bytes per second of both directions of the line, frames (and overhead,
    counted in frames) per second of one cloud lane.

    The guesses say "try it once": 2 MB/s up, 4 MB/s down (a usual home line), 60 frames/s (1080p with x264's
    medium on four cores) and 5 s on top, each worth a second of measurement, so that the first finished segment
    overrules them.
    """

    local: Rate = Rate(30.0, 1.0)
    upload: Rate = Rate(2e6, 1.0)
    render: Rate = Rate(60.0, 1.0)
    download: Rate = Rate(4e6, 1.0)
    overhead: Overhead = field(default_factory=lambda: _overhead_guessed(5.0, 60.0))

    def local_s(self, work: Work) -> float:
        return work.frames / self.local.per_second

    def upload_s(self, work: Work) -> float:
        """With the whole line to itself."""
        return work.upload_bytes / self.upload.per_second

    def render_s(self, work: Work) -> float:
        return (work.frames + self.overhead.in_frames) / self.render.per_second

    def download_s(self, work: Work) -> float:
        return work.download_bytes / self.download.per_second

    def local_seen(self, frames: float, seconds: float) -> Speeds:
        return replace(self, local=self.local.seen(frames, seconds))

    def upload_seen(self, size: float, seconds: float) -> Speeds:
        return replace(self, upload=self.upload.seen(size, seconds))

    def render_seen(self, frames: float, seconds: float) -> Speeds:
        overhead = self.overhead.seen(frames, seconds)
        return replace(self, overhead=overhead, render=self.render.seen(frames + overhead.in_frames, seconds))

    def download_seen(self, size: float, seconds: float) -> Speeds:
        return replace(self, download=self.download.seen(size, seconds))


@dataclass
class Line:
    """How many transfers share a line, on average over any span: from one's speed that tells the whole line's."""

    users: int = 0
    _since: float = 0.0
    _user_seconds: float = 0.0

    def user_seconds(self, now: float) -> float:
        """The sum of all transfers' seconds up to ``now``."""
        return self._user_seconds + self.users * (now - self._since)

    def changed(self, by: int, now: float) -> float:
        """``by`` transfers more or less from ``now`` on; returns ``user_seconds``."""
        self._user_seconds = self.user_seconds(now)
        self._since = now
        self.users += by
        return self._user_seconds


def expected_end(since: float, seconds: float, now: float) -> float:
    """When something that began at ``since`` and should take ``seconds`` will end, seen from ``now``.

    What is late by x is expected to be late by x more: without a report of progress its age is all there is to go
    by (LATE, Zaharia et al., OSDI 2008, extrapolates progress in the same way).
    """
    due = since + seconds
    return due if now <= due else now + (now - due)
