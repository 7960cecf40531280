"""The last look before a file is published: it is read back and decoded, nobody's word is taken.

Decoding alone proves little: two pieces in each other's place, or four kilobytes of zeros in the middle of a picture,
may decode without a word. So every packet is compared with the one that it was made of, byte by byte.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import ffmpeg as graph

from tightfit.domain.geometry import Size
from tightfit.domain.pieces import Part
from tightfit.domain.policy import Work
from tightfit.errors import EncoderError
from tightfit.media import argv, packets, process
from tightfit.media.audio import AudioTrack
from tightfit.media.audio import packets_of as sound_of
from tightfit.media.progress import ProgressReader
from tightfit.media.stitch import Timeline
from tightfit.media.tools import Ffmpeg

# A frame of AAC is 21 ms at 48 kHz; people notice sound that is 45 ms early (ITU-R BT.1359-1).
_AUDIO_TOLERANCE_S = 0.020
_AGAIN = "Run again: it is made anew."


@dataclass(frozen=True)
class Expected:
    """What the plan promised, and what the file was made of: ``parts`` and ``track``, None without sound."""

    limit_bytes: int
    timeline: Timeline
    size: Size
    parts: tuple[Part, ...]
    track: AudioTrack | None
    metadata: dict[str, str]


async def verify(ffmpeg: Ffmpeg, path: Path, expected: Expected) -> None:
    """Raise EncoderError naming the first promise that ``path`` breaks."""
    size = path.stat().st_size
    if size > expected.limit_bytes:
        raise EncoderError(f"The file came out at {size} bytes, over the limit of {expected.limit_bytes}.")
    try:
        _check_content(path, expected)
    except (av.FFmpegError, OSError, IndexError, ValueError) as exc:
        raise EncoderError(f"The joined file can't be read back: {exc}.", hint=_AGAIN) from exc
    await _check_decodes(ffmpeg, path, expected)


def _check_content(path: Path, expected: Expected) -> None:
    """Compare what is in the file with what was to be, packet by packet."""
    shown: list[Fraction] = []
    heard: list[tuple[Fraction, Fraction]] = []
    with (
        av.open(argv.ours(path), format="mov") as container,
        closing(_pictures(expected)) as pictures,
        closing(_sound(expected)) as sound,
    ):
        _check_header(container, expected)
        video = container.streams.video[0]
        for packet in container.demux():
            if not packet.size or packet.pts is None or packet.time_base is None:
                continue
            is_video = packet.stream is video
            if bytes(packet) != next(pictures if is_video else sound, None):
                raise _differs("picture" if is_video else "sound", len(shown if is_video else heard))
            if is_video:
                shown.append(packet.pts * packet.time_base)
            else:
                heard.append((packet.pts * packet.time_base, (packet.pts + (packet.duration or 0)) * packet.time_base))
        for kind, left, count in (("picture", pictures, len(shown)), ("sound", sound, len(heard))):
            if next(left, None) is not None:
                raise _differs(kind, count)
    _check_timestamps(sorted(shown), heard, expected)


def _differs(kind: str, at: int) -> EncoderError:
    return EncoderError(f"The joined file's {kind} differs from what was encoded, from packet {at} on.", hint=_AGAIN)


def _pictures(expected: Expected) -> Generator[bytes, None, None]:
    base = expected.timeline.read_base
    for part in expected.parts:
        for coded in islice(packets.read(Path(part.path), base), part.kept):
            yield coded.data


def _sound(expected: Expected) -> Generator[bytes, None, None]:
    if expected.track:
        yield from sound_of(expected.track)


def _check_header(container: av.container.InputContainer, expected: Expected) -> None:
    """What is not in the packets: which streams there are, how they are decoded, what the file says of itself."""
    wanted = ["audio", "video"] if expected.track else ["video"]
    if sorted(stream.type for stream in container.streams) != wanted:
        raise EncoderError("The joined file has lost or gained a track.", hint=_AGAIN)
    coded = container.streams.video[0].codec_context
    if coded.extradata != packets.description_of(Path(expected.parts[0].path)):
        raise EncoderError("The joined file describes its pictures otherwise than the encoder did.", hint=_AGAIN)
    if (coded.width, coded.height) != (expected.size.width, expected.size.height):
        raise EncoderError(f"The joined file's pictures are {coded.width}x{coded.height}.", hint=_AGAIN)
    lost = [key for key, value in expected.metadata.items() if value and key not in container.metadata]
    if any(key in _SURE_METADATA for key in lost):
        raise EncoderError(f"The joined file has lost what was noted of it: {', '.join(lost)}.", hint=_AGAIN)


# Tags that MP4 keeps under the same name.
_SURE_METADATA = ("title", "artist", "comment")


def _check_timestamps(
    shown: Sequence[Fraction], heard: Sequence[tuple[Fraction, Fraction]], expected: Expected
) -> None:
    line, track = expected.timeline, expected.track
    if list(shown) != [p * line.time_base for p in line.pts]:
        raise EncoderError(
            f"The joined file shows {len(shown)} frames at other times than the {len(line.pts)} planned."
        )
    if not heard or track is None:
        return
    start, end = float(heard[0][0]), float(max(e for _, e in heard))
    planned = track.start_s - line.start_s, track.end_s - line.start_s
    if abs(start - planned[0]) > _AUDIO_TOLERANCE_S or abs(end - planned[1]) > _AUDIO_TOLERANCE_S:
        raise EncoderError(
            f"The joined file's sound runs from {start:.3f} s to {end:.3f} s "
            f"instead of {planned[0]:.3f} s to {planned[1]:.3f} s."
        )


async def _check_decodes(ffmpeg: Ffmpeg, path: Path, expected: Expected) -> None:
    frames = len(expected.timeline.pts)
    reader = ProgressReader(lambda _: None)
    # The loop filter can't fail and nothing is looked at: a quarter of the decode is saved.
    source = argv.own_input(path, "mov", skip_loop_filter="all")
    output = graph.output(source, "-", f="null", fps_mode="passthrough", enc_time_base="1/1000000")
    limits = ffmpeg.policy.limits(Work(pixels=frames * expected.size.pixels, frames=frames))
    command = argv.command(ffmpeg.path, output, strict=True)
    done = await process.run_or_again(command, str(path), on_line=reader, limits=limits)
    if done.returncode != 0 or done.stderr.strip():
        raise EncoderError(f"The joined file does not decode cleanly: {done.last_message}.")
    if reader.frames != frames:
        raise EncoderError(f"The joined file decodes to {reader.frames} frames instead of {frames}.")
