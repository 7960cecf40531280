"""Text subtitles of a source as cues, read by ffmpeg in its jail."""

from __future__ import annotations

from pathlib import Path

import ffmpeg as graph

from tightfit.domain.cargo import Cue
from tightfit.domain.media_info import MediaInfo, OtherStream
from tightfit.domain.policy import Work
from tightfit.domain.subtitles import parse_srt
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
