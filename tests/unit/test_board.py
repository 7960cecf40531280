"""The board's account stays right whatever comes too late."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.board import Board
from tightfit.domain.breaker import Failure, FailureKind
from tightfit.domain.places import Lane, Rules, Stage, Work
from tightfit.domain.schedule import decide

HERE, THERE, ELSEWHERE = Lane("core", True), Lane("session 1", False), Lane("session 2", False)
NEXT = {Stage.UPLOAD: Stage.WAIT, Stage.WAIT: Stage.RENDER, Stage.RENDER: Stage.DOWNLOAD}


def board(count=3, **rules):
    return Board(
        [Work(i, 100, 1000, 100, credits=2) for i in range(count)], (HERE, THERE, ELSEWHERE), rules=Rules(**rules)
    )


def test_what_was_dropped_takes_no_room_on_a_line_and_costs_nothing_any_more():
    it = board()
    attempt = it.begin(it.works[0], THERE, 0.0)
    it.drop(attempt, 1.0)
    it.enter(attempt, Stage.DOWNLOAD, 1.0)
    assert (it.up.users, it.down.users, it.ledger.held, it.ledger.spent) == (0, 0, 0, 0)
    assert it.finish(attempt, 2.0) is None
    assert it.fail(attempt, Failure(FailureKind.CREDITS_OUT, "none left"), 2.0) == []
    assert it.service.given_up is None, "what nobody waits for any more proves nothing"


def test_a_loser_that_was_paid_for_is_paid_for():
    it = board()
    loser, winner = it.begin(it.works[0], THERE, 0.0), it.begin(it.works[0], HERE, 0.0, hedged=True)
    for stage in (Stage.WAIT, Stage.RENDER):
        it.enter(loser, stage, 1.0)
    assert it.finish(winner, 2.0) == [loser]
    assert it.ledger.spent == 2


events = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["on", "fail", "drop"]), st.sampled_from(FailureKind)))


@settings(max_examples=60, deadline=None)
@given(events, st.one_of(st.none(), st.integers(0, 12)))
def test_in_any_interleaving_the_sums_are_right(events, ceiling):
    it, now = board(6, max_credits=ceiling), 0.0
    for pick, what, kind in events:
        now += 1.0
        decide(it, now)
        if not it.attempts:
            break
        attempt = list(it.attempts.values())[pick % len(it.attempts)]
        if what == "fail" and not attempt.lane.is_local:
            it.fail(attempt, Failure(kind, "it failed"), now)
        elif what == "drop":
            it.drop(attempt, now)
        elif following := NEXT.get(attempt.stage):
            it.enter(attempt, following, now)
        else:
            it.finish(attempt, now)
        stages = [a.stage for a in it.attempts.values()]
        assert it.up.users == stages.count(Stage.UPLOAD)
        assert it.down.users == stages.count(Stage.DOWNLOAD)
        cloud = [a for a in it.attempts.values() if not a.lane.is_local]
        assert it.ledger.held == sum(a.work.credits for a in cloud)
        assert ceiling is None or it.ledger.spent + it.ledger.held <= ceiling
        known = it.done | {a.work.index for a in it.attempts.values()} | {w.index for w in it.backlog.all()}
        assert known == set(range(6)), "a segment was lost"
