"""The draft: a timeline as JSON with short keys, read for what can be rendered. Times are whole milliseconds.

A draft from outside is checked for its shape and its bounds before anything is done with it. What is rendered so far
is one video track with one segment, trimmed, to a size; anything else is refused rather than left out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Bounds of a draft that is accepted at all.
MAX_TRACKS, MAX_SEGMENTS, MAX_DURATION_MS, MAX_JSON_BYTES = 100, 5_000, 6 * 3600 * 1000, 5_000_000
VIDEO_TRACK, AUDIO_TRACK, TEXT_TRACK = 0, 1, 7
_ASSET = re.compile(r"asset://([A-Za-z0-9_-]{1,64})")
_CANVAS_SIDES = range(16, 8193)
# What a segment can hold that is not rendered yet, and the value under which it changes nothing.
_NOT_RENDERED: Mapping[str, Any] = {
    "sp": 1,
    "vol": 1,
    "fi": 0,
    "fo": 0,
    "rot": 0,
    "op": 1,
    "cr": None,
    "tr": None,
    "fx": [],
}


class InvalidDraft(ValueError):
    """The draft can't be rendered; the text says why, for people."""


@dataclass(frozen=True)
class Cut:
    """What to render: one stretch of one source, in its own milliseconds; ``end_ms`` None runs to the end."""

    source: str
    start_ms: int
    end_ms: int | None
    target_bytes: int | None
    canvas: tuple[int, int] | None

    @property
    def asset(self) -> str | None:
        """The asset's id, where the source names one."""
        named = _ASSET.fullmatch(self.source)
        return named[1] if named else None


def tracks_of(draft: Any) -> list[Mapping[str, Any]]:
    """The draft's tracks, its shape checked and its bounds kept. Raises InvalidDraft."""
    if not isinstance(draft, Mapping):
        raise InvalidDraft("The draft is not an object.")
    _bounded(draft)
    tracks = draft.get("t", draft.get("tracks"))
    if not isinstance(tracks, list) or not all(isinstance(track, Mapping) for track in tracks):
        raise InvalidDraft("The draft has no list of tracks (t).")
    if len(tracks) > MAX_TRACKS:
        raise InvalidDraft(f"The draft has {len(tracks)} tracks; at most {MAX_TRACKS} are taken.")
    segments = sum(len(_segments(track)) for track in tracks)
    if segments > MAX_SEGMENTS:
        raise InvalidDraft(f"The draft has {segments} segments; at most {MAX_SEGMENTS} are taken.")
    if not segments:
        raise InvalidDraft("The draft is empty: none of its tracks has a segment.")
    for track in tracks:
        _check_track(track)
    return tracks


def _bounded(draft: Mapping[str, Any]) -> None:
    try:
        size = len(json.dumps(draft, allow_nan=False))
    except (ValueError, RecursionError):
        raise InvalidDraft("The draft holds a number that is none, or is nested without end.") from None
    if size > MAX_JSON_BYTES:
        raise InvalidDraft(f"The draft takes {size} bytes; at most {MAX_JSON_BYTES} are taken.")


def _segments(track: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    found = track.get("sg", track.get("segments", []))
    if not isinstance(found, list) or not all(isinstance(segment, Mapping) for segment in found):
        raise InvalidDraft("A track's segments (sg) are no list of objects.")
    return found


def _check_track(track: Mapping[str, Any]) -> None:
    """Segments in order, none over another, none beyond the longest draft."""
    end = 0
    for segment in _segments(track):
        start = _whole_ms(segment, ("s", "start"), 0)
        length = _whole_ms(segment, ("d", "duration"), None)
        if start is None or start < end:
            raise InvalidDraft("Segments of one track overlap or stand out of order.")
        end = start + (length or 0)
        if end > MAX_DURATION_MS:
            raise InvalidDraft(f"The draft lasts longer than {MAX_DURATION_MS // 3_600_000} hours.")


def _whole_ms(segment: Mapping[str, Any], keys: Sequence[str], default: int | None) -> int | None:
    for key in keys:
        if segment.get(key) is not None:
            value = segment[key]
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_DURATION_MS:
                raise InvalidDraft(f"{key} of a segment is not a whole number of milliseconds.")
            return value
    return default


def cut_of(draft: Any) -> Cut:
    """What the draft asks for. Raises InvalidDraft, also for what is not rendered by this version."""
    tracks = [track for track in tracks_of(draft) if _segments(track) and not track.get("hd")]
    shown = [track for track in tracks if _type_of(track) == VIDEO_TRACK]
    others = [track for track in tracks if _type_of(track) in (AUDIO_TRACK, TEXT_TRACK)]
    if len(shown) != 1 or len(_segments(shown[0])) != 1 or others:
        raise InvalidDraft("This server renders one video track with one segment; the draft has more, or none.")
    segment = _segments(shown[0])[0]
    for key, idle in _NOT_RENDERED.items():
        if segment.get(key, idle) not in (idle, None):
            raise InvalidDraft(f"This server does not render {key!r} of a segment yet.")
    if segment.get("k", segment.get("kind", "video")) != "video":
        raise InvalidDraft("This server renders video segments only.")
    return _cut(draft, segment)


def _cut(draft: Mapping[str, Any], segment: Mapping[str, Any]) -> Cut:
    source = next((segment[key] for key in ("src", "url", "cdn_url") if segment.get(key)), None)
    if source is None and segment.get("file_id"):
        source = f"asset://{segment['file_id']}"
    if not isinstance(source, str):
        raise InvalidDraft("The segment names no source (src).")
    start = _whole_ms(segment, ("ti", "source-start"), 0) or 0
    end = _whole_ms(segment, ("to", "source-end"), None)
    length = _whole_ms(segment, ("d", "duration"), None)
    if end is None and length is not None:
        end = start + length
    if end is not None and end <= start:
        raise InvalidDraft("The segment ends (to) before it begins (ti).")
    facts = draft.get("m", draft.get("metadata"))
    facts = {} if facts is None else facts
    if not isinstance(facts, Mapping):
        raise InvalidDraft("The draft's facts (m) are no object.")
    return Cut(source, start, end, _target(facts), _canvas(facts))


def _type_of(track: Mapping[str, Any]) -> Any:
    return track.get("tt", track.get("type"))


def _target(facts: Mapping[str, Any]) -> int | None:
    target = facts.get("target_bytes")
    if target is None:
        return None
    if isinstance(target, bool) or not isinstance(target, int) or not 1 <= target <= 1 << 50:
        raise InvalidDraft("target_bytes is not a whole number of bytes.")
    return target


def _canvas(facts: Mapping[str, Any]) -> tuple[int, int] | None:
    width, height = facts.get("width"), facts.get("height")
    if width is None and height is None:
        return None
    if not (isinstance(width, int) and isinstance(height, int) and width in _CANVAS_SIDES and height in _CANVAS_SIDES):
        raise InvalidDraft("width and height are not the sides of a picture.")
    return width, height
