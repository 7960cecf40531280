"""Every kind of failure costs what the table says: a segment, a pause, or the place for good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.breaker import RULES, Breaker, Failure, FailureKind
from tightfit.domain.credits import Ledger


def failed(breaker, kind, begun, now, retry_after_s=0.0):
    breaker.failed(Failure(kind, "it failed", retry_after_s), begun, now)


def test_every_kind_has_a_rule():
    assert set(RULES) == set(FailureKind)


def test_pauses_follow_the_clock_of_tests():
    breaker = Breaker(pause_scale=0.01)
    breaker.failed(Failure(FailureKind.RATE_LIMITED, "too many", retry_after_s=40.0), begun=99.0, now=100.0)
    assert breaker.is_open(100.3)
    assert not breaker.is_open(100.5)


@pytest.mark.parametrize("kind", FailureKind)
def test_a_kind_pauses_as_often_as_its_rule_says_and_is_then_given_up(kind):
    breaker, now = Breaker(), 100.0
    for pause in RULES[kind].pauses:
        failed(breaker, kind, now, now + 1)
        assert breaker.given_up is None
        assert breaker.is_open(now + 1) == (pause > 0)
        assert not breaker.is_open(now + 1 + pause)
        now += 1 + pause
    failed(breaker, kind, now, now + 1)
    assert breaker.given_up is not None
    assert breaker.given_up.kind is kind
    assert breaker.is_open(1e12)


def test_one_hiccup_that_many_lanes_see_is_one_strike():
    breaker = Breaker()
    for lane in range(8):
        failed(breaker, FailureKind.SERVER_ERROR, 10.0, 20.0 + lane / 10)
    assert breaker.given_up is None
    assert breaker.strikes[FailureKind.SERVER_ERROR] == 1
    assert breaker.until == 25.0


def test_many_lanes_short_of_credits_are_given_up_by_the_first():
    breaker = Breaker()
    failed(breaker, FailureKind.SERVER_ERROR, 10.0, 20.0)
    failed(breaker, FailureKind.CREDITS_OUT, 10.0, 20.5)
    assert breaker.given_up is not None


def test_a_pause_lasts_at_least_as_long_as_the_service_says():
    breaker = Breaker()
    failed(breaker, FailureKind.RATE_LIMITED, 0.0, 1.0, retry_after_s=90.0)
    assert breaker.is_open(90.9)
    failed(breaker, FailureKind.RATE_LIMITED, 0.0, 2.0, retry_after_s=120.0)
    assert breaker.is_open(121.9)
    assert not breaker.is_open(122.0)


def test_after_a_pause_one_may_try_and_only_its_success_closes_the_breaker():
    breaker = Breaker()
    failed(breaker, FailureKind.SERVER_ERROR, 0.0, 10.0)
    breaker.succeeded(begun=5.0)
    assert breaker.on_trial, "what began before the pause proves nothing"
    breaker.succeeded(begun=16.0)
    assert not breaker.on_trial
    assert not breaker.strikes


@given(st.lists(st.tuples(st.sampled_from(FailureKind), st.floats(0, 100), st.floats(0, 300)), max_size=40))
def test_what_is_given_up_stays_so(events):
    breaker, now, lost = Breaker(), 0.0, False
    for kind, wait, retry_after_s in events:
        begun, now = now, now + wait
        failed(breaker, kind, begun, now, retry_after_s)
        assert breaker.given_up or not lost
        lost = breaker.given_up is not None
        breaker.succeeded(begun)
        assert (breaker.given_up is not None) == lost


moves = st.lists(st.tuples(st.sampled_from(["hold", "settle", "release"]), st.integers(0, 5), st.integers(0, 30)))


@given(st.integers(0, 100), moves)
def test_no_interleaving_of_holds_passes_the_ceiling(ceiling, moves):
    ledger, asked = Ledger(ceiling), {}
    for move, attempt, credits in moves:
        if move == "hold" and attempt not in asked and ledger.allows(credits):
            ledger.hold(attempt, credits)
            asked[attempt] = credits
        elif move == "settle" and attempt in asked:
            ledger.settle(attempt, min(credits, asked.pop(attempt)))
        elif move == "release" and attempt in asked:
            ledger.release(attempt)
            del asked[attempt]
        assert ledger.held == sum(asked.values())
        assert ledger.spent + ledger.held <= ceiling


def test_what_the_service_does_not_tell_counts_in_full():
    ledger = Ledger(100)
    ledger.hold(1, 40)
    ledger.settle(1)
    assert (ledger.spent, ledger.left) == (40, 60)
