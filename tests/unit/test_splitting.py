"""How many files a clip becomes, and where it is cut."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.rate import Content
from tightfit.domain.splitting import MOST_PARTS, cuts, parts_needed


def test_one_part_may_fill_the_limit_and_several_keep_room_for_where_scenes_end():
    assert parts_needed(100, lambda n: 100 / n) == 1
    assert parts_needed(100, lambda n: 101 / n) == 2
    assert parts_needed(100, lambda n: 200 / n) == 3
    assert parts_needed(1, lambda _: 2.0) == MOST_PARTS


def test_cuts_are_at_keyframes_and_share_the_bytes_not_the_frames():
    content = Content((10,) * 50 + (1,) * 50, tuple(range(0, 100, 10)), 1 / 3)
    assert cuts(content, 2) == [30]
    assert cuts(content, 3) == [20, 40]


def test_with_too_few_keyframes_it_is_cut_anywhere():
    content = Content((1,) * 100, (0, 90), 1 / 3)
    assert cuts(content, 2) == [90]
    assert cuts(content, 4) == [25, 50, 75]
    assert cuts(Content((1, 1), (0,), 1 / 3), 5) == [1]


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(1, 5000), min_size=2, max_size=60), st.integers(1, 12), st.data())
def test_parts_are_never_empty_and_as_many_as_wanted(sizes: list[int], parts: int, data: st.DataObject):
    keys = data.draw(st.sets(st.integers(1, len(sizes) - 1)))
    found = cuts(Content(tuple(sizes), (0, *sorted(keys)), 1 / 3), parts)
    bounds = [0, *found, len(sizes)]
    assert all(a < b for a, b in pairwise(bounds))
    assert len(found) == min(parts, len(sizes)) - 1
