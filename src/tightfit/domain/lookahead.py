"""Who would end what when: a forecast over all lanes, and a list schedule of what is left in the queue.

While much is left, it is enough to know when all others would be through with it, could it be split at will. Towards
the end whole segments matter, and what is left is planned anew at every step: longest first (LPT, Graham 1969), each
to the lane that ends it first, counting the line that all uploads share (minimum completion time, Maheswaran et al.
1999; HEFT's processor selection, Topcuoglu et al. 2002).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from tightfit.domain.places import Lane, Work
from tightfit.domain.speeds import Speeds

May = Callable[[Work, Lane], float]


@dataclass
class Seat:
    """A lane as a forecast sees it: ``free`` is when its encoder is, ``room`` when an upload to it may begin."""

    lane: Lane
    free: float
    room: float = 0.0


@dataclass
class Outlook:
    """All lanes from ``now`` on; ``line_free`` is when the uploads under way are through."""

    now: float
    speeds: Speeds
    line_free: float
    seats: list[Seat] = field(default_factory=list)

    def copy(self) -> Outlook:
        return Outlook(self.now, self.speeds, self.line_free, [replace(seat) for seat in self.seats])

    def end(self, work: Work, seat: Seat) -> float:
        """When ``work`` would be through if it came next on ``seat``."""
        if seat.lane.is_local:
            return seat.free + self.speeds.local_s(work)
        return self._rendered(work, seat) + self.speeds.download_s(work)

    def _rendered(self, work: Work, seat: Seat) -> float:
        return max(self._uploaded(work, seat), seat.free) + self.speeds.render_s(work)

    def _uploaded(self, work: Work, seat: Seat) -> float:
        return max(self.now, self.line_free, seat.room) + self.speeds.upload_s(work)

    def take(self, work: Work, seat: Seat) -> None:
        """``work`` comes next on ``seat``."""
        if seat.lane.is_local:
            seat.free += self.speeds.local_s(work)
            return
        begins = max(self._uploaded(work, seat), seat.free)
        seat.free = begins + self.speeds.render_s(work)
        seat.room = begins
        self.line_free = max(self.now, self.line_free) + self.speeds.upload_s(work)

    def others_end(self, frames: int, work: Work, but: Seat) -> float:
        """When all but one would be through with ``frames``, at least with ``work`` as the fastest of them does it."""
        others = [seat for seat in self.seats if seat is not but]
        alone = min((self.end(work, seat) for seat in others), default=math.inf)
        return max(alone, fluid_end(self._capacities(others, work), frames))

    def _capacities(self, seats: Iterable[Seat], typical: Work) -> list[tuple[float, float]]:
        """From when on each turns out frames, and how many per second, all being like ``typical``."""
        speeds, frames = self.speeds, typical.frames
        cloud = sum(not seat.lane.is_local for seat in self.seats)
        through_line = frames / max(speeds.upload_s(typical), speeds.download_s(typical), 1e-9)
        by_cloud = min(frames / speeds.render_s(typical), through_line / max(1, cloud))
        back = speeds.download_s(typical)
        return [
            (seat.free, frames / speeds.local_s(typical))
            if seat.lane.is_local
            else (max(seat.free, seat.room, self.now + speeds.upload_s(typical)) + back, by_cloud)
            for seat in seats
        ]


def fluid_end(free: list[tuple[float, float]], amount: float) -> float:
    """When ``amount`` is done by those who are free from (seconds, at units per second) on, could it be split at will.

    The T that solves sum(rate * max(0, T - free)) = amount, infinite without anyone.
    """
    rate = spoken_for = 0.0
    end = math.inf
    for since, per_second in sorted(free):
        if since >= end:
            break
        rate += per_second
        spoken_for += since * per_second
        end = (amount + spoken_for) / rate if rate > 0 else end
    return end


@dataclass
class Plan:
    """Which segments each lane would get, in order, and when each would be through."""

    by_lane: dict[Lane, list[Work]] = field(default_factory=dict)
    ends: dict[int, float] = field(default_factory=dict)

    @property
    def end(self) -> float:
        """When all of it would be through."""
        return max(self.ends.values(), default=0.0)


def planned(outlook: Outlook, works: Sequence[Work], may: May, by_gain: Sequence[Work]) -> Plan:
    """A list schedule of ``works`` on ``outlook``: the best of a few.

    ``may`` is the time by which a lane would have to be through with a segment for it to make sense: infinite mostly.
    ``by_gain`` are those of ``works`` that either side may have, what the cloud gains most with first: one schedule
    leaves all to whoever ends it first, the others give the cloud the first so many of them, as many as make both
    sides end together.
    """
    longest = sorted(works, key=lambda work: (-work.frames, work.index))
    best = _listed(outlook.copy(), longest, may)
    low, high = 0, len(by_gain)
    while low <= high:
        share = (low + high) // 2
        sent = {work.index for work in by_gain[:share]}
        kept = {work.index for work in by_gain[share:]}

        def may_divided(work: Work, lane: Lane, sent: set[int] = sent, kept: set[int] = kept) -> float:
            return -math.inf if work.index in (sent if lane.is_local else kept) else may(work, lane)

        here, there = 0.0, 0.0
        for order in (longest, _quickly_sent(longest, sent, outlook.speeds)):
            plan = _listed(outlook.copy(), order, may_divided)
            if len(plan.ends) == len(best.ends) and plan.end < best.end:
                best = plan
            here = max((plan.ends[index] for index in kept if index in plan.ends), default=0.0)
            there = max((plan.ends[index] for index in sent if index in plan.ends), default=0.0)
        if here > there:
            low = share + 1
        else:
            high = share - 1
    return best


def _quickly_sent(longest: Sequence[Work], sent: set[int], speeds: Speeds) -> list[Work]:
    """What is sent faster than it is rendered first, shortest upload first, then the rest, longest render first: the
    optimal order of two machines in a row (Johnson 1954)."""

    def rank(work: Work) -> tuple[bool, float]:
        up, render = speeds.upload_s(work), speeds.render_s(work)
        return (True, -render) if up > render else (False, up)

    rest = [work for work in longest if work.index not in sent]
    return sorted((work for work in longest if work.index in sent), key=rank) + rest


def _listed(outlook: Outlook, works: Sequence[Work], may: May) -> Plan:
    """Each of ``works`` in turn to the lane that ends it first. Uses ``outlook`` up."""
    plan = Plan()
    for work in works:
        choices = [(outlook.end(work, seat), n) for n, seat in enumerate(outlook.seats)]
        choices = [(end, n) for end, n in choices if end < may(work, outlook.seats[n].lane)]
        if choices:
            end, n = min(choices)
            seat = outlook.seats[n]
            outlook.take(work, seat)
            plan.by_lane.setdefault(seat.lane, []).append(work)
            plan.ends[work.index] = end
    return plan
