"""Which subtitles go along with a clip, text or drawn; the others are said."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tightfit.domain.cargo import language_of
from tightfit.domain.containers import Container
from tightfit.domain.layout import Layout
from tightfit.domain.media_info import MediaInfo, OtherStream
from tightfit.domain.request import CompressRequest
from tightfit.domain.subtitles import BitmapTrack, TextTrack
from tightfit.engine.editing import shape_for
from tightfit.engine.job import Job
from tightfit.media.subtitles import TEXT, copy_of, text_of
from tightfit.media.tools import Ffmpeg

# Subtitles that together take more than this of a file are not what it is about.
_MOST_OF_FILE = 0.1


@dataclass(frozen=True)
class Subtitles:
    """On the source's clock: cues with the stream they are of, and drawn pictures."""

    texts: tuple[tuple[OtherStream, TextTrack], ...] = ()
    bitmaps: tuple[BitmapTrack, ...] = ()


def why_not_drawn(request: CompressRequest, info: MediaInfo, layout: Layout) -> str:
    """Why drawn subtitles can't go along, as the end of a sentence; nothing where they can."""
    video, writes = info.main_video, request.writes
    if not writes.bitmap_subtitles:
        keeper = "" if request.destination else "; MKV (--container mkv) keeps them"
        return f"which players don't show from {writes.upper()}: they are left out{keeper}"
    if video is None or not (layout.is_whole and shape_for(request, info, video).is_plain):
        return "which would no longer fit the edited clip: they are left out"
    return ""


async def subtitles(info: MediaInfo, limit: int, ffmpeg: Ffmpeg, job: Job, why_not_drawn: str) -> Subtitles:
    """All subtitles that can be read and find room, those first that are shown unasked; the others are said."""
    texts, bitmaps, room = [], [], int(_MOST_OF_FILE * limit)
    found = [stream for stream in info.others if stream.kind == "subtitle" and stream.packets]
    for stream in sorted(found, key=lambda s: not (s.default or s.forced)):
        where = f"The {stream.language or 'untitled'} subtitles (stream {stream.index})"
        is_drawn = stream.codec in Container.MKV.bitmap_subtitles
        if is_drawn and why_not_drawn:
            job.warn(f"{where} are drawn pictures ({stream.codec}), {why_not_drawn}.")
        elif not is_drawn and stream.codec not in TEXT:
            job.warn(f"{where} are of a kind that is not carried over ({stream.codec}).")
        elif stream.bytes > room:
            job.warn(f"{where} would take too much of this size and are left out.")
        elif (made := await _made(info, stream, ffmpeg, job)) is None:
            job.warn(f"{where} can't be read and are left out.")
        else:
            room -= stream.bytes
            if isinstance(made, TextTrack):
                texts.append((stream, made))
            else:
                bitmaps.append((stream.index, made))
    texts.sort(key=lambda pair: pair[0].index)
    return Subtitles(tuple(texts), tuple(made for _, made in sorted(bitmaps, key=lambda pair: pair[0])))


async def _made(info: MediaInfo, stream: OtherStream, ffmpeg: Ffmpeg, job: Job) -> TextTrack | BitmapTrack | None:
    language = language_of(stream.language)
    if stream.codec in TEXT:
        cues = await text_of(ffmpeg, info, stream, job.work)
        return None if cues is None else TextTrack(tuple(cues), language, stream.default, stream.forced, stream.title)
    copied = await copy_of(ffmpeg, info, stream, job.work)
    return copied and replace(
        copied, language=language, default=stream.default, forced=stream.forced, title=stream.title
    )
