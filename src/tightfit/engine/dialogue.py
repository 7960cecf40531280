"""What one line of a conversation asks for, given what was said before: events, and words to answer with.

Nothing is done here. A line is a follow-up (``intent.followup``), a command, or a request; a request without a file is
about "it", keeps the wishes that it does not replace, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from tightfit.cloud.gui import UserRoute, route
from tightfit.domain.session import Event, Kind, Session, Work, after
from tightfit.engine import amends
from tightfit.engine.amends import merged
from tightfit.engine.spoken import requests_for
from tightfit.errors import UsageError
from tightfit.intent.explain import explain
from tightfit.intent.followup import FollowUp, follow_up, is_beyond, language_of
from tightfit.intent.followup import Kind as Meant
from tightfit.intent.lexicon import load, reply
from tightfit.intent.model import Action, Intent, from_wire
from tightfit.intent.understand import understand
from tightfit.units import format_bytes


class Do(StrEnum):
    """What the session has to do beside its work."""

    NOTHING = ""
    STOP = "stop"
    QUIT = "quit"
    STATUS = "status"
    CREDITS = "credits"
    CONNECT = "connect"


@dataclass(frozen=True)
class World:
    """What a line's meaning depends on outside of the session.

    ``size_of`` gives bytes, 0 for what is not there; ``named`` the one name that a file has in this session.
    """

    exists: Callable[[str], bool]
    size_of: Callable[[str], int]
    connected: bool = False
    percent: Callable[[int], float] = lambda _: 0.0
    named: Callable[[str], str] = lambda name: name

    def names(self, files: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(self.named, files)))


@dataclass
class Step:
    """What comes of one line. ``stop`` are works that are to be ended."""

    session: Session
    events: list[Event] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    do: Do = Do.NOTHING
    stop: list[int] = field(default_factory=list)

    def happen(self, kind: Kind, /, **data: Any) -> None:
        event = Event(kind, data)
        self.events.append(event)
        self.session = after(self.session, event)

    def say(self, key: str, /, **values: object) -> None:
        self.replies.append(reply(self.session.language, key, **values))

    def words(self, key: str, /, **values: object) -> None:
        """Something that ``ask`` says too."""
        self.replies.append(load(self.session.language).say[key].format(**values))


def respond(session: Session, text: str, files: Sequence[str], world: World) -> Step:
    """What ``text`` and the ``files`` dropped with it ask for."""
    step, pending = Step(session), session.question
    step.happen(Kind.HEARD, text=text, language=language_of(text, world.exists, session.language))
    files = world.names(files)
    if not text.strip():
        _name(step, files, world)
        return step
    found = follow_up(text, world.exists, session.language)
    if found and _follow(step, found, world):
        return step
    intent = understand(text, files, world.exists, step.session.language)
    if pending:
        intent = _answered(pending, intent, text, files, world)
    _request(step, replace(intent, files=world.names(intent.files)), text, world)
    return step


def _answered(pending: str, intent: Intent, text: str, files: Sequence[str], world: World) -> Intent:
    """The question's sentence and its answer as one request, where that is clear; else the answer by itself."""
    together = understand(f"{pending}, {text}", files, world.exists, intent.language)
    clear = not together.unclear and together.action in (Action.COMPRESS, Action.EDIT)
    return together if clear and (not intent.files or together.files == intent.files) else intent


def _name(step: Step, files: Sequence[str], world: World) -> None:
    known = step.session.files
    step.happen(Kind.FILES, files=list(files))
    for name in files:
        key = "already_here" if name in known else "here"
        step.say(key, file=name, size=format_bytes(world.size_of(name)))


# -- follow-ups


def _follow(step: Step, found: FollowUp, world: World) -> bool:
    """Do what a follow-up asks; False where nothing was made that it could be about."""
    session = step.session
    if found.kind in (Meant.SMALLER, Meant.BETTER):
        if session.on_timeline or not any(session.version(name) for name in session.it):
            return False
        _resize(step, found, world)
    elif found.kind is Meant.SAME:
        _same(step, found, world)
    elif found.kind is Meant.UNDO:
        _undo(step)
    elif found.kind is Meant.WHERE:
        _where(step, world)
    elif found.kind is Meant.DID:
        _did(step)
    else:
        step.do = Do.QUIT if found.kind is Meant.QUIT else Do.CONNECT
    return True


