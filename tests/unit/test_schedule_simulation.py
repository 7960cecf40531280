"""A small size of the simulation: near the clairvoyant bound, and never slower than this machine alone."""

from __future__ import annotations

import statistics

import pytest

from benchmarks.schedule_simulation import lower_bound, outcome, quantile
from benchmarks.simulated_cloud import Case, Machine
from tightfit.domain.places import Work


@pytest.fixture(scope="module")
def outcomes():
    return [outcome(seed, 100, 200) for seed in range(14)]


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
    assert lower_bound(case) == pytest.approx(20.0)
