"""A session's timeline as the service tells it: found at any nesting, compared, and said in a line. Pure.

The draft is opaque: what is posted to the renderer is the very object that came. Everything here only looks at it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from tightfit.cloud.untrusted import note

Draft = Mapping[str, Any]
_COMPARED = ("draft", "video_infos", "generated_media", "canvas_config")


@dataclass(frozen=True)
class State:
    """What ``E7`` said. ``draft`` is None where there is no timeline; ``version`` None where the service has none."""

    draft: Any = None
    video_infos: Sequence[Any] = ()
    user_id: str | None = None
    version: int | None = None
    digest: str = ""
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def is_ready(self) -> bool:
        return is_ready(self.draft)

    def differs_from(self, before: State) -> bool:
        """Whether anything a person would see is different. Fresh signatures and times are not."""
        if self.version is not None and before.version is not None:
            return self.version != before.version
        return self.digest != before.digest


def state_of(body: Mapping[str, Any]) -> State:
    """The state in an answer's whole body."""
    found = {key: _looked_up(body, key) for key in _COMPARED}
    draft = found["draft"]
    if isinstance(draft, str):
        # Some answers carry it as JSON in JSON; what is posted back is the object.
        try:
            draft = json.loads(draft)
        except (ValueError, RecursionError):
            draft = None
    found["draft"] = draft
    infos, user_id, version = found["video_infos"], _looked_up(body, "user_id"), _looked_up(body, "version")
    return State(
        draft=draft if isinstance(draft, Mapping) and draft else None,
        video_infos=infos if isinstance(infos, list) else (),
        user_id=user_id if isinstance(user_id, str) else None,
        version=version if isinstance(version, int) and not isinstance(version, bool) else None,
        digest=_digest(found),
        raw=body,
    )


def _looked_up(body: Mapping[str, Any], key: str) -> Any:
    data = body.get("data")
    outer = data if isinstance(data, Mapping) else {}
    for place in (outer.get("state"), outer, body.get("state"), body):
        if isinstance(place, Mapping) and place.get(key) is not None:
            return place[key]
    return None


def _digest(found: Mapping[str, Any]) -> str:
    plain = json.dumps(_unsigned(found), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()


def _unsigned(value: Any) -> Any:
    """``value`` with the queries of its URLs cut off, and nothing that is only a time of writing."""
    if isinstance(value, Mapping):
        return {k: _unsigned(v) for k, v in value.items() if k != "updated_at"}
    if isinstance(value, list):
        return [_unsigned(v) for v in value]
    if isinstance(value, str) and value[:8].lower().startswith(("http://", "https://")):
        return value.partition("?")[0]
    return value


def is_ready(draft: Any) -> bool:
    """Whether there is anything to render: at least one track with a segment."""
    if not isinstance(draft, Mapping):
        return False
    return any(_segments(track) for track in _tracks(draft))


def summary(draft: Any) -> str:
    """The timeline in a line: ``Timeline (1 track): 1. Video: beach (0-10s)``."""
    tracks = _tracks(draft) if isinstance(draft, Mapping) else []
    if not tracks:
        return "The timeline is empty."
    counted = f"{len(tracks)} track" + ("s" if len(tracks) != 1 else "")
    return f"Timeline ({counted}): " + " ".join(f"{n}. {_told(track)}" for n, track in enumerate(tracks, 1))


def difference(before: State, after: State) -> str:
    """What became of the timeline, for a person who was told nothing."""
    old, new = summary(before.draft), summary(after.draft)
    if old == new:
        media = len(after.video_infos) - len(before.video_infos)
        return f"Done. {media:+d} media in the session. {new}" if media else f"Done; details changed. {new}"
    return f"Done. Before: {old} Now: {new}"


def _tracks(draft: Draft) -> list[Mapping[str, Any]]:
    found = _first(draft, "t", "tracks")
    return [track for track in found if isinstance(track, Mapping)] if isinstance(found, list) else []


def _segments(track: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = _first(track, "sg", "segments")
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _first(value: Mapping[str, Any], *names: str) -> Any:
    return next((value[name] for name in names if value.get(name) is not None), None)


def _number(value: Mapping[str, Any], *names: str) -> float | None:
    found = (value.get(name) for name in names)
    return next((float(n) for n in found if isinstance(n, (int, float)) and not isinstance(n, bool)), None)


_AUDIO_ROLES = {"voice": "Voice", "sfx": "SFX", "audio": "Audio", "bgm": "BGM"}


def _told(track: Mapping[str, Any]) -> str:
    kind, segments = _first(track, "tt", "type"), _segments(track)
    meta = track.get("m") if isinstance(track.get("m"), Mapping) else {}
    role = str(meta.get("role", "")) if isinstance(meta, Mapping) else ""
    if kind == 0:
        label = "Video"
    elif kind == 1:
        label = _AUDIO_ROLES.get(role, "BGM")
    elif kind == 7:
        label = "Subtitle" if role == "subtitle" else "Title"
    else:
        label = f"Track(type {note(kind)})"
    name = _name(track, segments[0] if segments else {}, is_text=kind == 7)
    details = ", ".join(filter(None, (_span(segments), _loudness(track, segments) if kind == 1 else "")))
    return f"{label}: {name}" + (f" ({details})" if details else "")


def _name(track: Mapping[str, Any], segment: Mapping[str, Any], *, is_text: bool) -> str:
    meta = segment.get("m") if isinstance(segment.get("m"), Mapping) else {}
    assert isinstance(meta, Mapping)
    if is_text and (text := _first(segment, "tx", "text", "content") or meta.get("text")):
        return f'"{note(text)}"'
    named = meta.get("name") or meta.get("title") or _first(segment, "name") or _first(track, "n", "label", "name")
    source = _first(segment, "src", "url", "cdn_url")
    if not named and isinstance(source, str):
        named = PurePosixPath(source.partition("?")[0]).name
    return note(named) or "clip"


def _span(segments: Sequence[Mapping[str, Any]]) -> str:
    spans = []
    for segment in segments:
        start, length = _number(segment, "s", "start", "st", "in"), _number(segment, "d", "duration")
        if start is None:
            continue
        end = start + length if length is not None else _number(segment, "out")
        if end is not None:
            spans.append((start, end))
    if not spans:
        return ""
    first, last = min(s for s, _ in spans) / 1000, max(e for _, e in spans) / 1000
    return f"{first:g}-{last:g}s"


def _loudness(track: Mapping[str, Any], segments: Sequence[Mapping[str, Any]]) -> str:
    gain = next((g for item in (*segments, track) if (g := _number(item, "vol", "volume")) is not None), 1.0)
    percent = gain if gain > 2 else gain * 100  # above 2 it was written in percent
    return "" if round(percent) == 100 else f"{percent:.0f}%"
