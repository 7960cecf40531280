"""A small size of the simulation: near the clairvoyant bound, and never slower than this machine alone."""

from __future__ import annotations

import math
import random
import statistics
from itertools import product

import pytest

from benchmarks.attainable import attainable
from benchmarks.lower_bound import lower_bound
from benchmarks.schedule_simulation import outcome, quantile
from benchmarks.simulated_cloud import Case, Machine, random_case
from tightfit.domain.places import Work


@pytest.fixture(scope="module")
def outcomes():
    return [outcome(seed, 100, 200) for seed in range(9)]


def test_it_is_near_the_clairvoyant_bound(outcomes):
    over = [o.over_bound for o in outcomes]
    assert min(over) >= 1.0, "the bound is none"
    assert statistics.median(over) <= 1.10
    assert quantile(over, 0.95) <= 1.25


def test_it_is_never_slower_than_this_machine_alone(outcomes):
    assert max(o.over_alone for o in outcomes) <= 1.05


def test_nor_where_the_service_breaks_in_the_middle():
    broken = [outcome(seed, 20, 100, breaks=True) for seed in range(12)]
    assert max(o.over_alone for o in broken) <= 1.05


def test_the_bound_is_exact_where_all_segments_are_alike():
    works = tuple(Work(i, 100, 1, 1) for i in range(12))
    machine = Machine(local_lanes=2, cloud_lanes=2, workers=2, uplink=1e12, downlink=1e12)
    # Both of this machine's lanes make two while the cloud's make four: 12 segments in 20 s.
    case = Case(0, machine, works, (10.0,) * 12, (5.0,) * 12)
    assert lower_bound(case) == pytest.approx(20.0, rel=1e-3)
    assert lower_bound(case) <= 20.0


def _case(local_s, render_s, *, lanes=2, cloud_lanes=1):
    works = tuple(Work(i, 100, 1, 1) for i in range(len(local_s)))
    machine = Machine(local_lanes=lanes, cloud_lanes=cloud_lanes, workers=cloud_lanes, uplink=1e12, downlink=1e12)
    return Case(0, machine, works, tuple(local_s), tuple(render_s))


def test_the_bound_knows_that_segments_are_whole():
    # Three alike on two lanes, and a cloud that is no help: divisible ones would be through after 15 s.
    assert lower_bound(_case([10.0] * 3, [1000.0] * 3)) == pytest.approx(20.0, rel=1e-3)


def test_a_schedule_that_is_found_is_above_the_bound_and_near_it():
    shares = [attainable(case) / lower_bound(case) for case in (random_case(seed, 10, 25) for seed in range(3))]
    assert 1 <= min(shares) <= max(shares) < 1.2


def _least(case):
    """The shortest of all schedules where lines are no matter, by trying every one."""
    machine, best = case.machine, math.inf
    places = machine.local_lanes + machine.cloud_lanes
    for choice in product(range(places), repeat=len(case.works)):
        ends = [0.0] * places
        for n, place in enumerate(choice):
            ends[place] += case.local_s[n] if place < machine.local_lanes else case.render_s[n]
        best = min(best, max(ends))
    return best


def test_no_schedule_is_below_the_bound():
    luck = random.Random(7)
    shares = []
    for _ in range(30):
        count = luck.randint(2, 6)
        local, there = ([luck.uniform(1, 20) for _ in range(count)] for _ in range(2))
        case = _case(local, there, lanes=luck.randint(1, 2), cloud_lanes=luck.randint(1, 2))
        shares.append(lower_bound(case) / _least(case))
    assert max(shares) <= 1 + 1e-6
    assert statistics.median(shares) >= 0.9, "it is one, but says little"
