"""What was measured about a source, remembered: `plan` pays for it, `compress` reuses it."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tightfit.domain.audio import Loudness
from tightfit.domain.geometry import Size
from tightfit.domain.layout import Layout
from tightfit.domain.media_info import AudioStream, FieldOrder, MediaInfo, VideoStream
from tightfit.domain.rate import Content
from tightfit.media.analyse import ANALYSIS_CRF, ANALYSIS_PRESET, ANALYSIS_TUNING, Analysis
from tightfit.media.audio import measure_loudness
from tightfit.media.interlace import field_order_of
from tightfit.media.picture import Picture
from tightfit.media.sound import is_untouched
from tightfit.media.tools import Ffmpeg

_FORMAT = 6
# Sizes are even numbers, so that two of one shape are not quite.
_SAME_SHAPE = 0.02


def _entry(cache: Path, info: MediaInfo, video: VideoStream, picture: Picture, layout: Layout, ffmpeg: Ffmpeg) -> Path:
    facts = [
        _FORMAT,
        asdict(info.identity),
        video.index,
        picture.fields,
        ffmpeg.version,
        ANALYSIS_CRF,
        ANALYSIS_PRESET,
        ANALYSIS_TUNING,
        *([] if layout.is_whole and picture.is_plain else [asdict(layout)]),
        *(["hdr"] if picture.keeps_hdr else []),
    ]
    # All sizes of one clip begin alike, so that they find each other.
    return cache / f"analysis-{_digest(facts)}{_digest([str(picture.full)])[:8]}.json"


def _digest(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, default=str).encode()).hexdigest()[:24]


def recall(
    cache: Path, info: MediaInfo, video: VideoStream, picture: Picture, layout: Layout, ffmpeg: Ffmpeg
) -> Analysis | None:
    """The analysis of exactly this file by exactly this ffmpeg, if it was made before: for this picture, or for a
    larger one of the same shape."""
    own = _entry(cache, info, video, picture, layout, ffmpeg)
    common = own.name[: -len("00000000.json")]
    for entry in (own, *sorted(cache.glob(f"{common}*.json"))):
        if known := _read(entry, picture.full):
            return known
    return None


def _read(entry: Path, full: Size) -> Analysis | None:
    try:
        known = json.loads(entry.read_text())
        width, height = known["full"]
        if width < full.width or abs(width * full.height / (height * full.width) - 1) > _SAME_SHAPE:
            return None
        scale = known["scale"] * width / full.width
        content = Content(tuple(known["frame_bytes"]), tuple(known["idrs"]), scale)
        return Analysis(tuple(known["pts"]), content, known["seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # absent or damaged: it is measured again


def remember(
    cache: Path,
    info: MediaInfo,
    video: VideoStream,
    picture: Picture,
    layout: Layout,
    ffmpeg: Ffmpeg,
    analysis: Analysis,
) -> None:
    """Keep ``analysis`` for the next request on the same file; a cache that can't be written costs only time."""
    content = analysis.content
    facts = {
        "full": [picture.full.width, picture.full.height],
        "pts": analysis.pts,
        "seconds": analysis.seconds,
        "frame_bytes": content.frame_bytes,
        "idrs": content.idrs,
        "scale": content.scale,
    }
    _write(_entry(cache, info, video, picture, layout, ffmpeg), facts)


def _write(entry: Path, facts: dict[str, Any]) -> None:
    partial = entry.with_name(f"{entry.name}.{os.getpid()}")
    with suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(facts))
        partial.replace(entry)


async def fields_of(cache: Path, info: MediaInfo, video: VideoStream, ffmpeg: Ffmpeg, work: Path) -> FieldOrder:
    """Whether the pictures are interlaced, looked at once. ``work`` is a folder for notes. Raises EncoderError."""
    entry = cache / f"fields-{_digest([_FORMAT, asdict(info.identity), video.index, ffmpeg.version])}.json"
    try:
        return FieldOrder(json.loads(entry.read_text())["order"])
    except (OSError, ValueError, KeyError, TypeError):
        found = await field_order_of(ffmpeg, info, video, work)
        _write(entry, {"order": found})
        return found


def _loudness_entry(cache: Path, info: MediaInfo, stream: AudioStream, layout: Layout, ffmpeg: Ffmpeg) -> Path:
    stretch = [] if is_untouched(layout) else [asdict(layout)]
    return cache / f"sound-{_digest([_FORMAT, asdict(info.identity), stream.index, ffmpeg.version, *stretch])}.json"


async def loudness_of(cache: Path, info: MediaInfo, stream: AudioStream, layout: Layout, ffmpeg: Ffmpeg) -> Loudness:
    """How loud the track is, decoded once for all destinations. Raises EncoderError."""
    entry = _loudness_entry(cache, info, stream, layout, ffmpeg)
    try:
        # Silence is minus infinity, which Python's JSON carries.
        return Loudness(**json.loads(entry.read_text()))
    except (OSError, ValueError, TypeError):
        found = await measure_loudness(ffmpeg, info, stream, layout)
        _write(entry, asdict(found))
        return found
