"""A look at a few pictures of a clip: interlaced in truth, or only by its flag?"""

from __future__ import annotations

from pathlib import Path

import ffmpeg as graph

from tightfit.domain.interlacing import counted, may_be_interlaced, together
from tightfit.domain.media_info import FieldOrder, MediaInfo, VideoStream
from tightfit.domain.policy import Work
from tightfit.media import argv, process
from tightfit.media.tools import Ffmpeg

# Three samples of two seconds: what is still in one of them moves in another.
_PLACES, _FRAMES = (0.1, 0.45, 0.8), 50


async def field_order_of(ffmpeg: Ffmpeg, info: MediaInfo, video: VideoStream, work: Path) -> FieldOrder:
    """TOP_FIRST or BOTTOM_FIRST where the pictures are interlaced; anything else means that they stay as they are."""
    if not may_be_interlaced(video):
        return FieldOrder.PROGRESSIVE
    found = []
    places = _PLACES if video.frames > len(_PLACES) * _FRAMES else (0.0,)
    for place in places:
        seek_s = place * video.duration_s
        source = argv.source_input(info, ffmpeg.policy, threads=1, seek_s=seek_s if seek_s > 0 else None)
        node = source[str(video.index)].filter("idet")
        output = graph.output(node, "-", f="null", **{"frames:v": _FRAMES * (1 if len(places) > 1 else len(_PLACES))})
        decoded = video.frames if video.keyframe_pts[1:] else 2 * video.frames
        limits = ffmpeg.policy.limits(Work(pixels=decoded * video.pixels, frames=decoded))
        command = argv.command(ffmpeg.path, output, talkative=True)
        done = await process.run_or_again(command, info.path, cwd=work, on_line=process.unheard, limits=limits)
        found.append(counted(done.stderr))
    return together(found).order
