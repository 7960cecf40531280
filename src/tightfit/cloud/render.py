"""Renders: submitted once under an id of our own, waited for, cancelled where given up. Exports are free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from tightfit.cloud.api import ONCE, QUESTION, Api, Tries
from tightfit.cloud.errors import (
    ApiError,
    BadAnswer,
    Conflict,
    ExportBlocked,
    NotFound,
    NotReady,
    RateLimited,
    RenderFailed,
    RenderStillRunning,
    ServerTrouble,
    SessionNotFound,
)
from tightfit.cloud.ledger import Call, Entry, Ledger, Stage
from tightfit.cloud.models import RenderJob, RenderStatus, render_job
from tightfit.cloud.sessions import Session, Sessions
from tightfit.cloud.state import is_ready
from tightfit.cloud.talk import body_digest
from tightfit.cloud.told import Rendering, Tell
from tightfit.cloud.untrusted import note
from tightfit.errors import NetworkError

OUTPUT = {"format": "mp4", "quality": "high"}
_PATH = "/api/render/proxy/lambda"
# The hosted service is asked every 30 s, ten times; ours sooner, until it has shown no progress for as long.
HOSTED_S, PATIENCE_S = 30.0, 300.0
OURS_FIRST_S, OURS_MOST_S, OURS_GROWTH = 2.0, 15.0, 1.5
# A render may be done before its file has a place; so many more polls are given to it.
_POLLS_FOR_A_URL = 2
_MOST_ATTEMPTS = 2
_IN_RENDER: Mapping[int, type[ApiError]] = {402: ExportBlocked, 404: NotFound}
_ODD = re.compile(r"[^A-Za-z0-9_-]")


def render_id(job: str, unit: str, attempt: int) -> str:
    """An id that no other render has: of the job, what is rendered, and the attempt; safe in a path."""
    return f"render_{_ODD.sub('-', job)}_{_ODD.sub('-', unit)}"[:120] + f"_{attempt}"


class Renders:
    """Renders of sessions."""

    def __init__(self, api: Api, sessions: Sessions, ledger: Ledger, tell: Tell) -> None:
        self._api, self._sessions, self._ledger, self._tell = api, sessions, ledger, tell

    async def submit(self, session: Session, draft: Any, output: Mapping[str, Any], *, unit: str, job: str) -> str:
        """See ``CloudClient.submit``."""
        if not is_ready(draft):
            raise NotReady("There is nothing on the timeline yet to render.", hint="Add a clip first.")
        key = f"render_{job}_{unit}"
        digest = body_digest({"draft": draft, "output": output})
        known = self._ledger.latest(key)
        here = known is not None and known.data.get("service", self._api.base_url) == self._api.base_url
        if known and here and known.body == digest and known.stage in (Stage.INTENDED, Stage.ACCEPTED, Stage.DONE):
            at_service = await self._there(str(known.outcome.get("id") or known.data["id"]))
            if at_service and at_service.status not in (RenderStatus.FAILED, RenderStatus.CANCELLED):
                self._ledger.note(known, Stage.ACCEPTED, {"id": at_service.id})
                return at_service.id
            if at_service is None and known.stage is Stage.INTENDED:
                return await self._post(session, known, draft, output)
        if known and here:
            await self._drop(known)
        attempt = known.attempt + 1 if known else 1
        facts = {"session": session.id, "id": render_id(job, unit, attempt), "service": self._api.base_url}
        entry = Entry(key, attempt, Call.RENDER, job, digest, data=facts)
        self._ledger.intend(entry)
        return await self._post(session, entry, draft, output)

    async def _post(self, session: Session, entry: Entry, draft: Any, output: Mapping[str, Any]) -> str:
        """Send a render whose intent is written. The same id twice is one render, so an unclear end may be repeated."""
        sent_id = str(entry.data["id"])
        body = {"id": sent_id, "sessionId": session.id, "draft": draft, "output": dict(output)}
        try:
            reply = await self._api.call("POST", _PATH, body, tries=QUESTION, readings=_IN_RENDER)
            job = _job(reply.body, sent_id)
        except Conflict:
            # Sent before and taken, though its answer was lost; or the id is somebody else's.
            found = await self._there(sent_id)
            if found is None:
                self._ledger.note(entry, Stage.REFUSED, {"kind": Conflict.kind})
                raise
            job = found
        except SessionNotFound as exc:
            self._ledger.note(entry, Stage.REFUSED, {"kind": exc.kind})
            await self._sessions.replace(session)
            raise
        except ServerTrouble:
            raise
        except ApiError as exc:
            self._ledger.note(entry, Stage.REFUSED, {"kind": exc.kind})
            raise
        self._ledger.note(entry, Stage.ACCEPTED, {"id": job.id})
        return job.id

    async def poll(self, render: str, *, tries: Tries = ONCE) -> RenderJob:
        """How a render stands. Raises NotFound, ApiError, BadAnswer, NetworkError."""
        reply = await self._api.call("GET", f"{_PATH}/{_safe(render)}", tries=tries, readings=_IN_RENDER)
        return _job(reply.body, render)

    async def wait(self, render: str, entry: Entry | None, *, ours: bool, patience_s: float = PATIENCE_S) -> RenderJob:
        """Poll until the render has ended. Raises RenderFailed, RenderStillRunning, NotFound."""
        pause, quiet, seen, without_url = OURS_FIRST_S if ours else HOSTED_S, 0.0, None, 0
        self._tell(Rendering(render, 0, "⏳ Rendering" if ours else f"⏳ Rendering ~{HOSTED_S:.0f}s"))
        while quiet < patience_s:
            await self._api.clock.sleep(pause)
            quiet += pause
            if ours:
                pause = min(OURS_MOST_S, pause * OURS_GROWTH)
            try:
                job = await self.poll(render)
            except (RateLimited, ServerTrouble, BadAnswer, NetworkError):
                continue
            if ours and (job.status, job.progress) != seen:
                seen, quiet = (job.status, job.progress), 0.0
            text = "✅ Video ready!" if job.status is RenderStatus.COMPLETED else f"⏳ {job.progress}%"
            self._tell(Rendering(render, job.progress, text))
            if job.status in (RenderStatus.FAILED, RenderStatus.CANCELLED):
                self._settle(entry, Stage.FAILED if job.status is RenderStatus.FAILED else Stage.CANCELLED)
                raise RenderFailed(f'The service could not render it ("{note(job.error) or job.status}").')
            if job.status is RenderStatus.COMPLETED:
                if (job.output and job.output.url) or without_url >= _POLLS_FOR_A_URL:
                    self._settle(entry, Stage.DONE)
                    return job
                without_url += 1
        raise RenderStillRunning(render)

    async def rendered(
        self, session: Session, draft: Any, output: Mapping[str, Any], *, ours: bool, unit: str, job: str
    ) -> RenderJob:
        """See ``CloudClient.render``."""
        for attempt in range(_MOST_ATTEMPTS):
            render = await self.submit(session, draft, output, unit=unit, job=job)
            try:
                return await self.wait(render, self._ledger.latest(f"render_{job}_{unit}"), ours=ours)
            except RenderFailed:
                if attempt + 1 == _MOST_ATTEMPTS:
                    raise
        raise AssertionError("left by a return or by an error")

    async def cancel(self, render: str) -> None:
        """Give a render up; one that has ended, or never was, counts as cancelled. Raises ApiError, NetworkError."""
        try:
            await self._api.call("POST", f"{_PATH}/{_safe(render)}/cancel", tries=QUESTION, readings=_IN_RENDER)
        except (Conflict, NotFound):
            return

    async def give_up(self, entry: Entry) -> None:
        """Cancel a render of the ledger at the service, and note it."""
        await self.cancel(str(entry.outcome.get("id") or entry.data["id"]))
        self._ledger.note(entry, Stage.CANCELLED)

    async def _drop(self, entry: Entry) -> None:
        """Before another attempt: nothing of the one before may be left running."""
        if entry.is_open:
            await self.give_up(entry)

    async def _there(self, render: str) -> RenderJob | None:
        """The render as the service knows it; None where it does not."""
        try:
            return await self.poll(render, tries=QUESTION)
        except NotFound:
            return None

    def _settle(self, entry: Entry | None, stage: Stage) -> None:
        if entry is not None:
            self._ledger.note(entry, stage)


def _job(body: Mapping[str, Any], sent_id: str) -> RenderJob:
    try:
        return render_job(body, sent_id)
    except ValidationError:
        raise BadAnswer("The service told of a render what makes no sense.") from None


def _safe(render: str) -> str:
    """An id as a part of a path; one that came from the service may hold anything."""
    if not re.fullmatch(r"[A-Za-z0-9_.:-]{1,256}", render) or render.strip(".") == "":
        raise BadAnswer("The service gave a render an id that can't be asked for.")
    return render
