"""Sessions: a timeline at the service. One that is lost is replaced once, and whoever listens is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from tightfit.cloud.api import QUESTION, SESSION, Api
from tightfit.cloud.errors import ApiError, BadAnswer, SessionNotFound
from tightfit.cloud.models import SessionData
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


class Sessions:
    """Begins, replaces and looks at sessions."""

    def __init__(self, api: Api, tell: Tell) -> None:
        self._api, self._tell = api, tell

    async def new(self, language: str | None = None) -> Session:
        """An empty session. Raises ApiError, BadAnswer, NetworkError."""
        body = {"task_name": "project", **({"language": language} if language else {})}
        reply = await self._api.call("POST", "/api/tasks/me/with-session/nemo_agent", body, tries=SESSION)
        try:
            data = SessionData.model_validate(reply.data)
        except ValidationError:
            raise BadAnswer("The service began a session without saying its name.") from None
        account = await self._api.account()
        return Session(data.session_id, data.user_id or account.user_id, language)

    async def replace(self, session: Session) -> None:
        """Begin a new session under the same handle."""
        new = await self.new(session.language)
        self._tell(SessionLost(session.id, new.id))
        session.id, session.user_id = new.id, new.user_id or session.user_id

    async def state(self, session: Session) -> State:
        """The timeline now; of a lost session, its empty successor's. Raises ApiError, NetworkError."""
        try:
            return await self.look(session)
        except SessionNotFound:
            await self.replace(session)
            return await self.look(session)

    async def look(self, session: Session) -> State:
        """The timeline now. Raises SessionNotFound where there is none, ApiError, NetworkError."""
        path = f"/api/state/nemo_agent/me/{session.id}/latest"
        reply = await self._api.call("GET", path, tries=QUESTION, readings=IN_SESSION)
        state = state_of(reply.body)
        if state.user_id and not session.user_id:
            session.user_id = state.user_id
        return state
