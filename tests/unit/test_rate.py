"""The rate model: dearer quality costs more, what it predicts it can invert, and it believes what it saw."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.rate import CRF_MAX, CRF_MIN, Content, Observation, RateModel

CONTENT = Content(tuple(random.Random(7).randint(40, 900) for _ in range(300)), (0, 80, 200), 1 / 3)
SCALES = (1.0, 2 / 3, 0.5, 0.25)

crfs = st.floats(CRF_MIN, CRF_MAX)
scales = st.sampled_from(SCALES)
ranges = (
    st.tuples(st.integers(0, 299), st.integers(1, 300)).map(lambda r: (min(r), max(r))).filter(lambda r: r[0] < r[1])
)


def seen(first, last, crf, size, scale=1.0, idr_share=0.1):
    return Observation(first, last, scale, crf, size, round(size * idr_share))


observations = st.builds(
    lambda r, scale, crf, size: seen(*r, crf, size, scale), ranges, scales, crfs, st.integers(200, 5_000_000)
)
models = st.lists(observations, max_size=6).map(lambda seen: RateModel(CONTENT).learn(*seen))


@given(models, ranges, scales, st.tuples(crfs, crfs).map(sorted))
def test_a_higher_crf_never_costs_more_by_the_same_witness(model, frames, scale, pair):
    low, high = pair
    own = [o for o in model.seen if (o.first, o.last, o.scale) == (*frames, scale)]
    if len({o.crf for o in own}) > 1:
        return  # two witnesses of one range may contradict each other; each rules near its own quality
    assert model.predict(*frames, scale, low) >= model.predict(*frames, scale, high)


@given(ranges, st.tuples(scales, scales).map(sorted), crfs)
def test_a_larger_picture_never_costs_less(frames, pair, crf):
    model = RateModel(CONTENT)
    assert model.predict(*frames, pair[0], crf) <= model.predict(*frames, pair[1], crf)


@given(st.integers(0, 298), st.integers(1, 299), crfs)
def test_ranges_cost_together_what_their_union_costs(a, b, crf):
    first, middle, last = 0, min(a, b) + 1, 300
    model = RateModel(CONTENT)
    parts = model.predict(first, middle, 1.0, crf) + model.predict(middle, last, 1.0, crf)
    assert parts == pytest.approx(model.predict(first, last, 1.0, crf))


@given(models, scales, st.floats(CRF_MIN + 0.1, CRF_MAX - 0.1))
def test_solve_inverts_predict(model, scale, crf):
    pieces = [(0, 80), (80, 200), (200, 300)]
    if any((o.first, o.last) in pieces for o in model.seen):
        return
    budget = sum(model.predict(*piece, scale, crf) for piece in pieces)
    assert model.solve(pieces, scale, budget) == pytest.approx(crf, abs=0.01)


@given(models, scales, st.floats(1, 1e12))
def test_solve_stays_within_what_the_encoder_takes(model, scale, budget):
    assert CRF_MIN <= model.solve([(0, 300)], scale, budget) <= CRF_MAX


@given(models, crfs, crfs)
def test_crf_for_change_inverts_its_own_law(model, start, end):
    rest = seen(0, 300, start, 1_000_000)
    changed = RateModel(CONTENT, (*model.seen, rest)).predict(0, 300, 1.0, end)
    again = RateModel(CONTENT, (*model.seen, rest)).crf_for_change(start, 1_000_000, changed)
    others = [o for o in model.seen if (o.first, o.last, o.scale) == (0, 300, 1.0)]
    if not others:
        assert again == pytest.approx(end, abs=0.01)


@given(observations)
def test_what_was_seen_is_predicted_exactly(one):
    model = RateModel(CONTENT).learn(one)
    assert model.predict(one.first, one.last, one.scale, one.crf) == pytest.approx(one.bytes)


@given(st.integers(150, 299), st.floats(15, 40), st.floats(0.3, 3.0))
def test_learning_moves_the_rest_of_the_clip_towards_the_observation(frames, crf, factor):
    before = RateModel(CONTENT)
    expected = before.predict(0, frames, 1.0, crf)
    ordinary, keys = CONTENT.split(0, frames)
    share = keys / (ordinary + keys)
    after = before.learn(seen(0, frames, crf, round(expected * factor), idr_share=share))
    moved = after.predict(0, 300, 1.0, crf) / before.predict(0, 300, 1.0, crf)
    assert min(1.0, factor) - 0.02 <= moved <= max(1.0, factor) + 0.02
    assert abs(moved - 1) >= 0.6 * abs(factor - 1) - 0.05


def test_content_keeps_the_clips_sum_and_splits_off_the_keyframes():
    whole = sum(CONTENT.frame_bytes)
    ordinary, keys = CONTENT.split(0, 300)
    assert ordinary + keys == pytest.approx(whole)
    assert CONTENT.bytes_in(0, 300) == pytest.approx(whole)
    assert CONTENT.split(1, 80)[1] == 0
    assert CONTENT.split(0, 1)[0] == 0


def test_busy_seconds_are_drawn_towards_the_mean_but_stay_busier():
    calm, busy = 100, 900
    content = Content((*[calm] * 150, *[busy] * 150), (0,), 1 / 3)
    ratio = content.bytes_in(150, 300) / content.bytes_in(0, 150)
    assert 1 < ratio < busy / calm


def test_dear_keyframes_are_not_taken_for_a_dear_clip():
    lavish = RateModel(CONTENT).learn(seen(0, 200, 25.0, 1_000_000, idr_share=0.6))
    plain = RateModel(CONTENT).learn(seen(0, 200, 25.0, 1_000_000, idr_share=0.05))
    assert lavish.predict(210, 300, 1.0, 25.0) < plain.predict(210, 300, 1.0, 25.0)
