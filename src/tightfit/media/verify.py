"""The last look before a file is published: it is read back and decoded, nobody's word is taken."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import ffmpeg as graph

from tightfit.errors import EncoderError
from tightfit.media import argv, process
from tightfit.media.progress import ProgressReader
from tightfit.media.stitch import Timeline
from tightfit.media.tools import Ffmpeg

# A frame of AAC is 21 ms at 48 kHz; people notice sound that is 45 ms early (ITU-R BT.1359-1).
_AUDIO_TOLERANCE_S = 0.020


@dataclass(frozen=True)
class Expected:
    """What the plan promised. Audio times are relative to the first picture; None without sound."""

    limit_bytes: int
    timeline: Timeline
    audio_start_s: float | None
    audio_end_s: float | None


async def verify(ffmpeg: Ffmpeg, path: Path, expected: Expected) -> None:
    """Raise EncoderError naming the first promise that ``path`` breaks."""
    size = path.stat().st_size
    if size > expected.limit_bytes:
        raise EncoderError(f"The file came out at {size} bytes, over the limit of {expected.limit_bytes}.")
    _check_timestamps(path, expected)
    await _check_decodes(ffmpeg, path, len(expected.timeline.pts))


def _check_timestamps(path: Path, expected: Expected) -> None:
    line = expected.timeline
    with av.open(argv.ours(path)) as container:
        video = container.streams.video[0]
        audio = container.streams.audio[0] if container.streams.audio else None
        shown: list[Fraction] = []
        heard: list[tuple[Fraction, Fraction]] = []
        for packet in container.demux():
            if not packet.size or packet.pts is None or packet.time_base is None:
                continue
            if packet.stream is video:
                shown.append(packet.pts * packet.time_base)
            elif packet.stream is audio:
                heard.append((packet.pts * packet.time_base, (packet.pts + (packet.duration or 0)) * packet.time_base))
    shown.sort()
    if shown != [p * line.time_base for p in line.pts]:
        raise EncoderError(
            f"The joined file shows {len(shown)} frames at other times than the {len(line.pts)} planned."
        )
    if (expected.audio_start_s is None) != (not heard):
        raise EncoderError("The joined file has lost or gained a sound track.")
    if heard and expected.audio_start_s is not None and expected.audio_end_s is not None:
        start, end = float(heard[0][0]), float(max(e for _, e in heard))
        if (
            abs(start - expected.audio_start_s) > _AUDIO_TOLERANCE_S
            or abs(end - expected.audio_end_s) > _AUDIO_TOLERANCE_S
        ):
            raise EncoderError(
                f"The joined file's sound runs from {start:.3f} s to {end:.3f} s "
                f"instead of {expected.audio_start_s:.3f} s to {expected.audio_end_s:.3f} s."
            )


async def _check_decodes(ffmpeg: Ffmpeg, path: Path, frames: int) -> None:
    # The loop filter can't fail and nothing is looked at: a quarter of the decode is saved.
    source = graph.input(argv.ours(path), protocol_whitelist="file", f="mov", skip_loop_filter="all")
    reader = ProgressReader(lambda _: None)
    output = graph.output(source, "-", f="null", fps_mode="passthrough", enc_time_base="1/1000000")
    command = argv.command(ffmpeg.path, output)
    done = await process.run_or_again([command[0], "-xerror", *command[1:]], on_line=reader)
    if done.returncode != 0 or done.stderr.strip():
        raise EncoderError(f"The joined file does not decode cleanly: {done.last_message}.")
    if reader.frames != frames:
        raise EncoderError(f"The joined file decodes to {reader.frames} frames instead of {frames}.")
