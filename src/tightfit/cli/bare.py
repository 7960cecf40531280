"""The short form: `tightfit vacation.mp4 50MB` is `tightfit compress vacation.mp4 50MB`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tightfit.errors import UsageError

COMMANDS = ("compress", "plan", "probe", "jobs", "presets", "doctor", "demo", "connect", "credits", "serve")
_LATER = ("ask", "chat", "watch", "worker", "bench", "mcp")
_OF_THE_APP = ("--version", "--help", "-h", "--install-completion", "--show-completion")


def spelled_out(words: Sequence[str]) -> list[str]:
    """``words`` with their command in front. Raises UsageError where it is not in this version."""
    if not words:
        raise UsageError("Name a file and a size: tightfit vacation.mp4 50MB.", hint="tightfit --help shows the rest.")
    first = words[0]
    if first in COMMANDS or first.partition("=")[0] in _OF_THE_APP:
        return list(words)
    if first in _LATER:
        raise UsageError(f"tightfit {first} is not in this version.")
    if len(words) == 1 and " " in first and not first.startswith("-") and not Path(first).exists():
        raise UsageError(f"There is no file {first!r}, and sentences are not understood in this version.")
    return ["compress", *words]
