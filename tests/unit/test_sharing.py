"""One limit over several files: equal quality, never over, nothing inflated."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.rate import Content, RateModel
from tightfit.domain.sharing import QUALITIES, Curve, fair_total, left_out_to_fit, shares, smallest_total


def curve(analysis_bytes: int, *, source: int = 100_000_000, stays: bool = True) -> Curve:
    """Ten seconds whose analysis came to so many bytes a frame."""
    model = RateModel(Content((analysis_bytes,) * 250, (0,), 1 / 3))
    video = tuple(model.predict(0, 250, 1.0, float(quality)) for quality in QUALITIES)
    return Curve(source, stays, 3000, video, video[20], video[12], 10.0, None)


CURVES = st.lists(
    st.builds(curve, st.integers(20, 20_000), source=st.integers(50_000, 50_000_000), stays=st.booleans()),
    min_size=1,
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(CURVES, st.integers(1, 20_000_000))
def test_the_sum_is_never_over_and_nobody_gets_more_than_it_is_worth(curves: list[Curve], limit: int):
    given_ = shares(curves, limit)
    assert sum(given_) <= limit
    assert all(share <= one.most for share, one in zip(given_, curves, strict=True))


@settings(deadline=None, max_examples=60)
@given(CURVES, st.integers(1, 20_000_000))
def test_what_can_be_used_is_given_out(curves: list[Curve], limit: int):
    used = sum(shares(curves, limit))
    if smallest_total(curves) <= limit:
        assert used >= min(limit, sum(one.most for one in curves)) - len(curves) ** 2


@settings(deadline=None, max_examples=60)
@given(CURVES, st.integers(1, 20_000_000), st.integers(1, 1_000_000))
def test_more_room_takes_nothing_away_from_all_together(curves: list[Curve], limit: int, more: int):
    assert sum(shares(curves, limit + more)) >= sum(shares(curves, limit)) - len(curves) ** 2


def test_shares_follow_the_content_not_the_count():
    still, busy = curve(100), curve(3000)
    low, high = shares([still, busy], 2_000_000)
    assert high > 10 * low
    assert low + high == pytest.approx(2_000_000, rel=0.001)
    # Both lie on their curves at one quality: what is left to share out is next to nothing.
    quality = next(q / 10 for q in range(60, 860) if busy.share(q / 10) <= high)
    assert still.share(quality) == pytest.approx(low, rel=0.02)


def test_a_file_that_is_small_already_keeps_its_bytes_and_the_others_get_the_rest():
    small, large = curve(3000, source=90_000), curve(3000)
    assert shares([small, large], 1_000_000) == [90_000, 910_000]


def test_a_file_that_has_to_change_is_not_inflated():
    assert shares([curve(3000, source=90_000, stays=False)], 1_000_000) == [180_000]


def test_where_all_fit_already_nothing_is_given_beyond():
    assert shares([curve(3000, source=90_000), curve(3000, source=50_000)], 1_000_000) == [90_000, 50_000]


def test_what_can_t_fit_names_the_largest_as_those_to_leave_out():
    curves = [curve(100), curve(9000), curve(3000)]
    assert smallest_total(curves) < fair_total(curves)
    limit = smallest_total(curves) - 1
    assert left_out_to_fit(curves, limit) == [1]
    assert left_out_to_fit(curves, 1) == [1, 2, 0]
    assert left_out_to_fit(curves, limit + 1) == []
