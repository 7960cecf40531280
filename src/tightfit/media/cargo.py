"""Everything that a file is joined of beside its pictures."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from tightfit.domain.containers import Container
from tightfit.domain.media_info import Chapter
from tightfit.domain.mp4_boxes import APPLE, item_list, user_data
from tightfit.domain.subtitles import TextTrack, packets_of
from tightfit.media.argv import LEAD_S, ours
from tightfit.media.audio import AudioTrack

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
class DrawnTrack:
    """Drawn subtitles, copied into a Matroska file of our own with ``LEAD_S`` added to their times."""

    path: Path
    bytes: int
    packets: int
    language: str | None = None
    default: bool = False
    forced: bool = False
    title: str | None = None


@dataclass(frozen=True)
class Cargo:
    """Sound in the order it has in the file, subtitles, chapters and facts; ``container`` is the kind of file.

    Without ``edit_lists`` sound begins with its first whole packet: what comes before the picture is left out.
    """

    container: Container = Container.MP4
    edit_lists: bool = True
    tracks: tuple[AudioTrack, ...] = ()
    texts: tuple[TextTrack, ...] = ()
    drawn: tuple[DrawnTrack, ...] = ()
    chapters: tuple[Chapter, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    def unheard(self, track: AudioTrack, start_s: float) -> int:
        """How many packets of a track are left out, the picture beginning at ``start_s`` of the source."""
        early_s = start_s - track.start_s
        if self.edit_lists or early_s <= 0:
            return 0
        return math.ceil(early_s * track.sample_rate / track.packet_samples - _ROUNDING)

    @property
    def kinds(self) -> list[str]:
        """The types of the streams beside the picture, in order."""
        return ["audio"] * len(self.tracks) + ["subtitle"] * (len(self.texts) + len(self.drawn))

    @property
    def muxer_tags(self) -> dict[str, str]:
        """What libavformat is given to write. In MP4 it has no place that players read for where and with what."""
        if self.container is Container.MKV:
            return dict(self.tags)
        own = ("location", "make", "model") if self.container is Container.MP4 else ()
        return {key: value for key, value in self.tags.items() if key not in own and not key.startswith(APPLE)}

    @property
    def own_boxes(self) -> tuple[bytes, bytes]:
        """What is added to the movie's user data and to the movie itself, once libavformat is done."""
        if self.container is Container.MKV:
            return b"", b""
        return (user_data(self.tags) if self.container is Container.MP4 else b""), item_list(self.tags)


Lane = Iterator[tuple[Fraction, "Packet[Any]"]]


def describe(stream: Any, track: AudioTrack | TextTrack | DrawnTrack) -> None:
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


def drawn_lane(container: av.container.OutputContainer, track: DrawnTrack, start_s: float) -> Lane:
    """The packets of drawn subtitles, on a new stream; ``start_s`` is where the output begins in the source."""
    source = av.open(ours(track.path), format="matroska")
    template = source.streams.subtitles[0]
    stream: Any = container.add_stream_from_template(template, opaque=True)
    stream.time_base = _MILLISECOND
    describe(stream, track)

    def lane() -> Lane:
        with source:
            for packet in source.demux(template):
                if not packet.size or packet.pts is None or template.time_base is None:
                    continue
                base = template.time_base
                pts = max(0, round(packet.pts * base * 1000) - round((LEAD_S + start_s) * 1000))
                packet.stream, packet.time_base = stream, _MILLISECOND
                packet.pts = packet.dts = pts
                packet.duration = round((packet.duration or 0) * base * 1000)
                yield pts * _MILLISECOND, packet

    return lane()


def drawn_packets(track: DrawnTrack) -> Generator[bytes, None, None]:
    """The payload of each packet, in order."""
    with av.open(ours(track.path), format="matroska") as container:
        for packet in container.demux(container.streams.subtitles[0]):
            if packet.size and packet.pts is not None:
                yield bytes(packet)


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
