"""The short forms: `tightfit vacation.mp4 50MB` means compress, `tightfit "a sentence"` means ask."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tightfit.errors import UsageError

COMMANDS = (
    *("compress", "plan", "ask", "chat", "probe", "watch", "jobs", "presets", "doctor", "demo", "connect", "credits"),
    "serve",
)
_LATER = ("worker", "bench", "mcp")
_SHORTEST_SENTENCE = 4  # characters; 50兆 is a size
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
    if _is_sentence(first) and all(word.startswith("-") for word in words[1:]):
        return ["ask", *words]
    return ["compress", *words]


def _is_sentence(word: str) -> bool:
    """Words with spaces, or in a script that has none, that are no file's name."""
    spoken = " " in word.strip() or (len(word) > _SHORTEST_SENTENCE and any("\u3040" <= c <= "\u9fff" for c in word))
    try:
        return spoken and not word.startswith("-") and not Path(word).exists()
    except (OSError, ValueError):  # longer than any name
        return True
