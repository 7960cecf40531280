"""Credits: what an account has, what is reserved for work in progress, and how a reservation ends.

Integers, never negative. A hold moves credits from available to frozen; it ends once, either captured (what the work
cost is gone, the rest returns) or released (all of it returns). Ending it again changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tightfit.errors import IllegalTransition


class HoldState(StrEnum):
    """How a reservation stands."""

    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"


@dataclass(frozen=True)
class Account:
    """Credits of one user."""

    available: int
    frozen: int = 0

    @property
    def total(self) -> int:
        return self.available + self.frozen


@dataclass(frozen=True)
class Hold:
    """Credits reserved for one run, and what it cost in the end."""

    amount: int
    state: HoldState = HoldState.HELD
    spent: int = 0


class OutOfCredits(Exception):
    """Fewer credits are available than the work needs; nothing was reserved."""

    def __init__(self, available: int, required: int) -> None:
        super().__init__(f"{required} credits are needed and {available} are available")
        self.available, self.required = available, required


def hold(account: Account, amount: int) -> tuple[Account, Hold]:
    """Reserve ``amount`` credits. Raises OutOfCredits, ValueError for a negative amount."""
    if amount < 0:
        raise ValueError(f"{amount} credits can't be reserved")
    if account.available < amount:
        raise OutOfCredits(account.available, amount)
    return Account(account.available - amount, account.frozen + amount), Hold(amount)


def capture(account: Account, held: Hold, spent: int) -> tuple[Account, Hold]:
    """The work is done and cost ``spent``, at most what was reserved.

    Done again it changes nothing. Raises ValueError for another amount, IllegalTransition after a release.
    """
    if not 0 <= spent <= held.amount:
        raise ValueError(f"{spent} credits can't be taken from {held.amount} reserved ones")
    if held.state is HoldState.CAPTURED and held.spent == spent:
        return account, held
    if held.state is not HoldState.HELD:
        raise IllegalTransition(f"{held.amount} reserved credits were {held.state} before; they can't be captured.")
    left = Account(account.available + held.amount - spent, account.frozen - held.amount)
    return left, replace(held, state=HoldState.CAPTURED, spent=spent)


def release(account: Account, held: Hold) -> tuple[Account, Hold]:
    """The work came to nothing: all that was reserved returns. After a capture or a release it changes nothing."""
    if held.state is not HoldState.HELD:
        return account, held
    left = Account(account.available + held.amount, account.frozen - held.amount)
    return left, replace(held, state=HoldState.RELEASED)
