"""A look at a few pictures of a clip: are they interlaced in truth, or only by their flag?"""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.interlacing import FieldPair, may_be_interlaced, order_at, order_of, says_so
from tightfit.domain.media_info import FieldOrder, MediaInfo, VideoStream
from tightfit.domain.policy import Work
from tightfit.media import argv, process
from tightfit.media.tools import Ffmpeg

# Six places of twenty pairs, four rounds of telecine: what is still in one of them moves in another.
_PLACES, _PAIRS = 6, 20
# Columns are as good a sample of a picture as all of it; lines are not.
_MOST_COLUMNS = 240
_MEAN = re.compile(r"lavfi\.signalstats\.YAVG=([0-9.]+)")
_NAMES = ("within", "next_top", "next_bottom")
_LOG_BYTES_PER_PAIR = 200


async def field_order_of(ffmpeg: Ffmpeg, info: MediaInfo, video: VideoStream, work: Path) -> FieldOrder:
    """TOP_FIRST or BOTTOM_FIRST where the pictures are interlaced; anything else means that they stay as they are.

    ``work`` is a folder for a few notes. Raises EncoderError where the system ends ffmpeg again and again.
    """
    if not ffmpeg.can_deinterlace or not may_be_interlaced(video):
        return FieldOrder.PROGRESSIVE
    starts = _starts(video, _PLACES)
    count = _PAIRS * _PLACES // len(starts)
    if not says_so(video) and len(starts) > 1:
        # Nearly all that says nothing is whole, and this is a second of work.
        middle = starts[len(starts) // 2]
        if order_at(await _pairs_at(ffmpeg, info, video, middle, min(count, _PAIRS), work)) is FieldOrder.PROGRESSIVE:
            return FieldOrder.PROGRESSIVE
    return order_of([order_at(await _pairs_at(ffmpeg, info, video, start, count, work)) for start in starts])


def _starts(video: VideoStream, places: int) -> list[int | None]:
    """Keyframes all over the clip, by their timestamps: there a decoder begins at once. None is the beginning."""
    first, length = video.pts[0], video.pts[-1] - video.pts[0]
    wanted = [first + length * (2 * n + 1) // (2 * places) for n in range(places)]
    found = dict.fromkeys(video.keyframe_at_or_before(pts) for pts in wanted)
    return [None if key is None or key <= first else key for key in found] or [None]


async def _pairs_at(
    ffmpeg: Ffmpeg, info: MediaInfo, video: VideoStream, start: int | None, count: int, work: Path
) -> list[FieldPair]:
    seek_s = None if start is None else float(start * video.time_base) - info.start_s
    source = argv.source_input(info, ffmpeg.policy, threads=2, seek_s=seek_s if seek_s and seek_s > 0 else None)
    output = graph.output(_distances(source[str(video.index)]), "-", f="null", **{"frames:v": count})
    limits = ffmpeg.policy.limits(Work(2 * video.frames * video.pixels, video.frames, _LOG_BYTES_PER_PAIR * count))
    logs = [work / f"{name}.log" for name in _NAMES]
    command = argv.command(ffmpeg.path, output)
    await process.run_or_again(command, info.path, cwd=work, on_line=process.unheard, limits=limits)
    means = [_means(log) for log in logs]
    return [FieldPair(*pair) for pair in islice(zip(*means, strict=False), count)]


def _means(log: Path) -> list[float]:
    """What a filter noted; nothing where it never came to that, which is for the analysis to explain."""
    try:
        found = [float(mean) for mean in _MEAN.findall(log.read_text())]
        log.unlink()
        return found
    except (OSError, ValueError):
        return []


def _distances(node: Any) -> Any:
    """The three differences of each pair, noted in files of their names."""
    columns = {"w": f"min(iw,{_MOST_COLUMNS})", "h": "ih", "flags": "neighbor"}
    even = node.filter("crop", "iw", "trunc(ih/2)*2", 0, 0)
    grey = even.filter("scale", **columns).filter("format", "gray").filter("settb", "1/1000").filter("setpts", "N")
    halves = grey.split()
    # A field has every other line; between two lines of the top one lies one of the bottom one.
    tops = halves[0].filter("field", "top").split()
    above, below = _lines(tops[0], 0), _lines(tops[1], 1)
    top = graph.filter([above, below], "blend", all_mode="average").split()
    bottom = _lines(halves[1].filter("field", "bottom"), 0).split()
    pairs = ((top[0], bottom[0]), (_next(top[1]), bottom[1]), (top[2], _next(bottom[2])))
    return graph.filter(
        [_noted(*pair, name) for pair, name in zip(pairs, _NAMES, strict=True)], "hstack", 3, shortest=1
    )


def _lines(node: Any, first: int) -> Any:
    return node.filter("crop", "iw", "ih-1", 0, first)


def _next(node: Any) -> Any:
    return node.filter("trim", start_frame=1).filter("setpts", "N")


def _noted(one: Any, other: Any, name: str) -> Any:
    differing = graph.filter([one, other], "blend", all_mode="difference", shortest=1).filter("signalstats")
    return differing.filter("metadata", "print", key="lavfi.signalstats.YAVG", file=f"{name}.log")
