"""Where every segment stands: what waits, who is at work on what, what the cloud may still get, how fast all goes.

The board only keeps account of what happened; ``domain.schedule`` decides by it what happens next.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tightfit.domain.backlog import Backlog
from tightfit.domain.breaker import Breaker, Failure, Scope
from tightfit.domain.credits import Ledger
from tightfit.domain.places import Attempt, Lane, Rules, Stage, Work
from tightfit.domain.speeds import Line, Rate, Speeds


@dataclass
class Board:
    """One set of segments while it is worked on. Times are seconds of whoever drives it."""

    works: Sequence[Work]
    lanes: Sequence[Lane]
    speeds: Speeds = field(default_factory=Speeds)
    rules: Rules = field(default_factory=Rules)
    attempts: dict[int, Attempt] = field(default_factory=dict)
    done: set[int] = field(default_factory=set)
    begun: int = 0
    service: Breaker = field(default_factory=Breaker)
    # True once the cloud has made a segment: until then nothing depends on what is only guessed of it.
    is_proven: bool = False

    def __post_init__(self) -> None:
        self.service.pause_scale = self.rules.pause_scale
        self.breakers = {lane: Breaker(self.rules.pause_scale) for lane in self.lanes if not lane.is_local}
        self.ledger = Ledger(self.rules.max_credits)
        self.backlog = Backlog(self.works, len(self.breakers), self.speeds)
        self.on_lane: dict[Lane, list[Attempt]] = {lane: [] for lane in self.lanes}
        self.on_work: dict[int, list[Attempt]] = defaultdict(list)
        self.up, self.down = Line(), Line()
        self._tries: Counter[int] = Counter()
        self._barred = {work.index for work in self.works if not work.travels}
        for work in self.works:
            self._queue(work)

    @property
    def is_done(self) -> bool:
        return len(self.done) == len(self.works)

    def left(self) -> list[Work]:
        return [work for work in self.works if work.index not in self.done]

    # What happens.

    def begin(self, work: Work, lane: Lane, now: float, *, hedged: bool = False) -> Attempt:
        """``lane`` takes ``work`` on."""
        self.begun += 1
        attempt = Attempt(self.begun, work, lane, now, hedged)
        self.attempts[attempt.id] = attempt
        self.enter(attempt, Stage.ENCODE if lane.is_local else Stage.UPLOAD, now)
        self.on_lane[lane].append(attempt)
        self.on_work[work.index].append(attempt)
        if not lane.is_local:
            self.ledger.hold(attempt.id, work.credits)
        self._queue(work)
        return attempt

    def enter(self, attempt: Attempt, stage: Stage, now: float) -> None:
        """``attempt`` begins ``stage``, and ends the one before; nothing happens where it was dropped meanwhile."""
        if attempt.id not in self.attempts:
            return
        self._learn(attempt, now)
        attempt.stage, attempt.since = stage, now
        if stage is Stage.UPLOAD:
            attempt.line_mark = self.up.changed(1, now)
        elif stage is Stage.DOWNLOAD:
            attempt.line_mark = self.down.changed(1, now)
        elif stage is Stage.RENDER:
            attempt.was_paid_for = True

    def progressed(self, attempt: Attempt, frames: int, now: float) -> None:
        """A local ``attempt`` has encoded so many of its frames."""
        attempt.frames, attempt.seen_at = frames, now

    def finish(self, attempt: Attempt, now: float, credits: int | None = None) -> list[Attempt] | None:
        """A valid result came of ``attempt``: the losers that are to end, or None where it comes too late itself."""
        if attempt.id not in self.attempts:
            return None
        self._learn(attempt, now)
        if not attempt.lane.is_local:
            self.is_proven = True
            self.service.succeeded(attempt.begun)
            self.breakers[attempt.lane].succeeded(attempt.begun)
        self.done.add(attempt.work.index)
        self._forget(attempt, credits)
        losers = list(self.on_work[attempt.work.index])
        for loser in losers:
            self.drop(loser, now)
        return losers

    def fail(self, attempt: Attempt, failure: Failure, now: float) -> list[Attempt]:
        """A cloud ``attempt`` came to nothing; returns the others that are of no use any more and are to end."""
        if attempt.id not in self.attempts:
            return []
        index, rule = attempt.work.index, failure.rule
        self._tries[index] += rule.counts
        if rule.bars or self._tries[index] >= self.rules.most_tries:
            self._barred.add(index)
        breaker = self.service if rule.scope is Scope.SERVICE else self.breakers[attempt.lane]
        breaker.failed(failure, attempt.begun, now)
        self._leave_line(attempt, now)
        self._forget(attempt, failure.credits)
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
            self._leave_line(attempt, now)
            self._forget(attempt)

    def _forget(self, attempt: Attempt, credits: int | None = None) -> None:
        del self.attempts[attempt.id]
        self.on_lane[attempt.lane].remove(attempt)
        self.on_work[attempt.work.index].remove(attempt)
        if attempt.was_paid_for:
            self.ledger.settle(attempt.id, credits)
        else:
            self.ledger.release(attempt.id)
        self._queue(attempt.work)

    def _queue(self, work: Work) -> None:
        """Let ``work`` wait where its state says that it should."""
        if work.index in self.done:
            self.backlog.remove(work)
            return
        running = self.on_work[work.index]
        # A hedge keeps nobody from doing the same for real.
        there = work.index not in self._barred and all(a.lane.is_local and a.hedged for a in running)
        self.backlog.put(work, here=not running, there=there)

    # How fast it goes.

    def _learn(self, attempt: Attempt, now: float) -> None:
        """Learn from the stage that ``attempt`` has just gone through."""
        seconds, work, speeds = now - attempt.since, attempt.work, self.speeds
        match attempt.stage:
            case Stage.ENCODE:
                self.speeds = speeds.local_seen(work.frames, seconds)
            case Stage.RENDER:
                self.speeds = speeds.render_seen(work.frames, seconds)
            case Stage.UPLOAD:
                self.speeds = speeds.upload_seen(work.upload_bytes * self._leave_line(attempt, now), seconds)
            case Stage.DOWNLOAD:
                self.speeds = speeds.download_seen(work.download_bytes * self._leave_line(attempt, now), seconds)
        attempt.stage = None

    def _leave_line(self, attempt: Attempt, now: float) -> float:
        """Take ``attempt`` off the line it is on; returns how many shared that line with it on average."""
        line = self.up if attempt.stage is Stage.UPLOAD else self.down
        if attempt.stage not in (Stage.UPLOAD, Stage.DOWNLOAD):
            return 1.0
        user_seconds = line.changed(-1, now) - attempt.line_mark
        attempt.stage = None
        return user_seconds / (now - attempt.since) if now > attempt.since else 1.0

    def speeds_now(self) -> Speeds:
        """What is known, with the encodes that still run."""
        running = [a for a in self.attempts.values() if a.frames]
        local = self.speeds.local
        frames = local.units + sum(a.frames for a in running)
        return replace(self.speeds, local=Rate(frames, local.seconds + sum(a.seen_at - a.since for a in running)))

    def seconds(self, attempt: Attempt) -> float:
        """What the stage of ``attempt`` should take, by what is known."""
        work, speeds = attempt.work, self.speeds
        match attempt.stage:
            case Stage.ENCODE:
                return speeds.local_s(work)
            case Stage.UPLOAD:
                return speeds.upload_s(work) * self.up.users
            case Stage.RENDER:
                return speeds.render_s(work)
            case Stage.DOWNLOAD:
                return speeds.download_s(work) * self.down.users
        return 0.0

    def patience(self, attempt: Attempt) -> float:
        """Seconds that the stage of a cloud ``attempt`` may take before it counts as silence."""
        return self.rules.least_patience_s + self.rules.patience * self.seconds(attempt)

    # What may still go where.

    def is_alive(self, lane: Lane) -> bool:
        """Whether a cloud lane may ever be given work again."""
        return self.service.given_up is None and self.breakers[lane].given_up is None

    @property
    def cloud_is_alive(self) -> bool:
        return any(map(self.is_alive, self.breakers))

    def is_barred(self, work: Work) -> bool:
        """Whether ``work`` is not to be sent (again)."""
        return work.index in self._barred

    @property
    def has_barred_left(self) -> bool:
        return not self._barred <= self.done

    def may_travel(self, work: Work) -> bool:
        return not self.is_barred(work) and self.ledger.allows(work.credits) and self.cloud_is_alive

    def fell_back(self, work: Work) -> bool:
        """Whether the cloud has had its chance with ``work``."""
        return self._tries[work.index] > 0 or not self.may_travel(work)

    def is_alone(self, attempt: Attempt) -> bool:
        return len(self.on_work[attempt.work.index]) == 1

    def alone(self, *, local: bool) -> list[Attempt]:
        """Attempts on one side at segments that the other side is not at work on."""
        return [a for a in self.attempts.values() if a.lane.is_local is local and self.is_alone(a)]

    @property
    def gone_wrong(self) -> Failure | None:
        """Why the cloud is out of the game for good, if it is."""
        if self.service.given_up or not self.breakers or self.cloud_is_alive:
            return self.service.given_up
        return next(breaker.given_up for breaker in reversed(self.breakers.values()))
