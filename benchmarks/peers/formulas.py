"""What other tools compute, from their published arithmetic; pure, no code of theirs.

Constrict (Wartybix/Constrict at ecd8b7d) and 8mb.local (JMS1717/8mb.local at 794fdec), both of August 2026. Bitrates
are in kb/s of 1000 bits, sizes in bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

# What people set for ffmpeg by hand: 96 kb/s of sound, but not more than a fifth of the whole.
USUAL_AUDIO_KBPS, MOST_AUDIO_SHARE = 96.0, 0.2


@dataclass(frozen=True)
class Plan:
    """What is asked of the encoder; ``height`` and ``fps`` are None where the source's stay."""

    video_kbps: float
    audio_kbps: float
    height: int | None = None
    fps: float | None = None


def plain(limit: int, duration_s: float, has_audio: bool) -> Plan:
    """Bits over seconds, less the sound: what people compute for ffmpeg's two passes. Nothing for the container."""
    total = limit * 8 / 1000 / duration_s
    audio = min(USUAL_AUDIO_KBPS, MOST_AUDIO_SHARE * total) if has_audio else 0.0
    return Plan(total - audio, audio)


# Constrict: height from which a bitrate on is used, kb/s at 30 and at 60 frames a second.
_AT_30 = ((12000, 2160), (6000, 1440), (1800, 1080), (1024, 720), (512, 480), (276, 360), (150, 240))
_AT_60 = ((18000, 2160), (9000, 1440), (3000, 1080), (1800, 720), (750, 480), (276, 360), (150, 240))
_LEAST_HEIGHT = 144
_CRUSHED_KBPS, _MIDDLE_KBPS = 246.0, 1920.0
CONSTRICT_LEAST_KBPS = 5.0
_CONSTRICT_TOLERANCE = 0.25


def constrict(limit: int, duration_s: float, has_audio: bool, source: tuple[int, float], factor: float = 1.0) -> Plan:
    """One attempt of Constrict; ``source`` is height and frames a second, ``factor`` what earlier attempts taught."""
    height, fps = source
    total = limit * 8 / 1000 / duration_s * factor * 0.965
    crushed = total < _CRUSHED_KBPS
    uncrushed = 96.0 if total <= _MIDDLE_KBPS else min(0.05 * total, 128.0)
    audio = max(0.2 * total, 12.0) if crushed else uncrushed
    video = total - audio * has_audio
    slow, quick = _height(video, _AT_30), _height(video, _AT_60)
    keeps = fps > 30 and slow == quick and slow >= 720
    most_fps = 24.0 if crushed else fps if keeps or fps <= 30 else 30.0
    return Plan(video, audio * has_audio, min(height, slow), min(fps, most_fps))


def _height(kbps: float, ladder: tuple[tuple[int, int], ...]) -> int:
    return next((height for least, height in ladder if kbps >= least), _LEAST_HEIGHT)


def constrict_next(size: int, limit: int, factor: float, attempt: int) -> float | None:
    """The factor of the next attempt, None where the file is taken: under the limit by at most a quarter, or from the
    second attempt (``attempt`` counts from 1) on by anything."""
    if size <= limit and (attempt >= 2 or size >= (1 - _CONSTRICT_TOLERANCE) * limit):
        return None
    return factor * 0.98 * limit / size


_MIB = 1024 * 1024
EIGHT_AUDIO_KBPS = 128.0
_EIGHT_FLOOR_KBPS, _EIGHT_OVER, _EIGHT_WORTH = 48.0, 1.02, 0.985


def eight_mb(limit: int, duration_s: float, has_audio: bool) -> Plan:
    """8mb.local's only pass: the limit in MiB times 8192, over the seconds, less 128 kb/s of sound."""
    audio = EIGHT_AUDIO_KBPS * has_audio
    return Plan(max(_EIGHT_FLOOR_KBPS, limit / _MIB * 8192 / duration_s - audio), audio)


def eight_mb_retry(kbps: float, size: int, limit: int) -> float | None:
    """The bitrate of its one retry, None where it takes the file: up to 2 % over the limit, or no bitrate to gain."""
    if size <= limit * _EIGHT_OVER:
        return None
    lower = max(_EIGHT_FLOOR_KBPS, kbps * limit / size * 0.94)
    return lower if lower < _EIGHT_WORTH * kbps else None
