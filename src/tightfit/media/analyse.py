"""One cheap encode of the whole clip: which frames there really are, where the encoder wants its
keyframes, and how the bytes spread. At a third of each side, x264 veryfast puts its IDR pictures where
medium at full size does (measured: identical on four clips, 11 of 13 on a fifth), for a sixth of the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tightfit.domain.geometry import analysis_size
from tightfit.domain.level import level_of
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.policy import Work
from tightfit.domain.rate import Content
from tightfit.errors import SourceError
from tightfit.media import argv, packets, process
from tightfit.media.picture import Picture
from tightfit.media.probe import require_read
from tightfit.media.progress import ProgressReader
from tightfit.media.tools import Ffmpeg

# What x264 says of a frame that is earlier than the one before it.
_OUT_OF_ORDER = "non-strictly-monotonic PTS"
ANALYSIS_CRF = 28.0
ANALYSIS_PRESET = "veryfast"
# At that quality no picture comes near so many bytes; only a runaway encoder does.
_MOST_BYTES_PER_PIXEL = 0.5
# Motion search that places keyframes as well and costs a fifth less.
ANALYSIS_TUNING = "subme=1:partitions=none:me=dia"


@dataclass(frozen=True)
class Analysis:
    """``pts`` are the frames that decode, in ticks from the stream's first packet: the plan's timeline.

    ``seconds`` is how long the analysis took: what the real encode will take follows from it.
    """

    pts: tuple[int, ...]
    content: Content
    seconds: float


async def analyse(
    ffmpeg: Ffmpeg,
    info: MediaInfo,
    video: VideoStream,
    picture: Picture,
    work: Path,
    *,
    threads: int,
    on_frames: Callable[[int], None],
) -> Analysis:
    """Encode all of ``video`` small and read the result.

    Raises SourceError where nothing decodes, or where two frames share a timestamp; EncoderError.
    """
    size = analysis_size(picture.full)
    out = work / "analysis.nut"
    cut = argv.Cut(start=video.pts[0], end=None, origin=video.pts[0])
    source = argv.source_input(info, ffmpeg.policy, threads=threads, roughly=True)
    node = argv.frames_of(source, video, cut, picture.steps(size, fast=True))
    settings = argv.X264(
        argv.ConstantQuality(ANALYSIS_CRF),
        ANALYSIS_PRESET,
        threads,
        video.fps,
        {},
        level_of(size, video.fps),
        ANALYSIS_TUNING,
    )
    output = argv.x264_output(node, out, video.time_base, settings)
    begun = time.monotonic()
    pixels = video.frames * (video.pixels + size.pixels)
    limits = ffmpeg.policy.limits(Work(pixels, video.frames, video.frames * size.pixels * _MOST_BYTES_PER_PIXEL))
    done = await process.run_or_again(
        argv.command(ffmpeg.path, output), info.path, cwd=work, on_line=ProgressReader(on_frames), limits=limits
    )
    seconds = time.monotonic() - begun
    table = _table_of(out, info, video, done)
    out.unlink()
    pts = tuple(sorted(table.pts))
    return Analysis(pts, _content(table, pts, size.width / picture.full.width), seconds)


def _table_of(out: Path, info: MediaInfo, video: VideoStream, done: process.Finished) -> packets.EncodedTable:
    """What the encode at ``out`` holds. Raises SourceError where the source is to blame for what it lacks."""
    require_read(done, info)
    if done.crashed:
        raise SourceError(
            f"ffmpeg crashes when it decodes {info.path} ({done.crashed}, twice).",
            hint="The file is damaged or meant to do that, or this ffmpeg is broken; TIGHTFIT_FFMPEG names another.",
        )
    try:
        table = packets.table(out, video.time_base)
    except ValueError as exc:
        raise SourceError(
            f"{info.path} shows its frames at times that can't be kept exactly ({exc}).",
            hint="Its timestamps are damaged; remux it with ffmpeg -c copy and try again.",
        ) from exc
    if done.returncode != 0 or not table.pts:
        raise SourceError(f"{info.path} holds no video that decodes: {_cause(done)}.", hint="Check that it plays.")
    if _OUT_OF_ORDER in done.stderr:
        raise SourceError(
            f"{info.path} is damaged: its frames come in another order than their times say.",
            hint="Get an undamaged copy.",
        )
    if any(b <= a for a, b in pairwise(sorted(table.pts))):
        raise SourceError(
            f"{info.path} shows two frames at one time.", hint="Remux it with ffmpeg -c copy and try again."
        )
    return table


def _content(table: packets.EncodedTable, pts: tuple[int, ...], scale: float) -> Content:
    rank = {p: i for i, p in enumerate(pts)}
    frame_bytes = [0] * len(pts)
    for p, size in zip(table.pts, table.sizes, strict=True):
        frame_bytes[rank[p]] = size
    idrs = sorted(rank[p] for p, key in zip(table.pts, table.keys, strict=True) if key)
    return Content(tuple(frame_bytes), tuple(idrs), scale)


def _cause(done: process.Finished) -> str:
    return done.last_message.split("] ")[-1].rstrip(".")
