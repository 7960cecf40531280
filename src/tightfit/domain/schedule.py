"""Who works on which segment: one queue, local lanes and cloud lanes, each segment to whoever will finish it first.

List scheduling by earliest finish (Graham 1969; on unlike machines the "minimum completion time" of Maheswaran et
al. 1999 and HEFT's processor selection, Topcuoglu et al. 2002), decided as late as possible, from speeds measured so
far. Three rules:

- A lane begins a queued segment where it will end before all others together would be through with the queue.
- A local lane is never idle while an unfinished segment is on no other local lane: where it has nothing of its own,
  it works on the one that will take longest (speculative execution, LATE, Zaharia et al. 2008). The first to finish
  wins. Whatever the cloud does, the local lanes together so do at most the work of a list schedule without it.
- The cloud gets the segments with the fewest bytes to send per frame, which is where it gains most over this machine
  (comparative advantage: exchanging any two would send more for the same frames).

No clock, no waiting: whoever drives this says what happened and when, and is told what to begin and what to end.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from tightfit.domain.breaker import Breaker, Failure, Scope
from tightfit.domain.credits import Ledger
from tightfit.domain.lookahead import Outlook, Plan, Seat, planned
from tightfit.domain.places import Attempt, Lane, Preference, Rules, Stage, Work
from tightfit.domain.speeds import Line, Rate, Speeds, expected_end

# How many queued segments are looked at for one that fits: more make no measurable difference.
_LOOKED_AT = 16
# From so few queued segments on, every single one is planned.
_PLANNED = 48
# Until the cloud has proved itself, it gets the smallest of so many.
_TRIED_AMONG = 100
_SHARPNESS, _NOTABLE = 4, 0.1
# The cloud takes over what a core is at work on only where it needs less than 1/1.25 of what is left there.
_SURE = 1.25
_TICK = 1.0


@dataclass
class Schedule:
    """All that is known of one set of segments while it is worked on; ``works`` stand in the order wanted locally."""

    works: Sequence[Work]
    lanes: Sequence[Lane]
    speeds: Speeds = field(default_factory=Speeds)
    rules: Rules = field(default_factory=Rules)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    begun: int = 0
    service: Breaker = field(default_factory=Breaker)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.rules.max_credits)
        self._work = {work.index: work for work in self.works}
        self._rank = {work.index: rank for rank, work in enumerate(self.works)}
        if len(self._work) != len(self.works):
            raise ValueError("two segments have the same index")
        self._breakers = {lane.name: Breaker() for lane in self.lanes if not lane.is_local}
        self._on_lane: dict[str, list[Attempt]] = {lane.name: [] for lane in self.lanes}
        self._on_work: dict[int, list[Attempt]] = defaultdict(list)
        self._tries: Counter[int] = Counter()
        self._barred = {work.index for work in self.works if not work.travels}
        self._up, self._down = Line(), Line()
        self._is_proven = False
        # Queues in the order in which local and cloud lanes would take: (key, index), sorted.
        self._here: list[tuple[float, int]] = []
        self._there: list[tuple[float, int]] = []
        self._weights = self._shortages()
        self._dearness = {work.index: self._dearness_of(work) for work in self.works}
        self._queued: set[int] = set()
        self._frames_queued = 0
        for work in self.works:
            self._sort_in(work)

    # What a driver asks.

    @property
    def is_done(self) -> bool:
        return len(self.done) == len(self.works)

    def decide(self, now: float) -> list[Attempt]:
        """The attempts that begin now. The driver calls ``enter`` for each stage as it really begins."""
        started: list[Attempt] = []
        while choice := next(self._choices(now), None):
            started.append(self._begin(*choice, now))
        return started

    def wake_at(self, now: float) -> float:
        """When ``decide`` may have something new to say though nothing happened; infinite if never."""
        breakers = [self.service, *self._breakers.values()]
        pauses = [b.until for b in breakers if b.until > now and b.given_up is None]
        late = [
            a.due if a.due > now + _TICK else now + max(_TICK, (a.due - now) / 2)
            for a in self.attempts.values()
            if a.lane.is_local and self._is_alone(a)
        ]
        return min([*pauses, *late], default=math.inf)

    def enter(self, attempt: Attempt, stage: Stage, now: float) -> None:
        """``attempt`` begins ``stage``, and ends the one before."""
        self._leave(attempt, now)
        attempt.stage, attempt.since = stage, now
        if stage is Stage.UPLOAD:
            attempt.line_mark = self._up.changed(1, now)
        elif stage is Stage.DOWNLOAD:
            attempt.line_mark = self._down.changed(1, now)
        elif stage is Stage.RENDER:
            attempt.was_paid_for = True

    def progressed(self, attempt: Attempt, frames: int, now: float) -> None:
        """A local ``attempt`` has encoded so many of its frames."""
        attempt.frames, attempt.seen_at = frames, now

    def patience(self, attempt: Attempt) -> float:
        """Seconds that the stage of a cloud ``attempt`` may take."""
        return self.rules.least_patience_s + self.rules.patience * self._seconds(attempt)

    def finish(self, attempt: Attempt, now: float, credits: int | None = None) -> list[Attempt] | None:
        """A valid result came of ``attempt``: the losers that are to end, or None where it comes too late itself."""
        if attempt.id not in self.attempts:
            return None
        self._leave(attempt, now)
        if not attempt.lane.is_local:
            self._is_proven = True
            self.service.succeeded(attempt.begun)
            self._breakers[attempt.lane.name].succeeded(attempt.begun)
        self._forget(attempt, credits)
        self.done.add(attempt.work.index)
        self._sort_out(attempt.work)
        losers = list(self._on_work[attempt.work.index])
        for loser in losers:
            self.drop(loser, now)
        return losers

    def fail(self, attempt: Attempt, failure: Failure, now: float) -> list[Attempt]:
        """``attempt`` came to nothing; returns the others that are of no use any more and are to end."""
        if attempt.id not in self.attempts:
            return []
        self._settle_line(attempt, now)
        index, rule = attempt.work.index, failure.rule
        self._tries[index] += rule.counts
        if rule.bars or self._tries[index] >= self.rules.most_tries:
            self._barred.add(index)
        if not attempt.lane.is_local:
            breaker = self.service if rule.scope is Scope.SERVICE else self._breakers[attempt.lane.name]
            breaker.failed(failure, attempt.begun, now)
        self._forget(attempt, failure.credits)
        self._sort_in(attempt.work)
        if self.service.given_up is None:
            return []
        # What the service has not begun to render it never will.
        useless = [a for a in self.attempts.values() if not a.lane.is_local and not a.was_paid_for]
        for other in useless:
            self.drop(other, now)
        return useless

    def drop(self, attempt: Attempt, now: float) -> None:
        """``attempt`` was ended without a result and without a fault of its own."""
        if attempt.id in self.attempts:
            self._settle_line(attempt, now)
            self._forget(attempt)
            self._sort_in(attempt.work)

    def stranded(self, now: float) -> list[Work]:
        """What no lane will ever take: only where there are no local lanes."""
        if self.attempts or any(lane.is_local for lane in self.lanes):
            return []
        left = [work for work in self.works if work.index not in self.done]
        return left if self.wake_at(now) == math.inf else [w for w in left if not self._may_travel(w)]

    @property
    def gone_wrong(self) -> Failure | None:
        """Why the cloud is out of the game for good, if it is."""
        lost = [breaker.given_up for breaker in self._breakers.values() if breaker.given_up]
        all_lost = lost[-1] if lost and len(lost) == len(self._breakers) else None
        return self.service.given_up or all_lost

    # What a person is told.

    def told(self, work: Work, failure: Failure, now: float) -> str:
        """What ``failure`` of ``work`` means for the job, in one line; empty where it means nothing."""
        if not any(lane.is_local for lane in self.lanes):
            return ""
        if self.gone_wrong is failure:
            return f"The rest is made on this machine: {failure.reason}."
        if work.index in self._barred:
            return f"Segment {work.index + 1} is made on this machine: {failure.reason}."
        if self.service.is_open(now):
            return f"The cloud gets nothing more for {self.service.until - now:.0f} s: {failure.reason}."
        return ""

    def told_of_ceiling(self) -> str:
        """One line once the ceiling on credits keeps segments here."""
        if self._there and self._cloud_is_alive and not any(self._affordable()):
            return f"The rest is made on this machine: more would cost over {self.rules.max_credits} credits."
        return ""

    # Queues.

    def _sort_in(self, work: Work) -> None:
        """Queue ``work`` where its state says that it belongs."""
        self._sort_out(work)
        if work.index in self.done:
            return
        there = any(not a.lane.is_local for a in self._on_work[work.index])
        here = [a for a in self._on_work[work.index] if a.lane.is_local]
        may_travel = work.index not in self._barred and not there and all(a.hedged for a in here)
        if not there and not here:
            insort(self._here, (self._rank[work.index], work.index))
        if may_travel:
            insort(self._there, (self._dearness[work.index], work.index))
        if may_travel or not (there or here):
            self._queued.add(work.index)
            self._frames_queued += work.frames

    def _sort_out(self, work: Work) -> None:
        _remove(self._here, (self._rank[work.index], work.index))
        _remove(self._there, (self._dearness[work.index], work.index))
        if work.index in self._queued:
            self._queued.remove(work.index)
            self._frames_queued -= work.frames

    def _begin(self, work: Work, lane: Lane, hedged: bool, now: float) -> Attempt:
        self.begun += 1
        attempt = Attempt(self.begun, work, lane, now, hedged)
        self.enter(attempt, Stage.ENCODE if lane.is_local else Stage.UPLOAD, now)
        self.attempts[attempt.id] = attempt
        self._on_lane[lane.name].append(attempt)
        self._on_work[work.index].append(attempt)
        if not lane.is_local:
            self.ledger.hold(attempt.id, work.credits)
        self._sort_in(work)
        return attempt

    def _forget(self, attempt: Attempt, credits: int | None = None) -> None:
        del self.attempts[attempt.id]
        self._on_lane[attempt.lane.name].remove(attempt)
        self._on_work[attempt.work.index].remove(attempt)
        if attempt.was_paid_for:
            self.ledger.settle(attempt.id, credits)
        else:
            self.ledger.release(attempt.id)

    # Speeds.

    def _leave(self, attempt: Attempt, now: float) -> None:
        """Learn from the stage that ``attempt`` has just gone through."""
        seconds, work = now - attempt.since, attempt.work
        match attempt.stage:
            case Stage.ENCODE:
                self.speeds = self.speeds.local_seen(work.frames, seconds)
            case Stage.RENDER:
                self.speeds = self.speeds.render_seen(work.frames, seconds)
            case Stage.UPLOAD:
                shared = self._settle_line(attempt, now)
                self.speeds = self.speeds.upload_seen(work.upload_bytes * shared, seconds)
            case Stage.DOWNLOAD:
                shared = self._settle_line(attempt, now)
                self.speeds = self.speeds.download_seen(work.download_bytes * shared, seconds)
        attempt.stage = None

    def _settle_line(self, attempt: Attempt, now: float) -> float:
        """Take ``attempt`` off the line it is on; returns how many shared that line with it on average."""
        line = {Stage.UPLOAD: self._up, Stage.DOWNLOAD: self._down}.get(attempt.stage or Stage.WAIT)
        if line is None:
            return 1.0
        user_seconds = line.changed(-1, now) - attempt.line_mark
        return user_seconds / (now - attempt.since) if now > attempt.since else 1.0

    def _seconds(self, attempt: Attempt) -> float:
        """What the stage of ``attempt`` should take."""
        work, speeds = attempt.work, self.speeds
        match attempt.stage:
            case Stage.ENCODE:
                return speeds.local_s(work)
            case Stage.UPLOAD:
                return speeds.upload_s(work) * self._up.users
            case Stage.RENDER:
                return speeds.render_s(work)
            case Stage.DOWNLOAD:
                return speeds.download_s(work) * self._down.users
        return 0.0

    # Forecasts.

    def _outlook(self, now: float) -> Outlook:
        """Every lane that may be given work, and when each attempt is due."""
        outlook, sending = Outlook(now, self._speeds_now(), now), 0.0
        for lane in self.lanes:
            seat = Seat(lane, now, now)
            for attempt in self._on_lane[lane.name]:
                self._foresee(attempt, seat, now)
                if attempt.stage is Stage.UPLOAD:
                    sending += (expected_end(attempt.since, self._seconds(attempt), now) - now) / self._up.users
            if lane.is_local:
                if self._may_take_any(now):
                    outlook.seats.append(seat)
            elif self._is_alive(lane):
                seat.room = max(seat.room, self.service.until, self._breakers[lane.name].until)
                outlook.seats.append(seat)
        outlook.line_free += sending
        return outlook

    def _speeds_now(self) -> Speeds:
        """What is known with the encodes that still run."""
        running = [a for a in self.attempts.values() if a.frames]
        local = self.speeds.local
        frames = local.units + sum(a.frames for a in running)
        return replace(self.speeds, local=Rate(frames, local.seconds + sum(a.seen_at - a.since for a in running)))

    def _foresee(self, attempt: Attempt, seat: Seat, now: float) -> None:
        """Set when ``attempt`` is due, and when its lane will be free for the next one."""
        work, speeds = attempt.work, self.speeds
        end = expected_end(attempt.since, self._seconds(attempt), now)
        match attempt.stage:
            case Stage.ENCODE:
                if attempt.frames:
                    pace = (attempt.seen_at - attempt.since) / attempt.frames
                    end = expected_end(attempt.seen_at, pace * (work.frames - attempt.frames), now)
                attempt.due = seat.free = end
            case Stage.DOWNLOAD:
                attempt.due = end
            case Stage.RENDER:
                attempt.due, seat.free = end + speeds.download_s(work), max(seat.free, end)
            case _:
                seat.room = max(seat.free, end)
                seat.free = seat.room + speeds.render_s(work)
                attempt.due = seat.free + speeds.download_s(work)

    # Choices.

    def _choices(self, now: float) -> Iterator[tuple[Work, Lane, bool]]:
        """What begins next, first choice first: segment, lane, and whether as a hedge."""
        if self._queued and not any(map(self._is_idle, self.lanes)):
            return
        outlook = self._outlook(now)
        self._reorder()
        plan = self._plan(now) if self._is_proven and len(self._queued) <= _PLANNED else None
        for seat in outlook.seats:
            if seat.lane.is_local and not self._on_lane[seat.lane.name]:
                if work := self._next_here(seat, outlook, plan):
                    yield work, seat.lane, False
                elif work := self._slowest(plan):
                    yield work, seat.lane, True
        if not self._may_take_any(now):
            yield from self._fallen_back()
        if self._up.users >= self.rules.uploads_at_once or not self._may_send(now):
            return
        for seat in sorted(outlook.seats, key=lambda seat: seat.free):
            if self._has_room(seat.lane, now):
                work = self._next_there(seat, outlook, plan) or self._rescued(seat, outlook)
                if work:
                    yield work, seat.lane, False

    def _plan(self, now: float) -> Plan:
        """A list schedule of the whole queue."""
        left = self.ledger.left

        def latest(work: Work, lane: Lane) -> float:
            running = self._on_work[work.index]
            if lane.is_local:
                return -math.inf if running else math.inf
            if work.index in self._barred or work.credits > left:
                return -math.inf
            return min((a.due for a in running), default=math.inf)

        return planned(self._outlook(now), [self._work[index] for index in self._queued], latest)

    def _next_here(self, seat: Seat, outlook: Outlook, plan: Plan | None) -> Work | None:
        """The queued segment that an idle local lane is the best place for."""
        if not self._here:
            return None
        first = self._work[self._here[0][1]]
        if not self._is_proven or all(other.lane.is_local for other in outlook.seats):
            return first
        if plan:
            return next(iter(plan.by_lane.get(seat.lane, [])), None)
        first = next((self._work[i] for _, i in reversed(self._there) if not self._on_work[i]), first)
        return first if outlook.end(first, seat) <= outlook.others_end(self._frames_queued, first, seat) else None

    def _slowest(self, plan: Plan | None) -> Work | None:
        """What will be through last and is on no local lane."""
        running = [a for a in self.attempts.values() if not a.lane.is_local and self._is_alone(a)]
        ends = [(a.due, a.work.index) for a in running]
        for _, index in self._here[:_PLANNED]:
            ends.append((plan.ends.get(index, math.inf) if plan else math.inf, index))
        return self._work[max(ends)[1]] if ends else None

    def _is_alone(self, attempt: Attempt) -> bool:
        return len(self._on_work[attempt.work.index]) == 1

    def _fallen_back(self) -> Iterator[tuple[Work, Lane, bool]]:
        """Where the cloud was asked for: what it has failed to do."""
        idle = [lane for lane in self.lanes if lane.is_local and not self._on_lane[lane.name]]
        fallen = (self._work[i] for _, i in self._here if self._fell_back(i))
        yield from ((work, lane, False) for work, lane in zip(fallen, idle, strict=False))

    def _may_send(self, now: float) -> bool:
        if self.service.is_open(now):
            return False
        return not (self.service.on_trial and self._has_begun_after(self.service.until))

    def _next_there(self, seat: Seat, outlook: Outlook, plan: Plan | None) -> Work | None:
        """The queued segment that a cloud lane is the best place for."""
        works = self._affordable()
        if not self.attempts:
            # With nothing under way anyone may begin: waiting for each other would be waiting for ever.
            return next(works, None)
        if plan:
            return next(iter(plan.by_lane.get(seat.lane, [])), None)
        sooner = (w for w in works if outlook.end(w, seat) <= outlook.others_end(self._frames_queued, w, seat))
        return next(sooner, None)

    def _rescued(self, seat: Seat, outlook: Outlook) -> Work | None:
        """What a local lane will be through with last, where the cloud is sure to be sooner."""
        running = [a for a in self.attempts.values() if a.lane.is_local and self._is_alone(a)]
        running = [a for a in running if self._may_travel(a.work)]
        slowest = max(running, key=lambda a: (a.due, a.id), default=None)
        if slowest is None or not self._is_proven:
            return None
        seconds = outlook.end(slowest.work, seat) - outlook.now
        return slowest.work if outlook.now + _SURE * seconds < slowest.due else None

    def _shortages(self) -> tuple[float, float, float]:
        """How much uplink, rendering and downlink each hold the cloud up, as shares of one."""
        typical = self.works[len(self.works) // 2]
        speeds, lanes = self.speeds, max(1, len(self._breakers))
        load = speeds.upload_s(typical), speeds.render_s(typical) / lanes, speeds.download_s(typical)
        most = max(load)
        sharp = [(seconds / most) ** _SHARPNESS for seconds in load]
        return sharp[0] / sum(sharp), sharp[1] / sum(sharp), sharp[2] / sum(sharp)

    def _dearness_of(self, work: Work) -> float:
        """Seconds of what the cloud is short of for each second saved here."""
        up, render, down = self._weights
        speeds, lanes = self.speeds, max(1, len(self._breakers))
        cost = up * speeds.upload_s(work) + render * speeds.render_s(work) / lanes + down * speeds.download_s(work)
        return cost / speeds.local_s(work)

    def _reorder(self) -> None:
        """Sort the cloud's queue anew where what it is short of has changed."""
        weights = self._shortages()
        if max(abs(new - old) for new, old in zip(weights, self._weights, strict=True)) < _NOTABLE:
            return
        self._weights = weights
        self._dearness = {work.index: self._dearness_of(work) for work in self.works}
        self._there = sorted((self._dearness[index], index) for _, index in self._there)

    def _affordable(self) -> Iterator[Work]:
        works: Iterator[Work] = (self._work[index] for _, index in self._there)
        if not self._is_proven:
            # What is small costs least where it has to be done over.
            works = iter(sorted(islice(works, _TRIED_AMONG), key=lambda work: work.frames))
        return islice((work for work in works if self.ledger.allows(work.credits)), _LOOKED_AT)

    def _has_room(self, lane: Lane, now: float) -> bool:
        """Whether a cloud lane may begin the upload of one more."""
        return not lane.is_local and self._is_idle(lane) and not self._breakers[lane.name].is_open(now)

    def _is_idle(self, lane: Lane) -> bool:
        """Whether a lane's first stage is."""
        return all(a.stage in (Stage.RENDER, Stage.DOWNLOAD) for a in self._on_lane[lane.name])

    @property
    def is_closing(self) -> bool:
        """Nothing waits any more; whoever is free now helps those who are slow."""
        return not self._queued

    def _has_begun_after(self, moment: float) -> bool:
        return any(not a.lane.is_local and a.begun >= moment for a in self.attempts.values())

    def _is_alive(self, lane: Lane) -> bool:
        return self.service.given_up is None and self._breakers[lane.name].given_up is None

    @property
    def _cloud_is_alive(self) -> bool:
        return any(self._is_alive(lane) for lane in self.lanes if not lane.is_local)

    def _may_travel(self, work: Work) -> bool:
        return work.index not in self._barred and self.ledger.allows(work.credits) and self._cloud_is_alive

    def _may_take_any(self, now: float) -> bool:
        """Whether local lanes may take what the cloud could do as well."""
        if self.rules.preference is Preference.AUTO or not self._cloud_is_alive:
            return True
        return self.service.is_open(now)

    def _fell_back(self, index: int) -> bool:
        return self._tries[index] > 0 or not self._may_travel(self._work[index])


def _remove(queue: list[tuple[float, int]], entry: tuple[float, int]) -> bool:
    at = bisect_left(queue, entry)
    if at < len(queue) and queue[at] == entry:
        del queue[at]
        return True
    return False
