"""Where a smaller picture may look better, a second of measured quality says what each size can show at best."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from tightfit.domain.geometry import scaled
from tightfit.domain.plan import USUAL_CROSSINGS, Crossings, crossings_of
from tightfit.domain.rate import Content
from tightfit.media.encode import Clip
from tightfit.media.measure import measure_resizing
from tightfit.media.tools import Ffmpeg

log = logging.getLogger("tightfit.quality")

# Every third of so many pictures in a row is scored: half a second. 12 told the better size as often as 18 or 36.
_WINDOW_FRAMES, _SUBSAMPLE = 12, 3
# Longer clips are looked at in several places: half a second of a trailer says little about the rest.
_SECONDS_PER_WINDOW, _MOST_WINDOWS = 20.0, 3


async def measure_crossings(
    ffmpeg: Ffmpeg, clip: Clip, content: Content, scales: Sequence[Fraction], work: Path
) -> Crossings:
    """At which quality each size gives way to the next smaller one: measured for ``scales``, else the usual one.

    Raises EncoderError where measuring fails.
    """
    if ffmpeg.quality_metric != "vmaf":
        return USUAL_CROSSINGS
    sizes = [scaled(clip.picture.full, scale) for scale in scales]
    found = [
        await measure_resizing(ffmpeg, clip, *window, sizes, subsample=_SUBSAMPLE, threads=2, work=work)
        for window in windows(content, clip)
    ]
    ceilings: dict[Fraction, float] = {
        scale: sum(means) / len(means) for scale, means in zip(scales, zip(*found, strict=True), strict=True)
    }
    crossings = crossings_of(ceilings)
    log.debug("at best VMAF %s, crossings %s", [*ceilings.values()], [*crossings.values()])
    return {**USUAL_CROSSINGS, **crossings}


def windows(content: Content, clip: Clip, most: int = _WINDOW_FRAMES) -> list[tuple[int, int]]:
    """Stretches of ``most`` frames to look at, one for every ``_SECONDS_PER_WINDOW`` of the clip: in each part of it
    the one whose bytes per frame are nearest that part's mean, beginning at a source keyframe where there is one (what
    lies before it need not be decoded)."""
    frames = min(clip.frames, most)
    count = min(_MOST_WINDOWS, max(1, int(clip.layout.duration_s / _SECONDS_PER_WINDOW)))
    bounds = [round(k * clip.frames / count) for k in range(count + 1)]
    keyframes = _keyframe_numbers(clip)
    found = []
    for low, high in pairwise(bounds):
        latest = max(low, high - frames)
        starts = [k for k in keyframes if low <= k <= latest] or range(low, latest + 1, max(1, frames))
        mean = content.bytes_in(low, high) / (high - low)
        misses = [(abs(content.bytes_in(i, min(i + frames, high)) / frames - mean), i) for i in starts]
        start = min(misses)[1]
        found.append((start, min(start + frames, clip.frames)))
    return found


def _keyframe_numbers(clip: Clip) -> list[int]:
    number = {clip.source_pts(n): n for n in range(clip.frames)}
    return [number[pts] for pts in clip.video.keyframe_pts if pts in number]
