"""One cheap encode of the whole clip: which frames there really are, where the encoder wants its
keyframes, and how the bytes spread. At a third of each side, x264 veryfast puts its IDR pictures where
medium at full size does (measured: identical on four clips, 11 of 13 on a fifth), for a sixth of the CPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from tightfit.domain.geometry import Size, analysis_size
from tightfit.domain.layout import Cut, Layout, lay_out
from tightfit.domain.level import level_of
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.policy import Work
from tightfit.domain.rate import Content
from tightfit.errors import SourceError
from tightfit.media import argv, kept, packets, process
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

    ``seconds`` is how long the analysis took: what the real encode will take follows from it. ``pictures`` are the
    decoded ones, where they were kept.
    """

    pts: tuple[int, ...]
    content: Content
    seconds: float
    pictures: Path | None = None


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
    keeps: bool = False,
) -> Analysis:
    """Encode what ``edited`` shows of ``video`` (None: all of it) small, and read the result.

    ``keeps``: the decoded pictures are kept in ``work``, where they are worth it and there is room.

    Raises SourceError where nothing decodes, or where two frames share a timestamp; EncoderError.
    """
    layout = edited or lay_out(video)
    clip = Clip(info, video, picture, layout.shown, layout)
    begun = time.monotonic()
    tables: list[packets.EncodedTable] = []
    keep = work / "decoded.nut" if keeps and _may_keep(clip, work) else None
    for run in layout.runs:
        done = sum(len(table.pts) for table in tables)
        to = _To(work / "analysis.nut", threads, keep)
        tables.append(await _encode_run(ffmpeg, clip, run, to, _after(done, on_frames)))
    seconds = time.monotonic() - begun
    pts = tuple(sorted(p for table in tables for p in table.pts))
    scale = analysis_size(picture.full).width / picture.full.width
    return Analysis(pts, _content(tables, pts, scale), seconds, keep if keep and keep.exists() else None)


@dataclass(frozen=True)
class _To:
    """Where the small encode goes, of how many threads its decoder is, and where decoded pictures are kept."""

    out: Path
    threads: int
    keep: Path | None


def _may_keep(clip: Clip, work: Path) -> bool:
    if not (clip.layout.is_whole and len(clip.layout.runs) == 1 and clip.picture.is_as_decoded):
        return False
    return kept.may_keep(len(clip.pts), Size(clip.video.width, clip.video.height), work)


def _after(done: int, on_frames: Callable[[int], None]) -> Callable[[int], None]:
    return lambda frames: on_frames(done + frames)


async def _encode_run(
    ffmpeg: Ffmpeg, clip: Clip, run: Cut, to: _To, on_frames: Callable[[int], None]
) -> packets.EncodedTable:
    """One run, read from the keyframe before it; where that misses frames, from earlier on, at last from the start."""
    first, last = clip.layout.frames_of(run)
    for seek_s in seeks_to(clip, run.start):
        try:
            table = await _encode_from(ffmpeg, clip, run, to, seek_s, on_frames)
        except SourceError:
            if seek_s is None:
                raise
            continue
        if seek_s is None or tuple(sorted(table.pts)) == clip.pts[first:last]:
            break
    return table


async def _encode_from(
    ffmpeg: Ffmpeg, clip: Clip, run: Cut, to: _To, seek_s: float | None, on_frames: Callable[[int], None]
) -> packets.EncodedTable:
    first, last = clip.layout.frames_of(run)
    size = analysis_size(clip.picture.full)
    decoded, pixels = decoded_frames(clip, last, seek_s), (last - first) * size.pixels
    work = Work(decoded * clip.video.pixels + pixels, decoded, pixels * _MOST_BYTES_PER_PIXEL)
    cwd, on_line = to.out.parent, ProgressReader(on_frames)
    done = None
    if to.keep:
        kept_bytes = kept.bytes_of(last - first, Size(clip.video.width, clip.video.height))
        limits = ffmpeg.policy.limits(replace(work, file_bytes=max(work.file_bytes, kept_bytes)))
        command = argv.command(ffmpeg.path, _output(ffmpeg, clip, run, to, seek_s))
        done = await process.run(command, cwd=cwd, on_line=on_line, limits=limits)
        if done.returncode != 0:
            # Nobody needs what was to be kept, and without it there may be room.
            to.keep.unlink(missing_ok=True)
    if done is None or done.returncode != 0:
        command = argv.command(ffmpeg.path, _output(ffmpeg, clip, run, replace(to, keep=None), seek_s))
        limits = ffmpeg.policy.limits(work)
        done = await process.run_or_again(command, clip.info.path, cwd=cwd, on_line=on_line, limits=limits)
    table = _table_of(to.out, clip.info, clip.video, done)
    to.out.unlink()
    return table


def _output(ffmpeg: Ffmpeg, clip: Clip, run: Cut, to: _To, seek_s: float | None) -> Any:
    video, size, fps = clip.video, analysis_size(clip.picture.full), clip.layout.fps
    # What is kept is encoded later, and is no rough picture.
    roughly = to.keep is None
    source = argv.source_input(clip.info, ffmpeg.policy, threads=to.threads, seek_s=seek_s, roughly=roughly)
    node = argv.frames_of(source, video, run, (), clip.layout.slots, before=clip.picture.whole())
    # The encoder of so small a picture waits for the decoder; with two threads it costs a twentieth more, and its
    # bytes are not always the same.
    coding = Coding(ConstantQuality(ANALYSIS_CRF), ANALYSIS_PRESET, 1, fps, {}, level_of(size, fps), ANALYSIS_TUNING)
    steps = clip.picture.steps(size, fast=True)
    if to.keep is None:
        return argv.coded_output(argv.filtered(node, steps), to.out, video.time_base, coding)
    twice = node.split()
    coded = argv.coded_output(argv.filtered(twice[0], steps), to.out, video.time_base, coding)
    return kept.beside(coded, argv.filtered(twice[1], clip.picture.as_decoded()), to.keep, video.time_base)


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
