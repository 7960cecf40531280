"""A ceiling on what a job may cost: credits are held before they are spent, so that no interleaving passes it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Ledger:
    """Credits of one job. ``ceiling`` None is no ceiling; each attempt holds the most it may cost before it begins."""

    ceiling: int | None = None
    spent: int = 0
    _held: dict[int, int] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return sum(self._held.values())

    @property
    def left(self) -> float:
        """What may still be held; infinite without a ceiling."""
        return float("inf") if self.ceiling is None else self.ceiling - self.spent - self.held

    def allows(self, credits: int) -> bool:
        return credits <= self.left

    def hold(self, attempt: int, credits: int) -> None:
        self._held[attempt] = credits

    def settle(self, attempt: int, credits: int | None = None) -> None:
        """What ``attempt`` held becomes spent: ``credits`` where that is known, all of it where it is not."""
        held = self._held.pop(attempt, 0)
        self.spent += held if credits is None else credits

    def release(self, attempt: int) -> None:
        """Nothing was asked of the service: nothing was spent."""
        self._held.pop(attempt, None)
