"""Light as HDR video codes it, and what it becomes in SDR, by the formulas of the standards alone.

Light is BT.709 RGB, linear, 1 being the reference white of BT.2408 (203 cd/m²).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import log, sqrt

Light = tuple[float, float, float]

_WHITE, _PEAK_PQ, _PEAK_HLG = 203.0, 10_000.0, 1000.0
# BT.2087: linear BT.709 to linear BT.2020.
_TO_2020 = ((0.6274, 0.3293, 0.0433), (0.0691, 0.9195, 0.0114), (0.0164, 0.0880, 0.8956))
# Luma and colour-difference weights of BT.2020.
_KR, _KB = 0.2627, 0.0593
# The knee of the Mobius curve, and the peak that is taken where a file names none, ten times reference white.
_KNEE, _PEAK = 0.3, 10.0


def code(light: Light, transfer: str) -> tuple[int, int, int]:
    """Y', Cb and Cr in 10 bits, limited range, BT.2020, by ``smpte2084`` (PQ) or ``arib-std-b67`` (HLG)."""
    wide = [sum(k * c for k, c in zip(row, light, strict=True)) for row in _TO_2020]
    r, g, b = _pq(wide) if transfer == "smpte2084" else _hlg(wide)
    y = _KR * r + (1 - _KR - _KB) * g + _KB * b
    u, v = (b - y) / (2 * (1 - _KB)), (r - y) / (2 * (1 - _KR))
    return round(64 + 876 * y), round(512 + 896 * u), round(512 + 896 * v)


def _pq(wide: Sequence[float]) -> list[float]:
    """SMPTE ST 2084, the inverse of its EOTF."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 107 / 128, 2413 / 128, 2392 / 128
    powers = [max(0.0, c * _WHITE / _PEAK_PQ) ** m1 for c in wide]
    return [((c1 + c2 * p) / (1 + c3 * p)) ** m2 for p in powers]


def _hlg(wide: Sequence[float]) -> list[float]:
    """BT.2100: the inverse of the OOTF for a display of 1000 cd/m² (gamma 1.2), then the OETF."""
    shown = [max(0.0, c * _WHITE / _PEAK_HLG) for c in wide]
    luminance = _KR * shown[0] + (1 - _KR - _KB) * shown[1] + _KB * shown[2]
    scene = [c * luminance ** (1 / 1.2 - 1) for c in shown] if luminance else shown
    return [_hlg_oetf(c) for c in scene]


def _hlg_oetf(scene: float) -> float:
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return sqrt(3 * scene) if scene <= 1 / 12 else a * log(12 * scene - b) + c


def in_sdr(light: Light) -> tuple[int, int, int]:
    """The 8-bit R'G'B' that a display of SDR gets: below the knee the very same light, above it rolled off."""
    brightest = max(light)
    rolled = _mobius(brightest) / brightest if brightest else 1.0
    return tuple(round(255 * _bt1886(c * rolled)) for c in light)  # type: ignore[return-value]


def _mobius(signal: float) -> float:
    """A Mobius transform that goes on from the identity at the knee, as smoothly, and takes the peak to 1."""
    if signal <= _KNEE:
        return signal
    j, peak = _KNEE, _PEAK
    a = -j * j * (peak - 1) / (j * j - 2 * j + peak)
    b = (j * j - 2 * j * peak + peak) / (peak - 1)
    return (b * b + 2 * b * j + j * j) / (b - a) * (signal + a) / (signal + b)


def _bt1886(linear: float) -> float:
    """The inverse of BT.1886, by which displays of BT.709 turn signals into light."""
    clipped: float = min(1.0, max(0.0, linear))
    return clipped ** (1 / 2.4)
