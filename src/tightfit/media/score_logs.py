"""The logs in which ffmpeg's filters write a score for each frame."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tightfit.errors import EncoderError


def vmaf_scores(log: Path, complaint: str = "") -> list[float]:
    """Of libvmaf's JSON; the log is removed. Raises EncoderError, which says ``complaint``."""
    try:
        frames = json.loads(log.read_text())["frames"]
        log.unlink()
        return [frame["metrics"]["vmaf"] for frame in frames]
    except (OSError, ValueError, KeyError) as exc:
        raise _unscored(complaint) from exc


def ssim_scores(log: Path, complaint: str = "") -> list[float]:
    """Of lines like ``n:1 Y:0.99 U:0.98 V:0.98 All:0.99 (19.9)``; the log is removed. Raises EncoderError."""
    try:
        lines = log.read_text().splitlines()
        log.unlink()
        return [float(line.partition("All:")[2].split()[0]) for line in lines]
    except (OSError, ValueError, IndexError) as exc:
        raise _unscored(complaint) from exc


def xpsnr_scores(log: Path, complaint: str = "") -> list[float]:
    """Of lines like ``n:    1  XPSNR y: 41.9  XPSNR u: 45.1  XPSNR v: 44.8``, luma, a faultless frame being of
    ``FAULTLESS_DB``; the log is removed. Raises EncoderError."""
    try:
        lines = log.read_text().splitlines()
        log.unlink()
        values = [float(match[1]) for line in lines if (match := _XPSNR_Y.match(line))]
    except (OSError, ValueError) as exc:
        raise _unscored(complaint) from exc
    if not values:
        raise _unscored(complaint)
    return [min(FAULTLESS_DB, value) for value in values]


_XPSNR_Y = re.compile(r"n:\s*\d+\s+XPSNR y:\s*(\S+)")
FAULTLESS_DB = 100.0

READERS = {"vmaf": vmaf_scores, "xpsnr": xpsnr_scores, "ssim": ssim_scores}


def _unscored(complaint: str) -> EncoderError:
    return EncoderError(f"The picture could not be compared with the source's{complaint and f': {complaint}'}.")
