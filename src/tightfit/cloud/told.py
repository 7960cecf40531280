"""What the client tells while it works: a door draws it, the engine may pass it on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Said:
    """Words of the agent for the user: harmless, and without talk of buttons."""

    text: str


@dataclass(frozen=True)
class StillWorking:
    """Nothing was said for a while, but work goes on; ``seconds`` since the message was sent."""

    seconds: float
    text: str = "⏳ Still working…"


@dataclass(frozen=True)
class SessionLost:
    """The service forgot the session, with its timeline and uploads; a new one was begun."""

    old: str
    new: str


@dataclass(frozen=True)
class Moved:
    """Bytes of an upload or download; ``total`` is 0 where it is not known."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class Rendering:
    """How far the service says it is, in percent."""

    render_id: str
    percent: int
    text: str


Told = Said | StillWorking | SessionLost | Moved | Rendering
Tell = Callable[[Told], None]
