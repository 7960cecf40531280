"""From an intent to requests; what is understood and can't be done yet is refused in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from tightfit.domain.codec import CODECS, H264, Effort
from tightfit.domain.edits import Edits
from tightfit.domain.request import AudioChoice, CompressRequest, Resolution
from tightfit.engine.requests import edit_request, make_request
from tightfit.engine.spoken_edits import edits_of
from tightfit.errors import UsageError
from tightfit.intent.explain import size_text
from tightfit.intent.model import Action, Intent, Picture

# What may be done without one: a file as good as its source, and no larger than what stays of it is there.
_WITHOUT_SIZE = (Action.EDIT, Action.EXPORT)
_ELSEWHERE = {
    Action.CANCEL: "Name the job: tightfit jobs lists them, tightfit jobs cancel ID ends one.",
    Action.STATUS: "tightfit jobs tells what was begun here.",
    Action.CREDITS: "tightfit credits asks the service.",
}


def requests_for(
    intent: Intent,
    *,
    output: str | None = None,
    overwrite: bool = False,
    jobs: int | None = None,
    together: bool = False,
) -> list[CompressRequest]:
    """One request for each of the intent's files; ``together`` where the caller shares a limit out and splits.

    Raises UsageError for a wish whose work is not in this version, or an action that no request stands for.
    """
    edits = edits_of(intent)
    changes = bool(edits or intent.resolution or intent.audio)
    if intent.action is not Action.COMPRESS and not (intent.action in _WITHOUT_SIZE and changes):
        raise UsageError(
            f"“{intent.action.value}” is understood and can't be done in this version.",
            hint=_ELSEWHERE.get(intent.action, "Name a size or a destination, such as 50MB or discord."),
        )
    if missing := list(_not_yet(intent, together=together)):
        raise UsageError(f"Understood, but not in this version: {', '.join(missing)}.", hint="Say it without.")
    return [_request(intent, name, edits, output, overwrite, jobs) for name in intent.files]


def _not_yet(intent: Intent, *, together: bool) -> Iterator[str]:
    """The wishes that the engine has no work for, as a person would name them."""
    sized = intent.action not in _WITHOUT_SIZE
    if intent.codec not in (None, H264.name) and not (sized and intent.codec in CODECS):
        yield f"the codec {intent.codec}"
    if intent.where not in (None, "local", "cloud"):
        yield f"work on the {intent.where}"
    if intent.where == "cloud" and intent.action in _WITHOUT_SIZE:
        yield "edits in the cloud"
    for wish, name in (
        (intent.speed and not sized, "a choice of speed"),
        (intent.split and not together, "splitting"),
        (intent.total and not together, "one limit for several files"),
    ):
        if wish:
            yield name


def _request(
    intent: Intent, name: str, edits: Edits, output: str | None, overwrite: bool, jobs: int | None
) -> CompressRequest:
    audio: AudioChoice = intent.audio if isinstance(intent.audio, int) else "auto"
    if intent.audio == "none":
        audio = "none"
    if intent.action in _WITHOUT_SIZE:
        bound = _bound(intent.resolution) if intent.resolution else Resolution()
        return edit_request(
            Path(name),
            edits,
            output=output,
            resolution=bound,
            audio=audio,
            overwrite=overwrite,
            jobs=jobs,
            container=intent.container,
        )
    request = make_request(
        Path(name),
        to=_size(intent),
        preset=intent.target.preset,
        output=output,
        audio=audio,
        overwrite=overwrite,
        jobs=jobs,
        where=intent.where or "auto",
        codec=intent.codec,
        effort=Effort.FAST if intent.speed else Effort.BALANCED,
        container=intent.container,
        edits=edits,
    )
    return replace(request, resolution=_bound(intent.resolution)) if intent.resolution else request


def _size(intent: Intent) -> str | None:
    if intent.target.bytes is not None:
        return size_text(intent.target.bytes)
    return None if intent.target.percent is None else f"{intent.target.percent:g}%"


def _bound(picture: Picture) -> Resolution:
    source = picture.width is None and picture.height is None
    return Resolution(picture.width, picture.height, source=source)
