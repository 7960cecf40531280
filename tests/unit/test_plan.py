"""The plan: more bytes never mean a smaller picture, and where there are too few, what is offered works."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.audio import AudioKind, AudioPlan
from tightfit.domain.geometry import Size, ladder
from tightfit.domain.plan import (
    ONLY_FULL_SIZE,
    USUAL_CROSSINGS,
    WORST_CRF,
    Budget,
    Choice,
    Pace,
    choose,
    contested,
    crossings_of,
    explain,
    fair_video_bytes,
    infeasible_options,
    is_screen,
    smallest_video_bytes,
)
from tightfit.domain.rate import Content, RateModel

FULL = Size(1280, 720)
NO_SOUND = AudioPlan(AudioKind.NONE, reason="the source has no sound")


def content(seed, frames=250):
    luck = random.Random(seed)
    level = luck.uniform(20, 3000)
    return Content(tuple(round(level * luck.uniform(0.2, 2)) + 1 for _ in range(frames)), (0,), 1 / 3)


models = st.integers(0, 10_000).map(lambda seed: RateModel(content(seed)))
budgets = st.floats(3, 9).map(lambda e: int(10**e))


@given(models, st.tuples(budgets, budgets).map(sorted))
def test_more_bytes_never_give_a_smaller_picture(model, pair):
    small, large = (choose(model, budget, FULL) for budget in pair)
    if small:
        assert large
        assert large.scale >= small.scale


@given(models, budgets)
def test_the_chosen_size_is_the_largest_on_the_good_side_of_its_crossing(model, budget):
    choice = choose(model, budget, FULL)
    for scale in ladder(FULL) if choice else ():
        crf = model.solve([(0, model.content.frames)], float(scale), budget)
        if scale > choice.scale:
            assert crf > USUAL_CROSSINGS[scale]
        elif scale == choice.scale:
            assert crf == pytest.approx(choice.crf)
            assert crf <= USUAL_CROSSINGS.get(scale, WORST_CRF + 2)


@given(models, budgets)
def test_time_is_saved_only_where_the_picture_is_clear_or_wins_by_shrinking(model, budget):
    choice = choose(model, budget, FULL)
    if choice is None:
        return
    at_full = model.solve([(0, model.content.frames)], 1.0, budget)
    clear = choice.scale == 1 and at_full < 26.0 and at_full < USUAL_CROSSINGS[Fraction(1)] - 5
    shrunk_far = choice.scale < 1 and at_full > USUAL_CROSSINGS[Fraction(1)] + 6
    assert (choice.pace is Pace.QUICK) == (clear or shrunk_far)


@given(models, budgets, st.sampled_from(ladder(FULL)))
def test_a_size_in_work_is_only_left_for_a_better_one(model, budget, in_work):
    kept, free = choose(model, budget, FULL, in_work=in_work), choose(model, budget, FULL)
    if kept is None or free is None:
        return
    assert min(in_work, free.scale) <= kept.scale <= max(in_work, free.scale)


@given(models, budgets)
def test_a_picture_that_is_to_keep_its_size_keeps_it(model, budget):
    choice = choose(model, budget, FULL, ONLY_FULL_SIZE)
    assert choice is not None
    assert choice.scale == 1


@given(st.lists(st.floats(20, 100), min_size=5, max_size=5).map(lambda vmaf: sorted(vmaf, reverse=True)))
def test_the_more_a_smaller_size_loses_the_later_it_is_taken(vmaf):
    ceilings = dict(zip(ladder(FULL), vmaf, strict=True))
    crossings = crossings_of(ceilings)
    assert set(crossings) == set(ladder(FULL)[:-1])
    lost = {scale: ceilings[scale] - ceilings[ladder(FULL)[at + 1]] for at, scale in enumerate(ladder(FULL)[:-1])}
    assert sorted(crossings, key=lambda s: (crossings[s], lost[s])) == sorted(
        lost, key=lambda s: (crossings[s], lost[s])
    )
    assert all(crossing >= 24 for crossing in crossings.values())


def test_text_that_a_smaller_size_would_blur_keeps_its_size_where_soft_footage_does_not():
    text = crossings_of({Fraction(1): 97.4, Fraction(2, 3): 82.8})
    soft = crossings_of({Fraction(1): 99.7, Fraction(2, 3): 99.3})
    assert text[Fraction(1)] > 24 + 4 * 14.6**0.5
    assert soft[Fraction(1)] < 27 < 37 < text[Fraction(1)]


def test_a_picture_is_taken_for_a_screens_only_where_that_was_measured():
    assert is_screen(crossings_of({Fraction(1): 97.4, Fraction(2, 3): 88.0}))
    assert not is_screen(crossings_of({Fraction(1): 97.4, Fraction(2, 3): 91.0}))
    assert not is_screen(USUAL_CROSSINGS)


def test_a_step_below_the_full_size_costs_a_picture_what_it_always_costs():
    deep = crossings_of({Fraction(1, 2): 90.0, Fraction(1, 3): 75.0})
    assert deep[Fraction(1, 2)] == pytest.approx(24 + 4 * 15**0.5)


@given(models, budgets)
def test_sizes_are_measured_only_where_that_may_change_the_choice(model, budget):
    scales = contested(model, budget, FULL)
    assert scales == sorted(scales, reverse=True)
    steps = [ladder(FULL).index(scale) for scale in scales]
    assert steps == list(range(steps[0], steps[0] + len(steps))) if steps else True
    choice = choose(model, budget, FULL)
    if choice and choice.scale == 1 and choice.crf < 20:
        assert scales == [1]


@given(models)
def test_the_smallest_size_named_is_feasible_and_fair_is_no_less(model):
    smallest = smallest_video_bytes(model, FULL)
    assert choose(model, smallest, FULL) is not None
    assert choose(model, int(smallest / 2), FULL) is None
    assert fair_video_bytes(model, FULL) > 0


@given(st.integers(1000, 10**6), st.floats(1.01, 200), st.floats(0.5, 5000), st.integers(0, 10**6), st.booleans())
def test_every_option_is_a_sentence_and_every_size_offered_is_above_the_limit(limit, times, seconds, sound, has_sound):
    smallest = int(limit * times) + 1
    options = infeasible_options(limit, smallest, smallest * 3, seconds, sound, has_sound)
    assert options
    assert all(o.change for o in options)
    assert all(o.limit_bytes > limit for o in options if o.limit_bytes is not None)
    assert ("sound" in " ".join(o.change for o in options)) == (has_sound and sound < limit)


@given(st.integers(10_000, 10**9), st.integers(0, 5000), st.integers(0, 5000))
def test_the_budget_is_divided_without_remainder(limit, audio, container):
    budget = Budget(limit, audio, container)
    assert budget.video + budget.audio + budget.container == limit


def test_the_reasons_name_the_numbers():
    budget = Budget(5_000_000, 480_000, 12_000)
    kept = explain(Choice(Fraction(1), 24.0), FULL, budget, 60.0, NO_SOUND, 1)
    shrunk = explain(Choice(Fraction(1, 2), 24.0), FULL, budget, 60.0, NO_SOUND, 8)
    assert "5.00 MB" in kept[0]
    assert "keeps its 1280x720" in kept[1]
    assert "1 segment," in kept[2]
    assert "from 1280x720 to 640x360" in shrunk[1]
    assert "8 segments" in shrunk[2]
    assert all(sentence.endswith(".") for sentence in (*kept, *shrunk))
