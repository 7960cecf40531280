"""Uploaded files: looked at in a jailed child, kept under an id, shown with an address."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import anyio

from tightfit.domain.media_info import MediaInfo
from tightfit.domain.policy import SERVER
from tightfit.errors import SourceError
from tightfit.media.probe import probe
from tightfit.server.agent import ratio
from tightfit.server.file_types import SNIFFED_BYTES, FileType, agree, mime_of, named_type, sniffed_type
from tightfit.server.incoming import Incoming, wrong_type
from tightfit.server.services import Services
from tightfit.server.sessions import Asset, Session
from tightfit.server.signing import ASSETS


def shown_asset(here: Services, asset: Asset, base: str) -> dict[str, Any]:
    """The asset as the API shows it."""
    address = here.signer.steady(base, ASSETS, asset.id, here.clock.now(), here.settings.url_s)
    return {**asset.facts, "cdn_url": address}


async def keep_all(here: Services, session: Session, arrived: Sequence[Incoming]) -> list[tuple[Asset, bool]]:
    """Keep a request's files, all or none; each with whether the session had it already.

    Raises Refusal (4001) for the first that is not what its name says.
    """
    looked_at = [await _looked_at(here, session, file) for file in arrived]
    kept: dict[str, tuple[Asset, bool]] = {}
    new: list[Asset] = []
    for file, asset in zip(arrived, looked_at, strict=True):
        known = here.sessions.asset_like(session.id, asset.sha256)
        if known is None and asset.sha256 not in kept:
            here.files.keep(file.path, asset.id)
            new.append(asset)
        kept.setdefault(asset.sha256, (known or asset, known is not None))
    if new:
        here.sessions.add_assets(session, new, _canvas(new), here.clock.now())
    return [kept[asset.sha256] for asset in looked_at]


async def _looked_at(here: Services, session: Session, file: Incoming) -> Asset:
    kind = named_type(file.name)
    with file.path.open("rb") as opened:
        sniffed = sniffed_type(opened.read(SNIFFED_BYTES))
    if kind is None or not agree(kind, sniffed):
        raise wrong_type(file.name)
    digest = await anyio.to_thread.run_sync(here.files.settle, file.path)
    facts: dict[str, Any] = {
        "file_id": f"f_{secrets.token_hex(12)}",
        "filename": file.name,
        "file_type": kind,
        "size": file.size,
        "mime": mime_of(file.name),
        "hash": digest,
    }
    if kind is not FileType.IMAGE:
        facts |= await _measured(here, file, kind)
    return Asset(facts["file_id"], session.id, digest, facts)


async def _measured(here: Services, file: Incoming, kind: FileType) -> dict[str, Any]:
    try:
        async with here.probes:
            info = await probe(file.path, SERVER)
    except SourceError as exc:
        raise wrong_type(file.name) from exc
    video = info.main_video
    if kind is FileType.VIDEO and video is not None:
        width, height = video.display_size
        return {
            "duration": round(video.duration_s, 3),
            "width": width,
            "height": height,
            "fps": round(float(video.fps), 3),
            "has_audio": info.main_audio is not None,
        }
    if kind is FileType.VIDEO or info.main_audio is None:
        raise wrong_type(file.name)
    return {"duration": round(_sound_s(info), 3), "has_audio": True}


def _sound_s(info: MediaInfo) -> float:
    return info.main_audio.duration_s if info.main_audio else 0.0


def _canvas(assets: Sequence[Asset]) -> dict[str, Any] | None:
    """The first video's picture is the canvas."""
    for asset in assets:
        if asset.facts["file_type"] == FileType.VIDEO:
            width, height = asset.facts["width"], asset.facts["height"]
            return {"width": width, "height": height, "ratio": ratio(width, height)}
    return None
