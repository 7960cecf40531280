"""Who works on which segment: one queue, local lanes and cloud lanes, each segment to whoever will finish it first.

List scheduling by earliest finish (Graham 1969; on unlike machines the "minimum completion time" of Maheswaran et
al. 1999 and HEFT's processor selection, Topcuoglu et al. 2002), decided as late as possible, from speeds measured so
far. Four rules:

- A lane begins a queued segment where it will end before all others together would be through with the queue; the
  last ones are planned one by one (``domain.lookahead``).
- Of a long queue the cloud gets what it gains most with, and this machine what the cloud gains least with
  (``domain.backlog``). The smallest go ahead; until the cloud has made one, the machine goes on as if alone, with
  what was sent as well.
- A local lane is never idle while an unfinished segment is on no local lane: where it has nothing of its own, it works
  on the one that will take longest (speculative execution, LATE, Zaharia et al. 2008). The first to finish wins.
  Whatever the cloud does, no segment costs this machine more than it would without the cloud, so that the makespan is
  at most that of a list schedule (Graham: (sum of p) / m + (1 - 1/m) max p).
- The cloud takes over what local lanes will be through with last, where it is sure to be much sooner.

No clock, no waiting: whoever drives this tells the board what happened and when, and is told what to begin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from tightfit.domain.board import Board
from tightfit.domain.breaker import Failure
from tightfit.domain.lookahead import Outlook, Plan, Seat, planned
from tightfit.domain.places import Attempt, Lane, Preference, Stage, Work
from tightfit.domain.speeds import expected_end

# How many queued segments are looked at for one that fits, and among how many the smallest is looked for.
_LOOKED_AT, _SMALLEST_OF = 16, 100
# From so few queued segments on, every single one is planned. Half or twice as many change the makespan by 1 %.
_PLANNED = 48
# The cloud takes over what a core is at work on only where it needs less than 1/1.25 of what is left there; 1.0 to
# 1.5 make no difference in the mean.
_SURE = 1.25
# While something is queued the cloud takes over what a core is at work on only where all is through so much sooner;
# 0.9 to 0.98 make no difference in the mean.
_NOTABLY_SOONER = 0.95
# So many small segments go ahead to show what a service can do.
_PROBES = 2
# Least seconds between two looks at something that is late.
_TICK = 1.0


def decide(board: Board, now: float) -> list[Attempt]:
    """The attempts that begin now, in their first stage; the driver calls ``board.enter`` for those that follow."""
    started: list[Attempt] = []
    if _is_doomed(board):
        return started
    while choice := next(_choices(board, now), None):
        work, lane, hedged = choice
        started.append(board.begin(work, lane, now, hedged=hedged))
    return started


def wake_at(board: Board, now: float) -> float:
    """When ``decide`` may have something new to say though nothing happened; infinite if never."""
    breakers = [board.service, *board.breakers.values()]
    pauses = [breaker.until for breaker in breakers if breaker.until > now and breaker.given_up is None]
    return min([*pauses, *_next_looks(board, now)], default=math.inf)


def _next_looks(board: Board, now: float) -> Iterator[float]:
    """When what is late on this machine will be so late that the cloud might take it over."""
    if board.is_proven and board.cloud_is_alive:
        for attempt in board.alone(local=True):
            yield max(attempt.due, now + max(_TICK, (attempt.due - now) / 4))


def stranded(board: Board, now: float) -> list[Work]:
    """What is left where no lane will take anything on any more."""
    if board.attempts or any(lane.is_local for lane in board.lanes):
        return []
    return board.left() if _is_doomed(board) or wake_at(board, now) == math.inf else []


def _is_doomed(board: Board) -> bool:
    """Whether something is left that nobody may make: then nothing more is begun that would cost in vain."""
    return not any(lane.is_local for lane in board.lanes) and board.has_barred_left


def told(board: Board, work: Work, failure: Failure, now: float) -> str:
    """What ``failure`` of ``work`` means for the job, in one line; empty where it means nothing."""
    if not any(lane.is_local for lane in board.lanes):
        return ""
    if board.gone_wrong is failure:
        return f"The rest is made on this machine: {failure.reason}."
    if board.is_barred(work):
        return f"Segment {work.index + 1} is made on this machine: {failure.reason}."
    if board.gone_wrong is not None:
        return ""
    if board.service.is_open(now):
        # Said by the failure that led to the pause, and not by those of the same incident.
        return f"The cloud gets nothing for a while: {failure.reason}." if board.service.opened_at == now else ""
    if board.rules.preference is Preference.CLOUD and board.fell_back(work):
        return f"Segment {work.index + 1} is made on this machine: {failure.reason}."
    return ""


def told_of_ceiling(board: Board) -> str:
    """One line once the ceiling on credits keeps segments here."""
    waiting = next(board.backlog.there(), None)
    if waiting and board.cloud_is_alive and not any(_affordable(board)):
        return f"The rest is made on this machine: more would cost over {board.rules.max_credits} credits."
    return ""


def _choices(board: Board, now: float) -> Iterator[tuple[Work, Lane, bool]]:
    """What begins next, first choice first: segment, lane, and whether as a hedge."""
    is_core_idle = any(lane.is_local and not board.on_lane[lane] for lane in board.lanes)
    may_send = _may_send(board, now) and any(_has_room(board, lane, now) for lane in board.lanes)
    if not (is_core_idle or may_send):
        return
    board.backlog.learned(board.speeds)
    outlook = _outlook(board, now)
    plan = _plan(board, now) if board.is_proven and len(board.backlog) <= _PLANNED else None
    choice = _Choice(board, outlook, plan)
    for seat in outlook.seats:
        if seat.lane.is_local and not board.on_lane[seat.lane]:
            if work := choice.doubted():
                yield work, seat.lane, True
            elif work := choice.here(seat):
                yield work, seat.lane, False
            elif work := choice.slowest():
                yield work, seat.lane, True
    if not _may_take_any(board, now):
        yield from _fallen_back(board)
    if not may_send:
        return
    for seat in sorted(outlook.seats, key=lambda seat: seat.free):
        if _has_room(board, seat.lane, now) and (work := choice.there(seat) or choice.rescued(seat)):
            yield work, seat.lane, False


@dataclass(frozen=True)
class _Choice:
    """What is best for a lane, as things stand; ``plan`` is there towards the end."""

    board: Board
    outlook: Outlook
    plan: Plan | None

    def doubted(self) -> Work | None:
        """What this machine would begin next if it were alone, where that is with a cloud that has proven nothing."""
        if self.board.is_proven:
            return None
        sent = min((a.work for a in self.board.alone(local=False)), key=self.board.backlog.rank, default=None)
        first = next(self.board.backlog.here(), None)
        rank = self.board.backlog.rank
        return sent if sent and (first is None or rank(sent) < rank(first)) else None

    def here(self, seat: Seat) -> Work | None:
        """The queued segment that an idle local lane is the best place for."""
        board = self.board
        first = next(board.backlog.here(), None)
        if first is None or not board.is_proven or all(other.lane.is_local for other in self.outlook.seats):
            return first
        if self.plan:
            return next(iter(self.plan.by_lane.get(seat.lane, [])), None)
        dearest = next((work for work in board.backlog.dearest_there() if not board.on_work[work.index]), first)
        return dearest if self._is_sooner(dearest, seat) else None

    def slowest(self) -> Work | None:
        """What will be through last and is on no local lane."""
        ends = [(a.due, a.work.index) for a in self.board.alone(local=False)]
        planned_ends = self.plan.ends if self.plan else {}
        waiting = islice(self.board.backlog.here(), _PLANNED)
        ends += [(planned_ends.get(work.index, math.inf), work.index) for work in waiting]
        return self.board.backlog.work[max(ends)[1]] if ends else None

    def there(self, seat: Seat) -> Work | None:
        """The queued segment that a cloud lane is the best place for."""
        works = _affordable(self.board)
        if not self.board.attempts:
            # With nothing under way anyone may begin: waiting for each other would be waiting for ever.
            return next(works, None)
        if self.plan:
            return next(iter(self.plan.by_lane.get(seat.lane, [])), None)
        return next((work for work in islice(works, _LOOKED_AT) if self._is_sooner(work, seat)), None)

    def rescued(self, seat: Seat) -> Work | None:
        """What a local lane will be through with last, where the cloud is sure to be sooner."""
        if not self.board.is_proven:
            return None
        running = [a for a in self.board.alone(local=True) if self.board.may_travel(a.work)]
        slowest = max(running, key=lambda a: (a.due, a.id), default=None)
        if slowest is None:
            return None
        seconds = self.outlook.end(slowest.work, seat) - self.outlook.now
        return slowest.work if self.outlook.now + _SURE * seconds < slowest.due else None

    def _is_sooner(self, work: Work, seat: Seat) -> bool:
        """Whether ``seat`` is through with ``work`` before the others are with the queue, or with this one."""
        end = self.outlook.end(work, seat)
        running = self.board.on_work[work.index]
        others_end = self.outlook.others_end(self.board.backlog.frames, work, seat)
        return end <= others_end and all(end < attempt.due for attempt in running)


def _affordable(board: Board) -> Iterator[Work]:
    """What may be sent, in the order in which it should."""
    works = board.backlog.there()
    sent = sum(not attempt.lane.is_local for attempt in board.attempts.values())
    if not board.is_proven and sent < _PROBES:
        # What is small shows soonest what a service can do, and costs least where it has to be done over.
        works = iter(sorted(islice(works, _SMALLEST_OF), key=lambda work: work.frames))
    return (work for work in works if board.ledger.allows(work.credits))


def _fallen_back(board: Board) -> Iterator[tuple[Work, Lane, bool]]:
    """Where the cloud was asked for: what it has failed to do."""
    idle = [lane for lane in board.lanes if lane.is_local and not board.on_lane[lane]]
    fallen = filter(board.fell_back, board.backlog.here()) if idle else iter(())
    yield from ((work, lane, False) for lane, work in zip(idle, fallen, strict=False))


def _may_take_any(board: Board, now: float) -> bool:
    """Whether local lanes may take what the cloud could do as well."""
    if board.rules.preference is Preference.AUTO or not board.cloud_is_alive:
        return True
    return board.service.is_open(now)


def _may_send(board: Board, now: float) -> bool:
    """Whether any upload may begin: the line has room and the service is not paused, or tried by one already."""
    service = board.service
    if board.up.users >= board.rules.uploads_at_once or service.is_open(now):
        return False
    sent = (a for a in board.attempts.values() if not a.lane.is_local and a.begun >= service.until)
    return not (service.on_trial and any(sent))


def _has_room(board: Board, lane: Lane, now: float) -> bool:
    """Whether a cloud lane may begin the upload of one more."""
    return not lane.is_local and _is_idle(board, lane) and not board.breakers[lane].is_open(now)


def _is_idle(board: Board, lane: Lane) -> bool:
    """Whether a lane's first stage is; while much is left, one may wait uploaded and another be on its way."""
    ahead = [a.stage for a in board.on_lane[lane] if a.stage not in (Stage.RENDER, Stage.DOWNLOAD)]
    return not ahead or (ahead == [Stage.WAIT] and len(board.backlog) > _PLANNED)


