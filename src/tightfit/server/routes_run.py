"""Messages to the agent: the answer is a stream of events, the work is a run that does not need the stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import Response

from tightfit.domain.ledger import OutOfCredits
from tightfit.server.accounts import User
from tightfit.server.events import END, HEARTBEAT, Event, framework_event, simple_event
from tightfit.server.faults import SCOPE_KEY, FaultRule
from tightfit.server.json_text import dumps
from tightfit.server.refusals import Code, Refusal
from tightfit.server.runs import Feed, Staging
from tightfit.server.services import Here, Services, Writer, session_of
from tightfit.server.sessions import RunGoingOn
from tightfit.server.wire import APP, RunSse

router = APIRouter()
_HEADERS = {"Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
# Longer than any run: our own heartbeats go by our own clock.
_NO_PING_S = 86_400
# A stream that only keeps itself alive ends when every client has given it up.
_MOST_STREAM_S = 900.0


@router.post("/run_sse")
async def run_sse(
    here: Here, user: Writer, request: Request, body: RunSse, sse: Annotated[str | None, Query()] = None
) -> Response:
    """Answer a message. ``?sse=simple`` asks for the simple shape of events."""
    if body.app_name != APP:
        raise Refusal(Code.INVALID, f"There is no app called {body.app_name[:60]!r} here.")
    session = session_of(here, user, body.session_id, body.user_id)
    if not body.message:
        raise Refusal(Code.INVALID, "The message holds no text.")
    rule: FaultRule | None = request.scope.get(SCOPE_KEY)
    try:
        feed = here.runs.start(session, body.message, _staging(rule))
    except RunGoingOn as going_on:
        data = {"run_id": going_on.run}
        raise Refusal(Code.CONFLICT, "This session is answering another message.", data=data) from None
    except OutOfCredits as out:
        raise _out_of_credits(user, out) from None
    events = _stream(here, feed, rule.name if rule else "", simple=sse == "simple")
    return EventSourceResponse(events, headers=_HEADERS, ping=_NO_PING_S, sep="\n")


def _staging(rule: FaultRule | None) -> Staging:
    if rule is None:
        return Staging()
    return Staging(works_s=rule.value if rule.name == "delay" else 0.0, fails=rule.name == "agent_error")


async def _stream(here: Services, feed: Feed, fault: str, *, simple: bool) -> AsyncIterator[ServerSentEvent]:
    until = here.clock.now() + _MOST_STREAM_S
    beat = ServerSentEvent(comment=HEARTBEAT)
    if fault == "heartbeat_only":
        while here.clock.now() < until:
            yield beat
            await here.clock.sleep(here.settings.heartbeat_s)
        return
    async for event in feed.listen(here.clock, here.settings.heartbeat_s):
        if event is None:
            yield beat
        elif not (fault == "silent" and event.kind == "text"):
            yield ServerSentEvent(data=dumps(_shape(event, simple)))
    yield ServerSentEvent(comment=END)


def _shape(event: Event, simple: bool) -> dict[str, Any]:
    return simple_event(event) if simple else framework_event(event)


def _out_of_credits(user: User, out: OutOfCredits) -> Refusal:
    web = "https://nemovideo.com"
    data = {
        "bind_id": user.id,
        "register_url": f"{web}/register?bind={quote(user.id, safe='')}",
        "topup_url": f"{web}/pricing",
        "available": out.available,
        "required": out.required,
        "is_anonymous": user.anonymous,
    }
    message = f"This needs {out.required} credits and {out.available} are left."
    return Refusal(Code.CREDITS, message, data=data)
