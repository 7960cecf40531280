"""Subtitles of a source, read by ffmpeg in its jail: text as cues, drawn ones packet by packet."""

from __future__ import annotations

from collections.abc import Generator
from itertools import islice
from pathlib import Path

import av
import ffmpeg as graph

from tightfit.domain.cargo import Cue
from tightfit.domain.media_info import MediaInfo, OtherStream
from tightfit.domain.policy import Work
from tightfit.domain.subtitles import BitmapTrack, parse_srt
from tightfit.media import argv, process
from tightfit.media.tools import Ffmpeg

# Codecs whose subtitles are text, by libavcodec's names.
TEXT = frozenset({"subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text", "subviewer", "microdvd", "sami"})
# The whole file is read over for a few kilobytes.
_MOST_BYTES = 32_000_000
_MOST_TEXT_BYTES = 8_000_000


async def text_of(ffmpeg: Ffmpeg, info: MediaInfo, stream: OtherStream, work: Path) -> list[Cue] | None:
    """The cues of a text track on the source's clock; None where they can't be read."""
    out = work / f"subtitles-{stream.index}.srt"
    done = await _run(ffmpeg, info, stream, out, {"f": "srt", "c:s": "srt"})
    try:
        if done.returncode != 0 or out.stat().st_size > _MOST_TEXT_BYTES:
            return None
        return parse_srt(out.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return None


async def copy_of(ffmpeg: Ffmpeg, info: MediaInfo, stream: OtherStream, work: Path) -> BitmapTrack | None:
    """The packets of a track of drawn subtitles in a file of their own; None where they can't be read."""
    out = work / f"subtitles-{stream.index}.mkv"
    # Matroska, since NUT has no name for those of Blu-rays; its milliseconds are what the output has too.
    options: dict[str, object] = {"f": "matroska", "c:s": "copy", "output_ts_offset": argv.LEAD_S}
    done = await _run(ffmpeg, info, stream, out, options)
    try:
        return _read_copy(out, stream.codec or "") if done.returncode == 0 else None
    except (av.FFmpegError, OSError, IndexError):
        return None


def _read_copy(path: Path, codec: str) -> BitmapTrack | None:
    samples, size = [], 0
    with av.open(argv.ours(path), format="matroska") as container:
        stream = container.streams.subtitles[0]
        described = len(stream.codec_context.extradata or b"")
        for packet in container.demux(stream):
            if packet.size and packet.pts is not None and packet.time_base is not None:
                start, length = packet.pts * packet.time_base, (packet.duration or 0) * packet.time_base
                samples.append((round((start - argv.LEAD_S) * 1000), round(length * 1000)))
                size += packet.size
    return BitmapTrack(str(path), codec, tuple(samples), size, described) if samples else None


def bitmaps_of(track: BitmapTrack) -> Generator[bytes, None, None]:
    """The payload of each sample, in order."""
    with av.open(argv.ours(track.path), format="matroska") as container:
        packets = container.demux(container.streams.subtitles[0])
        for packet in islice((p for p in packets if p.size and p.pts is not None), len(track.samples)):
            yield bytes(packet)


async def _run(
    ffmpeg: Ffmpeg, info: MediaInfo, stream: OtherStream, out: Path, options: dict[str, object]
) -> process.Finished:
    source = argv.source_input(info, ffmpeg.policy, threads=1)[str(stream.index)]
    output = graph.output(source, argv.ours(out), **options)
    frames = stream.packets + sum(video.frames for video in info.videos)
    limits = ffmpeg.policy.limits(Work(0, frames, _MOST_BYTES + 2 * stream.bytes))
    return await process.run_or_again(
        argv.command(ffmpeg.path, output), info.path, cwd=out.parent, on_line=process.unheard, limits=limits
    )
