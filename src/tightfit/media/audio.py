"""The sound of a clip: how loud its sides are, and its one encode or copy."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import av
import ffmpeg as graph
from av.packet import Packet

from tightfit.domain.audio import AudioKind, AudioPlan, Loudness
from tightfit.domain.cargo import language_of
from tightfit.domain.layout import Layout
from tightfit.domain.media_info import AudioStream, MediaInfo
from tightfit.domain.policy import Work
from tightfit.errors import SourceError, SourceUnreadable
from tightfit.media import argv, process
from tightfit.media.probe import require_read
from tightfit.media.sound import FILLED, sound_of
from tightfit.media.tools import Ffmpeg

_RMS = re.compile(r"RMS level dB:\s*(-?inf|-?[\d.]+)")
# Where a level can't be measured both sides are taken to differ: nothing is thrown away on a guess.
_GAP_S = 0.05
_ENCODERS = {"aac": "aac", "opus": "libopus"}
_UNKNOWN = Loudness(-20.0, -20.0)


@dataclass(frozen=True)
class AudioTrack:
    """Encoded or copied sound on disk. ``bytes`` is its payload; times in seconds on the source's clock."""

    path: Path
    codec: str
    channels: int
    sample_rate: int
    bytes: int
    packets: int
    packet_samples: int
    start_s: float
    end_s: float
    language: str | None = None
    default: bool = False
    title: str | None = None

    @property
    def has_gaps(self) -> bool:
        """True where the packets don't follow each other without a pause."""
        seconds = self.packets * self.packet_samples / self.sample_rate
        return abs(self.end_s - self.start_s - seconds) > _GAP_S

    @property
    def kbps(self) -> float:
        return self.bytes * 8 / 1000 / (self.end_s - self.start_s)


async def measure_loudness(
    ffmpeg: Ffmpeg, info: MediaInfo, stream: AudioStream, layout: Layout | None = None
) -> Loudness:
    """Middle and side levels of all that is heard of a track (mono counts as its own middle), and whether it
    decodes."""
    node = (
        sound_of(info, stream, ffmpeg.policy, layout)
        .filter("aformat", channel_layouts="stereo")
        .filter("pan", args="stereo|c0=0.5*c0+0.5*c1|c1=0.5*c0-0.5*c1")
        .filter("astats", measure_overall="none", measure_perchannel="RMS_level")
    )
    command = argv.command(ffmpeg.path, graph.output(node, "-", f="null"), talkative=True)
    limits = ffmpeg.policy.limits(_work(info, stream, 0))
    done = await process.run_or_again(command, info.path, on_line=process.unheard, limits=limits)
    levels = [float(level) for level in _RMS.findall(done.stderr)]
    middle, side = levels if len(levels) == 2 else (_UNKNOWN.middle_db, _UNKNOWN.side_db)
    return Loudness(middle, side, damaged=done.returncode != 0 or "[error]" in done.stderr)


async def make_track(
    ffmpeg: Ffmpeg,
    info: MediaInfo,
    stream: AudioStream,
    plan: AudioPlan,
    work: Path,
    layout: Layout | None = None,
    name: str = "audio",
) -> AudioTrack:
    """Encode or copy once all that is heard of a track. Raises SourceError where nothing comes of it; EncoderError."""
    out = work / f"{name}.nut"
    source = sound_of(info, stream, ffmpeg.policy, layout)
    options: dict[str, object] = {"f": "nut", "output_ts_offset": argv.LEAD_S}
    if plan.kind is AudioKind.COPY:
        options["c:a"] = "copy"
        if stream.codec == "aac":
            options["bsf:a"] = "aac_adtstoasc"
        node = source
    else:
        node = source.filter("aresample", **FILLED)
        options |= {
            "c:a": _ENCODERS[plan.codec],
            "b:a": f"{plan.kbps:.0f}k",
            "ac": plan.channels,
            "ar": plan.sample_rate,
        }
    expected = max(stream.bytes, plan.expected_bytes(stream.duration_s))
    done = await process.run_or_again(
        argv.command(ffmpeg.path, graph.output(node, argv.ours(out), **options)),
        info.path,
        cwd=work,
        on_line=process.unheard,
        limits=ffmpeg.policy.limits(_work(info, stream, expected)),
    )
    require_read(done, info)
    track = _read_track(out, plan.codec)
    if done.returncode != 0 or track is None:
        # A program that crashes says nothing about the sound.
        kind = SourceUnreadable if done.crashed else SourceError
        why = "nothing of it can be decoded" if done.returncode == 0 else done.last_message
        raise kind(f"The sound of {info.path} could not be read: {why}.", hint="Try again with --audio none.")
    return replace(track, language=language_of(stream.language), default=stream.default, title=stream.title)


# A second of sound costs as much as so many pixels: sound is coded at fifty times its speed on one core.
_PIXELS_PER_SECOND = 0.4e6
# NUT's share, for many small packets.
_CONTAINER_FACTOR = 2


def _work(info: MediaInfo, stream: AudioStream, expected_bytes: float) -> Work:
    """The pictures are read over too."""
    frames = stream.packets + sum(video.frames for video in info.videos)
    return Work(_PIXELS_PER_SECOND * stream.duration_s, frames, _CONTAINER_FACTOR * expected_bytes)


def packets_of(track: AudioTrack) -> Generator[bytes, None, None]:
    """The payload of each packet, in order."""
    with av.open(argv.ours(track.path), format="nut") as container:
        for packet in container.demux(container.streams.audio[0]):
            if packet.size and packet.pts is not None:
                yield bytes(packet)


def _samples_between(packets: Sequence[Packet[Any]], sample_rate: int) -> int:
    """What a packet holds where its codec leaves that open, as Opus does."""
    first, second = packets[0], packets[min(1, len(packets) - 1)]
    if first.pts is None or second.pts is None or first.time_base is None or second.pts <= first.pts:
        return sample_rate // 50
    return max(1, round((second.pts - first.pts) * first.time_base * sample_rate))


def _read_track(path: Path, codec: str) -> AudioTrack | None:
    try:
        with av.open(argv.ours(path), format="nut") as container:
            stream = container.streams.audio[0]
            packets = [p for p in container.demux(stream) if p.size]
            if not packets or packets[0].pts is None or stream.time_base is None:
                return None
            samples = stream.codec_context.frame_size or _samples_between(packets, stream.sample_rate)
            start = float(packets[0].pts * stream.time_base) - argv.LEAD_S
            end = float((packets[-1].pts or 0) * stream.time_base) - argv.LEAD_S + samples / stream.sample_rate
            size = sum(p.size for p in packets)
            return AudioTrack(path, codec, stream.channels, stream.sample_rate, size, len(packets), samples, start, end)
    except (av.FFmpegError, OSError, IndexError):
        return None
