"""What ffmpeg itself shows of a file: small pictures with their times, and the sound on the same clock.

None of this goes through tightfit. The pictures are turned as a player would turn them, the colours read by the
file's own tags (untagged ones as players guess them), HDR brought to SDR.
"""

from __future__ import annotations

import subprocess
import tempfile
from array import array
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from operator import mul
from pathlib import Path

import av
import imageio_ffmpeg

from tightfit.domain.media_info import Hdr, MediaInfo, VideoStream

GRID = 24
RATE = 4000
# Sound is looked for this far from where it should be.
_FURTHEST_S = 0.25
_WINDOW_S = 4.0
# Mean of the samples, of 32768: 76 dB below full scale, where 16 bits end.
_SILENT = 5.0
_HD_LINES = 720

Grid = list[tuple[float, float, float]]


@dataclass(frozen=True)
class Shown:
    """``times`` in seconds, the first 0; ``pictures`` ``GRID`` x ``GRID`` RGB; ``sound`` starts with the picture.

    ``sound_from_s`` is when the first sample is heard, None where there is none.
    """

    times: list[float]
    pictures: list[bytes]
    sound: array[int]
    sound_from_s: float | None

    @property
    def step_s(self) -> float:
        steps = sorted(b - a for a, b in pairwise(self.times))
        return steps[len(steps) // 2] if steps else 0.04

    @property
    def duration_s(self) -> float:
        return self.times[-1] + self.step_s if self.times else 0.0

    def at(self, time_s: float) -> bytes:
        """The picture shown at a time."""
        return self.pictures[max((n for n, t in enumerate(self.times) if t <= time_s + 1e-4), default=0)]


def shown(path: Path, info: MediaInfo, video: VideoStream, audio_index: int | None) -> Shown:
    """Decode one picture stream and one sound track of ``path``. Raises RuntimeError with ffmpeg's words."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "shown.nut"
        argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-copyts", "-i", f"file:{path}"]
        argv += ["-map", f"0:{video.index}", "-vf", _to_rgb(video), "-c:v", "rawvideo"]
        argv += ["-fps_mode", "passthrough", "-enc_time_base", "demux"]
        if audio_index is not None:
            argv += ["-map", f"0:{audio_index}", "-c:a", "pcm_s16le", "-ac", "1", "-ar", str(RATE)]
        # Nothing may be below zero, or the muxer moves both tracks.
        argv += ["-output_ts_offset", "1000", "-f", "nut", str(out)]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if not out.exists() or out.stat().st_size < 1000:
            raise RuntimeError(f"ffmpeg shows nothing of {info.path}: {done.stderr.strip()[-300:]}")
        return _read(out)


def _to_rgb(video: VideoStream) -> str:
    size = f"{GRID}:{GRID}"
    # Without its odd row or column, as it is made: a grid over one pixel more lies over other ones.
    even = "crop=trunc(iw/2)*2:trunc(ih/2)*2:0:0," if video.sar == 1 else ""
    if video.colour.hdr is not Hdr.NONE:
        transfer = {Hdr.PQ: "smpte2084", Hdr.HLG: "arib-std-b67"}[video.colour.hdr]
        said = f"transferin={transfer}:primariesin=bt2020:matrixin=bt2020nc"
        return (
            # Made small at last: the mean of light is not the light of the mean.
            f"{even}zscale={said}:transfer=linear:npl=203:agamma=0,format=gbrpf32le,zscale=primaries=bt709,"
            "tonemap=mobius:desat=0:peak=10,zscale=transfer=bt709:matrix=gbr:range=full,format=gbrp,"
            f"scale={size}:flags=area+accurate_rnd+full_chroma_int,format=rgb24"
        )
    untagged_hd = video.colour.matrix is None and video.height >= _HD_LINES
    matrix = "in_color_matrix=bt709:" if untagged_hd and (video.pix_fmt or "yuv").startswith("yuv") else ""
    return f"{even}scale={size}:{matrix}flags=area+accurate_rnd+full_chroma_int,format=rgb24"


def _read(path: Path) -> Shown:
    stamps: list[Fraction] = []
    pictures: list[bytes] = []
    heard: list[tuple[Fraction, bytes]] = []
    with av.open(str(path)) as container:
        for packet in container.demux():
            if not packet.size or packet.pts is None or packet.time_base is None:
                continue
            if packet.stream.type == "video":
                stamps.append(packet.pts * packet.time_base)
                pictures.append(bytes(packet))
            else:
                heard.append((packet.pts * packet.time_base, bytes(packet)))
    if not stamps:
        raise RuntimeError("ffmpeg shows no picture")
    since = float(min(t for t, _ in heard) - stamps[0]) if heard else None
    return Shown([float(t - stamps[0]) for t in stamps], pictures, _placed(heard, stamps[0]), since)


def _placed(heard: list[tuple[Fraction, bytes]], zero: Fraction) -> array[int]:
    """The samples where their timestamps put them, from the first picture on."""
    line: array[int] = array("h")
    for time, content in heard:
        at, samples = round((time - zero) * RATE), array("h", content)
        if at < 0:
            samples, at = samples[-at:], 0
        if at > len(line):
            line.extend([0] * (at - len(line)))
        line[at : at + len(samples)] = samples
    return line


def sound_offset_s(source: array[int], made: array[int]) -> float | None:
    """How much later ``made`` is heard than ``source``; None where one of them is silent or nothing matches."""
    window, furthest = int(_WINDOW_S * RATE), int(_FURTHEST_S * RATE)
    length = min(len(source), len(made))
    if length < 4 * furthest:
        return None
    starts = range(furthest, max(furthest + 1, length - window - furthest), window // 2)
    loudest = max(starts, key=lambda s: sum(map(abs, source[s : s + window : 8])))
    piece = source[loudest : min(loudest + window, length - furthest)]
    if sum(map(abs, piece)) / max(1, len(piece)) < _SILENT:
        return None

    def likeness(lag: int) -> float:
        other = made[loudest + lag : loudest + lag + len(piece)]
        power = sum(map(mul, other, other)) or 1
        return float(sum(map(mul, piece, other))) / power**0.5

    coarse = max(range(-furthest, furthest + 1, 2), key=likeness)
    best = max(range(coarse - 2, coarse + 3), key=likeness)
    if likeness(best) < 0.3 * sum(map(mul, piece, piece)) ** 0.5:
        return None
    return best / RATE


def lab(rgb: bytes) -> Grid:
    """CIE L*a*b* (D65) of sRGB pixels, as in IEC 61966-2-1 and CIE 15."""
    return [_lab(rgb[n], rgb[n + 1], rgb[n + 2]) for n in range(0, len(rgb), 3)]


def _lab(*rgb: int) -> tuple[float, float, float]:
    r, g, b = ((v / 255 / 12.92) if v <= 10 else ((v / 255 + 0.055) / 1.055) ** 2.4 for v in rgb)
    x = (0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047
    y = 0.2126 * r + 0.7152 * g + 0.0722 * b
    z = (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883
    fx, fy, fz = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def delta_e(a: Grid, b: Grid) -> float:
    """Mean CIE 1976 colour difference."""
    total = sum(sum((p - q) ** 2 for p, q in zip(x, y, strict=True)) ** 0.5 for x, y in zip(a, b, strict=True))
    return total / len(a)


def turned(grid: Grid) -> dict[str, Grid]:
    """The picture in all eight ways that a square can lie."""
    rows = [grid[n * GRID : (n + 1) * GRID] for n in range(GRID)]
    ways: dict[str, Grid] = {}
    for name in ("upright", "turned 90°", "turned 180°", "turned 270°"):
        ways[name] = [p for row in rows for p in row]
        ways["mirrored" if name == "upright" else f"{name}, mirrored"] = [p for row in rows for p in reversed(row)]
        rows = [list(row) for row in zip(*rows[::-1], strict=True)]
    return ways
