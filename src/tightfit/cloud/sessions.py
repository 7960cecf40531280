"""Sessions: a timeline at the service. One that is lost is replaced once, and whoever listens is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from tightfit.cloud.answers import Reply, opened
from tightfit.cloud.api import QUESTION, SESSION, Api, Headers
from tightfit.cloud.errors import ApiError, BadAnswer, SessionNotFound
from tightfit.cloud.models import ClaimToken, SessionData
from tightfit.cloud.state import State, state_of
from tightfit.cloud.told import SessionLost, Tell

# Status 404 without a code means the session wherever one is named in the request.
IN_SESSION: Mapping[int, type[ApiError]] = {404: SessionNotFound}


@dataclass
class Session:
    """A handle that stays valid: when the service loses the session, ``id`` becomes that of its successor."""

    id: str
    user_id: str | None = None
    language: str | None = None
    task_id: str | None = None


class Sessions:
    """Begins, replaces and looks at sessions."""

    def __init__(self, api: Api, tell: Tell) -> None:
        self._api, self._tell = api, tell
        # The last answer of each session and its ETag: what did not change is not sent again.
        self._known: dict[str, tuple[str, Mapping[str, Any]]] = {}

    async def new(self, language: str | None = None) -> Session:
        """An empty session. Raises ApiError, BadAnswer, NetworkError."""
        body = {"task_name": "project", **({"language": language} if language else {})}
        reply = await self._api.call("POST", "/api/tasks/me/with-session/nemo_agent", body, tries=SESSION)
        try:
            data = SessionData.model_validate(reply.data)
        except ValidationError:
            raise BadAnswer("The service began a session without saying its name.") from None
        self._api.identity.learn_user(data.user_id)
        account = await self._api.account()
        return Session(data.session_id, data.user_id or account.user_id, language, data.task_id)

    async def replace(self, session: Session) -> None:
        """Begin a new session under the same handle."""
        new = await self.new(session.language)
        self._tell(SessionLost(session.id, new.id))
        self._known.pop(session.id, None)
        session.id, session.user_id, session.task_id = new.id, new.user_id or session.user_id, new.task_id

    async def state(self, session: Session) -> State:
        """The timeline now; of a lost session, its empty successor's. Raises ApiError, NetworkError."""
        try:
            return await self.look(session)
        except SessionNotFound:
            await self.replace(session)
            return await self.look(session)

    async def look(self, session: Session) -> State:
        """The timeline now. Raises SessionNotFound where there is none, ApiError, NetworkError."""
        state = state_of(await self._asked(session.id))
        if state.user_id and not session.user_id:
            session.user_id = state.user_id
            self._api.identity.learn_user(state.user_id)
        task = _text_at(state.raw, "task_id")
        session.task_id = session.task_id or task
        return state

    async def _asked(self, session: str) -> Mapping[str, Any]:
        url = self._api.url(f"/api/state/nemo_agent/me/{session}/latest")

        async def once(headers: Headers) -> Reply:
            tag, body = self._known.get(session, ("", {}))
            answer = await self._api.http.ask("GET", url, {**headers, **({"If-None-Match": tag} if tag else {})})
            if tag and answer.status == 304:
                return Reply(body.get("data"), body)
            reply = opened(answer, IN_SESSION)
            if tag := answer.headers.get("etag", ""):
                self._known[session] = tag, reply.body
            return reply

        return (await self._api.tried(once, QUESTION)).body

    async def claim(self, session: Session) -> str:
        """A token that opens ``session`` in a browser for seven days and does nothing else.

        Raises SessionNotFound, ApiError, BadAnswer, NetworkError.
        """
        if session.task_id is None:
            await self.look(session)
        body = {"task_id": session.task_id, "session_id": session.id}
        reply = await self._api.call("POST", "/api/auth/claim-token", body, tries=QUESTION, readings=IN_SESSION)
        try:
            return ClaimToken.model_validate(reply.data).claim_token
        except ValidationError:
            raise BadAnswer("The service gave no token that opens the session in a browser.") from None


def _text_at(body: Mapping[str, Any], key: str) -> str | None:
    data = body.get("data")
    found = data.get(key) if isinstance(data, Mapping) else body.get(key)
    return found if isinstance(found, str) else None
