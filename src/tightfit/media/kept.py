"""Pictures kept on the disk for a while: as the analysis decoded them, and as an encoder gets them, for a second pass.

Encodes then neither decode the source again nor, between two passes, resize or tone-map it: a picture is read for an
eighth of what decoding it takes (four clips), and the two passes over HDR cost a quarter less. They are kept only where
there is plenty of room, and never needed.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.geometry import Size
from tightfit.domain.layout import Cut
from tightfit.media import argv
from tightfit.media.argv import Step

# 8 bits, 4:2:0; others are told.
BYTES_PER_PIXEL = 1.5
# Ten seconds of 1080p at 30 fps are 0.93 GB. What is written and read again soon stays in the system's memory.
_MOST_BYTES = 1_000_000_000
# What stays free on the disk, beside as much again.
_SPARE_BYTES = 1_000_000_000


def bytes_of(frames: int, size: Size, per_pixel: float = BYTES_PER_PIXEL) -> int:
    """Bytes of so many pictures; a NUT file adds some for each."""
    return int(frames * (size.pixels * per_pixel + _BYTES_PER_PICTURE))


_BYTES_PER_PICTURE = 64


def may_keep(frames: int, size: Size, folder: Path, per_pixel: float = BYTES_PER_PIXEL) -> bool:
    """Whether so many pictures are few enough, and the disk of ``folder`` has room for them and more."""
    wanted = bytes_of(frames, size, per_pixel)
    try:
        return wanted <= _MOST_BYTES and shutil.disk_usage(folder).free >= 2 * wanted + _SPARE_BYTES
    except OSError:
        return False


def beside(coded: Any, node: Any, out: Path, time_base: Fraction) -> Any:
    """The output ``coded``, and ``node`` into ``out`` as it is, at its own times, in one run."""
    return graph.merge_outputs(coded, _writing(node, out, time_base))


def _writing(node: Any, out: Path, time_base: Fraction) -> Any:
    ticks = f"{time_base.numerator}/{time_base.denominator}"
    form = {"f": "nut", "c:v": "rawvideo", "fps_mode": "passthrough", "enc_time_base": ticks}
    return graph.output(node, argv.ours(out), **form)


def reading(path: Path, seek_s: float | None = None) -> Any:
    """What was written to ``path``, at the same times, from ``seek_s`` seconds after its first picture, or earlier.

    NUT stores no colours, and ffmpeg 5 reads no shape of its pixels.
    """
    where = {} if seek_s is None else {"ss": f"{seek_s:.6f}", "noaccurate_seek": None}
    return argv.own_input(path, "nut", copyts=None, **where)["v:0"].filter("setsar", sar="1")


def frames_of(path: Path, cut: Cut, time_base: Fraction, steps: Sequence[Step], seek_s: float | None) -> Any:
    """As ``argv.frames_of``, of the pictures that an analysis kept: they are on the timeline of what it made."""
    moved = argv.lead_ticks(time_base) - cut.origin
    bounds = {"start_pts": cut.start + moved} | ({} if cut.end is None else {"end_pts": cut.end + moved})
    node = reading(path, seek_s).filter("settb", f"{time_base.numerator}/{time_base.denominator}")
    return argv.filtered(node.filter("trim", **bounds), steps)
