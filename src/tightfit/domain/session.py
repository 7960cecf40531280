"""A conversation as its events tell it: what was asked, what became of it, and what "it" is now. Pure.

Like a job (``domain.job``) a session is a replay of lines that are only ever added. A request is plain data here: the
words it came from are the business of ``intent``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

# How work ends: as a job does (domain.result.Status), and "met" for what a service did.
GOOD = ("met", "already_fits")


class Kind(StrEnum):
    """What can happen in a session."""

    OPENED = "opened"  # in a folder, with files
    FILES = "files"  # files were named: they are what is talked about
    HEARD = "heard"  # the user said something, in a language
    QUEUED = "queued"  # work was agreed on, before any of it is done
    STARTED = "started"  # a job of the engine is at it
    ENDED = "ended"  # it has a result, or there will be none
    UNDONE = "undone"  # the newest request counts no more; nothing is removed
    REDONE = "redone"  # a result of before counts again
    ASKED = "asked"  # the user was asked something about what was said
    CLOUD = "cloud"  # a timeline at a service was begun, or took the place of one that was lost
    TIMELINE = "timeline"  # what is talked about is the timeline at the service


@dataclass(frozen=True)
class Event:
    """One line. ``at`` is wall time in seconds, for people only."""

    kind: Kind
    data: Mapping[str, Any]
    at: float = 0.0


@dataclass(frozen=True)
class Work:
    """One piece of work: ``compress`` makes ``wishes`` of ``source``; the others are done at a service.

    ``turn`` counts the requests, of which one may be about several files. ``status`` is empty until it has ended.
    """

    number: int
    turn: int
    kind: str
    source: str
    wishes: Mapping[str, Any]
    text: str = ""
    job: str = ""
    status: str = ""
    output: str = ""
    bytes: int = 0
    limit: int = 0
    undone: bool = False

    @property
    def is_good(self) -> bool:
        return self.status in GOOD and not self.undone

    @property
    def is_open(self) -> bool:
        return not self.status and not self.undone


@dataclass(frozen=True)
class Session:
    """Where a conversation stands. ``it`` is what is talked about; with ``on_timeline`` it is the service's."""

    id: str = ""
    folder: str = ""
    language: str = "en"
    files: tuple[str, ...] = ()
    it: tuple[str, ...] = ()
    on_timeline: bool = False
    works: tuple[Work, ...] = ()
    question: str = ""
    cloud: str = ""
    service: str = ""
    turns: int = 0

    @property
    def open_works(self) -> list[Work]:
        """What is not done yet, in the order in which it is to be done."""
        return [work for work in self.works if work.is_open]

    @property
    def others(self) -> list[str]:
        """Files of this session that are not being talked about."""
        return [name for name in self.files if name not in self.it]

    @property
    def newest(self) -> list[Work]:
        """The works of the newest request that counts."""
        turn = max((w.turn for w in self.works if w.kind == "compress" and not w.undone and _counts(w)), default=0)
        return [work for work in self.works if work.turn == turn and work.kind == "compress"]

    def version(self, source: str) -> Work | None:
        """The newest work on ``source`` that counts: done well, or still to be done."""
        found = [w for w in self.works if w.source == source and w.kind == "compress" and not w.undone and _counts(w)]
        return found[-1] if found else None

    def result(self, source: str) -> Work | None:
        """The newest result of ``source`` that counts."""
        found = [w for w in self.works if w.source == source and w.kind == "compress" and w.is_good]
        return found[-1] if found else None

    @property
    def timeline_limit(self) -> int | None:
        """The last size in bytes that was asked of the timeline."""
        asked = [w.wishes["target"]["bytes"] for w in self.works if w.kind == "message" and w.wishes and not w.undone]
        return int(asked[-1]) if asked else None

    def made_before(self, source: str, wishes: Mapping[str, Any]) -> Work | None:
        """A good result for the same wishes, also one that was undone."""
        same = (w for w in self.works if w.source == source and w.status in GOOD and _same(w.wishes, wishes))
        return next(same, None)


def _counts(work: Work) -> bool:
    return not work.status or work.status in GOOD


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    told = ("language", "assumed", "unclear")
    return {k: v for k, v in one.items() if k not in told} == {k: v for k, v in other.items() if k not in told}


def replay(session_id: str, events: Iterable[Event]) -> Session:
    """The session of ``events``, oldest first."""
    session = Session(session_id)
    for event in events:
        session = after(session, event)
    return session


def after(session: Session, event: Event) -> Session:
    """``session`` once ``event`` happened."""
    data = event.data
    match event.kind:
        case Kind.OPENED:
            files = tuple(data["files"])
            return replace(session, folder=data["folder"], language=data["language"], files=files, it=files)
        case Kind.FILES:
            named = tuple(data["files"])
            files = tuple(dict.fromkeys([*session.files, *named]))
            return replace(session, files=files, it=named, on_timeline=False)
        case Kind.HEARD:
            return replace(session, language=data["language"], question="", turns=session.turns + 1)
        case Kind.ASKED:
            return replace(session, question=data["sentence"])
        case Kind.QUEUED:
            return _queued(session, data)
        case Kind.CLOUD:
            return replace(session, cloud=data["session"], service=data["service"])
        case Kind.TIMELINE:
            return replace(session, on_timeline=True)
        case Kind.UNDONE:
            works = [replace(w, undone=True) if w.turn == data["turn"] else w for w in session.works]
            return replace(session, works=tuple(works))
        case Kind.REDONE:
            return _redone(session, data)
    return _worked(session, event)


def _queued(session: Session, data: Mapping[str, Any]) -> Session:
    """More work; where it is about a file, that is what is talked about from now on."""
    number = len(session.works) + 1
    work = Work(number, session.turns, data["kind"], data["source"], data["wishes"], data.get("text", ""))
    session = replace(session, works=(*session.works, work))
    if work.kind != "compress":
        return session
    return _about(session, work.source)


def _about(session: Session, source: str) -> Session:
    """What this request is about so far is what is talked about."""
    together = [w.source for w in session.works if w.turn == session.turns and w.kind == "compress"]
    files = tuple(dict.fromkeys([*session.files, source]))
    return replace(session, files=files, it=tuple(together), on_timeline=False)


def _redone(session: Session, data: Mapping[str, Any]) -> Session:
    """The result of an older work is the newest version again, as a work of this turn that is done."""
    old = session.works[data["number"] - 1]
    again = replace(old, number=len(session.works) + 1, turn=session.turns, undone=False)
    return _about(replace(session, works=(*session.works, again)), old.source)


def _worked(session: Session, event: Event) -> Session:
    data, number = event.data, int(event.data["number"])
    work = session.works[number - 1]
    if event.kind is Kind.STARTED:
        work = replace(work, job=data["job"])
    elif event.kind is Kind.ENDED:
        known = {key: data[key] for key in ("output", "bytes", "limit") if data.get(key) is not None}
        work = replace(work, status=data["status"], **known)
    return replace(session, works=(*session.works[: number - 1], work, *session.works[number:]))
