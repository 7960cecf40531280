"""What distances of fields say of a place, and places of a clip."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.interlacing import FieldPair, may_be_interlaced, order_at, order_of
from tightfit.domain.media_info import Colour, FieldOrder, VideoStream

TOP, BOTTOM, WHOLE, STILL = (
    *(FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST, FieldOrder.PROGRESSIVE),
    FieldOrder.UNKNOWN,
)
# Distances as they were measured of such clips.
PAIRS = {
    "top": FieldPair(4.5, 4.5, 9.0),
    "bottom": FieldPair(2.1, 3.9, 2.1),
    "whole": FieldPair(2.8, 5.1, 5.5),
    "still": FieldPair(0.56, 0.56, 0.57),
    "noise": FieldPair(37.7, 37.9, 37.6),
    # The bottom field's own picture lies between two others: fields a whole picture apart.
    "torn": FieldPair(5.0, 0.1, 5.0),
}
TELECINE = ["whole", "top", "torn", "torn", "whole"]


def _seen(kinds: list[str]) -> list[FieldPair]:
    return [PAIRS[kind] for kind in kinds]


@pytest.mark.parametrize(
    ("kinds", "order"),
    [
        (["top"] * 20, TOP),
        (["bottom"] * 20, BOTTOM),
        (["whole"] * 20, WHOLE),
        (["top"] * 18 + ["whole"] * 2, TOP),
        (TELECINE * 4, WHOLE),
        (["top", "bottom"] * 10, WHOLE),
        (["still"] * 20, STILL),
        (["noise"] * 20, STILL),
        (["still"] * 13 + ["top"] * 7, STILL),
        (["still"] * 12 + ["top"] * 8, TOP),
        ([], STILL),
    ],
)
def test_a_place_is_what_nearly_all_that_moves_in_it_is(kinds: list[str], order: FieldOrder):
    assert order_at(_seen(kinds)) is order


@pytest.mark.parametrize(
    ("places", "order"),
    [
        ([TOP] * 6, TOP),
        ([BOTTOM, BOTTOM, TOP, STILL, STILL, STILL], BOTTOM),
        ([TOP, WHOLE, WHOLE, WHOLE], TOP),
        ([TOP, WHOLE, WHOLE, WHOLE, WHOLE], WHOLE),
        ([STILL, STILL, TOP], TOP),
        ([STILL] * 6, STILL),
        ([], STILL),
    ],
)
def test_a_clip_is_interlaced_where_a_quarter_of_what_moves_is(places: list[FieldOrder], order: FieldOrder):
    assert order_of(places) is order


@given(
    st.lists(
        st.builds(FieldPair, st.floats(0, 255), st.floats(0, 255), st.floats(0, 255)),
        max_size=30,
    )
)
def test_what_is_turned_upside_down_has_the_other_field_first(pairs: list[FieldPair]):
    mirrored = [FieldPair(p.within, p.next_bottom, p.next_top) for p in pairs]
    assert order_at(mirrored) is {TOP: BOTTOM, BOTTOM: TOP}.get(order_at(pairs), order_at(pairs))


SD = VideoStream(
    index=0,
    codec="h264",
    width=720,
    height=576,
    time_base=Fraction(1, 25),
    pts=tuple(range(100)),
    packet_bytes=(1,) * 100,
    keyframe_pts=(0,),
    field_order=FieldOrder.PROGRESSIVE,
)


@pytest.mark.parametrize(
    ("changes", "looks"),
    [
        ({}, True),
        ({"height": 720}, False),
        ({"height": 720, "field_order": FieldOrder.BOTTOM_FIRST}, True),
        ({"codec": "vp9"}, False),
        ({"time_base": Fraction(1, 60)}, False),
        ({"width": 576, "height": 1024, "rotation": 90}, True),
        ({"colour": Colour(transfer=18)}, False),
        ({"pts": (0, 1, 2)}, False),
    ],
)
def test_a_look_is_for_what_might_be_interlaced(changes: dict[str, object], looks: bool):
    assert may_be_interlaced(replace(SD, **changes)) is looks  # type: ignore[arg-type]
