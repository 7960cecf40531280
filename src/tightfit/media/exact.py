"""Exactly the asked frames of a file with exactly the asked parameters, for somebody else who joins the pieces."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tightfit.domain.geometry import Size
from tightfit.domain.layout import Cut
from tightfit.domain.level import level_of
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.errors import EncoderError, SourceError
from tightfit.media import argv, packets, process
from tightfit.media.coding import Coding, ConstantQuality
from tightfit.media.encode import Clip, Setting, seeks_of, work_of
from tightfit.media.picture import Picture, require_tone_mapping
from tightfit.media.progress import ProgressReader
from tightfit.media.tools import Ffmpeg


@dataclass(frozen=True)
class Exact:
    """Frames with ``start_pts <= pts < end_pts`` in ticks of ``time_base``, and how they are encoded.

    Timestamps come out as they were less ``origin_pts`` (and with ``argv.LEAD_S`` added, as in all our pieces).
    ``fps``, ``level`` and ``tags`` go into the stream's description; None takes what the engine would take.
    """

    start_pts: int
    end_pts: int | None
    time_base: Fraction
    size: Size
    crf: float
    preset: str
    threads: int
    origin_pts: int = 0
    fps: Fraction | None = None
    level: int | None = None
    keyint: int | None = None
    tags: Mapping[str, str] | None = None


async def encode_exactly(
    ffmpeg: Ffmpeg, info: MediaInfo, asked: Exact, out: Path, on_frames: Callable[[int], None]
) -> tuple[int, ...]:
    """Encode into the NUT file ``out`` and return the frames' timestamps in it, ascending, without the lead.

    Raises SourceError where the file has no such frames or another time base, EncoderError where ffmpeg fails or
    returns other frames.
    """
    video = info.main_video
    if video is None:
        raise SourceError(f"{info.path} holds no video.", hint="Name a video file.")
    if video.time_base != asked.time_base:
        raise SourceError(f"The time base of {info.path} is {video.time_base}, not {asked.time_base}.")
    require_tone_mapping(video, ffmpeg, info.path)
    first = bisect_left(video.pts, asked.start_pts)
    last = len(video.pts) if asked.end_pts is None else bisect_left(video.pts, asked.end_pts)
    if first >= last:
        raise SourceError(f"{info.path} shows no frame between {asked.start_pts} and {asked.end_pts}.")
    wanted = tuple(pts - asked.origin_pts for pts in video.pts[first:last])
    clip = Clip(info, video, Picture(video, asked.size), tuple(pts - video.pts[0] for pts in video.pts))
    complaint, setting = "", Setting(asked.size, asked.crf, asked.threads, asked.preset)
    for seek_s in seeks_of(clip, first):
        done = await process.run(
            _command(ffmpeg, clip, asked, first, last, seek_s, out),
            cwd=out.parent,
            on_line=ProgressReader(on_frames),
            limits=ffmpeg.policy.limits(work_of(clip, first, last, setting, seek_s)),
        )
        table = packets.table(out, video.time_base)
        if done.returncode == 0 and tuple(sorted(table.pts)) == wanted:
            return wanted
        complaint = done.last_message if done.returncode else "other frames came out than were asked for"
    raise EncoderError(f"ffmpeg could not encode frames {first} to {last} of {info.path}: {complaint}.")


def _command(
    ffmpeg: Ffmpeg, clip: Clip, asked: Exact, first: int, last: int, seek_s: float | None, out: Path
) -> list[str]:
    video: VideoStream = clip.video
    end = video.pts[last] if last < len(video.pts) else None
    node = argv.frames_of(
        argv.source_input(clip.info, ffmpeg.policy, threads=asked.threads, seek_s=seek_s),
        video,
        Cut(video.pts[first], end, asked.origin_pts),
        clip.picture.steps(asked.size),
    )
    fps = asked.fps or video.fps
    coding = Coding(
        ConstantQuality(asked.crf),
        asked.preset,
        asked.threads,
        fps,
        clip.picture.tag_options() if asked.tags is None else dict(asked.tags),
        asked.level or level_of(asked.size, fps),
        "" if asked.keyint is None else f"keyint={asked.keyint}",
    )
    return argv.command(ffmpeg.path, argv.coded_output(node, out, video.time_base, coding))
