"""The edits of a sentence as edits of a request, and what of them no encoder can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import prod

from tightfit.domain.edits import Edits, Fade, Stretch
from tightfit.engine.edit_options import EditOptions, parse_edits
from tightfit.errors import UsageError
from tightfit.intent.model import Edit, Intent

# What takes a timeline with more than one clip on it, or something that makes what is not there.
_OF_A_TIMELINE = {"text": "writing on the picture", "music": "adding music"}


def edits_of(intent: Intent) -> Edits:
    """Raises UsageError for what can't be done as part of the encode, and for values that make no sense."""
    if missing := sorted({_OF_A_TIMELINE[e["kind"]] for e in intent.edits if e["kind"] in _OF_A_TIMELINE}):
        raise UsageError(
            f"Understood, but only an editing service with a timeline can do it: {' and '.join(missing)}.",
            hint="Say it without.",
        )
    cropped = any(_of_kind(intent, "crop"))
    if cropped and not intent.aspect:
        raise UsageError(
            "Which part of the picture is to stay is not known.",
            hint='Name a shape ("crop to 1:1"), or write tightfit compress … --crop 640x360+0+60.',
        )
    options: EditOptions = {
        "speed": str(round(prod(_values(intent, "speed", "factor")), 6)),
        "volume": str(round(prod(_values(intent, "volume", "level")), 6)),
        "aspect": intent.aspect,
        "fit": ("cover" if cropped else intent.fit) if intent.aspect else None,
        "fps": intent.fps,
    }
    if turn := sum(_values(intent, "rotate", "degrees")) % 360:
        options["rotate"] = f"{turn:g}"
    return replace(
        parse_edits(options),
        trim=Stretch(intent.trim.start_s, intent.trim.end_s, intent.trim.last_s),
        cuts=tuple(map(_stretch, _of_kind(intent, "remove_segment"))),
        mutes=tuple(map(_stretch, _of_kind(intent, "mute"))),
        fades=tuple(map(_fade, _of_kind(intent, "fade"))),
    )


def _of_kind(intent: Intent, kind: str) -> Iterator[Edit]:
    return (edit for edit in intent.edits if edit["kind"] == kind)


def _values(intent: Intent, kind: str, key: str) -> list[float]:
    return [float(edit[key]) for edit in _of_kind(intent, kind)]


def _stretch(edit: Edit) -> Stretch:
    return Stretch(edit.get("start_s"), edit.get("end_s"), edit.get("last_s"))


def _fade(edit: Edit) -> Fade:
    named = edit.get("target")
    return Fade(edit.get("in_s") or 0.0, edit.get("out_s") or 0.0, named != "sound", named != "picture")
