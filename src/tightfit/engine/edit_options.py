"""The edits as people write them in options, each spelled in one place for every door."""

from __future__ import annotations

import re
from typing import TypedDict

from tightfit.domain.edits import NO_EDITS, Edits, Stretch
from tightfit.errors import UsageError

_TIME = re.compile(r"(?:(?:(?P<h>\d+):)?(?P<m>\d{1,3}):)?(?P<s>\d+(?:\.\d*)?|\.\d+)")


class EditOptions(TypedDict, total=False):
    """The options of ``compress`` and ``plan`` that edit, as written on the command line."""

    trim: str | None


def parse_edits(options: EditOptions) -> Edits:
    """Raises UsageError naming the option and a value that works."""
    trim = options.get("trim")
    return Edits(trim=parse_stretch("--trim", trim)) if trim is not None else NO_EDITS


def parse_stretch(option: str, text: str) -> Stretch:
    """``START-END`` in seconds or ``[h:]mm:ss(.fff)``; either side may be empty."""
    hint = f"Write {option} 0:10-0:30, {option} 10- or {option} -30.5."
    start, dash, end = text.strip().partition("-")
    if not dash:
        raise UsageError(f"{option} {text} is no stretch of time.", hint=hint)
    found = Stretch(_seconds(option, start, hint), _seconds(option, end, hint))
    if found.end_s is not None and found.end_s <= (found.start_s or 0):
        raise UsageError(f"{option} {text} ends before it begins.", hint=hint)
    return found


def _seconds(option: str, text: str, hint: str) -> float | None:
    text = text.strip()
    if not text:
        return None
    found = _TIME.fullmatch(text)
    if found is None or (found["m"] and float(found["s"]) >= 60) or (found["h"] and int(found["m"]) >= 60):
        raise UsageError(f"{option}: {text!r} is no time.", hint=hint)
    return int(found["h"] or 0) * 3600 + int(found["m"] or 0) * 60 + float(found["s"])
