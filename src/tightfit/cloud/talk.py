"""One message to the agent, which may cost credits: sent at most once, and its effect looked up when in doubt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from typing import Any

from tightfit.cloud.answers import opened
from tightfit.cloud.api import MESSAGE, Api, Headers
from tightfit.cloud.credits import balance
from tightfit.cloud.errors import (
    BadAnswer,
    Conflict,
    ExportBlocked,
    FileTooLarge,
    Forbidden,
    InvalidDraft,
    NotFound,
    OutOfCredits,
    RateLimited,
    SessionNotFound,
    StreamDropped,
    StreamError,
    StreamTimeout,
    TokenExpired,
    UnsupportedFile,
)
from tightfit.cloud.gui import GuiIntent
from tightfit.cloud.ledger import Call, Entry, Ledger, Stage
from tightfit.cloud.listen import SILENT_S, Closing, Heard, listen
from tightfit.cloud.sessions import IN_SESSION, Session, Sessions
from tightfit.cloud.state import State, difference, summary
from tightfit.cloud.told import Said, Tell
from tightfit.cloud.untrusted import note
from tightfit.errors import CloudError, NetworkError
from tightfit.net.errors import ConnectionFailed, ConnectionStalled
from tightfit.net.http import Incoming

# When to look for a change after an answer that closed without a word, in seconds between the looks.
SILENT_LOOKS = (0.0, 2.0, 5.0, 10.0)
# The same after a broken one: five looks in about five minutes.
BROKEN_LOOKS = (30.0, 60.0, 60.0, 60.0, 60.0)
# What a process looks for that finds a message of a dead one.
LEFT_LOOKS = (0.0, *BROKEN_LOOKS[1:])
NO_CHANGE = "Nothing visible changed. Say it again, or in other words?"
# The service said no before it began: nothing happened and nothing was paid.
_REFUSALS = (
    *(TokenExpired, SessionNotFound, OutOfCredits, RateLimited, Forbidden, InvalidDraft, NotFound),
    *(ExportBlocked, UnsupportedFile, FileTooLarge, ConnectionFailed),
)


@dataclass(frozen=True)
class RunOutcome:
    """``text`` is all that was said to the user. ``state_changed`` is None where it was not looked at."""

    text: str
    closed: Closing
    state_changed: bool | None = None


class Talk:
    """Sends messages in sessions."""

    def __init__(self, api: Api, sessions: Sessions, ledger: Ledger, tell: Tell) -> None:
        self._api, self._sessions, self._ledger, self._tell = api, sessions, ledger, tell

    async def say(self, session: Session, text: str, *, key: str, job: str, cost: int) -> RunOutcome:
        """See ``CloudClient.say``."""
        body = {
            "app_name": "nemo_agent",
            "user_id": "me",
            "session_id": session.id,
            "new_message": {"parts": [{"text": text}]},
        }
        digest = hashlib.sha256(text.encode()).hexdigest()
        known = self._ledger.latest(key)
        if known and known.stage is not Stage.REFUSED:
            return await self._known(known)
        before = await self._sessions.state(session)
        body["session_id"] = session.id
        credits = await balance(self._api)
        facts = {
            "session": session.id,
            "digest": before.digest,
            "version": before.version,
            "summary": summary(before.draft),
            "available": credits.available,
            "frozen": credits.frozen,
        }
        entry = Entry(key, known.attempt + 1 if known else 1, Call.MESSAGE, job, digest, cost, facts)
        self._ledger.intend(entry)
        return await self._sent(session, entry, body, before)

    async def _sent(self, session: Session, entry: Entry, body: Mapping[str, Any], before: State) -> RunOutcome:
        try:
            async with AsyncExitStack() as stack:
                incoming = await self._begun(stack, body)
                heard = await listen(incoming, self._api.clock, self._tell)
        except Conflict:
            # Another message is at work in this session; ours was not taken.
            self._ledger.note(entry, Stage.REFUSED, {"kind": "conflict"})
            after = await self._change(session, before, BROKEN_LOOKS)
            return self._unspoken(before, after, Closing.DROPPED)
        except _REFUSALS as exc:
            self._ledger.note(entry, Stage.REFUSED, {"kind": exc.kind})
            if isinstance(exc, SessionNotFound):
                await self._sessions.replace(session)
            raise
        except (CloudError, NetworkError):
            heard = Heard(closed=Closing.DROPPED)
        return await self._ended(session, entry, heard, before)

    async def _begun(self, stack: AsyncExitStack, body: Mapping[str, Any]) -> Incoming:
        """The stream, once it has begun. Raises ApiError, BadAnswer, NetworkError."""

        async def once(headers: Headers) -> Incoming:
            async with AsyncExitStack() as one:
                sent = {**headers, "Accept": "text/event-stream", "Cache-Control": "no-store"}
                url = self._api.url("/run_sse")
                stream = self._api.http.stream("POST", url, sent, body, patient=True)
                with self._api.clock.within(SILENT_S) as begin:
                    incoming = await one.enter_async_context(stream)
                if begin.cancelled_caught:
                    raise ConnectionStalled("The service does not begin to answer.")
                kind = incoming.headers.get("content-type", "").lower()
                if incoming.status != 200 or "text/event-stream" not in kind:
                    opened(await incoming.whole(), IN_SESSION)
                    raise BadAnswer("The service answered a message with something that is no stream.")
                stack.push_async_exit(one.pop_all())
                return incoming

        return await self._api.tried(once, MESSAGE)

    async def _ended(self, session: Session, entry: Entry, heard: Heard, before: State) -> RunOutcome:
        if heard.closed is Closing.ERROR:
            self._ledger.note(entry, Stage.UNKNOWN, {"closed": Closing.ERROR, "text": heard.text})
            raise _agent_error(heard)
        outcome = await self._looked_up(session, heard, before)
        if outcome is None:
            self._ledger.note(entry, Stage.UNKNOWN, {"closed": heard.closed, "text": heard.text})
            raise _gave_up(heard)
        self._ledger.note(entry, Stage.DONE, asdict(outcome))
        return outcome

    async def _looked_up(self, session: Session, heard: Heard, before: State) -> RunOutcome | None:
        """The outcome, with the timeline asked where words are missing; None where it can't be told."""
        if heard.closed is Closing.CLEAN:
            now = None if heard.is_certain else await self._seen(session)
            changed = now.differs_from(before) if now else None
            return RunOutcome(await self._completed(session, heard), Closing.CLEAN, changed)
        looks = SILENT_LOOKS if heard.closed is Closing.SILENT else BROKEN_LOOKS
        after = await self._change(session, before, looks)
        if heard.closed is not Closing.SILENT and after is None:
            return None
        return self._unspoken(before, after, heard.closed, heard.text)

    async def _completed(self, session: Session, heard: Heard) -> str:
        """What was said, with what it pointed to on a screen: only looking is done, everything else is offered."""
        more = []
        if {GuiIntent.STATE, GuiIntent.SUMMARY, GuiIntent.OFFER_EXPORT} & set(heard.intents):
            now = await self._seen(session)
            more += [summary(now.draft)] if now else []
        if GuiIntent.CREDITS in heard.intents:
            with suppress(CloudError, NetworkError):
                credits = await balance(self._api)
                more.append(f"Credits: {credits.available} available, {credits.frozen} frozen.")
        if GuiIntent.OFFER_EXPORT in heard.intents:
            more.append("Export, or keep editing?")
        if GuiIntent.OFFER_EDIT in heard.intents:
            more.append("Say what should move where, and it will be done.")
        if more:
            self._tell(Said("\n".join(more)))
        return "\n".join(filter(None, (heard.text, *more)))

    async def _seen(self, session: Session) -> State | None:
        """The timeline, where it can be had: what was said counts without it."""
        try:
            return await self._sessions.look(session)
        except (CloudError, NetworkError):
            return None

    def _unspoken(self, before: State, after: State | None, closed: Closing, text: str = "") -> RunOutcome:
        said = difference(before, after) if after else NO_CHANGE
        self._tell(Said(said))
        return RunOutcome("\n".join(filter(None, (text, said))), closed, after is not None)

    async def _change(self, session: Session, before: State, looks: tuple[float, ...]) -> State | None:
        """The first state that differs from ``before``, looked for after each of ``looks``; None where none does."""
        for wait in looks:
            await self._api.clock.sleep(wait)
            try:
                now = await self._sessions.look(session)
            except SessionNotFound:
                await self._sessions.replace(session)
                raise
            except (CloudError, NetworkError):
                # A look that failed has seen no change; the next may get through.
                continue
            if now.differs_from(before):
                return now
        return None

    async def _known(self, entry: Entry) -> RunOutcome:
        """What became of a message that was sent before, perhaps by a process that is dead. Never sends."""
        if entry.stage is Stage.DONE:
            facts = entry.outcome
            return RunOutcome(str(facts.get("text", "")), Closing(facts["closed"]), facts.get("state_changed"))
        if entry.stage is not Stage.INTENDED:
            raise _gave_up(Heard([str(entry.outcome.get("text", ""))], closed=Closing.DROPPED))
        before = State(version=entry.data.get("version"), digest=str(entry.data["digest"]))
        after = await self._change(Session(str(entry.data["session"])), before, LEFT_LOOKS)
        if after is None:
            self._ledger.note(entry, Stage.UNKNOWN, {"closed": Closing.DROPPED})
            raise _gave_up(Heard(closed=Closing.DROPPED))
        said = f"Done. Before: {entry.data.get('summary', '')} Now: {summary(after.draft)}"
        self._tell(Said(said))
        outcome = RunOutcome(said, Closing.DROPPED, True)
        self._ledger.note(entry, Stage.DONE, asdict(outcome))
        return outcome


def body_digest(body: Any) -> str:
    """SHA-256 of the canonical form of a JSON body."""
    plain = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _gave_up(heard: Heard) -> StreamError:
    kind = StreamTimeout if heard.closed is Closing.TIMEOUT else StreamDropped
    what = "timed out" if heard.closed is Closing.TIMEOUT else "was cut off"
    return kind(
        f"The answer of the service {what}, and nothing changed in the five minutes after it.",
        text=heard.text,
        hint="It was not sent again, since that may cost credits twice; say it again if you want it.",
    )


def _agent_error(heard: Heard) -> CloudError:
    assert heard.error is not None, "closed by one"
    detail = note(heard.error.text)
    if heard.error.code == OutOfCredits.number:
        return OutOfCredits(detail)
    said = f' It says: "{detail}".' if detail else ""
    return StreamError(f"The service failed while it worked on the message.{said}", text=heard.text)
