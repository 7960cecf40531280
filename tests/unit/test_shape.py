"""The part of a picture that is shown, and the canvas it is put on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.edits import Aspect, Crop, Edits, Fit
from tightfit.domain.geometry import full_size
from tightfit.domain.shape import LEAST_SIDE, shape_of

HD = (1920, 1080)


def test_without_edits_the_picture_is_plain():
    shape = shape_of(HD)
    assert shape.is_plain
    assert (shape.inner, shape.canvas, shape.inner_of(full_size(HD))) == (HD, HD, full_size(HD))


CANVASES = {
    "upright": (HD, 9, 16, (1080, 1920)),
    "square": (HD, 1, 1, (1080, 1080)),
    "old": (HD, 4, 3, (1440, 1080)),
    "wide from upright": ((1080, 1920), 16, 9, (1920, 1080)),
    "cinema": (HD, 2.35, 1, (1920, 818)),
}


@pytest.mark.parametrize(("display", "width", "height", "canvas"), CANVASES.values(), ids=CANVASES.keys())
def test_a_contained_picture_gets_a_canvas_no_larger_than_it_was(display, width, height, canvas):
    shape = shape_of(display, Edits(aspect=Aspect(width, height)))
    assert (shape.part, shape.inner, shape.canvas) == (None, display, canvas)


COVERED = {
    "upright": (9, 16, Crop(608, 1080, 656, 0)),
    "square": (1, 1, Crop(1080, 1080, 420, 0)),
    "cinema": (2.4, 1, Crop(1920, 800, 0, 140)),
}


@pytest.mark.parametrize(("width", "height", "part"), COVERED.values(), ids=COVERED.keys())
def test_a_covering_picture_is_cut_in_its_middle(width, height, part):
    shape = shape_of(HD, Edits(aspect=Aspect(width, height, Fit.COVER)))
    assert shape.part == part
    assert shape.inner == shape.canvas == (part.width, part.height)


@pytest.mark.parametrize("fit", Fit)
def test_a_picture_of_that_shape_stays_plain(fit):
    assert shape_of(HD, Edits(aspect=Aspect(16, 9, fit))).is_plain


def test_a_quarter_turn_swaps_the_sides_and_comes_before_the_shape():
    shape = shape_of(HD, Edits(rotate=90, aspect=Aspect(9, 16)))
    assert (shape.inner, shape.canvas) == ((1080, 1920), (1080, 1920))
    assert shape_of(HD, Edits(rotate=270, aspect=Aspect(1, 1, Fit.COVER))).part == Crop(1080, 1080, 420, 0)


@pytest.mark.parametrize(
    "crop", [Crop(1922, 1080), Crop(100, 100, 1900, 0), Crop(100, 100, 0, 1000), Crop(8, 8)], ids=str
)
def test_a_crop_outside_the_picture_is_refused(crop):
    with pytest.raises(ValueError, match="not inside"):
        shape_of(HD, Edits(crop=crop))


sides = st.integers(LEAST_SIDE, 4096)


@given(sides, sides, st.floats(0.1, 10), st.sampled_from(Fit), st.sampled_from([0, 90, 180, 270]))
def test_whatever_the_shape_it_fits(width, height, ratio, fit, rotate):
    shape = shape_of((width, height), Edits(aspect=Aspect(ratio, 1, fit), rotate=rotate))
    size = full_size(shape.canvas)
    inner = shape.inner_of(size)
    assert size.width % 2 == size.height % 2 == inner.width % 2 == inner.height % 2 == 0
    assert inner.width <= size.width
    assert inner.height <= size.height
    assert max(shape.canvas) <= max(width, height) + 1
    if shape.part:
        assert shape.part.x + shape.part.width <= width
        assert shape.part.y + shape.part.height <= height
