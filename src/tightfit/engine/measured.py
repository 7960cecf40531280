"""What was measured about a source, remembered: `plan` pays for it, `compress` reuses it."""

from __future__ import annotations

import hashlib
import json
import os
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.rate import Content
from tightfit.media.analyse import ANALYSIS_CRF, ANALYSIS_PRESET, ANALYSIS_TUNING, Analysis
from tightfit.media.picture import Picture
from tightfit.media.tools import Ffmpeg

_FORMAT = 4


def _entry(cache: Path, info: MediaInfo, video: VideoStream, picture: Picture, ffmpeg: Ffmpeg) -> Path:
    facts = [
        _FORMAT,
        asdict(info.identity),
        video.index,
        str(picture.full),
        picture.fields,
        ffmpeg.version,
        ANALYSIS_CRF,
        ANALYSIS_PRESET,
        ANALYSIS_TUNING,
    ]
    return cache / f"analysis-{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]}.json"


def recall(cache: Path, info: MediaInfo, video: VideoStream, picture: Picture, ffmpeg: Ffmpeg) -> Analysis | None:
    """The analysis of exactly this file by exactly this ffmpeg, if it was made before."""
    try:
        known = json.loads(_entry(cache, info, video, picture, ffmpeg).read_text())
        content = Content(tuple(known["frame_bytes"]), tuple(known["idrs"]), known["scale"])
        return Analysis(tuple(known["pts"]), content, known["seconds"])
    except (OSError, ValueError, KeyError):
        return None  # absent or damaged: it is measured again


def remember(
    cache: Path, info: MediaInfo, video: VideoStream, picture: Picture, ffmpeg: Ffmpeg, analysis: Analysis
) -> None:
    """Keep ``analysis`` for the next request on the same file; a cache that can't be written costs only time."""
    entry = _entry(cache, info, video, picture, ffmpeg)
    content = analysis.content
    facts = {
        "pts": analysis.pts,
        "seconds": analysis.seconds,
        "frame_bytes": content.frame_bytes,
        "idrs": content.idrs,
        "scale": content.scale,
    }
    partial = entry.with_name(f"{entry.name}.{os.getpid()}")
    with suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(facts))
        partial.replace(entry)
