"""Speeds are learned from what was seen, and the forecasts by them are what they claim to be."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.backlog import Backlog
from tightfit.domain.lookahead import Outlook, Seat, fluid_end, planned
from tightfit.domain.places import Lane, Work
from tightfit.domain.speeds import Line, Rate, Speeds, expected_end

lanes = st.lists(st.tuples(st.floats(0, 1000), st.floats(0.1, 100)), min_size=1, max_size=8)


@given(lanes, st.floats(0.1, 1e5))
def test_at_the_fluid_end_exactly_the_amount_is_done(free, amount):
    end = fluid_end(free, amount)
    assert sum(rate * max(0.0, end - since) for since, rate in free) == pytest.approx(amount)


def test_nobody_is_never_through():
    assert fluid_end([], 1.0) == float("inf")


def test_the_first_sight_overrules_the_guess_and_new_ones_the_old():
    rate = Rate(60.0, 1.0).seen(100, 20)
    assert rate.per_second == pytest.approx(5, rel=0.55)
    for _ in range(30):
        rate = rate.seen(1000, 10)
    assert rate.per_second == pytest.approx(100, rel=0.05)


def test_renders_with_an_overhead_are_told_from_slow_ones():
    luck, speeds = random.Random(3), Speeds()
    for _ in range(60):
        frames = luck.randint(60, 400)
        speeds = speeds.render_seen(frames, (20 + frames / 50) * luck.uniform(0.8, 1.2))
    assert speeds.render_s(Work(0, 100)) == pytest.approx(22, rel=0.25)
    assert speeds.render_s(Work(0, 400)) == pytest.approx(28, rel=0.25)


@given(st.lists(st.tuples(st.floats(1, 1e4), st.floats(0.01, 1e4)), max_size=30))
def test_no_sights_make_a_forecast_that_is_not_a_time(sights):
    speeds = Speeds()
    for frames, seconds in sights:
        speeds = speeds.render_seen(frames, seconds)
    assert 0 < speeds.render_s(Work(0, 100)) < 1e9


def test_a_line_knows_how_many_shared_it():
    line = Line()
    mark = line.changed(1, 0.0)
    line.changed(1, 10.0)
    assert (line.changed(-1, 20.0) - mark) / 20 == pytest.approx(1.5)


def test_what_is_late_is_expected_to_be_late_by_as_much_again():
    assert expected_end(0, 10, 5) == 10
    assert expected_end(0, 10, 16) == 22


def outlook(local, cloud):
    seats = [Seat(Lane(f"core {n}", True), 0.0) for n in range(local)]
    seats += [Seat(Lane(f"session {n}", False), 0.0) for n in range(cloud)]
    return Outlook(0.0, Speeds(), 0.0, seats)


def anything(_work, _lane):
    return float("inf")


some = st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 10**8)), min_size=1, max_size=20).map(
    lambda rows: [Work(i, frames, size, size // 9) for i, (frames, size) in enumerate(rows)]
)


@given(some, st.integers(0, 4), st.integers(1, 4))
def test_a_plan_gives_every_segment_to_one_lane(works, local, cloud):
    plan = planned(outlook(local, cloud), works, anything, works)
    given_out = [work.index for lane in plan.by_lane.values() for work in lane]
    assert sorted(given_out) == [work.index for work in works]
    assert set(plan.ends) == set(given_out)


@given(some)
def test_a_plan_is_never_longer_than_one_lane_alone(works):
    plan = planned(outlook(1, 2), works, anything, works)
    assert max(plan.ends.values()) <= sum(Speeds().local_s(work) for work in works) + 1e-6


@given(some, st.integers(1, 3), st.integers(1, 4))
def test_a_plan_that_may_divide_the_queue_is_never_longer_than_one_that_may_not(works, local, cloud):
    divided = planned(outlook(local, cloud), works, anything, works)
    assert divided.end <= planned(outlook(local, cloud), works, anything, []).end


def test_a_plan_keeps_here_what_is_slow_to_send():
    # Each takes 10 s here. Two are sent in 1 s, the others in 20 s; a render takes 10 s.
    works = [Work(n, 300, 2_000_000 if n > 1 else 40_000_000, 0) for n in range(4)]
    plan = planned(outlook(2, 2), works, anything, [works[2], works[3], works[0], works[1]])
    assert {work.index for lane, found in plan.by_lane.items() if lane.is_local for work in found} == {0, 1}
    assert plan.end < 15


@settings(max_examples=40)
@given(some, st.randoms(use_true_random=False))
def test_the_backlog_counts_what_waits(works, luck):
    backlog, waiting = Backlog(works, 2, Speeds()), {}
    for _ in range(40):
        work, here, there = luck.choice(works), luck.random() < 0.5, luck.random() < 0.5
        backlog.put(work, here=here, there=there)
        waiting[work.index] = (here, there)
        if luck.random() < 0.2:
            backlog.learned(Speeds().upload_seen(luck.randint(1, 10**9), 10).render_seen(100, luck.uniform(0.1, 100)))
        left = [w for w in works if any(waiting.get(w.index, ()))]
        assert backlog.frames == sum(w.frames for w in left)
        assert backlog.all() == left
        assert [w.index for w in backlog.here()] == [w.index for w in works if waiting.get(w.index, (False,))[0]]
        assert {w.index for w in backlog.there()} == {i for i, (_, there) in waiting.items() if there}


def test_where_the_line_is_short_the_cloud_gets_what_is_quickly_sent_else_what_is_long():
    works = [Work(0, 100, 10_000_000), Work(1, 100, 1_000_000), Work(2, 400, 10_000_000)]
    backlog = Backlog(works, 4, Speeds())
    for work in works:
        backlog.put(work, here=True, there=True)
    slow_line = Speeds().upload_seen(1e6, 100)
    backlog.learned(slow_line)
    assert [w.index for w in backlog.there()] == [1, 2, 0]
    slow_starts = Speeds().upload_seen(1e9, 1)
    for frames in (100, 400, 100, 400):
        slow_starts = slow_starts.render_seen(frames, 60 + frames / 100)
    backlog.learned(slow_starts)
    assert next(backlog.there()).index == 2
