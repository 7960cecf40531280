"""A stretch of the source as a file of its own, without a single picture decoded: what is sent to be encoded elsewhere.

The picture alone goes in: no sound, no metadata, no name.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import ffmpeg as graph

from tightfit.domain.media_info import VideoStream
from tightfit.domain.policy import Work
from tightfit.errors import SourceError
from tightfit.media import argv, process
from tightfit.media.encode import Clip, is_indexed, seeks_of
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

# Pictures that are shown before a keyframe may be stored behind it; no codec's reordering is deeper.
_REORDER_MARGIN = 16
# An index may leave keyframes out; a copy begins at the one before then.
_KEYFRAMES_LOOKED_AT = 20
# What has to survive the copy for the picture to be read as it is in the source.
_FACTS = ("codec", "width", "height", "sar", "rotation", "pix_fmt", "field_order")


@dataclass(frozen=True)
class Stretch:
    """A piece of the source at ``path``: its frames with ``start_pts`` <= pts < ``end_pts``, in ticks of ``time_base``,
    are the wanted ones, and ``origin_pts`` is where the clip's first frame would be on its timeline."""

    path: Path
    start_pts: int
    end_pts: int
    origin_pts: int
    time_base: Fraction


def can_travel(clip: Clip) -> bool:
    """Whether a copy can begin at a keyframe and MP4 can hold its timestamps, counted in whole parts of a second.

    Without an index a copy begins at whatever keyframe is found, and at a constant rate nothing shows which one; and
    where a decoder has to know which x264 it was, only the first piece would say so.
    """
    video = clip.video
    held = video.time_base.numerator == 1 and bool(video.keyframe_pts)
    return is_indexed(clip.info) and held and video.x264_build is None


async def extract(ffmpeg: Ffmpeg, clip: Clip, first: int, last: int, out: Path, *, exactly: bool = False) -> Stretch:
    """Copy what is needed to decode frames ``[first, last)`` into the MP4 file ``out``; ``exactly`` these and no more.

    Raises SourceError where this source's packets can't be copied so that the very same frames come out.
    """
    video = clip.video
    source = argv.source_input(clip.info, ffmpeg.policy, threads=1, seek_s=seeks_of(clip, first)[0])
    options = {"c": "copy", "map_metadata": -1, "map_chapters": -1, "f": "mp4", "fflags": "+bitexact"}
    packets = _packets_needed(clip, first, last)
    if exactly and packets is not None:
        packets = last - first
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
    copied = (await probe(out, ffmpeg.policy)).main_video
    stretch = _located(clip, first, last, out, copied)
    if exactly and copied is not None and copied.frames != last - first:
        # Pictures that refer to others beyond the keyframe lie between them.
        raise SourceError(f"{clip.info.path} can't be cut at its keyframes alone.")
    return stretch


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
    if copied is None or not _look_alike(copied, video) or not copied.keyframe_pts:
        raise SourceError(f"{clip.info.path} looks different when it is cut.")
    wanted = [pts + video.pts[0] for pts in clip.pts[first:last]]
    for shift in _shifts(video, copied, wanted[0]):
        found = slice(bisect_left(copied.pts, wanted[0] - shift), bisect_right(copied.pts, wanted[-1] - shift))
        shown = copied.pts[found]
        # The bytes of each picture tell whether they are the same ones, and not others at the same times.
        if (
            shown == tuple(pts - shift for pts in wanted)
            and copied.packet_bytes[found] == video.packet_bytes[first:last]
        ):
            return Stretch(out, shown[0], shown[-1] + 1, video.pts[0] - shift, video.time_base)
    raise SourceError(f"{clip.info.path} has other frames when it is cut.")


def _shifts(video: VideoStream, copied: VideoStream, first: int) -> Iterator[int]:
    """By how much the copy may be earlier than the source, likeliest first: it begins at a keyframe, the nearest before
    ``first`` where the index has it."""
    before = bisect_right(video.keyframe_pts, first)
    for begin in reversed(video.keyframe_pts[max(0, before - _KEYFRAMES_LOOKED_AT) : before]):
        yield begin - copied.keyframe_pts[0]
    yield video.keyframe_pts[0] - copied.keyframe_pts[0]


def _look_alike(copied: VideoStream, video: VideoStream) -> bool:
    """Matroska says of most pictures that their range is limited, where MP4 leaves it out; that means the same."""
    colours = [replace(stream.colour, full_range=bool(stream.colour.full_range)) for stream in (copied, video)]
    return (
        colours[0] == colours[1]
        and copied.time_base == video.time_base
        and all(getattr(copied, name) == getattr(video, name) for name in _FACTS)
    )
