"""Renders: submit, poll, list, cancel, download. The job needs nobody who waits for it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from tightfit.domain.draft import InvalidDraft
from tightfit.domain.render_job import RenderState
from tightfit.errors import IllegalTransition
from tightfit.server.accounts import User
from tightfit.server.files import served
from tightfit.server.json_text import JsonResponse
from tightfit.server.refusals import Code, Refusal, envelope, no_render
from tightfit.server.render_rows import OtherBody, Render
from tightfit.server.routes_account import iso
from tightfit.server.services import Here, Reader, Services, Writer, base_of, session_of
from tightfit.server.signing import OUTPUTS
from tightfit.server.wire import RenderBody

router = APIRouter()
_BASE = "/api/render/proxy"
MEDIA_TYPES = {"mp4": "video/mp4", "nut": "application/octet-stream"}


@router.post(f"{_BASE}/lambda")
@router.post(f"{_BASE}/draft")
async def submit(
    here: Here,
    user: Reader,
    request: Request,
    body: RenderBody,
    x_skill_source: Annotated[str | None, Header()] = None,
    x_skill_version: Annotated[str | None, Header()] = None,
    x_skill_platform: Annotated[str | None, Header()] = None,
) -> Response:
    _check_export(here, user, (x_skill_source, x_skill_version, x_skill_platform))
    session = session_of(here, user, body.session_id)
    stored = {
        "sessionId": session.id,
        "draft": body.draft,
        "output": body.output.model_dump(mode="json", exclude_unset=True),
    }
    known = here.renders.find(body.id, user.id)
    if known is None:
        # A render that was taken stays taken, whatever became of its source since.
        try:
            here.queue.spec(stored, user.id)
        except InvalidDraft as exc:
            raise Refusal(Code.INVALID, str(exc)) from None
    try:
        render, is_new = here.renders.submit(body.id, user.id, session.id, stored, here.clock.now_ms())
    except OtherBody:
        raise Refusal(Code.CONFLICT, "This render id was used before, for something else.") from None
    if is_new:
        here.queue.wake()
    return JsonResponse(wire(here, render, base_of(request)))


def _check_export(here: Services, user: User, attribution: tuple[str | None, ...]) -> None:
    policy = here.settings.export_policy
    if "render" in user.scopes or policy == "all":
        return
    if policy == "paid_only":
        raise Refusal(Code.EXPORT, "This plan does not include exports. Credits are not the reason.")
    if not all(value and value.strip() for value in attribution):
        raise Refusal(Code.EXPORT, "X-Skill-Source, X-Skill-Version and X-Skill-Platform must be sent with an export.")


@router.get(f"{_BASE}/lambda")
async def renders_of(
    here: Here, user: Reader, request: Request, session_id: Annotated[str, Query(alias="sessionId", max_length=128)]
) -> Response:
    """All renders of a session, the oldest first."""
    session = session_of(here, user, session_id)
    return JsonResponse(
        envelope(0, "ok", [_job(here, render, base_of(request)) for render in here.renders.of_session(session.id)])
    )


@router.get(f"{_BASE}/lambda/{{render_id}}")
async def poll(here: Here, user: Reader, request: Request, render_id: str) -> Response:
    return JsonResponse(wire(here, _own(here, user, render_id), base_of(request)))


@router.post(f"{_BASE}/lambda/{{render_id}}/cancel")
async def cancel(here: Here, user: Writer, request: Request, render_id: str) -> Response:
    render = _own(here, user, render_id)
    try:
        here.queue.cancel(render)
    except IllegalTransition:
        data = wire(here, render, base_of(request))["data"]
        raise Refusal(Code.CONFLICT, f"The render is {render.state} already.", data=data) from None
    return JsonResponse(wire(here, _own(here, user, render_id), base_of(request)))


@router.get(f"{_BASE}/{{render_id}}/download")
async def download(here: Here, user: Reader, render_id: str) -> Response:
    render = _own(here, user, render_id)
    if render.state is not RenderState.COMPLETED:
        raise Refusal(Code.CONFLICT, f"The render is {render.state}; there is nothing to download.")
    return file_of(here, render)


# After the others: it would take their paths for ids.
@router.get(f"{_BASE}/{{render_id}}")
async def poll_by_old_path(here: Here, user: Reader, request: Request, render_id: str) -> Response:
    return await poll(here, user, request, render_id)


def file_of(here: Services, render: Render) -> Response:
    """The finished file. Raises Refusal (410) when its time is over."""
    if render.output is None or not _is_there(here, render):
        raise Refusal(Code.GONE, "The file was kept for a while and is gone.")
    kind = str(render.output["format"])
    name = f"{render.id}.{kind}"
    return served(here.renderer.path(render.file), MEDIA_TYPES[kind], str(render.output["sha256"]), name)


def _is_there(here: Services, render: Render) -> bool:
    kept_until = (render.ended_ms or 0) + here.settings.output_s * 1000
    return here.clock.now_ms() < kept_until and here.renderer.path(render.file).is_file()


def _own(here: Services, user: User, render_id: str) -> Render:
    render = here.renders.find(render_id, user.id)
    if render is None:
        raise no_render()
    return render


def wire(here: Services, render: Render, base: str) -> dict[str, Any]:
    """The render in both of the forms that clients read, at once."""
    job = _job(here, render, base)
    data = {
        "id": render.id,
        "status": job["status"],
        "progress": job["progress"],
        "outputUrl": job["output"]["url"] if job["output"] else None,
        "createdAt": render.created_ms,
    }
    if render.ended_ms is not None:
        data["completedAt"] = render.ended_ms
    top = {key: job[key] for key in ("id", "status", "progress", "error", "output")}
    return {"code": 0, "success": True, "taskId": render.id, **top, "data": data}


def _job(here: Services, render: Render, base: str) -> dict[str, Any]:
    output = None
    if render.output is not None and _is_there(here, render):
        until = here.clock.now() + here.settings.url_s
        url = here.signer.address(base, OUTPUTS, render.file, until)
        output = {"url": url, **render.output, "expires_at": iso(until)}
    return {
        "id": render.id,
        "status": render.state,
        "progress": here.queue.percent(render),
        "error": render.error,
        "output": output,
        "createdAt": render.created_ms,
        "completedAt": render.ended_ms,
    }
