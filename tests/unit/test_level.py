"""H.264 levels: what players read to know whether they can show a file."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tightfit.domain.geometry import Size
from tightfit.domain.level import level_of


@pytest.mark.parametrize(
    ("size", "fps", "level"),
    [
        (Size(176, 144), Fraction(15), 10),
        (Size(640, 360), Fraction(24), 30),
        (Size(1280, 720), Fraction(30000, 1001), 31),
        (Size(1280, 720), Fraction(60), 32),
        (Size(1920, 1080), Fraction(30), 40),
        (Size(1080, 1920), Fraction(30), 40),
        (Size(1920, 1080), Fraction(60), 42),
        (Size(3840, 2160), Fraction(30), 51),
        (Size(16384, 16384), Fraction(600), 62),
    ],
)
def test_the_lowest_level_that_shows_the_picture_is_named(size: Size, fps: Fraction, level: int):
    assert level_of(size, fps) == level
