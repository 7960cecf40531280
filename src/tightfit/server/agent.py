"""The agent: what a message asks of a session's draft. Deterministic and pure; another one may take its place.

It understands a size, a resolution and a format, and nothing else: what it did not understand it says.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from tightfit.errors import UsageError
from tightfit.units import format_bytes, parse_target

_SIZE = re.compile(
    r"\d[\d.,]*\s*(?:[kmgt]i?b|[kmg]|兆|megabytes?|kilobytes?|gigabytes?|bytes?)(?![a-z])", re.IGNORECASE
)
_LINES = re.compile(r"(?<!\d)(\d{3,4})\s*p(?![a-z0-9])", re.IGNORECASE)
_FORMAT = re.compile(r"\b(mp4|mov|mkv|webm|avi|gif)\b", re.IGNORECASE)
_FILE_NAME = re.compile(r"\S+\.(?:mp4|mov|mkv|webm|avi|gif)\b", re.IGNORECASE)
_LINES_TAKEN = range(144, 4321)
TOOL = "edit_multitrack"


@dataclass(frozen=True)
class Seen:
    """What the agent may know of a session: its draft, and the facts of its files, oldest first."""

    draft: Mapping[str, Any] | None
    files: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Turn:
    """The answer: ``draft`` is a new one, None where nothing changes; ``arguments`` are the tool call's."""

    text: str
    draft: dict[str, Any] | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Agent(Protocol):
    def answer(self, message: str, seen: Seen) -> Turn:
        """The same turn for the same message and session, always."""
        ...


class SizeAgent:
    """Puts a target size and a resolution into the draft of the newest video."""

    def answer(self, message: str, seen: Seen) -> Turn:
        asked = _asked_in(_FILE_NAME.sub(" ", message))
        if asked.refused:
            return Turn(asked.refused)
        if not asked.facts:
            return Turn("I understand a size (50MB), a resolution (720p) and a format (mp4). Nothing was changed.")
        videos = [facts for facts in seen.files if facts["file_type"] == "video"]
        if not videos:
            return Turn("There is no video in this session yet. Upload one first.")
        draft = _with(dict(seen.draft) if seen.draft else _new_draft(videos[-1]), asked.facts)
        if draft == seen.draft:
            return Turn("The timeline is like that already. Nothing was changed.")
        words = " and ".join(asked.words)
        return Turn(f"Done: {words}. The video is ready to export.", draft, asked.facts)


@dataclass(frozen=True)
class _Asked:
    facts: dict[str, Any] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    refused: str = ""


def _asked_in(message: str) -> _Asked:
    facts: dict[str, Any] = {}
    words: list[str] = []
    # "500MB to 50MB", "20, no, 30MB": the last one named is meant.
    if sizes := _SIZE.findall(message):
        try:
            size = parse_target(sizes[-1]).bytes
        except UsageError:
            size = None
        if size is None or size >= 1 << 50:
            return _Asked(refused=f"I can't read {sizes[-1]} as a size. Write it like 50MB.")
        facts["target_bytes"] = size
        words.append(f"at most {format_bytes(size)}")
    if found := _LINES.search(message):
        if int(found[1]) not in _LINES_TAKEN:
            return _Asked(refused=f"{found[0].strip()} is no resolution I can make.")
        facts["lines"] = int(found[1])
        words.append(f"up to {found[1]}p")
    if found := _FORMAT.search(message):
        if found[1].lower() != "mp4":
            return _Asked(refused=f"I can only make mp4 files so far, not {found[1].lower()}.")
        facts["format"] = "mp4"
        words.append("as mp4")
    return _Asked(facts, tuple(words))


def _new_draft(video: Mapping[str, Any]) -> dict[str, Any]:
    length = max(1, round(float(video["duration"]) * 1000))
    segment = {
        "id": "c1",
        "k": "video",
        "s": 0,
        "d": length,
        "src": f"asset://{video['file_id']}",
        "ti": 0,
        "to": length,
        "vol": 1.0,
        "m": {"name": video["filename"].rpartition(".")[0]},
    }
    facts = {"title": video["filename"], **_canvas(video["width"], video["height"])}
    track = {"id": "v1", "tt": 0, "sg": [segment]}
    return {"v": 1, "d": length, "fps": video["fps"], "m": facts, "t": [track]}


def _with(draft: dict[str, Any], asked: Mapping[str, Any]) -> dict[str, Any]:
    facts = dict(draft.get("m") or {})
    if "target_bytes" in asked:
        facts["target_bytes"] = asked["target_bytes"]
    if "lines" in asked and facts.get("width") and facts.get("height"):
        share = asked["lines"] / min(facts["width"], facts["height"])
        facts |= _canvas(_even(facts["width"] * share), _even(facts["height"] * share))
    if "format" in asked:
        facts["format"] = asked["format"]
    return {**draft, "m": facts}


def _even(side: float) -> int:
    return max(16, 2 * round(side / 2))


def _canvas(width: int, height: int) -> dict[str, Any]:
    return {"width": width, "height": height, "ratio": ratio(width, height)}


def ratio(width: int, height: int) -> str:
    """16:9 and the like where the picture is within 1 % of it, else the sides themselves."""
    for w, h in ((16, 9), (9, 16), (1, 1), (4, 3), (3, 4), (4, 5), (21, 9)):
        if abs(width * h - height * w) <= 0.01 * width * h:
            return f"{w}:{h}"
    return f"{width}:{height}"
