"""Pictures as an encoder gets them, kept between two passes over them.

The second pass then neither reads the source nor resizes or tone-maps it again: a sixth less CPU for the two passes of
a phone clip made small, a quarter for HDR. They are kept only where there is plenty of room, and never needed.
"""

from __future__ import annotations

import shutil
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.geometry import Size
from tightfit.media import argv

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


def writing(node: Any, out: Path, time_base: Fraction) -> Any:
    """``node`` into ``out`` as it is, at its own times."""
    ticks = f"{time_base.numerator}/{time_base.denominator}"
    form = {"f": "nut", "c:v": "rawvideo", "fps_mode": "passthrough", "enc_time_base": ticks}
    return graph.output(node, argv.ours(out), **form)


def reading(path: Path) -> Any:
    """What ``writing`` wrote, at the same times. NUT stores no colours, and ffmpeg 5 reads no shape of its pixels."""
    return argv.own_input(path, "nut", copyts=None)["v:0"].filter("setsar", sar="1")
