"""Picture sizes: even, never larger than the source or what was asked for, and still the same picture."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.geometry import LADDER, MIN_SIDE, Size, analysis_size, full_size, ladder, scaled
from tightfit.domain.request import Resolution

sides = st.integers(2, 8192)
displays = st.tuples(sides, sides)
bounds = st.builds(Resolution, st.none() | st.integers(16, 4000), st.none() | st.integers(16, 4000))


@given(displays, bounds)
def test_a_full_picture_is_even_and_never_enlarged(display, bound):
    size = full_size(display, bound)
    assert (size.width % 2, size.height % 2) == (0, 0)
    assert size.width <= max(2, display[0] + 1)
    assert size.height <= max(2, display[1] + 1)


@given(displays, st.integers(16, 4000), st.integers(16, 4000))
def test_a_box_bounds_both_sides(display, width, height):
    size = full_size(display, Resolution(width, height))
    assert size.width <= width + 1
    assert size.height <= height + 1


@given(st.tuples(st.integers(64, 8192), st.integers(64, 8192)), bounds)
def test_the_shape_survives_within_one_pixel_of_rounding(display, bound):
    size = full_size(display, bound)
    factor = size.width / display[0]
    assert abs(size.height - display[1] * factor) <= 2 * (1 + display[1] / display[0])


@pytest.mark.parametrize(
    ("display", "bound", "expected"),
    [
        ((1920, 1080), Resolution(), Size(1920, 1080)),
        ((161, 121), Resolution(), Size(160, 120)),
        ((1920, 1080), Resolution(height=720), Size(1280, 720)),
        ((1080, 1920), Resolution(height=720), Size(720, 1280)),
        ((1920, 1080), Resolution(640, 640), Size(640, 360)),
        ((640, 360), Resolution(height=1080), Size(640, 360)),
    ],
)
def test_1080p_means_the_short_side_and_a_box_means_both(display, bound, expected):
    assert full_size(display, bound) == expected


@given(displays)
def test_every_step_of_the_ladder_is_smaller_than_the_one_before_and_not_a_stamp(display):
    full = full_size(display)
    steps = ladder(full)
    assert steps[0] == 1
    assert list(steps) == sorted(steps, reverse=True)
    assert set(steps) <= set(LADDER)
    sizes = [scaled(full, step) for step in steps]
    assert all(min(s.width, s.height) >= MIN_SIDE - 1 for s in sizes[1:])
    assert all(a.pixels > b.pixels for a, b in pairwise(sizes))


@given(displays)
def test_the_analysis_picture_is_small_but_not_too_small_to_tell(display):
    full = full_size(display)
    size = analysis_size(full)
    assert size.pixels <= full.pixels
    assert min(size.width, size.height) >= min(MIN_SIDE, full.width, full.height) - 1


def test_scale_one_is_exactly_the_full_picture():
    assert scaled(Size(1366, 768), Fraction(1)) == Size(1366, 768)
