"""Everything that a file is joined of beside its pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
from av.packet import Packet

from tightfit.domain.containers import Container
from tightfit.domain.light import Light
from tightfit.domain.media_info import Chapter
from tightfit.domain.mp4_boxes import APPLE, item_list, user_data
from tightfit.domain.subtitles import BitmapTrack, TextTrack, packets_of
from tightfit.media.argv import ours
from tightfit.media.audio import AudioTrack
from tightfit.media.subtitles import bitmaps_of

_MILLISECOND = Fraction(1, 1000)
# Of a packet: times on disk are rounded.
_ROUNDING = 0.01
# What libavcodec's mov_text encoder makes its sample entry of: one style, at the bottom.
_STYLE = """[Script Info]
ScriptType: v4.00+
PlayResX: 384
PlayResY: 288

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, \
StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,0

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


@dataclass(frozen=True)
class Cargo:
    """Sound in the order it has in the file, subtitles, chapters and facts; ``container`` is the kind of file.

    ``light`` is there where the pictures are HDR, and is said of them.
    Without ``edit_lists`` sound begins with its first whole packet: what comes before the picture is left out.
    """

    container: Container = Container.MP4
    edit_lists: bool = True
    tracks: tuple[AudioTrack, ...] = ()
    texts: tuple[TextTrack, ...] = ()
    bitmaps: tuple[BitmapTrack, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    light: Light | None = None

    def unheard(self, track: AudioTrack, start_s: float) -> int:
        """How many packets of a track are left out, the picture beginning at ``start_s`` of the source."""
        early_s = start_s - track.start_s
        if self.edit_lists or early_s <= 0:
            return 0
        return math.ceil(early_s * track.sample_rate / track.packet_samples - _ROUNDING)

    @property
    def kinds(self) -> list[str]:
        """The types of the streams beside the picture, in order."""
        return ["audio"] * len(self.tracks) + ["subtitle"] * (len(self.texts) + len(self.bitmaps))

    @property
    def muxer_tags(self) -> dict[str, str]:
        """What libavformat is given to write. In MP4 it has no place that players read for where and with what."""
        if self.container.is_matroska:
            return dict(self.tags)
        own = ("location", "make", "model") if self.container is Container.MP4 else ()
        return {key: value for key, value in self.tags.items() if key not in own and not key.startswith(APPLE)}

    @property
    def own_boxes(self) -> tuple[bytes, bytes]:
        """What is added to the movie's user data and to the movie itself, once libavformat is done."""
        if self.container.is_matroska:
            return b"", b""
        return (user_data(self.tags) if self.container is Container.MP4 else b""), item_list(self.tags)


Lane = Iterator[tuple[Fraction, "Packet[Any]"]]


def describe(stream: Any, track: AudioTrack | TextTrack | BitmapTrack) -> None:
    """Language, title and flags of a track, before anything is muxed."""
    if track.language:
        stream.metadata["language"] = track.language
    if track.title:
        stream.metadata["title"] = track.title
    flags = av.stream.Disposition.default if track.default else av.stream.Disposition(0)
    if not isinstance(track, AudioTrack) and track.forced:
        flags |= av.stream.Disposition.forced
    stream.disposition = flags


def text_lane(container: av.container.OutputContainer, track: TextTrack, codec: str) -> Lane:
    """The packets of text subtitles, on a new stream."""
    stream: Any
    if codec == "mov_text":
        stream = container.add_stream(codec)
        stream.codec_context.subtitle_header = _STYLE.encode()
    else:
        stream = container.add_mux_stream(codec)
    stream.time_base = _MILLISECOND
    describe(stream, track)

    def lane() -> Lane:
        for text in packets_of(track.cues, codec):
            packet = Packet(text.data)
            packet.stream, packet.time_base = stream, _MILLISECOND
            packet.pts = packet.dts = text.start_ms
            packet.duration = text.duration_ms
            yield text.start_ms * _MILLISECOND, packet

    return lane()


def bitmap_lane(container: av.container.OutputContainer, track: BitmapTrack) -> Lane:
    """The packets of drawn subtitles as they were, on a new stream."""
    with av.open(ours(track.path), format="matroska") as source:
        stream: Any = container.add_stream_from_template(source.streams.subtitles[0], opaque=True)
    stream.time_base = _MILLISECOND
    describe(stream, track)

    def lane() -> Lane:
        for (start_ms, duration_ms), data in zip(track.samples, bitmaps_of(track), strict=True):
            packet = Packet(data)
            packet.stream, packet.time_base = stream, _MILLISECOND
            packet.pts = packet.dts = start_ms
            packet.duration = duration_ms
            yield start_ms * _MILLISECOND, packet

    return lane()


def chapter_facts(chapters: tuple[Chapter, ...]) -> list[Any]:
    """As PyAV takes them."""
    return [
        {
            "id": n,
            "start": round(chapter.start_s * 1000),
            "end": round(chapter.end_s * 1000),
            "time_base": _MILLISECOND,
            "metadata": {"title": chapter.title},
        }
        for n, chapter in enumerate(chapters)
    ]
