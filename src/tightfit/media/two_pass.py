"""A piece made to a size: the encoder's own two passes over one piece.

Constant quality says how a piece looks and leaves its size to chance; two passes say its size to within half a
percent, for 1.3 times the CPU of one encode (0.45 for the first pass and 0.9 for the second, measured on four
clips). So most of a clip is made at constant quality, and what closes its sum is made to a size.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tightfit.domain.pieces import Part
from tightfit.errors import EncoderError, OutputError
from tightfit.media import kept
from tightfit.media.coding import FirstPass, SecondPass
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.encoders import two_passes_of
from tightfit.media.tools import Ffmpeg

_BITS = 8
# What ffmpeg appends to the name given for the notes.
_NOTES = "-0.log"
_PASSING = ".temp"


@dataclass(frozen=True)
class Measured:
    """What a first pass over ``part`` left behind: its size there, and the encoder's notes under ``stats``.

    ``duration_s`` is as the encoder counts it; its bits per second are of these seconds. ``least_bytes`` are what no
    quality makes smaller: headers and skipped blocks. It refuses to start below them.
    """

    part: Part
    setting: Setting
    stats: str
    duration_s: float
    least_bytes: float
    pictures: Path | None = None


async def first_pass(
    ffmpeg: Ffmpeg,
    clip: Clip,
    first: int,
    last: int,
    setting: Setting,
    out: Path,
    *,
    on_frames: Callable[[int], None],
    keeps: bool = False,
) -> Measured:
    """Look at frames ``[first, last)``; ``out`` is a file to write to, of which only its size is of use.

    ``keeps``: its pictures are kept for a second pass where there is room.

    Raises EncoderError as ``encode`` does, or where the encoder left no notes; OutputError where they have no name.
    """
    stats = f"{out.stem}-stats"
    rate, pictures = FirstPass(setting.crf, stats), None
    if keeps and kept.may_keep(last - first, setting.size, out.parent, clip.picture.bytes_per_pixel):
        pictures = pictures_of(out)
    part = await encode(ffmpeg, clip, first, last, setting, out, on_frames=on_frames, rate=rate, pictures=pictures)
    out.unlink(missing_ok=True)
    if pictures and not pictures.exists():
        pictures = None
    # x264 and x265 write their notes under passing names, and say little where they can't give them the right ones.
    if any(out.parent.glob(f"{stats}*{_PASSING}")):
        raise OutputError(
            f"The disk that holds {out.parent} fails: a file there could not be renamed.",
            hint="Point TIGHTFIT_HOME to another disk.",
        )
    notes = _notes_in(out.with_name(f"{stats}{_NOTES}"))
    encoder = two_passes_of(setting.codec)
    return Measured(part, setting, stats, encoder.duration_s(notes), encoder.least_bytes(notes), pictures)


def pictures_of(out: Path) -> Path:
    """Where a first pass into ``out`` keeps its pictures."""
    return out.with_name(f"{out.stem}-pictures.nut")


async def second_pass(
    ffmpeg: Ffmpeg,
    clip: Clip,
    measured: Measured,
    wanted_bytes: float,
    setting: Setting,
    out: Path,
    *,
    on_frames: Callable[[int], None],
) -> Part:
    """The same frames at the same size in about ``wanted_bytes`` of payload, into ``out`` beside the notes.

    Fewer than ``least_bytes`` can't be had: the file is then as small as it gets.
    """
    wanted_bytes = max(wanted_bytes, _LEAST_MARGIN * measured.least_bytes)
    notes = out.with_name(f"{measured.stats}{_NOTES}")
    kbps = max(1, round(wanted_bytes * _BITS / measured.duration_s / 1000))
    stretched = out.with_name(f"{out.stem}-stats{_NOTES}")
    encoder, factor = two_passes_of(setting.codec), wanted_bytes * _BITS / (kbps * 1000 * measured.duration_s)
    stretched.write_text(encoder.stretch(notes.read_text(), factor))
    _link(Path(f"{notes}{encoder.BLOCK_NOTES}"), Path(f"{stretched}{encoder.BLOCK_NOTES}"))
    rate = SecondPass(kbps, f"{out.stem}-stats", measured.setting.preset, factor)
    seen = measured.part
    pictures = measured.pictures if measured.pictures and measured.pictures.exists() else None
    part = await encode(
        ffmpeg, clip, seen.first, seen.last, setting, out, on_frames=on_frames, rate=rate, pictures=pictures
    )
    if pictures:
        # Seldom is a piece made to a size twice; meanwhile others want the room.
        pictures.unlink(missing_ok=True)
    return part


# A hair above what the encoder calls too low.
_LEAST_MARGIN = 1.05


def _notes_in(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError) as exc:
        raise EncoderError(
            "The encoder left no usable notes of its first pass.", hint="Run again with -v to see the command."
        ) from exc


def _link(target: Path, name: Path) -> None:
    name.unlink(missing_ok=True)
    if target.exists():
        os.link(target, name)
