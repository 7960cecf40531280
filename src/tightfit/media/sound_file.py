"""A sound file made whole: encoded at a bit rate, with its tags and its cover, counted, and decoded once more."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.media_info import AudioStream, MediaInfo, VideoStream
from tightfit.domain.policy import Limits, Work
from tightfit.domain.sound_file import Shape, SoundFormat
from tightfit.errors import EncoderError, SourceError
from tightfit.media import argv, process
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

# A second of sound costs as much as so many pixels, as for the sound of a clip.
_PIXELS_PER_SECOND = 0.4e6
# Encoders begin with up to a tenth of a second of nothing, and end with a whole packet.
_LENGTH_SLACK_S = 0.25
_DEPTHS = {8: "pcm_u8", 16: "pcm_s16le", 24: "pcm_s24le"}
_LINE = re.compile(r"out_time_us=(\d+)")
Heard = Callable[[float], None]


@dataclass(frozen=True)
class SoundWanted:
    """One encode. ``cover`` is the source's picture to carry, ``tags`` whether its words go with it."""

    form: SoundFormat
    shape: Shape
    bits_per_s: int
    cover: VideoStream | None = None
    tags: bool = True


async def encode_sound(
    ffmpeg: Ffmpeg, info: MediaInfo, stream: AudioStream, wanted: SoundWanted, out: Path, heard: Heard
) -> int:
    """Write ``out`` and return its bytes. ``heard`` is told the share that is done, 0 to 1.

    Raises SourceError where the source gives no sound, EncoderError.
    """
    source = argv.source_input(info, ffmpeg.policy, threads=1)
    # Gaps in the source's timestamps are filled, or everything behind them would come too early.
    node = source[str(stream.index)].filter("aresample", **{"async": 1, "min_hard_comp": 0.1})
    nodes = [node] if wanted.cover is None else [node, source[str(wanted.cover.index)]]
    command = argv.command(ffmpeg.path, graph.output(*nodes, argv.ours(out), **_options(info, wanted)))

    def on_line(line: str) -> None:
        if match := _LINE.fullmatch(line):
            heard(min(1.0, int(match[1]) / 1e6 / max(0.01, stream.duration_s)))

    expected = wanted.bits_per_s / 8 * stream.duration_s
    done = await process.run_or_again(
        command,
        info.path,
        cwd=out.parent,
        on_line=on_line,
        limits=_limits(ffmpeg, stream, 2 * expected + info.size),
    )
    if done.returncode != 0 or not out.is_file():
        raise SourceError(
            f"The sound of {info.path} could not be read: {done.last_message}.", hint="Check that it plays."
        )
    return out.stat().st_size


def _options(info: MediaInfo, wanted: SoundWanted) -> dict[str, Any]:
    form, shape = wanted.form, wanted.shape
    options: dict[str, Any] = {"f": form.muxer, "ac": shape.channels, "ar": shape.sample_rate}
    if form.name == "wav":
        options |= {"c:a": _DEPTHS[shape.bits], "fflags": "+bitexact"}
    else:
        options |= {"c:a": form.encoder, "b:a": wanted.bits_per_s}
    if form.name == "mp3":
        options |= {"abr": 1, "id3v2_version": 3}
    if form.muxer == "ipod":
        options["movflags"] = "+faststart"
    # Ogg keeps its words with the stream, everyone else with the file.
    words = "0:s:a:0" if info.container == "ogg" else "0"
    options["map_metadata"] = words if wanted.tags else -1
    options["map_chapters"] = -1
    if wanted.cover:
        options |= {"c:v": "copy", "disposition:v": "attached_pic"}
    return options


def _limits(ffmpeg: Ffmpeg, stream: AudioStream, file_bytes: float) -> Limits:
    return ffmpeg.policy.limits(Work(_PIXELS_PER_SECOND * stream.duration_s, stream.packets, file_bytes))


async def require_whole(
    ffmpeg: Ffmpeg, path: Path, stream: AudioStream, wanted: SoundWanted, limit: int
) -> AudioStream:
    """The sound in ``path``, decoded to its end without a word.

    Raises EncoderError where it is not what was wanted, SourceError where the source is longer or shorter than it says.
    """
    size = path.stat().st_size
    if size > limit:
        raise EncoderError(f"The sound came out at {size} bytes, over the limit of {limit}.")
    try:
        made = await probe(path)
    except SourceError as exc:
        raise EncoderError(f"The sound that was made can't be read back: {exc.message}") from exc
    sound = made.main_audio
    if sound is None or sound.channels != wanted.shape.channels:
        raise EncoderError("The file that was made does not hold the sound that was asked for.")
    if abs(sound.duration_s - stream.duration_s) > _LENGTH_SLACK_S:
        raise SourceError(
            f"The source is damaged: its sound says that it lasts {stream.duration_s:.2f} s, and decodes to "
            f"{sound.duration_s:.2f} s.",
            hint="Get an undamaged copy.",
        )
    kind = made.container.split(",")[0]
    node = argv.own_input(path, kind, threads=1)[str(sound.index)]
    command = argv.command(ffmpeg.path, graph.output(node, "-", f="null"), strict=True)
    done = await process.run_or_again(command, str(path), on_line=process.unheard, limits=_limits(ffmpeg, sound, 0))
    if done.returncode != 0 or "[error]" in done.stderr:
        raise EncoderError(f"The sound that was made does not decode: {done.last_message}.")
    return sound
