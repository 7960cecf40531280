"""A stretch of the source as a file of its own, without a single picture decoded: what is sent to be encoded elsewhere.

The picture alone goes in: no sound, no metadata, no name.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import ffmpeg as graph

from tightfit.domain.media_info import VideoStream
from tightfit.domain.policy import Work
from tightfit.errors import SourceError
from tightfit.media import argv, process
from tightfit.media.encode import Clip, seeks_of
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

# Pictures that are shown before a keyframe may be stored behind it; no codec's reordering is deeper.
_REORDER_MARGIN = 16
# What has to survive the copy for the picture to be read as it is in the source.
_FACTS = ("codec", "width", "height", "sar", "rotation", "colour", "pix_fmt", "field_order")


@dataclass(frozen=True)
class Stretch:
    """A piece of the source at ``path``: its frames with ``start_pts`` <= pts < ``end_pts``, in ticks of ``time_base``,
    are the wanted ones, and ``origin_pts`` is where the clip's first frame would be on its timeline."""

    path: Path
    start_pts: int
    end_pts: int
    origin_pts: int
    time_base: Fraction


def can_travel(video: VideoStream) -> bool:
    """Whether MP4 can hold the stream's timestamps exactly: it counts in whole parts of a second."""
    return video.time_base.numerator == 1 and bool(video.keyframe_pts)


async def extract(ffmpeg: Ffmpeg, clip: Clip, first: int, last: int, out: Path) -> Stretch:
    """Copy what is needed to decode frames ``[first, last)`` into the MP4 file ``out``.

    Raises SourceError where this source's packets can't be copied so that the very same frames come out.
    """
    video = clip.video
    source = argv.source_input(clip.info, ffmpeg.policy, threads=1, seek_s=seeks_of(clip, first)[0])
    options = {"c": "copy", "map_metadata": -1, "map_chapters": -1, "f": "mp4", "fflags": "+bitexact"}
    packets = _packets_needed(clip, first, last)
    if packets is not None:
        options["frames:v"] = packets
    output = graph.output(
        source[str(video.index)], argv.ours(out), video_track_timescale=video.time_base.denominator, **options
    )
    # Nothing is decoded: the time it takes is that of reading and writing, far below what pictures would take.
    limits = ffmpeg.policy.limits(Work(pixels=(last - first) * video.pixels, file_bytes=clip.info.size))
    done = await process.run(argv.command(ffmpeg.path, output), cwd=out.parent, on_line=process.unheard, limits=limits)
    if done.returncode != 0:
        raise SourceError(f"{clip.info.path} can't be cut without encoding it: {done.last_message}.")
    return _located(clip, first, last, out, (await probe(out, ffmpeg.policy)).main_video)


def _packets_needed(clip: Clip, first: int, last: int) -> int | None:
    """Packets from the keyframe before ``first`` to the one that follows ``last``; None for all there are."""
    video, origin = clip.video, clip.video.pts[0]
    begin = video.keyframe_at_or_before(clip.pts[first] + origin)
    end = bisect_right(video.keyframe_pts, clip.pts[last - 1] + origin)
    if begin is None or end == len(video.keyframe_pts):
        return None
    between = bisect_left(video.pts, video.keyframe_pts[end]) - bisect_left(video.pts, begin)
    return between + 1 + _REORDER_MARGIN


def _located(clip: Clip, first: int, last: int, out: Path, copied: VideoStream | None) -> Stretch:
    """Where the wanted frames are in the copy, which has to show exactly these between the first and the last."""
    video = clip.video
    wanted = [pts + video.pts[0] for pts in clip.pts[first:last]]
    same = copied is not None and all(getattr(copied, name) == getattr(video, name) for name in _FACTS)
    if copied is None or not same or copied.time_base != video.time_base or not copied.keyframe_pts:
        raise SourceError(f"{clip.info.path} looks different when it is cut.")
    begin = video.keyframe_at_or_before(wanted[0])
    shift = (video.keyframe_pts[0] if begin is None else begin) - copied.keyframe_pts[0]
    shown = copied.pts[bisect_left(copied.pts, wanted[0] - shift) : bisect_right(copied.pts, wanted[-1] - shift)]
    if shown != tuple(pts - shift for pts in wanted):
        raise SourceError(f"{clip.info.path} has other frames when it is cut.")
    return Stretch(out, shown[0], shown[-1] + 1, video.pts[0] - shift, video.time_base)
