"""A job as its events tell it: every state is a pure replay, and only legal transitions exist.

Events are never changed or removed, so what they say stays true: a job that was killed is one whose last start
was followed by nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from tightfit.errors import IllegalTransition


class State(StrEnum):
    """Where a job stands. RUNNING is also what a killed one looks like: its lock tells the difference."""

    SUBMITTED = "submitted"
    RUNNING = "running"
    INTERRUPTED = "interrupted"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DONE = "done"


class Kind(StrEnum):
    """What can happen to a job."""

    SUBMITTED = "submitted"  # nothing -> submitted: the request, before any work
    STARTED = "started"  # a process took the job up, for the first time or again -> running
    RESTARTED = "restarted"  # running: all pieces so far are void, the clip is encoded anew with what was learned
    MADE = "made"  # running: a piece is durable, and with it a way to cover its segment
    PUBLISHING = "publishing"  # running: the file is verified and about to get its name
    PUBLISHED = "published"  # running -> done: the file is at its place
    INTERRUPTED = "interrupted"  # running -> interrupted: the user stopped it, it can go on
    FAILED = "failed"  # running -> failed: with the reason, and whether going on makes sense
    CANCELLED = "cancelled"  # any unfinished state -> cancelled: the user gave it up


_UNFINISHED = (State.SUBMITTED, State.RUNNING, State.INTERRUPTED, State.FAILED)
TRANSITIONS: Mapping[tuple[State | None, Kind], State] = {
    (None, Kind.SUBMITTED): State.SUBMITTED,
    **{(state, Kind.STARTED): State.RUNNING for state in _UNFINISHED},
    **{(State.RUNNING, kind): State.RUNNING for kind in (Kind.RESTARTED, Kind.MADE, Kind.PUBLISHING)},
    (State.RUNNING, Kind.PUBLISHED): State.DONE,
    (State.RUNNING, Kind.INTERRUPTED): State.INTERRUPTED,
    (State.RUNNING, Kind.FAILED): State.FAILED,
    **{(state, Kind.CANCELLED): State.CANCELLED for state in _UNFINISHED},
}


@dataclass(frozen=True)
class Event:
    """One line of the journal. ``at`` is wall time in seconds, for people only; order is the journal's."""

    kind: Kind
    data: Mapping[str, Any]
    at: float = 0.0


@dataclass(frozen=True)
class JobRecord:
    """What the events of one job come to.

    ``work`` are those that an encode can go on from, ``content`` is the source's SHA-256 when it was first read.
    """

    id: str
    state: State | None = None
    request: Mapping[str, Any] | None = None
    submitted_at: float = 0.0
    changed_at: float = 0.0
    work: tuple[Event, ...] = ()
    publishing: Mapping[str, Any] | None = None
    content: str = ""
    reason: str = ""
    may_resume: bool = False

    @property
    def pieces(self) -> int:
        """Finished pieces that are still of use."""
        return sum(event.kind is Kind.MADE for event in self.work)

    @property
    def is_unfinished(self) -> bool:
        """True where going on makes sense."""
        return self.state in (State.SUBMITTED, State.RUNNING, State.INTERRUPTED) or (
            self.state is State.FAILED and self.may_resume
        )


def replay(job_id: str, events: Iterable[Event]) -> JobRecord:
    """The record of ``events``, oldest first. Raises IllegalTransition."""
    record = JobRecord(job_id)
    for event in events:
        record = after(record, event)
    return record


def after(record: JobRecord, event: Event) -> JobRecord:
    """``record`` once ``event`` happened. Raises IllegalTransition where it can't."""
    state = TRANSITIONS.get((record.state, event.kind))
    if state is None:
        now = record.state or "unknown"
        raise IllegalTransition(
            f"Job {record.id} is {now}; it can't become {event.kind}.",
            hint="Run tightfit jobs show with its id, and please report this.",
        )
    record = replace(record, state=state, changed_at=event.at)
    match event.kind:
        case Kind.SUBMITTED:
            return replace(record, request=event.data, submitted_at=event.at)
        case Kind.RESTARTED:
            return replace(record, work=(event,))
        case Kind.MADE:
            return replace(record, work=(*record.work, event))
        case Kind.PUBLISHING:
            return replace(record, publishing=event.data)
        case Kind.FAILED:
            return replace(record, reason=str(event.data.get("message", "")), may_resume=bool(event.data["may_resume"]))
        case Kind.STARTED:
            return replace(record, reason="", content=record.content or str(event.data.get("content", "")))
    return record
