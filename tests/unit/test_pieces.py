"""Parts may be cut exactly where what was decoded is what was shown, and variants stay whole."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import simulated

from tightfit.domain.pieces import Variant


@st.composite
def closed_gops(draw, most=24):
    """Presentation ranks in decode order: any order that begins with the frame shown first."""
    frames = draw(st.integers(1, most))
    return (0, *draw(st.permutations(range(1, frames))))


def part(ranks, first=0, crf=25.0, sizes=None):
    return simulated.part(sizes or range(100, 100 + len(ranks)), first=first, crf=crf, ranks=ranks)


@given(closed_gops())
def test_closed_prefixes_are_exactly_the_prefixes_that_hold_the_first_frames_shown(ranks):
    by_hand = tuple(n for n in range(1, len(ranks) + 1) if sorted(ranks[:n]) == list(range(n)))
    assert part(ranks).closed_prefixes == by_hand


@given(closed_gops(), st.data())
def test_a_part_is_cut_at_closed_prefixes_and_nowhere_else(ranks, data):
    whole = part(ranks)
    kept = data.draw(st.integers(1, len(ranks)))
    if kept in whole.closed_prefixes:
        cut = whole.cut(kept)
        assert (cut.kept, cut.last, cut.bytes) == (kept, kept, sum(whole.sizes[:kept]))
    else:
        with pytest.raises(ValueError, match="not a closed prefix"):
            whole.cut(kept)


def test_a_growing_encode_whose_earlier_frames_are_missing_has_no_prefix_behind_the_gap():
    assert part((0, 2, 1, 9, 9)).closed_prefixes == (1, 3)


@given(closed_gops(), st.data())
def test_a_variant_with_a_tail_covers_the_same_frames_and_counts_only_what_is_kept(ranks, data):
    first = 40
    whole = Variant((part(ranks, first),))
    at = data.draw(st.sampled_from([0, *whole.parts[0].closed_prefixes[:-1]]))
    tail = part(tuple(range(len(ranks) - at)), first + at, crf=30.0, sizes=[7] * (len(ranks) - at))

    mixed = whole.with_tail(tail)

    assert (mixed.first, mixed.last) == (whole.first, whole.last)
    assert mixed.bytes == sum(whole.parts[0].sizes[:at]) + 7 * (len(ranks) - at)
    assert mixed.crf == pytest.approx((25.0 * at + 30.0 * (len(ranks) - at)) / len(ranks))


def test_a_tail_replaces_newer_tails_that_it_covers():
    plain = tuple(range(30))
    twice = Variant((part(plain),)).with_tail(part(plain[:10], 20)).with_tail(part(plain[:15], 15))
    assert [(p.first, p.last) for p in twice.parts] == [(0, 15), (15, 30)]


def test_a_tail_that_begins_inside_a_mini_gop_is_refused():
    with pytest.raises(ValueError, match="not a closed prefix"):
        Variant((part((0, 3, 1, 2)),)).with_tail(part((0, 1), 2))


def test_keyframes_are_told_by_frame_number_and_only_as_far_as_the_part_is_kept():
    whole = part(tuple(range(30)), 10)
    both = Variant((whole,)).with_tail(part(tuple(range(15)), 25))
    assert whole.idrs() == [(10, 100)]
    assert whole.cut(5).idr_bytes == 100
    assert [idr for p in both.parts for idr in p.idrs()] == [(10, 100), (25, 100)]
