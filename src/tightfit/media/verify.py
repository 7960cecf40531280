"""The last look before a file is published: it is read back and decoded, nobody's word is taken.

Decoding alone proves little: two pieces in each other's place, or four kilobytes of zeros in the middle of a picture,
may decode without a word. So every packet is compared with the one that it was made of, byte by byte.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import ffmpeg as graph
from av.packet import Packet

from tightfit.domain.geometry import Size
from tightfit.domain.mp4_boxes import APPLE
from tightfit.domain.pieces import Part
from tightfit.domain.policy import Work
from tightfit.domain.subtitles import TextTrack, packets_of
from tightfit.errors import EncoderError
from tightfit.media import argv, packets, process
from tightfit.media.audio import AudioTrack
from tightfit.media.audio import packets_of as sound_of
from tightfit.media.bitstream import form_of
from tightfit.media.cargo import Cargo
from tightfit.media.light import light_in
from tightfit.media.progress import ProgressReader
from tightfit.media.stitch import Timeline
from tightfit.media.subtitles import bitmaps_of
from tightfit.media.tools import Ffmpeg
from tightfit.media.verify_tracks import AGAIN, check_descriptions, check_subtitles_times

# A frame of AAC is 21 ms at 48 kHz; people notice sound that is 45 ms early (ITU-R BT.1359-1).
_AUDIO_TOLERANCE_S = 0.020


@dataclass(frozen=True)
class Expected:
    """What the plan promised, and what the file was made of: ``parts`` and ``cargo``."""

    limit_bytes: int
    timeline: Timeline
    size: Size
    parts: tuple[Part, ...]
    cargo: Cargo


async def verify(ffmpeg: Ffmpeg, path: Path, expected: Expected) -> None:
    """Raise EncoderError naming the first promise that ``path`` breaks."""
    size = path.stat().st_size
    if size > expected.limit_bytes:
        raise EncoderError(f"The file came out at {size} bytes, over the limit of {expected.limit_bytes}.")
    try:
        _check_content(path, expected)
    except (av.FFmpegError, OSError, IndexError, ValueError) as exc:
        raise EncoderError(f"The joined file can't be read back: {exc}.", hint=AGAIN) from exc
    await _check_decodes(ffmpeg, path, expected)


def _check_content(path: Path, expected: Expected) -> None:
    """Compare what is in the file with what was to be, packet by packet."""
    seen: dict[int, list[tuple[Fraction, Fraction]]] = {}
    with ExitStack() as stack:
        container = stack.enter_context(av.open(argv.ours(path), format=_demuxer(expected)))
        _check_header(container, expected)
        made = [stack.enter_context(closing(lane)) for lane in _lanes(expected)]
        for packet in container.demux():
            at = packet.stream.index
            # Behind the streams that were muxed there may be the one that libavformat makes of chapters.
            if packet.pts is None or packet.time_base is None or at >= len(made) or _is_pause(packet, expected):
                continue
            shown = seen.setdefault(at, [])
            if bytes(packet) != next(made[at], None):
                raise _differs(packet.stream.type, len(shown))
            end = packet.pts + (packet.duration or 0)
            shown.append((packet.pts * packet.time_base, end * packet.time_base))
        for at, lane in enumerate(made):
            if next(lane, None) is not None:
                raise _differs(container.streams[at].type, len(seen.get(at, ())))
        _check_facts(container, expected)
    _check_light(path, expected)
    _check_pictures_times(sorted(start for start, _ in seen.get(0, ())), expected)
    for n, track in enumerate(expected.cargo.tracks, start=1):
        _check_sounds_times(seen.get(n, []), track, expected)
    check_subtitles_times(seen, expected.cargo)


def _demuxer(expected: Expected) -> str:
    return "matroska" if expected.cargo.container.is_matroska else "mov"


# Timed text has an empty sample wherever nothing is said.
_EMPTY_TEXT = b"\0\0"


def _is_pause(packet: Packet[Any], expected: Expected) -> bool:
    is_timed_text = packet.stream.type == "subtitle" and not expected.cargo.container.is_matroska
    return not packet.size or (is_timed_text and bytes(packet) == _EMPTY_TEXT)


_NAMES = {"video": "picture", "audio": "sound", "subtitle": "subtitles"}


def _differs(kind: str, at: int) -> EncoderError:
    what = _NAMES.get(kind, kind)
    return EncoderError(f"The joined file's {what} differs from what was encoded, from packet {at} on.", hint=AGAIN)


def _lanes(expected: Expected) -> list[Generator[bytes, None, None]]:
    """The payloads that each stream was made of, in the order of the streams."""
    cargo = expected.cargo
    lanes = [_pictures(expected), *(_sound(track, expected) for track in cargo.tracks)]
    lanes += [_texts(track, cargo.container.text_subtitles) for track in cargo.texts]
    return lanes + [bitmaps_of(track) for track in cargo.bitmaps]


def _pictures(expected: Expected) -> Generator[bytes, None, None]:
    base = expected.timeline.read_base
    for part in expected.parts:
        for coded in islice(packets.read(Path(part.path), base), part.kept):
            yield coded.data


def _sound(track: AudioTrack, expected: Expected) -> Generator[bytes, None, None]:
    yield from islice(sound_of(track), expected.cargo.unheard(track, expected.timeline.start_s), None)


def _texts(track: TextTrack, codec: str) -> Generator[bytes, None, None]:
    for text in packets_of(track.cues, codec):
        yield text.data


def _check_header(container: av.container.InputContainer, expected: Expected) -> None:
    """What is not in the packets: which streams there are, how they are decoded, what the file says of itself."""
    wanted = ["video", *expected.cargo.kinds]
    if [stream.type for stream in container.streams if stream.type != "data"] != wanted:
        raise EncoderError("The joined file has lost or gained a track.", hint=AGAIN)
    coded = container.streams.video[0].codec_context
    plainly, described = form_of(coded.name).told, packets.description_of(Path(part.path) for part in expected.parts)
    if plainly(coded.extradata or b"") != plainly(described):
        raise EncoderError("The joined file describes its pictures otherwise than the encoder did.", hint=AGAIN)
    if (coded.width, coded.height) != (expected.size.width, expected.size.height):
        raise EncoderError(f"The joined file's pictures are {coded.width}x{coded.height}.", hint=AGAIN)


def _check_light(path: Path, expected: Expected) -> None:
    """HDR pictures that are not said to be, or say something else of their light, look wrong on every display."""
    if expected.cargo.light is None:
        return
    kinds = [(str(path), _demuxer(expected)), (expected.parts[0].path, "nut")]
    shown, made = (_first_picture(name, kind) for name, kind in kinds)
    deep = (shown.format.name, shown.color_trc in _HDR)
    same = [(frame.color_trc, frame.color_primaries, frame.colorspace, frame.color_range) for frame in (shown, made)]
    if deep != ("yuv420p10le", True) or same[0] != same[1] or light_in(shown) != expected.cargo.light:
        raise EncoderError("The joined file does not say of its HDR pictures what they are.", hint=AGAIN)


# Transfer functions of H.273: PQ and HLG.
_HDR = (16, 18)


def _first_picture(path: str, kind: str) -> Any:
    with av.open(argv.ours(path), format=kind) as container:
        return next(container.decode(video=0))


# Tags that every container keeps under the same name and as they were.
_SURE_TAGS = ("title", "artist", "comment", "location", "make", "model")


def _check_facts(container: av.container.InputContainer, expected: Expected) -> None:
    found = {key.lower(): value for key, value in container.metadata.items()}
    tags = expected.cargo.tags
    sure = {key: value for key, value in tags.items() if key in _SURE_TAGS or key.startswith(APPLE)}
    lost = [key for key, value in sure.items() if found.get(key.lower()) != value]
    if lost:
        raise EncoderError(f"The joined file has lost what was noted of it: {', '.join(lost)}.", hint=AGAIN)
    titles = [chapter["metadata"].get("title", "") for chapter in container.chapters()]
    if titles != [chapter.title for chapter in expected.cargo.chapters]:
        raise EncoderError("The joined file has lost or changed a chapter.", hint=AGAIN)
    check_descriptions([*container.streams.audio, *container.streams.subtitles], expected.cargo)


# Matroska counts milliseconds.
_ROUNDING = Fraction(51, 100_000)


def _check_pictures_times(shown: Sequence[Fraction], expected: Expected) -> None:
    line = expected.timeline
    slack = _ROUNDING if expected.cargo.container.is_matroska else Fraction(0)
    planned = [p * line.time_base for p in line.pts]
    if len(shown) != len(planned) or any(abs(a - b) > slack for a, b in zip(shown, planned, strict=True)):
        raise EncoderError(f"The joined file shows {len(shown)} frames at other times than the {len(planned)} planned.")


def _check_sounds_times(heard: Sequence[tuple[Fraction, Fraction]], track: AudioTrack, expected: Expected) -> None:
    if not heard:
        return
    line = expected.timeline
    # Matroska says of no packet how long it lasts.
    length = Fraction(track.packet_samples, track.sample_rate) if expected.cargo.container.is_matroska else 0
    start, end = float(heard[0][0]), float(max(max(e, s + length) for s, e in heard))
    unheard_s = expected.cargo.unheard(track, line.start_s) * track.packet_samples / track.sample_rate
    planned = track.start_s + unheard_s - line.start_s, track.end_s - line.start_s
    if abs(start - planned[0]) > _AUDIO_TOLERANCE_S or abs(end - planned[1]) > _AUDIO_TOLERANCE_S:
        raise EncoderError(
            f"The joined file's sound runs from {start:.3f} s to {end:.3f} s "
            f"instead of {planned[0]:.3f} s to {planned[1]:.3f} s."
        )


# What libavformat says of the titles of tracks as it wrote them itself.
_HARMLESS = "UDTA parsing failed retrying raw"


async def _check_decodes(ffmpeg: Ffmpeg, path: Path, expected: Expected) -> None:
    frames = len(expected.timeline.pts)
    reader = ProgressReader(lambda _: None)
    # The loop filter can't fail and nothing is looked at: a quarter of the decode is saved.
    source = argv.own_input(path, _demuxer(expected), skip_loop_filter="all")
    output = graph.output(source, "-", f="null", fps_mode="passthrough", enc_time_base="1/1000000")
    limits = ffmpeg.policy.limits(Work(pixels=frames * expected.size.pixels, frames=frames))
    command = argv.command(ffmpeg.path, output, strict=True)
    done = await process.run_or_again(command, str(path), on_line=reader, limits=limits)
    complaints = [line for line in done.stderr.splitlines() if line.strip() and _HARMLESS not in line]
    if done.returncode != 0 or complaints:
        raise EncoderError(f"The joined file does not decode cleanly: {done.last_message}.")
    if reader.frames != frames:
        raise EncoderError(f"The joined file decodes to {reader.frames} frames instead of {frames}.")
