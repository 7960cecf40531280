"""Uploads: a multipart form, or addresses to fetch from. All of a request's files are kept, or none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request
from pydantic import ValidationError
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from tightfit.net.fetch import FetchFailed, TooLarge
from tightfit.server.assets import keep_all, shown_asset
from tightfit.server.file_types import named_type, shown_name
from tightfit.server.incoming import Incoming, Tray, receive_form, too_large, wrong_type
from tightfit.server.json_text import JsonResponse
from tightfit.server.refusals import Code, Refusal, envelope
from tightfit.server.services import Here, Services, Uploader, base_of, session_of
from tightfit.server.wire import APP, UrlUpload

router = APIRouter()
# What a form may add to the file in it: boundaries, headers, small fields.
_FORM_BYTES = 1024 * 1024
_MOST_URL_JSON_BYTES = 256 * 1024
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                    "required": ["files"],
                }
            },
            "application/json": {
                "schema": {
                    "type": "object",
                    "properties": {
                        "urls": {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 20},
                        "source_type": {"type": "string", "enum": ["url"]},
                    },
                    "required": ["urls"],
                }
            },
        },
    }
}


@router.post(f"/api/upload-video/{APP}/{{user_id}}/{{session_id}}", openapi_extra=_BODY)
async def upload(here: Here, user: Uploader, request: Request, user_id: str, session_id: str) -> Response:
    session = session_of(here, user, session_id, user_id)
    with Tray(here.files.incoming) as tray:
        try:
            arrived = await _arrived(here, request, tray)
        except ClientDisconnect:
            return Response(status_code=400)  # nobody is left to read it
        # Looked up again: much may have happened while the files came in.
        session = session_of(here, user, session_id, user_id)
        kept = await keep_all(here, session, arrived)
    base = base_of(request)
    files = [{**shown_asset(here, asset, base), "duplicate": known} for asset, known in kept]
    return JsonResponse(envelope(0, "ok", {"files": files, "session_state_applied": True}))


async def _arrived(here: Services, request: Request, tray: Tray) -> list[Incoming]:
    kind = request.headers.get("content-type", "")
    if kind.lower().startswith("multipart/form-data"):
        limit = here.settings.max_upload_bytes
        declared = request.headers.get("content-length", "")
        if declared.isascii() and declared.isdigit() and int(declared) > limit + _FORM_BYTES:
            raise too_large("The upload", limit)
        return await receive_form(kind, request.stream(), tray, limit)
    return await _fetched(here, await _urls(request), tray)


async def _urls(request: Request) -> Sequence[str]:
    body = await request.body()
    try:
        if len(body) > _MOST_URL_JSON_BYTES:
            raise ValueError
        return UrlUpload.model_validate_json(body).urls
    except (ValidationError, ValueError):
        message = 'Send files in a multipart field called files, or JSON: {"urls": [...], "source_type": "url"}.'
        raise Refusal(Code.INVALID, message) from None


async def _fetched(here: Services, urls: Sequence[str], tray: Tray) -> list[Incoming]:
    arrived = []
    limit = here.settings.max_upload_bytes
    for url in urls:
        name = shown_name(url.partition("?")[0].partition("#")[0])
        if named_type(name) is None:
            raise wrong_type(name)
        path = tray.new_path()
        try:
            size = await here.fetcher.fetch(url, path, limit)
        except FetchFailed as exc:
            data: dict[str, Any] = {"errors": [{"filename": name, "code": int(Code.INVALID)}]}
            raise Refusal(Code.INVALID, f"{name!r}: {exc}", data=data) from exc
        except TooLarge:
            raise too_large(name, limit) from None
        arrived.append(Incoming(name, path, size))
    return arrived