def _resize(step: Step, found: FollowUp, world: World) -> None:
    wished = []
    for name in step.session.it:
        before = step.session.version(name)
        if before is None:
            continue
        was = from_wire(before.wishes)
        base, source = amends.limit_of(before, world.size_of), world.size_of(name)
        if found.kind is Meant.BETTER and was.target.preset and before.status != "already_fits":
            step.say("full", file=name, preset=was.target.preset)
        elif found.kind is Meant.BETTER and base >= source:
            step.say("as_good", file=name)
        else:
            size = amends.smaller(base, found) if found.kind is Meant.SMALLER else amends.larger(base, source, found)
            wished.append(amends.sized(was, size, step.session.language))
    _agree(step, wished, world)


def _same(step: Step, found: FollowUp, world: World) -> None:
    session, before = step.session, step.session.newest
    if not before:
        step.say("nothing_before")
        return
    targets = list(world.names(found.files)) or session.others
    if not targets:
        step.say("no_others")
    elif found.number not in (None, len(targets)):
        step.say("how_many", number=found.number, files=", ".join(targets))
    else:
        was = from_wire(before[0].wishes)
        _agree(step, [replace(was, files=(name,), language=session.language) for name in targets], world)


def _undo(step: Step) -> None:
    newest = step.session.newest
    if not newest:
        step.say("nothing_to_undo")
        return
    step.stop = [work.number for work in newest if work.is_open]
    step.happen(Kind.UNDONE, turn=newest[0].turn)
    for work in newest:
        if now := step.session.result(work.source):
            step.say("undone", file=work.source, output=now.output, size=format_bytes(now.bytes))
        else:
            step.say("undone_first", file=work.source)
        if work.output:
            step.say("kept", output=work.output)


def _where(step: Step, world: World) -> None:
    for name in step.session.it:
        found, work = step.session.result(name), step.session.version(name)
        if work is not None and work.is_open:
            _progress(step, work, world)
        elif found is not None:
            step.say("where", file=name, output=found.output, size=format_bytes(found.bytes))
    if len(step.replies) == 0:
        step.say("nothing_made")


def _progress(step: Step, work: Work, world: World) -> None:
    if work.job or work.number == step.session.open_works[0].number:
        step.say("at_work", file=work.source, percent=f"{world.percent(work.number):.0f}")
    else:
        step.say("waiting", file=work.source)


_MARKS = {"": "…", "failed": "✗", "infeasible": "✗", "cancelled": "✗"}


def _did(step: Step) -> None:
    session = step.session
    for work in session.works:
        wishes = explain(from_wire(work.wishes), session.language) if work.wishes else work.text
        made = f"{work.output} ({format_bytes(work.bytes)})" if work.output else _MARKS.get(work.status, "✓")
        mark = f", {reply(session.language, 'undone_mark')}" if work.undone else ""
        step.say("did", number=work.number, wishes=wishes, outcome=made + mark)
    if not session.works:
        step.say("nothing_made")


# -- requests

_SIMPLE = {
    Action.CANCEL: Do.STOP,
    Action.STATUS: Do.STATUS,
    Action.CREDITS: Do.CREDITS,
}


_ROUTES = {
    UserRoute.EXPORT: Action.EXPORT,
    UserRoute.CREDITS: Action.CREDITS,
    UserRoute.STATE: Action.STATUS,
    UserRoute.UPLOAD: Action.UPLOAD,
}


def _request(step: Step, intent: Intent, text: str, world: World) -> None:
    if world.connected and not intent.target and (routed := _ROUTES.get(route(text))):
        intent = replace(intent, action=routed)
    if intent.action is Action.HELP:
        step.say("help")
    elif intent.action in _SIMPLE:
        step.do = _SIMPLE[intent.action]
    elif intent.action is Action.UPLOAD:
        _upload(step, intent, world)
    elif step.session.on_timeline and world.connected and not intent.files:
        _at_the_service(step, intent, text)
    else:
        _local(step, intent, text, world)


def _at_the_service(step: Step, intent: Intent, text: str) -> None:
    """What is said of the timeline: rendered where that is all, else told to the agent in the user's words."""
    exporting = intent.action is Action.EXPORT and not amends.has_wishes(intent)
    ahead = len(step.session.open_works)
    # A size is remembered: whether the service can keep to one is not known before the file is there.
    wishes = intent.wire if intent.target.bytes and not intent.unclear else {}
    step.happen(Kind.QUEUED, kind="export" if exporting else "message", source="", wishes=wishes, text=text)
    if ahead:
        step.say("queued", ahead=ahead)