def _outlook(board: Board, now: float) -> Outlook:
    """Every lane that may be given work, and when each attempt is due."""
    outlook = Outlook(now, board.speeds_now(), now)
    for lane in board.lanes:
        seat = Seat(lane, now, now)
        for attempt in board.on_lane[lane]:
            _foresee(board, attempt, seat, now)
            if attempt.stage is Stage.UPLOAD:
                left = expected_end(attempt.since, board.seconds(attempt), now) - now
                outlook.line_free += left / board.up.users
        if lane.is_local:
            if _may_take_any(board, now):
                outlook.seats.append(seat)
        elif board.is_alive(lane):
            seat.room = max(seat.room, board.service.until, board.breakers[lane].until)
            outlook.seats.append(seat)
    return outlook


def _foresee(board: Board, attempt: Attempt, seat: Seat, now: float) -> None:
    """Set when ``attempt`` is due, and when its lane will be free for the next one."""
    work, speeds = attempt.work, board.speeds
    end = expected_end(attempt.since, board.seconds(attempt), now)
    match attempt.stage:
        case Stage.ENCODE:
            if attempt.frames:
                pace = (attempt.seen_at - attempt.since) / attempt.frames
                end = expected_end(attempt.seen_at, pace * (work.frames - attempt.frames), now)
            attempt.due = seat.free = end
        case Stage.DOWNLOAD:
            attempt.due = end
        case Stage.RENDER:
            seat.free = max(seat.free, end)
            attempt.due = end + speeds.download_s(work)
        case _:
            seat.room = max(seat.free, end)
            seat.free = seat.room + speeds.render_s(work)
            attempt.due = seat.free + speeds.download_s(work)


