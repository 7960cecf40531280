"""Decode times of the joined clip: strictly ascending, and no frame decoded after it is shown."""

from __future__ import annotations

from itertools import accumulate, pairwise, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.timeline import decode_times, is_whole, presentation_order, reorder_delay

gops = st.integers(1, 12).flatmap(lambda n: st.permutations(range(1, n)).map(lambda rest: (0, *rest)))
parts = st.lists(gops, min_size=1, max_size=6)


def times(steps):
    return list(accumulate(steps, initial=0))


def assert_decodable(pts, order, dts):
    assert all(a < b for a, b in pairwise(dts))
    assert all(decoded <= pts[rank] for decoded, rank in zip(dts, order, strict=True))


@pytest.mark.parametrize("frames", range(1, 8))
def test_every_order_of_a_closed_gop_gives_ascending_decode_times_before_its_frames(frames):
    pts = [0, 3, 4, 9, 10, 11, 20][:frames]
    for rest in permutations(range(1, frames)):
        order = [0, *rest]
        assert_decodable(pts, order, decode_times(pts, order, 3))


@given(parts, st.data())
def test_joined_parts_of_any_order_decode_in_time_however_uneven_the_frames(ranks, data):
    order = presentation_order(ranks)
    pts = times(data.draw(st.lists(st.integers(1, 5000), min_size=len(order) - 1, max_size=len(order) - 1)))
    assert_decodable(pts, order, decode_times(pts, order, data.draw(st.integers(1, 5000))))


@given(parts)
def test_joined_closed_gops_are_whole_and_keep_their_frames_apart(ranks):
    order = presentation_order(ranks)
    assert is_whole(order)
    at = 0
    for part in ranks:
        assert sorted(order[at : at + len(part)]) == list(range(at, at + len(part)))
        at += len(part)


@given(parts, st.data())
def test_a_missing_or_doubled_frame_is_seen(ranks, data):
    order = presentation_order(ranks)
    at = data.draw(st.integers(0, len(order) - 1))
    assert not is_whole([*order, order[at]])
    if order[at] != len(order) - 1:
        assert not is_whole(order[:at] + order[at + 1 :])


def test_without_reordering_decoding_and_showing_coincide():
    assert decode_times([0, 40, 80], [0, 1, 2], 40) == [0, 40, 80]


def test_the_deepest_reordering_sets_the_delay_of_the_whole_clip():
    order = presentation_order([(0, 1, 2), (0, 3, 1, 2), (0, 4, 2, 1, 3)])
    assert reorder_delay(order) == 2
    assert decode_times(times([40] * 11), order, 40)[:4] == [-80, -40, 0, 40]
