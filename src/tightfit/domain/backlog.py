"""The one queue, in two orders: as this machine wants it, and by what the cloud gains over it."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tightfit.domain.places import Work
from tightfit.domain.speeds import Speeds

# What holds the cloud up most counts by this power of how much more it does: two thirds of the load count a fifth.
_SHARPNESS = 4
# The queue is sorted anew where the weight of something has changed by so much.
_NOTABLE = 0.1

_Queue = list[tuple[float, int]]


@dataclass
class Backlog:
    """Segments that wait for a lane; ``works`` stand in the order wanted locally, ``cloud_lanes`` share what is sent.

    The cloud's order is by seconds of what it is short of (uplink, rendering, downlink) for each second that a segment
    saves here. Exchanging any two segments between cloud and machine against that order would cost the cloud more for
    the same relief: comparative advantage, the optimal order of the fractional knapsack (Dantzig 1957).
    """

    works: Sequence[Work]
    cloud_lanes: int
    speeds: Speeds
    frames: int = 0
    _here: _Queue = field(default_factory=list)
    _there: _Queue = field(default_factory=list)
    _waiting: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.work = {work.index: work for work in self.works}
        if len(self.work) != len(self.works):
            raise ValueError("two segments have the same index")
        self._rank = {work.index: rank for rank, work in enumerate(self.works)}
        self._weights = self._shortages()
        self._price = {work.index: self._price_of(work) for work in self.works}

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, work: Work, *, here: bool, there: bool) -> None:
        """``work`` waits for a local lane, for the cloud, for either or for nobody."""
        self.remove(work)
        if here:
            insort(self._here, (self._rank[work.index], work.index))
        if there:
            insort(self._there, (self._price[work.index], work.index))
        if here or there:
            self._waiting.add(work.index)
            self.frames += work.frames

    def remove(self, work: Work) -> None:
        _remove(self._here, (self._rank[work.index], work.index))
        _remove(self._there, (self._price[work.index], work.index))
        if work.index in self._waiting:
            self._waiting.remove(work.index)
            self.frames -= work.frames

    def rank(self, work: Work) -> int:
        """Its place in the order wanted locally."""
        return self._rank[work.index]

    def all(self) -> list[Work]:
        return [self.work[index] for index in sorted(self._waiting)]

    def here(self) -> Iterator[Work]:
        """For this machine, in the order that it wants."""
        return (self.work[index] for _, index in self._here)

    def there(self) -> Iterator[Work]:
        """For the cloud, what it gains most with first."""
        return (self.work[index] for _, index in self._there)

    def dearest_there(self) -> Iterator[Work]:
        """What the cloud gains least with, first."""
        return (self.work[index] for _, index in reversed(self._there))

    def learned(self, speeds: Speeds) -> None:
        """Put the cloud's queue in order again where what it is short of has changed."""
        self.speeds = speeds
        weights = self._shortages()
        if max(abs(new - old) for new, old in zip(weights, self._weights, strict=True)) < _NOTABLE:
            return
        self._weights = weights
        self._price = {work.index: self._price_of(work) for work in self.works}
        self._there = sorted((self._price[index], index) for _, index in self._there)

    def _shortages(self) -> tuple[float, ...]:
        """How much uplink, rendering and downlink each hold the cloud up, as shares of one."""
        if not self.works:
            return (1.0, 0.0, 0.0)
        loads = self._loads(self.works[len(self.works) // 2])
        sharp = [(load / max(loads)) ** _SHARPNESS for load in loads]
        return tuple(share / sum(sharp) for share in sharp)

    def _loads(self, work: Work) -> tuple[float, float, float]:
        """Seconds for which ``work`` takes the uplink, all cloud lanes, and the downlink."""
        speeds = self.speeds
        return speeds.upload_s(work), speeds.render_s(work) / max(1, self.cloud_lanes), speeds.download_s(work)

    def _price_of(self, work: Work) -> float:
        cost = sum(weight * load for weight, load in zip(self._weights, self._loads(work), strict=True))
        return cost / self.speeds.local_s(work)


def _remove(queue: _Queue, entry: tuple[float, int]) -> None:
    at = bisect_left(queue, entry)
    if at < len(queue) and queue[at] == entry:
        del queue[at]