def _upload(step: Step, intent: Intent, world: World) -> None:
    files = intent.files or step.session.it
    if not world.connected:
        step.say("not_connected")
    elif not files:
        _ask(step, intent, load(intent.language).say["ask_file"], "")
    else:
        for name in files:
            step.happen(Kind.QUEUED, kind="upload", source=name, wishes={})


def _local(step: Step, intent: Intent, text: str, world: World) -> None:
    """A request that this machine does, or one that nobody here can do."""
    files = intent.files or step.session.it
    if intent.unclear or intent.question:
        if is_beyond(text, world.exists, intent.language):
            _for_a_service(step, files, text, world)
        else:
            _ask(step, intent, intent.question or load(intent.language).say["ask_what"], text)
    elif intent.action is Action.UNKNOWN:
        if intent.files:
            _name(step, intent.files, world)
        elif world.connected and not files:
            step.happen(Kind.QUEUED, kind="message", source="", wishes={}, text=text)
        else:
            step.words("ask_size" if files else "ask_file")
    elif not files:
        _ask(step, intent, load(intent.language).say["ask_file"], text)
    elif intent.action is Action.EXPORT and not amends.has_wishes(intent):
        step.say("upload_first" if world.connected else "not_here", file=", ".join(files))
    else:
        # What is said of "it" adds to what was asked of it before; a named file that is given a size begins anew.
        keeps = not intent.files or not intent.target
        before = {name: step.session.version(name) if keeps else None for name in files}
        _agree(step, [merged(was, intent, name) for name, was in before.items()], world)


def _for_a_service(step: Step, files: Sequence[str], text: str, world: World) -> None:
    if not world.connected:
        step.say("not_here")
    elif files:
        step.say("upload_first", file=", ".join(files))
    else:
        step.happen(Kind.QUEUED, kind="message", source="", wishes={}, text=text)


def _ask(step: Step, intent: Intent, question: str, text: str) -> None:
    """Ask; the next line may be the answer, beside what of this one was clear."""
    for part in intent.unclear:
        if len(part) < len(text.strip()):
            text = text.replace(part, " ", 1)
    step.replies.append(question.format(what=", ".join(intent.unclear)) if "{what}" in question else question)
    step.happen(Kind.ASKED, sentence=text)


def _agree(step: Step, wished: Sequence[Intent], world: World) -> None:
    """Queue one work for each intent, which has one file; say what is understood, and what "it" is."""
    ahead = len(step.session.open_works)
    for intent in _alike(wished):
        try:
            if intent.total and len(intent.files) > 1:
                raise UsageError("One limit for several files together is for tightfit ask and compress.")
            requests_for(intent)
        except UsageError as error:
            _refuse(step, intent, error, world)
            continue
        _announce(step, intent)
        for name in intent.files:
            _queue(step, replace(intent, files=(name,)), world)
    if ahead and len(step.session.open_works) > ahead:
        step.say("queued", ahead=ahead)


def _queue(step: Step, intent: Intent, world: World) -> None:
    name, wire = intent.files[0], {**intent.wire, "fit": intent.fit}
    made = step.session.made_before(name, wire)
    if made and world.size_of(made.output) == made.bytes:
        step.happen(Kind.REDONE, number=made.number)
        step.say("again", output=made.output)
    else:
        step.happen(Kind.QUEUED, kind="compress", source=name, wishes=wire)


def _refuse(step: Step, intent: Intent, error: UsageError, world: World) -> None:
    if any(edit["kind"] in amends.OF_A_TIMELINE for edit in intent.edits):
        _for_a_service(step, intent.files, "", world)
    else:
        step.replies.append(str(error))


def _announce(step: Step, intent: Intent) -> None:
    words = load(step.session.language).say
    lines = [words["understood"].format(wishes=explain(intent, step.session.language))]
    if intent.assumed:
        lines.append(words["assumed"].format(assumed=words["joiner"].join(intent.assumed)))
    step.replies.append(" ".join(lines))


def _alike(wished: Sequence[Intent]) -> list[Intent]:
    """Intents that differ only in their files, as one each."""
    found: dict[str, Intent] = {}
    for intent in wished:
        key = str(_without_files(intent.wire))
        known = found.get(key)
        found[key] = replace(intent, files=(*known.files, *intent.files)) if known else intent
    return list(found.values())


def _without_files(wire: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in wire.items() if key not in ("files", "assumed")}
