"""Credits, whatever is done to them in whatever order, even twice, even around a crash."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from tightfit.domain.ledger import Account, Hold, HoldState, OutOfCredits, capture, hold, release
from tightfit.domain.render_job import RunState
from tightfit.errors import IllegalTransition
from tightfit.server.accounts import Accounts
from tightfit.server.config import ServerSettings
from tightfit.server.refusals import Refusal
from tightfit.server.sessions import RunGoingOn, Sessions
from tightfit.server.store import Store

START = 100


def test_a_hold_moves_credits_and_a_capture_returns_the_rest():
    account, held = hold(Account(100), 60)
    assert (account, account.total) == (Account(40, 60), 100)
    account, held = capture(account, held, 50)
    assert (account, held) == (Account(50, 0), Hold(60, HoldState.CAPTURED, 50))
    assert capture(account, held, 50) == (account, held), "twice is once"
    assert release(account, held) == (account, held), "what is spent stays spent"
    with pytest.raises(IllegalTransition):
        capture(account, held, 40)


def test_what_was_released_is_not_captured():
    account, held = release(*hold(Account(100), 60))
    assert (account, held.state) == (Account(100, 0), HoldState.RELEASED)
    assert release(account, held) == (account, held)
    with pytest.raises(IllegalTransition):
        capture(account, held, 1)


@pytest.mark.parametrize("amount", [101, -1])
def test_what_is_not_there_is_not_held(amount: int):
    with pytest.raises(OutOfCredits if amount > 0 else ValueError):
        hold(Account(100), amount)


class Ledger(RuleBasedStateMachine):
    """The values alone: nothing is ever made or lost but what was spent."""

    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.account = Account(START)
        self.kept: list[Hold] = []

    @rule(target=holds, amount=st.integers(0, 130))
    def reserve(self, amount: int) -> int:
        held = Hold(0, HoldState.RELEASED)
        if amount > self.account.available:
            with pytest.raises(OutOfCredits):
                hold(self.account, amount)
        else:
            self.account, held = hold(self.account, amount)
        self.kept.append(held)
        return len(self.kept) - 1

    @rule(at=holds, share=st.integers(0, 130))
    def spend(self, at: int, share: int) -> None:
        with suppress(ValueError, IllegalTransition):
            self.account, self.kept[at] = capture(self.account, self.kept[at], share)

    @rule(at=holds)
    def give_back(self, at: int) -> None:
        self.account, self.kept[at] = release(self.account, self.kept[at])

    @invariant()
    def adds_up(self) -> None:
        frozen = sum(held.amount for held in self.kept if held.state is HoldState.HELD)
        spent = sum(held.spent for held in self.kept)
        assert self.account.frozen == frozen >= 0
        assert self.account.available >= 0
        assert self.account.total == START - spent

    def teardown(self) -> None:
        for at in range(len(self.kept)):
            self.give_back(at)
        assert self.account.frozen == 0


class Stored(RuleBasedStateMachine):
    """The same in the store, with sessions, runs, crashes and several users."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.store = Store(Path(self.folder.name) / "server.db")
        self.accounts = Accounts(self.store, ServerSettings())
        self.sessions = Sessions(self.store, self.accounts)
        self.users = [self.accounts.issue(f"client-{n}", "127.0.0.1", 1.0).user for n in range(2)]
        self.rooms = [self.sessions.create(user, "", None, 1.0) for user in self.users for _ in range(3)]
        self.running: dict[str, tuple[str, int]] = {}
        self.spent = dict.fromkeys(self.users, 0)

    @rule(room=st.integers(0, 5), cost=st.sampled_from([0, 10, 50, 100]))
    def begin(self, room: int, cost: int) -> None:
        session = self.rooms[room]
        if session.id in self.running:
            with pytest.raises(RunGoingOn, match=self.running[session.id][0]):
                self.sessions.begin_run(session, cost, 2.0)
        elif cost > self.accounts.balance(session.user, 2.0).available:
            with pytest.raises(OutOfCredits):
                self.sessions.begin_run(session, cost, 2.0)
            assert self.sessions.running(session.id) is None, "nothing began"
        else:
            self.running[session.id] = (self.sessions.begin_run(session, cost, 2.0), cost)

    @rule(room=st.integers(0, 5), works=st.booleans())
    def end(self, room: int, works: bool) -> None:
        session = self.rooms[room]
        if session.id not in self.running:
            return
        run, cost = self.running.pop(session.id)
        if works:
            self.sessions.finish_run(run, session.id, {"t": []}, cost, 3.0)
            self.spent[session.user] += cost
        else:
            self.sessions.fail_run(run, 3.0)

    @rule()
    def crash(self) -> None:
        assert self.sessions.fail_interrupted_runs(4.0) == len(self.running)
        self.running.clear()

    @invariant()
    def adds_up(self) -> None:
        for user in self.users:
            mine = {room.id for room in self.rooms if room.user == user}
            frozen = sum(cost for room, (_, cost) in self.running.items() if room in mine)
            account = self.accounts.balance(user, 5.0)
            assert (account.frozen, account.total) == (frozen, START - self.spent[user])

    def teardown(self) -> None:
        self.crash()
        assert self.store.rows("SELECT * FROM users WHERE frozen != 0") == []
        assert self.store.rows("SELECT * FROM runs WHERE state = ?", RunState.RUNNING) == []
        self.store.close()
        self.folder.cleanup()


Ledger.TestCase.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
Stored.TestCase.settings = settings(max_examples=20, stateful_step_count=20, deadline=None)
TestLedger = Ledger.TestCase
TestStored = Stored.TestCase


def test_a_transaction_that_fails_leaves_nothing(tmp_path: Path):
    store = Store(tmp_path / "server.db")
    accounts = Accounts(store, ServerSettings())
    sessions = Sessions(store, accounts)
    user = accounts.issue("client", "127.0.0.1", 1.0).user
    session = sessions.create(user, "", None, 1.0)
    with pytest.raises(OutOfCredits):
        sessions.begin_run(session, START + 1, 2.0)
    assert store.rows("SELECT * FROM runs") == []
    assert accounts.balance(user, 2.0) == Account(START)
    store.close()


def test_free_credits_end_with_their_token(tmp_path: Path):
    store, limits = Store(tmp_path / "server.db"), ServerSettings()
    accounts = Accounts(store, limits)
    issued = accounts.issue("client", "127.0.0.1", 0.0)
    assert accounts.balance(issued.user, limits.token_s - 1).available == START
    assert accounts.balance(issued.user, limits.token_s).available == 0
    with pytest.raises(Refusal):
        accounts.issue("client", "127.0.0.2", limits.token_s - 1)
    again = accounts.issue("client", "127.0.0.2", limits.token_s)
    assert (again.user, again.credits) == (issued.user, START)
    store.close()
