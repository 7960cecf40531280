"""Steering while encoding: aim under the budget, learn from what exists, cut only where it pays."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.simulated import part, random_footage

from tightfit.domain import control
from tightfit.domain.control import CutHere, Keep, Load, Restart
from tightfit.domain.rate import CRF_MAX, CRF_MIN, Observation, RateModel

seeds = st.integers(0, 10_000)


@given(seeds)
def test_every_segment_is_encoded_once_and_cheap_ones_come_last(seed):
    luck = random.Random(seed)
    footage = random_footage(luck)
    model = RateModel(footage.analysed(luck))
    order = control.encode_order(footage.segments, model)
    assert sorted(order, key=lambda s: s.index) == list(footage.segments)
    size = [model.content.bytes_in(s.first, s.last) for s in order]
    assert size[1:] == sorted(size[1:], reverse=True)


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


def _judged(off: float, *, kept: int = 60, frames: int = 100, key: int = 900, may_restart: bool = False):
    """What is said of a running encode whose only segment costs ``off`` more than foreseen."""
    luck = random.Random(3)
    footage = random_footage(luck, segments=(1, 1), frames=(frames, frames))
    model = RateModel(footage.analysed(luck))
    foreseen = model.predict(0, frames, 1.0, 27.0)
    budget = foreseen / control.FIRST_AIM
    seen = model.predict(0, kept, 1.0, 27.0) * (1 + off)
    each = round((seen - key) / (kept - 1))
    growing = part((key, *[each] * (kept - 1)), crf=27.0)
    course = control.Course(budget, Load(0, ()), ((0, frames),), may_restart, first_look=False)
    return control.judge(model, 1.0, growing, frames, course), growing


def test_an_encode_on_course_is_left_alone():
    assert isinstance(_judged(0.0)[0], Keep)


@pytest.mark.parametrize("off", [-0.25, 0.25])
def test_an_encode_off_course_is_cut_where_it_can_be(off):
    verdict, growing = _judged(off)
    assert isinstance(verdict, CutHere)
    assert verdict.kept in growing.closed_prefixes


@pytest.mark.parametrize("off", [-0.6, 2.0])
def test_a_hopeless_encode_is_begun_again_while_that_is_allowed(off):
    assert isinstance(_judged(off, may_restart=True)[0], Restart)
    assert not isinstance(_judged(off, may_restart=False)[0], Restart)


def test_nothing_is_cut_where_a_keyframe_costs_more_than_the_mistake():
    assert isinstance(_judged(0.1, key=40_000)[0], Keep)


def test_an_encode_that_is_nearly_done_is_not_cut():
    assert isinstance(_judged(0.25, kept=94)[0], Keep)


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
