"""One cheap encode of the whole clip: which frames there really are, where the encoder wants its
keyframes, and how the bytes spread. At a third of each side, x264 veryfast puts its IDR pictures where
medium at full size does (measured: identical on four clips, 11 of 13 on a fifth), for a sixth of the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from tightfit.domain.geometry import analysis_size
from tightfit.domain.layout import Cut, Layout, lay_out
from tightfit.domain.level import level_of
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.policy import Work
from tightfit.domain.rate import Content
from tightfit.errors import SourceError
from tightfit.media import argv, packets, process
from tightfit.media.coding import Coding, ConstantQuality
from tightfit.media.encode import Clip, decoded_frames, seeks_to
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
    """``pts`` are the frames that decode, in ticks from the layout's first one: the plan's timeline.

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
    edited: Layout | None = None,
) -> Analysis:
    """Encode what ``edited`` shows of ``video`` (None: all of it) small, and read the result.

    Raises SourceError where nothing decodes, or where two frames share a timestamp; EncoderError.
    """
    layout = edited or lay_out(video)
    clip = Clip(info, video, picture, layout.shown, layout)
    begun = time.monotonic()
    tables: list[packets.EncodedTable] = []
    for run in layout.runs:
        done = sum(len(table.pts) for table in tables)
        tables.append(await _encode_run(ffmpeg, clip, run, work / "analysis.nut", threads, _after(done, on_frames)))
    seconds = time.monotonic() - begun
    pts = tuple(sorted(p for table in tables for p in table.pts))
    return Analysis(pts, _content(tables, pts, analysis_size(picture.full).width / picture.full.width), seconds)


def _after(done: int, on_frames: Callable[[int], None]) -> Callable[[int], None]:
    return lambda frames: on_frames(done + frames)


async def _encode_run(
    ffmpeg: Ffmpeg, clip: Clip, run: Cut, out: Path, threads: int, on_frames: Callable[[int], None]
) -> packets.EncodedTable:
    """One run, read from the keyframe before it; where that misses frames, from earlier on, at last from the start."""
    first, last = clip.layout.frames_of(run)
    for seek_s in seeks_to(clip, run.start):
        try:
            table = await _encode_from(ffmpeg, clip, run, out, threads, seek_s, on_frames)
        except SourceError:
            if seek_s is None:
                raise
            continue
        if seek_s is None or tuple(sorted(table.pts)) == clip.pts[first:last]:
            break
    return table


async def _encode_from(
    ffmpeg: Ffmpeg,
    clip: Clip,
    run: Cut,
    out: Path,
    threads: int,
    seek_s: float | None,
    on_frames: Callable[[int], None],
) -> packets.EncodedTable:
    video, size = clip.video, analysis_size(clip.picture.full)
    first, last = clip.layout.frames_of(run)
    source = argv.source_input(clip.info, ffmpeg.policy, threads=threads, seek_s=seek_s, roughly=True)
    steps, slots = clip.picture.steps(size, fast=True), clip.layout.slots
    node = argv.frames_of(source, video, run, steps, slots, before=clip.picture.whole())
    rate, fps = ConstantQuality(ANALYSIS_CRF), clip.layout.fps
    # The encoder of so small a picture waits for the decoder; with two threads it costs a twentieth more, and its
    # bytes are not always the same.
    coding = Coding(rate, ANALYSIS_PRESET, 1, fps, {}, level_of(size, fps), ANALYSIS_TUNING)
    decoded, pixels = decoded_frames(clip, last, seek_s), (last - first) * size.pixels
    work = Work(decoded * video.pixels + pixels, decoded, pixels * _MOST_BYTES_PER_PIXEL)
    done = await process.run_or_again(
        argv.command(ffmpeg.path, argv.coded_output(node, out, video.time_base, coding)),
        clip.info.path,
        cwd=out.parent,
        on_line=ProgressReader(on_frames),
        limits=ffmpeg.policy.limits(work),
    )
    table = _table_of(out, clip.info, video, done)
    out.unlink()
    return table


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


def _content(tables: Sequence[packets.EncodedTable], pts: tuple[int, ...], scale: float) -> Content:
    rank = {p: i for i, p in enumerate(pts)}
    frame_bytes = [0] * len(pts)
    idrs = []
    for table in tables:
        for p, size, key in zip(table.pts, table.sizes, table.keys, strict=True):
            frame_bytes[rank[p]] = size
            if key:
                idrs.append(rank[p])
    return Content(tuple(frame_bytes), tuple(sorted(idrs)), scale)


def _cause(done: process.Finished) -> str:
    return done.last_message.split("] ")[-1].rstrip(".")
