"""What is to be changed of a clip beside its size: which part of it stays, and what is done to picture and sound."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Stretch:
    """Seconds of the source from its first picture on, ``end_s`` exclusive; None is the clip's own beginning or end."""

    start_s: float | None = None
    end_s: float | None = None

    def __bool__(self) -> bool:
        return self != Stretch()


@dataclass(frozen=True)
class Edits:
    """All edits of one clip. Every time is one of the source, so that no edit moves another.

    ``trim`` is what stays, or ``last_s`` the seconds at the end that do.
    """

    trim: Stretch = Stretch()
    last_s: float | None = None

    def __bool__(self) -> bool:
        return self != Edits()


NO_EDITS = Edits()
