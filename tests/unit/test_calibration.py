"""What earlier runs correct in a forecast: never wildly, not by one odd run, and by as much as all of them say."""

from __future__ import annotations

import statistics
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.audio import AudioKind, AudioPlan
from tightfit.domain.calibration import (
    Forecast,
    Pair,
    corrected,
    foretold,
    least_fill,
    picture_name,
    shipped_seconds,
    time_factor,
    vmaf_error,
)
from tightfit.domain.codec import CODECS, Effort
from tightfit.domain.geometry import Size, ladder
from tightfit.domain.pieces import Segment
from tightfit.domain.plan import Budget, Choice, Pace, Plan

FULL = Size(1280, 720)
TOLD = Forecast("h264", "balanced", "medium", "720p", "Linux x86_64, 2 cores", 10.0, 9_900, 10_000, 80.0)
ratios = st.floats(0.2, 5)
many = st.lists(ratios, max_size=40)


def took(ratio, told=TOLD):
    return Pair(told, told.seconds * ratio, told.high, None)


@given(many)
def test_a_factor_lies_between_what_is_shipped_and_what_was_seen(found):
    factor = time_factor(TOLD, [took(ratio) for ratio in found])
    assert min([1.0, *found]) - 1e-9 <= factor <= max([1.0, *found]) + 1e-9


@given(ratios)
def test_one_run_changes_nothing_and_three_alike_are_believed(ratio):
    assert time_factor(TOLD, []) == time_factor(TOLD, [took(ratio)]) == 1.0
    assert time_factor(TOLD, [took(ratio)] * 5) == pytest.approx(ratio)


@given(ratios, st.floats(0.01, 1000), st.integers(0, 8))
def test_one_odd_run_is_not_followed(ratio, odd, place):
    pairs = [took(ratio)] * 8
    pairs.insert(place, took(odd))
    assert time_factor(TOLD, pairs) == pytest.approx(ratio)


@given(st.floats(1e-6, 1e6))
def test_a_factor_has_bounds(ratio):
    assert 1 / 20 <= time_factor(TOLD, [took(ratio)] * 9) <= 20


@given(st.lists(ratios, min_size=3, max_size=12), ratios)
def test_what_was_long_ago_is_forgotten(old, now):
    assert time_factor(TOLD, [took(ratio) for ratio in old] + [took(now)] * 15) == pytest.approx(now)


@given(many, st.sampled_from(["codec", "effort", "pace", "machine"]))
def test_what_was_made_otherwise_or_elsewhere_says_nothing_of_the_time(found, what):
    elsewhere = replace(TOLD, **{what: "another"})
    assert time_factor(TOLD, [took(ratio, elsewhere) for ratio in found]) == 1.0


def test_pictures_of_the_same_size_are_asked_alone_once_there_are_enough():
    large = [took(3.0, replace(TOLD, picture="2160p"))] * 9
    assert time_factor(TOLD, [took(2.0)] * 4 + large) == 3.0
    assert time_factor(TOLD, [took(2.0)] * 5 + large) == 2.0


def test_a_time_that_was_not_measured_is_not_counted():
    unmeasured = Pair(TOLD, None, TOLD.high, 70.0)
    assert time_factor(TOLD, [unmeasured] * 20 + [took(2.0)] * 5) == 2.0


fills = st.lists(st.integers(5_000, 10_000), max_size=40)


@given(fills)
def test_nine_sizes_in_ten_lie_in_the_range_that_they_teach(sizes):
    pairs = [Pair(TOLD, 1.0, size, None) for size in sizes]
    least = least_fill(TOLD, pairs) * TOLD.high
    assert least <= TOLD.low
    if len(sizes) >= 10:
        assert sum(size >= least - 1e-6 for size in sizes) >= 0.9 * len(sizes)
    else:
        assert least == TOLD.low


@given(st.lists(st.floats(0, 100), min_size=3, max_size=15))
def test_a_forecast_of_quality_moves_by_what_it_was_off(seen):
    error = vmaf_error(TOLD, [Pair(TOLD, None, TOLD.high, vmaf) for vmaf in seen])
    assert error == statistics.median([*(vmaf - 80.0 for vmaf in seen), 0.0, 0.0])


@given(st.integers(1, 100_000_000), st.integers(1, 100_000_000))
def test_larger_pictures_never_have_the_name_of_smaller_ones(one, other):
    names = ["small", "720p", "1080p", "2160p"]
    small, large = sorted((one, other))
    assert names.index(picture_name(small)) <= names.index(picture_name(large))


codecs = st.sampled_from(list(CODECS.values()))


@given(codecs, st.floats(0.01, 1000), st.lists(st.sampled_from(ladder(FULL)), min_size=2, max_size=2).map(sorted))
def test_more_is_never_foretold_to_take_less_time(codec, analysis_s, scales):
    times = [shipped_seconds(analysis_s, scales[1], codec, effort, Pace.USUAL) for effort in Effort]
    assert 0 < shipped_seconds(analysis_s, scales[0], codec, Effort.BEST, Pace.USUAL) <= times[-1]
    assert times == sorted(times)
    assert shipped_seconds(analysis_s, scales[1], codec, Effort.BALANCED, Pace.QUICK) <= times[1]


def test_a_plan_says_what_was_learned_and_its_own_forecast_stays_as_it_was():
    sound = AudioPlan(AudioKind.NONE, reason="the source has no sound")
    choice = Choice(Fraction(1), 28.0)
    plan = Plan(10_000, Budget(10_000, 0, 500), FULL, choice, (Segment(0, 0, 50),), sound, (), ())
    told = replace(foretold(plan, Effort.BALANCED, 2.0, TOLD.machine), vmaf=80.0)
    unlearned = corrected(plan, told, [])
    assert (unlearned.predicted_seconds, unlearned.predicted_vmaf) == (told.seconds, 80.0)
    assert unlearned.predicted_bytes == (9_900, 10_000)
    pairs = [Pair(told, told.seconds * 2, 9_800, 130.0)] * 20
    learned = corrected(plan, told, pairs)
    assert (learned.predicted_seconds, learned.predicted_vmaf) == (pytest.approx(told.seconds * 2), 100.0)
    assert learned.predicted_bytes == (9_800, 10_000)
    assert foretold(learned, Effort.BALANCED, 2.0, TOLD.machine).seconds == told.seconds
