"""A running job on stderr: a bar on a terminal, elsewhere a line for each phase."""

from __future__ import annotations

import os
import sys
from typing import Protocol

from tightfit.cli.streams import complain
from tightfit.domain.updates import Phase, Update
from tightfit.units import format_bytes, format_seconds

_DOING = {
    Phase.PROBE: "reading",
    Phase.AUDIO: "encoding the sound",
    Phase.ANALYSE: "analysing",
    Phase.PLAN: "planning",
    Phase.ENCODE: "encoding",
    Phase.UPLOAD: "uploading",
    Phase.RENDER: "rendering at the service",
    Phase.DOWNLOAD: "downloading",
    Phase.SETTLE: "settling the size",
    Phase.STITCH: "joining",
    Phase.VERIFY: "verifying",
}


class Display(Protocol):
    """Draws one job's updates until it is closed."""

    def show(self, update: Update) -> None: ...

    def close(self) -> None: ...


def display_for(name: str, *, plain: bool) -> Display:
    """A bar where stderr is a terminal and nothing else is written, else lines; ``name`` is printable."""
    if plain or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        return Lines(name)
    from tightfit.cli.bar import Bar

    return Bar(name)


class Lines:
    """One line the first time a phase is seen; phases overlap, so they come back."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: set[Phase] = set()

    def show(self, update: Update) -> None:
        if update.phase not in self._seen:
            self._seen.add(update.phase)
            complain(f"{self._name}: {_DOING[update.phase]}")

    def close(self) -> None: ...


def facts(update: Update) -> str:
    """What is known beside the percentage; the phase's name where that is nothing."""
    parts = []
    if update.fps:
        parts.append(f"{update.fps:.0f} fps")
    if update.eta_s is not None:
        parts.append(f"{format_seconds(update.eta_s)} left")
    if update.predicted_bytes is not None:
        parts.append(f"heading for {format_bytes(update.predicted_bytes)}")
    return ", ".join(parts) or _DOING[update.phase]
