"""Joining pieces, sound, subtitles and facts into one file on the source's own timeline, its index in front."""

from __future__ import annotations

import errno
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
from av.packet import Packet

from tightfit.domain.light import Light
from tightfit.domain.mp4 import INTERLEAVE_US
from tightfit.domain.pieces import Part
from tightfit.domain.timeline import decode_times, is_whole, presentation_order
from tightfit.errors import EncoderError
from tightfit.media import packets
from tightfit.media.argv import LEAD_S, ours
from tightfit.media.audio import AudioTrack
from tightfit.media.cargo import Cargo, bitmap_lane, chapter_facts, describe, text_lane
from tightfit.media.moov import add_boxes, disable
from tightfit.media.template import template

# Sound and picture alternate by the second: by the packet, the tables of where each chunk lies would make the
# container twice as large (37.5 against 19.5 bytes a frame at 30 fps).
_MUXER = {"movflags": "+faststart", "chunk_duration": str(INTERLEAVE_US)}
# Pictures that are shown after they are decoded get offsets below zero instead.
_WITHOUT_EDIT_LISTS = {**_MUXER, "movflags": "+faststart+negative_cts_offsets", "use_editlist": "0"}
# Matroska stores no decode times, and what is shown first is at 0: nothing has to be moved out of the negative.
_MATROSKA = {"avoid_negative_ts": "disabled", "cues_to_front": "1"}


@dataclass(frozen=True)
class Timeline:
    """``pts`` of the frames in ticks of ``time_base``, the first one 0; ``start_s`` is its time in the source."""

    pts: tuple[int, ...]
    time_base: Fraction
    tick: int
    start_s: float
    coded_base: Fraction | None = None

    @property
    def read_base(self) -> Fraction:
        """What the pieces were encoded in: the same ticks, of another length where the speed was changed."""
        return self.coded_base or self.time_base

    @property
    def duration_s(self) -> float:
        """To the end of the last frame, which lasts one ``tick``."""
        return float((self.pts[-1] + self.tick) * self.time_base)


def stitch(parts: Sequence[Part], timeline: Timeline, cargo: Cargo, out: Path) -> int:
    """Write the file and return its size in bytes.

    Raises EncoderError where the parts don't cover the timeline exactly or can't be joined.
    """
    try:
        return _stitch(parts, timeline, cargo, out)
    except (av.FFmpegError, ValueError, IndexError, AssertionError) as exc:
        if isinstance(exc, OSError) and exc.errno in _DISK_ERRORS:
            raise
        raise EncoderError(
            f"The pieces can't be joined: {exc}.", hint="Run again: damaged ones are made anew."
        ) from exc


# What is wrong with the disk that is written to, and not with what is read.
_DISK_ERRORS = (errno.ENOSPC, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EFBIG, errno.ENOENT, errno.EPERM)


def _stitch(parts: Sequence[Part], timeline: Timeline, cargo: Cargo, out: Path) -> int:
    order = presentation_order([part.ranks[: part.kept] for part in parts])
    if len(order) != len(timeline.pts) or not is_whole(order):
        raise EncoderError(f"The pieces hold {len(order)} frames where {len(timeline.pts)} were planned.")
    muxer = _MATROSKA if cargo.container.is_matroska else _MUXER if cargo.edit_lists else _WITHOUT_EDIT_LISTS
    with av.open(ours(out), "w", format=cargo.container.muxer, options=muxer) as container:
        container.metadata.update(cargo.muxer_tags)
        if cargo.chapters:
            container.set_chapters(chapter_facts(cargo.chapters))
        lanes = [_video_packets(container, parts, timeline, order, cargo)]
        lanes += [
            _audio_packets(container, track, timeline, cargo.unheard(track, timeline.start_s)) for track in cargo.tracks
        ]
        lanes += [text_lane(container, track, cargo.container.text_subtitles) for track in cargo.texts]
        lanes += [bitmap_lane(container, track) for track in cargo.bitmaps]
        for _, packet in heapq.merge(*lanes, key=lambda item: item[0]):
            container.mux(packet)
    add_boxes(out, *cargo.own_boxes)
    if not cargo.container.is_matroska:
        disable(out, [n for n, text in enumerate(cargo.texts, start=1 + len(cargo.tracks)) if not text.default])
    return out.stat().st_size


def _video_packets(
    container: av.container.OutputContainer,
    parts: Sequence[Part],
    timeline: Timeline,
    order: list[int],
    cargo: Cargo,
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    description = packets.description_of(Path(part.path) for part in parts)
    with _template(Path(parts[0].path), description, cargo.light) as template:
        stream = container.add_stream_from_template(template.streams.video[0], opaque=True)
    stream.codec_context.extradata = description
    if stream.codec_context.name == "hevc" and not cargo.container.is_matroska:
        # What Apple's players want: all parameter sets in the header, and said so.
        stream.codec_context.codec_tag = "hvc1"
    stream.time_base = timeline.time_base
    dts = decode_times(timeline.pts, order, timeline.tick)

    def lane() -> Iterator[tuple[Fraction, Packet[Any]]]:
        k = 0
        for part in parts:
            for n, coded in enumerate(packets.read(Path(part.path), timeline.read_base)):
                if n == part.kept:
                    break
                packet = Packet(coded.data)
                packet.stream = stream
                packet.time_base = timeline.time_base
                packet.pts, packet.dts = timeline.pts[order[k]], dts[k]
                packet.duration = dts[k + 1] - dts[k] if k + 1 < len(dts) else timeline.tick
                packet.is_keyframe = coded.key
                yield dts[k] * timeline.time_base, packet
                k += 1

    return lane()


def _template(piece: Path, description: bytes, light: Light | None) -> av.container.InputContainer:
    return template(piece, description, light) if light and light.is_known else av.open(ours(piece), format="nut")


def _audio_packets(
    container: av.container.OutputContainer, audio: AudioTrack, timeline: Timeline, unheard: int
) -> Iterator[tuple[Fraction, Packet[Any]]]:
    source = av.open(ours(audio.path), format="nut")
    template = source.streams.audio[0]
    stream = container.add_stream_from_template(template, opaque=True)
    base = Fraction(1, template.sample_rate)
    stream.time_base = base
    describe(stream, audio)

    def lane() -> Iterator[tuple[Fraction, Packet[Any]]]:
        with source:
            shift = round((LEAD_S + timeline.start_s) / base)
            heard = (p for p in source.demux(template) if p.size and p.pts is not None)
            for packet in islice(heard, unheard, None):
                assert packet.pts is not None, "others are skipped"
                assert template.time_base is not None, "NUT names a time base for every stream"
                pts = round(packet.pts * template.time_base / base) - shift
                packet.stream = stream
                packet.time_base = base
                packet.pts = packet.dts = pts
                yield pts * base, packet

    return lane()
