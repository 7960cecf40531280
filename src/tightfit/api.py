"""The Python door: the same requests and results as the command line, sync and async.

Every function raises the errors of ``tightfit.errors``; each has ``code``, the exit code of the command line.
The sync ones start their own event loop: inside a running one use the ``a…`` twins.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from os import PathLike
from pathlib import Path

import anyio

from tightfit.domain.media_info import MediaInfo
from tightfit.domain.plan import AlreadyFits, Plan
from tightfit.domain.request import AudioChoice
from tightfit.domain.result import Result
from tightfit.domain.updates import Update
from tightfit.engine.compress import compress as run_compress
from tightfit.engine.compress import ignore
from tightfit.engine.compress import plan as run_plan
from tightfit.engine.requests import make_request
from tightfit.media.probe import probe as run_probe
from tightfit.settings import Settings

Pathish = str | PathLike[str]


def _settings(offline: bool) -> Settings:
    settings = Settings()
    return settings.model_copy(update={"offline": True}) if offline else settings


async def acompress(
    path: Pathish,
    *,
    to: str | None = None,
    preset: str | None = None,
    output: Pathish | None = None,
    resolution: str = "auto",
    audio: AudioChoice = "auto",
    overwrite: bool = False,
    jobs: int | None = None,
    where: str = "auto",
    offline: bool = False,
    no_fallback: bool = False,
    max_credits: int | None = None,
    container: str | None = None,
    hdr: str = "auto",
    private: bool = False,
    on_update: Callable[[Update], None] = ignore,
) -> Result:
    """Make the best-looking file within ``to`` ("50MB", "25%") or a destination's ``preset``; return what happened.

    ``where`` is "auto", "local" or "cloud"; ``offline`` opens no socket whatever else is set; ``no_fallback`` raises
    NoPlaceLeft where the cloud can't do it; ``max_credits`` is the most that may be spent there. ``container`` is
    "mp4", "mov" or "mkv" (None: by the output's name), ``hdr`` "auto" or "tonemap"; ``private`` drops facts of a place,
    a person or a device.
    """
    request = make_request(
        Path(path),
        to=to,
        preset=preset,
        output=output,
        resolution=resolution,
        audio=audio,
        overwrite=overwrite,
        jobs=jobs,
        where=where,
        no_fallback=no_fallback,
        max_credits=max_credits,
        container=container,
        hdr=hdr,
        private=private,
    )
    return await run_compress(request, _settings(offline), on_update)


async def aplan(
    path: Pathish,
    *,
    to: str | None = None,
    preset: str | None = None,
    resolution: str = "auto",
    audio: AudioChoice = "auto",
    where: str = "auto",
    offline: bool = False,
    no_fallback: bool = False,
    max_credits: int | None = None,
    container: str | None = None,
    hdr: str = "auto",
    private: bool = False,
    on_update: Callable[[Update], None] = ignore,
) -> Plan | AlreadyFits:
    """Decide everything ``acompress`` would, without the final encode; what it measures is kept for it."""
    request = make_request(
        Path(path),
        to=to,
        preset=preset,
        resolution=resolution,
        audio=audio,
        where=where,
        no_fallback=no_fallback,
        max_credits=max_credits,
        container=container,
        hdr=hdr,
        private=private,
    )
    return await run_plan(request, _settings(offline), on_update)


async def aprobe(path: Pathish) -> MediaInfo:
    """The facts about a file, read without decoding it."""
    return await run_probe(Path(path), Settings().limits)


def compress(
    path: Pathish,
    *,
    to: str | None = None,
    preset: str | None = None,
    output: Pathish | None = None,
    resolution: str = "auto",
    audio: AudioChoice = "auto",
    overwrite: bool = False,
    jobs: int | None = None,
    where: str = "auto",
    offline: bool = False,
    no_fallback: bool = False,
    max_credits: int | None = None,
    container: str | None = None,
    hdr: str = "auto",
    private: bool = False,
    on_update: Callable[[Update], None] = ignore,
) -> Result:
    """``acompress``, for callers without an event loop."""
    return anyio.run(
        partial(
            acompress,
            path,
            to=to,
            preset=preset,
            output=output,
            resolution=resolution,
            audio=audio,
            overwrite=overwrite,
            jobs=jobs,
            where=where,
            offline=offline,
            no_fallback=no_fallback,
            max_credits=max_credits,
            container=container,
            hdr=hdr,
            private=private,
            on_update=on_update,
        )
    )


def plan(
    path: Pathish,
    *,
    to: str | None = None,
    preset: str | None = None,
    resolution: str = "auto",
    audio: AudioChoice = "auto",
    where: str = "auto",
    offline: bool = False,
    no_fallback: bool = False,
    max_credits: int | None = None,
    container: str | None = None,
    hdr: str = "auto",
    private: bool = False,
    on_update: Callable[[Update], None] = ignore,
) -> Plan | AlreadyFits:
    """``aplan``, for callers without an event loop."""
    return anyio.run(
        partial(
            aplan,
            path,
            to=to,
            preset=preset,
            resolution=resolution,
            audio=audio,
            where=where,
            offline=offline,
            no_fallback=no_fallback,
            max_credits=max_credits,
            container=container,
            hdr=hdr,
            private=private,
            on_update=on_update,
        )
    )


def probe(path: Pathish) -> MediaInfo:
    """``aprobe``, for callers without an event loop."""
    return anyio.run(aprobe, path)
