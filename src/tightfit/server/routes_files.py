"""Signed addresses of files, and what the server says of itself."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from tightfit import __version__
from tightfit.server.files import served
from tightfit.server.json_text import JsonResponse
from tightfit.server.refusals import Code, Refusal
from tightfit.server.routes_render import file_of
from tightfit.server.services import Here, Services
from tightfit.server.signing import ASSETS, OUTPUTS, Seal

router = APIRouter()
FEATURES = ("target_bytes", "encode", "list_renders", "sha256", "range")
_Text = Annotated[str, Query(max_length=128)]


@router.get("/health")
async def health(here: Here) -> Response:
    if here.settings.plain:
        raise Refusal(Code.NOT_FOUND, "Not Found")
    body = {"status": "ok", "product": "tightfit", "version": __version__, "features": list(FEATURES)}
    return JsonResponse(body)


@router.get("/media/{kind}/{key}")
async def media(here: Here, kind: str, key: str, exp: _Text = "", sig: _Text = "") -> Response:
    """A file by its signed address; no token is needed, nor looked at."""
    seal = here.signer.check(kind, key, exp, sig, here.clock.now())
    if seal is Seal.FORGED:
        raise Refusal(Code.FORBIDDEN, "The address is not one of ours.")
    if seal is Seal.EXPIRED:
        raise Refusal(Code.GONE, "The address has expired; ask for a new one.")
    return {ASSETS: _asset, OUTPUTS: _output}[kind](here, key)


def _asset(here: Services, key: str) -> Response:
    asset, path = here.sessions.asset_by_id(key), here.files.asset(key)
    if asset is None or not path.is_file():
        raise Refusal(Code.NOT_FOUND, "No such file.")
    return served(path, str(asset.facts["mime"]), asset.sha256, str(asset.facts["filename"]))


def _output(here: Services, key: str) -> Response:
    render = here.renders.by_file(key)
    if render is None:
        raise Refusal(Code.NOT_FOUND, "No such file.")
    return file_of(here, render)
