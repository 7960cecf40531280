"""Steering while encoding: aim under the budget, learn from what exists, cut only where it pays."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.simulated import part, random_footage

from tightfit.domain import control
from tightfit.domain.control import Load
from tightfit.domain.pieces import Segment
from tightfit.domain.rate import CRF_MAX, CRF_MIN, Content, Observation, RateModel

seeds = st.integers(0, 10_000)


@given(seeds)
def test_every_segment_is_encoded_once_and_an_average_one_comes_last(seed):
    luck = random.Random(seed)
    footage = random_footage(luck)
    model = RateModel(footage.analysed(luck))
    order = control.encode_order(footage.segments, model)
    assert sorted(order, key=lambda s: s.index) == list(footage.segments)
    size = [model.content.bytes_in(s.first, s.last) for s in order]
    mean = sum(size) / len(size)
    assert size[1:-1] == sorted(size[1:-1], reverse=True)
    assert all(abs(size[-1] - mean) <= abs(other - mean) for other in size[1:])


@pytest.mark.parametrize(("frames", "last"), [((130, 70), 1), ((70, 130), 0), ((190, 10), 0)])
def test_of_two_segments_the_shorter_one_comes_last_unless_it_is_too_little_to_make_good_for_the_other(frames, last):
    model = RateModel(Content((100,) * sum(frames), (0, frames[0]), 1 / 3))
    segments = [Segment(0, 0, frames[0]), Segment(1, frames[0], sum(frames))]
    assert control.encode_order(segments, model)[-1].index == last


@given(seeds, st.floats(3, 8), st.floats(0, 2))
def test_the_next_quality_stays_near_what_fits_all_and_within_the_encoders_range(seed, exponent, done_share):
    luck = random.Random(seed)
    footage = random_footage(luck)
    model = RateModel(footage.analysed(luck))
    everything = [(s.first, s.last) for s in footage.segments]
    budget = 10**exponent
    load = Load(done_share * budget, tuple(everything[len(everything) // 2 :]))
    crf = control.next_crf(model, 1.0, budget, load, everything)
    fits_all = model.solve(everything, 1.0, budget * control.FIRST_AIM)
    assert CRF_MIN <= crf <= CRF_MAX
    assert abs(crf - fits_all) <= control.STEP_LIMIT + 0.01


@given(seeds)
def test_when_less_is_left_than_planned_the_rest_is_made_cheaper(seed):
    luck = random.Random(seed)
    footage = random_footage(luck, segments=(3, 8))
    model = RateModel(footage.analysed(luck))
    everything = [(s.first, s.last) for s in footage.segments]
    rest = tuple(everything[1:])
    budget = sum(model.predict(*r, 1.0, 27.0) for r in everything)
    on_course = model.predict(*everything[0], 1.0, 27.0)
    usual = control.next_crf(model, 1.0, budget, Load(on_course, rest), everything)
    after_a_dear_one = control.next_crf(model, 1.0, budget, Load(on_course + 0.05 * budget, rest), everything)
    assert after_a_dear_one > usual


@given(st.floats(0.2, 5.0))
def test_what_closes_the_sum_takes_all_that_is_left_unless_it_would_stand_out(share):
    luck = random.Random(3)
    model = RateModel(random_footage(luck).analysed(luck))
    seen = Observation(0, 40, 1.0, 27.0, 100_000, 5000)
    closing = control.closing_crf(model, seen, 100_000 * share, fits_all=27.5)
    assert abs(closing.value - 27.5) <= control.STEP_LIMIT
    assert closing.fits == (abs(model.crf_for_change(27.0, 100_000, 100_000 * share) - 27.5) <= control.STEP_LIMIT)
    if closing.fits:
        assert model.bytes_after_change(27.0, 100_000, closing.value) == pytest.approx(100_000 * share, rel=0.001)


def test_of_a_growing_encode_only_what_can_be_cut_off_is_believed():
    growing = part([500] * 50)
    seen = control.seen_of(growing)
    assert seen is not None
    assert seen.kept in growing.closed_prefixes
    assert control.seen_of(part([500] * 5)) is None


def test_an_extra_keyframe_costs_what_the_nearest_one_is_dearer_than_the_pictures_there():
    known = [(0, 1000), (100, 5000)]
    assert control.idr_cost(known, 10, 100) < control.idr_cost(known, 90, 100) < 5000
    assert control.idr_cost(known, 10, 100) > 0
    assert control.idr_cost(known, 10, 4000) == 0


def test_learning_of_a_growing_part_moves_the_forecast():
    luck = random.Random(5)
    footage = random_footage(luck, segments=(1, 1))
    model = RateModel(footage.analysed(luck))
    before = model.predict(20, footage.frames, 1.0, 27.0)
    dear = round(2 * model.predict(0, 20, 1.0, 27.0) / 20)
    learned = model.learn(Observation.of(part((dear,) * 20, crf=27.0), 1.0))
    assert learned.predict(20, footage.frames, 1.0, 27.0) > before
