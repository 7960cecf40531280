"""What a file carries beside its pictures and sound: facts, chapters, languages. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tightfit.domain.media_info import Chapter, MediaInfo
from tightfit.domain.mp4_boxes import APPLE

# What a person would miss: the rest (encoder names, brands) describes the source file, not the video.
_KEPT = (
    *("title", "artist", "comment", "description", "creation_time", "date", "location", "copyright", "album"),
    *("genre", "make", "model"),
)
_PLACE, _APPLE_PLACE = "location", f"{APPLE}location.ISO6709"
# What of a file's facts says where it was made, by whom, or with what; free text may say any of it.
_TELLING = {"location", "make", "model", "artist", "comment", "description", "copyright"}
_APPLE_HARMLESS = {f"{APPLE}creationdate", f"{APPLE}title"}
_LONGEST_FACT = 8000
_LANGUAGE = re.compile(r"[a-z]{3}")
# A chapter shorter than this is what is left of one that was cut away.
_SHORTEST_CHAPTER_S = 0.001


@dataclass(frozen=True)
class Cue:
    """One line of subtitles: shown from ``start_s`` to ``end_s`` on the output's clock."""

    start_s: float
    end_s: float
    text: str


def carried_tags(info: MediaInfo, *, private: bool = False) -> dict[str, str]:
    """The source's facts that are carried over; ``private`` leaves out those of a place, a person or a device."""
    found: dict[str, str] = {}
    for key, value in info.metadata:
        name = key if key.startswith(APPLE) else key.lower()
        # A NUL ends a text for most readers, and nobody's remarks are longer than this.
        text = value.replace("\0", "")[:_LONGEST_FACT]
        if text and (name in _KEPT or name.startswith(APPLE)):
            found[name] = text
    if _APPLE_PLACE in found:
        found.setdefault(_PLACE, found[_APPLE_PLACE])
    if private:
        return {
            key: value
            for key, value in found.items()
            if key in _APPLE_HARMLESS or not (key in _TELLING or key.startswith(APPLE))
        }
    return found


def language_of(code: str | None) -> str | None:
    """An ISO 639-2 code, which every container can hold; None for none, "und" and other ways of naming languages."""
    cleaned = (code or "").strip().lower()
    return cleaned if _LANGUAGE.fullmatch(cleaned) and cleaned != "und" else None


def carried_chapters(info: MediaInfo, start_s: float, duration_s: float) -> tuple[Chapter, ...]:
    """The source's chapters on the clock of an output that begins at ``start_s`` of the source's."""
    moved = (
        Chapter(max(0.0, c.start_s - start_s), min(duration_s, c.end_s - start_s), c.title)
        for c in info.chapter_marks
        if c.start_s - start_s < duration_s
    )
    return tuple(c for c in moved if c.end_s - c.start_s >= _SHORTEST_CHAPTER_S)


def fitting_cues(cues: Iterable[Cue], start_s: float, duration_s: float) -> tuple[Cue, ...]:
    """Cues of the source's clock on the output's, cut to its length, none before the one it follows."""
    found: list[Cue] = []
    for cue in sorted(cues, key=lambda c: (c.start_s, c.end_s)):
        begin, end = max(0.0, cue.start_s - start_s), min(duration_s, cue.end_s - start_s)
        if end > begin and cue.text.strip():
            found.append(Cue(begin, end, cue.text.strip()))
    return tuple(found)
