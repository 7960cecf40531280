"""Tokens, sessions, credits, state."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from starlette.responses import Response

from tightfit.server.assets import shown_asset
from tightfit.server.json_text import JsonResponse, dumps
from tightfit.server.refusals import Code, Refusal, envelope
from tightfit.server.services import Here, Reader, Services, Writer, base_of, session_of
from tightfit.server.sessions import Session
from tightfit.server.wire import APP, ClaimToken, CreateSession

router = APIRouter()
_LONGEST_CLIENT_ID = 64


def iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@router.post("/api/auth/anonymous-token")
async def anonymous_token(
    here: Here, request: Request, x_client_id: Annotated[str | None, Header()] = None
) -> Response:
    """A free token for whoever names a client id (at most 64 characters)."""
    client_id = (x_client_id or "").strip()
    if not 0 < len(client_id) <= _LONGEST_CLIENT_ID:
        raise Refusal(Code.BAD_REQUEST, f"X-Client-Id must have 1 to {_LONGEST_CLIENT_ID} characters.")
    address = request.client.host if request.client else ""
    issued = here.accounts.issue(client_id, address, here.clock.now())
    data = {
        "token": issued.token,
        "user_id": issued.user,
        "expires_at": iso(issued.expires_at),
        "credits": issued.credits,
    }
    return JsonResponse(envelope(0, "ok", data), headers={"Cache-Control": "no-store"})


@router.post("/api/auth/claim-token")
async def claim_token(here: Here, user: Reader, body: ClaimToken) -> Response:
    session = session_of(here, user, body.session_id)
    token, seconds = here.accounts.claim(user.id, session.id, here.clock.now())
    return JsonResponse(envelope(0, "ok", {"claim_token": token, "expires_in": seconds}))


@router.post(f"/api/tasks/me/with-session/{APP}")
async def create_session(here: Here, user: Writer, body: CreateSession) -> Response:
    session = here.sessions.create(user.id, body.task_name, body.language, here.clock.now())
    data = {"task_id": session.task, "session_id": session.id, "user_id": user.id}
    return JsonResponse(envelope(0, "ok", data))


@router.get("/api/credits/balance/simple")
async def credits(here: Here, user: Reader) -> Response:
    account = here.accounts.balance(user.id, here.clock.now())
    data = {"available": account.available, "frozen": account.frozen, "total": account.total}
    return JsonResponse(envelope(0, "ok", data))


@router.get(f"/api/state/{APP}/{{user_id}}/{{session_id}}/latest")
async def state(
    here: Here,
    user: Reader,
    request: Request,
    user_id: str,
    session_id: str,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    session = session_of(here, user, session_id, user_id)
    body = envelope(0, "ok", _state(here, session, base_of(request)))
    etag = f'"{hashlib.sha256(dumps(body).encode()).hexdigest()[:32]}"'
    if etag in [named.strip().removeprefix("W/") for named in (if_none_match or "").split(",")]:
        return Response(status_code=304, headers={"ETag": etag})
    return JsonResponse(body, headers={"ETag": etag, "Cache-Control": "no-cache"})


def _state(here: Services, session: Session, base: str) -> dict[str, Any]:
    assets = [shown_asset(here, asset, base) for asset in here.sessions.assets(session.id)]
    jobs = [{"id": render.id, "status": render.state} for render in here.renders.of_session(session.id)]
    return {
        "session_id": session.id,
        "task_id": session.task,
        "task_name": session.name,
        "user_id": session.user,
        "version": session.version,
        "updated_at": iso(session.updated_at),
        "run": here.sessions.last_run(session.id),
        "render_jobs": jobs,
        "state": {
            "draft": session.draft,
            "video_infos": assets,
            "canvas_config": session.canvas,
            "generated_media": [],
            "video_analyses": {},
        },
    }
