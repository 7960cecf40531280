"""The H.264 level of a picture, named by us so that it is the same for every piece of a clip.

Left to itself x264 takes the average bitrate into account where it is given one, and then a piece made to a size would
not join one made at constant quality. Limits: ITU-T H.264 table A-1.
"""

from __future__ import annotations

from fractions import Fraction

from tightfit.domain.geometry import Size

# (level times ten, macroblocks per second, per frame, in all the frames that a decoder holds)
_LEVELS = (
    (10, 1485, 99, 396),
    (11, 3000, 396, 900),
    (12, 6000, 396, 2376),
    (13, 11880, 396, 2376),
    (21, 19800, 792, 4752),
    (22, 20250, 1620, 8100),
    (30, 40500, 1620, 8100),
    (31, 108_000, 3600, 18_000),
    (32, 216_000, 5120, 20_480),
    (40, 245_760, 8192, 32_768),
    (42, 522_240, 8704, 34_816),
    (50, 589_824, 22_080, 110_400),
    (51, 983_040, 36_864, 184_320),
    (52, 2_073_600, 36_864, 184_320),
    (60, 4_177_920, 139_264, 696_320),
    (61, 8_355_840, 139_264, 696_320),
    (62, 16_711_680, 139_264, 696_320),
)
# What x264 medium has its decoder hold: three references and a pyramid of B-frames.
_HELD_FRAMES = 4
_BLOCK = 16


def level_of(size: Size, fps: Fraction) -> int:
    """The lowest level, times ten, whose decoder shows ``size`` at ``fps``; the highest where none does."""
    wide, high = -(-size.width // _BLOCK), -(-size.height // _BLOCK)
    blocks = wide * high
    for level, per_second, per_frame, held in _LEVELS:
        # No side may be longer than the root of eight times the frame's blocks.
        fits = max(wide, high) ** 2 <= 8 * per_frame
        if fits and blocks <= per_frame and blocks * fps <= per_second and blocks * _HELD_FRAMES <= held:
            return level
    return _LEVELS[-1][0]
