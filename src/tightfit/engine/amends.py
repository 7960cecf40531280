"""How a request changes when something is said about what it made: smaller, better, or with another wish. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tightfit.domain.session import Work
from tightfit.engine.spoken import requests_for
from tightfit.intent.followup import FollowUp
from tightfit.intent.model import Action, Goal, Intent, from_wire

# What a step means, as a share of the limit before. A quarter less or a third more can be seen; "a bit" just so.
_SMALLER, _A_BIT_SMALLER = 0.75, 0.9
_LARGER, _A_BIT_LARGER = 1.33, 1.15
_SIGNIFICANT = 3  # digits: 7.5MB and 225KB, sizes that people would say
# Edits that need a timeline of several things; others are part of an encode.
OF_A_TIMELINE = ("text", "music")
_OF_A_STRETCH = ("remove_segment", "mute")  # there may be several of them
_REPLACED = (
    *("resolution", "fps", "container", "codec", "aspect", "fit", "audio"),
    *("quality", "speed", "where", "split", "total"),
)


def limit_of(work: Work, size_of: Callable[[str], int]) -> int:
    """The limit in bytes that ``work`` has or had; of a file that fitted anyway, its size."""
    if work.status == "already_fits":
        return work.bytes
    if work.limit:
        return work.limit
    return requests_for(from_wire(work.wishes))[0].limit_for(size_of(work.source))


def smaller(limit: int, said: FollowUp) -> int:
    """The next smaller limit, rounded down."""
    return _rounded(limit * (_A_BIT_SMALLER if said.little else _SMALLER))


def larger(limit: int, source: int, said: FollowUp) -> int:
    """The next larger limit, at most the size of the source."""
    return min(_rounded(limit * (_A_BIT_LARGER if said.little else _LARGER)), source)


def _rounded(size: float) -> int:
    step: int = 10 ** max(0, len(str(int(size))) - _SIGNIFICANT)
    return max(1, int(size) // step * step)


def sized(was: Intent, size: int, language: str) -> Intent:
    """``was`` with another limit."""
    return replace(was, action=Action.COMPRESS, target=Goal(bytes=size), language=language, assumed=())


def merged(before: Work | None, new: Intent, name: str) -> Intent:
    """``new`` for the file ``name``, with those wishes of ``before`` that it does not replace."""
    if before is None:
        return replace(new, files=(name,))
    old = from_wire(before.wishes)
    wishes = {key: value for key in _REPLACED if (value := getattr(new, key)) is not None}
    target = new.target or old.target
    replaced = {edit["kind"] for edit in new.edits} - set(_OF_A_STRETCH)
    return replace(
        old,
        **wishes,
        action=Action.COMPRESS if target else new.action,
        language=new.language,
        files=(name,),
        target=target,
        trim=new.trim or old.trim,
        edits=(*(e for e in old.edits if e["kind"] not in replaced and e not in new.edits), *new.edits),
        assumed=new.assumed,
        unclear=(),
    )


def has_wishes(intent: Intent) -> bool:
    """Whether an intent asks for anything beside its action."""
    wished = (getattr(intent, key) is not None for key in _REPLACED)
    return bool(intent.target or intent.trim or intent.edits or any(wished))
