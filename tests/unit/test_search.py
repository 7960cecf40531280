"""The search for a setting: never a choice that is too large, close where the encoder allows it, in bounded tries."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.search import Search


def run(search: Search, size_of, most: int = 50) -> Search:
    for _ in range(most):
        setting = search.next()
        if setting is None:
            return search
        search.saw(setting, size_of(setting))
    raise AssertionError("it never ends")


@settings(deadline=None)
@given(
    limit=st.integers(100, 10_000_000),
    base=st.floats(10, 1e6),
    power=st.floats(0.01, 0.09),
    first=st.floats(1, 96),
)
def test_the_best_is_the_largest_that_was_seen_to_fit_or_there_is_none(limit, base, power, first):
    def size_of(setting: float) -> int:
        return int(base * math.exp(power * setting))

    search = run(Search(limit, 1, 96, first), size_of)
    assert len(search.tried) <= search.rounds + 1
    if search.best is None:
        assert size_of(1) > limit
    else:
        assert size_of(search.best) <= limit
        assert search.best == 96 or size_of(search.best) >= 0.98 * limit


@settings(deadline=None)
@given(limit=st.integers(2_000, 2_000_000), per_bit=st.floats(0.8, 1.3), extra=st.integers(0, 1_000))
def test_a_bit_rate_is_right_after_a_few_encodes(limit, per_bit, extra):
    seconds = 60
    search = Search(limit, 6_000, 500_000, limit * 8 / seconds, close=0.99, rounds=6, proportional=True)
    run(search, lambda rate: int(rate / 8 * seconds * per_bit) + extra)
    if search.best is None:
        assert 6_000 / 8 * seconds * per_bit + extra > limit
    elif search.best < 500_000:
        assert search.tried[search.best] >= 0.97 * limit
        assert len(search.tried) <= 6


def test_steps_are_kept_to():
    search = run(Search(1000, 2, 95, 55, step=1), lambda quality: int(quality * 20))
    assert all(setting == round(setting) for setting in search.tried)
    assert search.best == 50


def test_where_only_the_lowest_fits_it_is_found():
    search = run(Search(100, 0.1, 1.0, 0.9), lambda scale: 99 if scale <= 0.1 else 5000)
    assert search.best == 0.1
