"""A whole file, or one stretch of it, as an H.264 MP4 at one quality: no size is aimed at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.geometry import Size
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.policy import Work
from tightfit.errors import EncoderError, SourceError
from tightfit.media import argv, process
from tightfit.media.encode import MOST_BYTES_PER_PIXEL
from tightfit.media.interlace import field_order_of
from tightfit.media.picture import Picture, require_tone_mapping
from tightfit.media.progress import ProgressReader
from tightfit.media.sound import FILLED
from tightfit.media.tools import Ffmpeg

_SOUND_KBPS = 160
_MUXED = {"f": "mp4", "movflags": "+faststart", "map_metadata": -1, "map_chapters": -1, "max_muxing_queue_size": 1024}


@dataclass(frozen=True)
class Stretch:
    """Seconds from the first picture; ``end_s`` None runs to the end."""

    start_s: float = 0.0
    end_s: float | None = None


@dataclass(frozen=True)
class Look:
    """Picture size, x264's CRF and preset, and its threads."""

    size: Size
    crf: float
    preset: str
    threads: int


async def encode_whole(
    ffmpeg: Ffmpeg, info: MediaInfo, stretch: Stretch, look: Look, out: Path, on_frames: Callable[[int], None]
) -> None:
    """Write ``out``, picture and sound (AAC) cut at the same moments, nothing else carried over.

    Raises SourceError where the stretch holds no picture, EncoderError where ffmpeg fails.
    """
    video = info.main_video
    if video is None:
        raise SourceError(f"{info.path} holds no video.", hint="Name a video file.")
    require_tone_mapping(video, ffmpeg, info.path)
    picture = Picture(video, look.size, fields=await field_order_of(ffmpeg, info, video, out.parent))
    start, end = _ticks(video, stretch)
    if not any(start <= pts and (end is None or pts < end) for pts in video.pts):
        raise SourceError(f"{info.path} shows no picture in the wanted stretch.", hint="Widen the trim.")
    source = argv.source_input(info, ffmpeg.policy, threads=look.threads)
    bounds = {"start_pts": start} if end is None else {"start_pts": start, "end_pts": end}
    shown = source[str(video.index)]
    for name, options in picture.whole():
        shown = shown.filter(name, **options)
    shown = shown.filter("trim", **bounds).filter("setpts", f"PTS-{start}")
    for name, options in picture.steps(look.size):
        shown = shown.filter(name, **options)
    sound = _sound(source, info, float(start * video.time_base), None if end is None else float(end * video.time_base))
    coded: dict[str, Any] = {
        **_MUXED,
        "c:v": "libx264",
        "preset": look.preset,
        "crf": look.crf,
        "threads": look.threads,
        "fps_mode": "passthrough",
        "enc_time_base": f"{video.time_base.numerator}/{video.time_base.denominator}",
        **picture.tag_options(),
    }
    if sound is not None:
        coded |= {"c:a": "aac", "b:a": f"{_SOUND_KBPS}k"}
    output = graph.output(*(node for node in (shown, sound) if node is not None), argv.ours(out), **coded)
    frames = len(video.pts)
    work = Work(frames * (video.pixels + look.size.pixels), frames, frames * look.size.pixels * MOST_BYTES_PER_PIXEL)
    done = await process.run(
        argv.command(ffmpeg.path, output),
        cwd=out.parent,
        on_line=ProgressReader(on_frames),
        limits=ffmpeg.policy.limits(work),
    )
    if done.returncode != 0:
        raise EncoderError(f"ffmpeg could not encode {info.path}: {done.last_message}.")


def _ticks(video: VideoStream, stretch: Stretch) -> tuple[int, int | None]:
    origin, base = video.pts[0], video.time_base
    start = origin + max(0, round(stretch.start_s / base))
    return start, None if stretch.end_s is None else origin + round(stretch.end_s / base)


def _sound(source: Any, info: MediaInfo, start_s: float, end_s: float | None) -> Any:
    stream = info.main_audio
    if stream is None or stream.start_s >= (end_s or float("inf")) or stream.start_s + stream.duration_s <= start_s:
        return None
    bounds = {"start": f"{start_s:.6f}"} if end_s is None else {"start": f"{start_s:.6f}", "end": f"{end_s:.6f}"}
    cut = source[str(stream.index)].filter("atrim", **bounds).filter("asetpts", f"PTS-{start_s:.6f}/TB")
    return cut.filter("aresample", **FILLED)
