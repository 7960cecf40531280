"""The Python door: the same requests and results as the command line, sync and async.

Every function raises the errors of ``tightfit.errors``; each has ``code``, the exit code of the command line.
The sync ones start their own event loop: inside a running one use the ``a…`` twins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Unpack

import anyio

from tightfit.domain.file_plan import FilePlan
from tightfit.domain.media_info import MediaInfo
from tightfit.domain.plan import AlreadyFits, Plan
from tightfit.domain.request import AudioChoice, CompressRequest
from tightfit.domain.result import Result
from tightfit.domain.updates import Update
from tightfit.engine.compress import compress as run_compress
from tightfit.engine.compress import ignore
from tightfit.engine.compress import plan as run_plan
from tightfit.engine.edit_options import EditOptions, parse_edits
from tightfit.engine.requests import make_request
from tightfit.engine.several import compress_each, gather
from tightfit.media.sources import read as run_probe
from tightfit.settings import Settings

Pathish = str | PathLike[str]


def _settings(offline: bool) -> Settings:
    settings = Settings()
    return replace(settings, offline=True) if offline else settings


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
    codec: str | None = None,
    effort: str = "balanced",
    container: str | None = None,
    hdr: str = "auto",
    private: bool = False,
    min_quality: float = 0.0,
    report: Pathish | None = None,
    on_update: Callable[[Update], None] = ignore,
    **edits: Unpack[EditOptions],
) -> Result:
    """Make the best-looking file within ``to`` ("50MB", "25%") or a destination's ``preset``; return what happened.

    ``where`` is "auto", "local" or "cloud"; ``offline`` opens no socket whatever else is set; ``no_fallback`` raises
    NoPlaceLeft where the cloud can't do it; ``max_credits`` is the most that may be spent there. ``container`` is
    "mp4", "mov", "mkv" or "webm" (None: by the output's name), ``hdr`` "auto", "keep" or "tonemap"; ``private`` drops
    facts of a place, a person or a device; ``min_quality`` is a mean VMAF below which InfeasibleError is raised;
    ``report`` names a page in HTML about what was made. ``edits`` are written as on the command line: trim="0:10-0:30".
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
        codec=codec,
        effort=effort,
        container=container,
        hdr=hdr,
        private=private,
        min_quality=min_quality,
        report=report,
        edits=parse_edits(edits),
    )
    return await run_compress(request, _settings(offline), on_update)


async def acompress_all(
    paths: Sequence[Pathish],
    *,
    to: str | None = None,
    preset: str | Sequence[str] | None = None,
    output: Pathish | None = None,
    recursive: bool = False,
    total: bool = False,
    split: bool | int = False,
    resolution: str = "auto",
    audio: AudioChoice = "auto",
    overwrite: bool = False,
    jobs: int | None = None,
    where: str = "auto",
    offline: bool = False,
    no_fallback: bool = False,
    max_credits: int | None = None,
    on_update: Callable[[Update], None] = ignore,
    **edits: Unpack[EditOptions],
) -> list[Result]:
    """``acompress`` for several files, patterns or (with ``recursive``) folders, and for one or several presets.

    ``output`` is a folder then. ``total``: the limit is for all together, at one quality. ``split``: numbered parts
    that play alone, each under the limit, as many as a fair quality takes or as named. What fails is a result with its
    ``error`` and stops none of the others. Raises UsageError, and SourceError where there is nothing to work on.
    """
    settings = _settings(offline)
    limits = [to] if to is not None else [preset] if isinstance(preset, str) else list(preset or ())

    def request(path: Path, number: int, place: str | None) -> CompressRequest:
        return make_request(
            path,
            to=to,
            preset=None if to is not None and preset is None else limits[number],
            output=place,
            resolution=resolution,
            audio=audio,
            overwrite=overwrite,
            jobs=jobs,
            where=where,
            no_fallback=no_fallback,
            max_credits=max_credits,
            edits=parse_edits(edits),
        )

    names = [Path(path) for path in paths]
    named = None if output is None else str(output)
    gathered = gather(names, limits, request, recursive=recursive, output=named, split=split)
    return await compress_each(gathered, settings, on_update, total=total, split=split)


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
    codec: str | None = None,
    effort: str = "balanced",
    container: str | None = None,
    hdr: str = "auto",
    private: bool = False,
    min_quality: float = 0.0,
    on_update: Callable[[Update], None] = ignore,
    **edits: Unpack[EditOptions],
) -> Plan | FilePlan | AlreadyFits:
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
        codec=codec,
        effort=effort,
        container=container,
        hdr=hdr,
        private=private,
        min_quality=min_quality,
        edits=parse_edits(edits),
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
    codec: str | None = None,
    effort: str = "balanced",
    container: str | None = None,
    hdr: str = "auto",
    private: bool = False,
    min_quality: float = 0.0,
    report: Pathish | None = None,
    on_update: Callable[[Update], None] = ignore,
    **edits: Unpack[EditOptions],
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
            codec=codec,
            effort=effort,
            container=container,
            hdr=hdr,
            private=private,
            min_quality=min_quality,
            report=report,
            on_update=on_update,
            **edits,
        )
    )


def compress_all(paths: Sequence[Pathish], **options: Any) -> list[Result]:
    """``acompress_all``, for callers without an event loop; the same options."""
    return anyio.run(partial(acompress_all, paths, **options))


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
    codec: str | None = None,
    effort: str = "balanced",
    container: str | None = None,
    hdr: str = "auto",
    private: bool = False,
    min_quality: float = 0.0,
    on_update: Callable[[Update], None] = ignore,
    **edits: Unpack[EditOptions],
) -> Plan | FilePlan | AlreadyFits:
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
            codec=codec,
            effort=effort,
            container=container,
            hdr=hdr,
            private=private,
            min_quality=min_quality,
            on_update=on_update,
            **edits,
        )
    )


def probe(path: Pathish) -> MediaInfo:
    """``aprobe``, for callers without an event loop."""
    return anyio.run(aprobe, path)
