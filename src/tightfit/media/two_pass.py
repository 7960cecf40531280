"""A piece made to a size: x264's own two passes over one piece.

Constant quality says how a piece looks and leaves its size to chance; two passes say its size to within half a
percent, for 1.3 times the CPU of one encode (0.45 for the first pass and 0.9 for the second, measured on four
clips). So most of a clip is made at constant quality, and what closes its sum is made to a size.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tightfit.domain.pieces import Part
from tightfit.errors import EncoderError
from tightfit.media import argv, kept
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.tools import Ffmpeg

_BITS = 8
# What ffmpeg and x264 append to the name given for their notes.
_NOTES, _TREE = "-0.log", ".mbtree"


@dataclass(frozen=True)
class Measured:
    """What a first pass over ``part`` left behind: its size there, and x264's notes under ``stats``.

    ``duration_s`` is as x264 counts it; its bits per second are of these seconds. ``least_bytes`` are what no quality
    makes smaller: headers and skipped blocks. x264 refuses to start below them.
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

    Raises EncoderError as ``encode`` does, or where x264 left no notes.
    """
    stats = f"{out.stem}-stats"
    rate, pictures = argv.FirstPass(setting.crf, stats), None
    if keeps and kept.may_keep(last - first, setting.size, out.parent):
        pictures = pictures_of(out)
    part = await encode(ffmpeg, clip, first, last, setting, out, on_frames=on_frames, rate=rate, pictures=pictures)
    out.unlink(missing_ok=True)
    if pictures and not pictures.exists():
        pictures = None
    notes = _notes_in(out.with_name(f"{stats}{_NOTES}"))
    return Measured(part, setting, stats, duration_s(notes), least_bytes(notes), pictures)


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
    stretched.write_text(stretch(notes.read_text(), wanted_bytes * _BITS / (kbps * 1000 * measured.duration_s)))
    _link(Path(f"{notes}{_TREE}"), Path(f"{stretched}{_TREE}"))
    rate = argv.SecondPass(kbps, f"{out.stem}-stats")
    seen = measured.part
    pictures = measured.pictures if measured.pictures and measured.pictures.exists() else None
    return await encode(
        ffmpeg, clip, seen.first, seen.last, setting, out, on_frames=on_frames, rate=rate, pictures=pictures
    )


# x264 counts durations in fields, two to a picture, and names the time base of pictures.
_FIELDS = 2
_TIME_BASE, _DURATION = re.compile(r"timebase=(\d+/0*[1-9]\d*)"), re.compile(r" dur:(\d+)")
_MISC = re.compile(r" misc:(\d+)")
# A hair above what x264 calls too low.
_LEAST_MARGIN = 1.05


def _notes_in(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, ValueError) as exc:
        raise EncoderError(
            "x264 left no usable notes of its first pass.", hint="Run again with -v to see the command."
        ) from exc


def duration_s(notes: str) -> float:
    """The sum of all frames' durations in x264's notes: what it divides its bits by."""
    time_base = _TIME_BASE.search(notes)
    if time_base is None:
        raise EncoderError("x264's notes of its first pass name no time base.", hint="Please report this clip.")
    return float(sum(int(ticks) for ticks in _DURATION.findall(notes)) * Fraction(time_base[1]) / _FIELDS)


def least_bytes(notes: str) -> float:
    return sum(int(bits) for bits in _MISC.findall(notes)) / _BITS


def stretch(notes: str, factor: float) -> str:
    """The notes with all durations times ``factor``, as near as whole ticks allow.

    ffmpeg hands x264 whole kilobits per second, which at 50 kb/s is 1 % of the size or nothing; x264 multiplies them by
    the sum of these durations and only then has bits, so that what the rate can't say the durations do.
    """
    exact = made = 0.0

    def stretched(found: re.Match[str]) -> str:
        nonlocal exact, made
        exact += int(found[1]) * factor
        ticks = max(1, round(exact - made))
        made += ticks
        return f" dur:{ticks}"

    return _DURATION.sub(stretched, notes)


def _link(target: Path, name: Path) -> None:
    name.unlink(missing_ok=True)
    if target.exists():
        os.link(target, name)