def _plan(board: Board, now: float) -> Plan:
    """A list schedule of the whole queue, and of what the cloud would better take from local lanes.

    That is what is due there last; how many of them, up to all, lets the whole end soonest.
    """
    left, outlook = board.ledger.left, _outlook(board, now)
    taken: set[int] = set()

    def latest(work: Work, lane: Lane) -> float:
        running = board.on_work[work.index]
        if lane.is_local:
            return -math.inf if running else math.inf
        if board.is_barred(work) or work.credits > left:
            return -math.inf
        due = min((attempt.due for attempt in running), default=math.inf)
        return now + (due - now) / _SURE if work.index in taken else due

    queue = board.backlog.all()
    free = [work for work in board.backlog.there() if not board.on_work[work.index] and work.credits <= left]
    best = planned(outlook, queue, latest, free)
    running = sorted(board.alone(local=True), key=lambda a: (-a.due, a.id))
    running = [a for a in running if not a.hedged and board.may_travel(a.work)]
    end = max([best.end, *(a.due for a in running)])
    for n, attempt in enumerate(running):
        if attempt.due <= best.end:
            break
        taken.add(attempt.work.index)
        plan = planned(outlook, [*queue, *(a.work for a in running[: n + 1])], latest, free)
        if attempt.work.index not in plan.ends:
            break
        through = max([plan.end, *(a.due for a in running[n + 1 :])])
        if through - now < _NOTABLY_SOONER * (end - now):
            best, end = plan, through
    return best
