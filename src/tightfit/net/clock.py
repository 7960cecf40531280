"""The one clock of everything that waits for a remote side.

Seconds here are those of the contract. A test or an operator who sets ``TIGHTFIT_TEST_CLOCK=fast`` lives in a world
where each of them takes a hundredth of a real one; socket timeouts are not measured by this clock.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import anyio

FAST = 0.01


@dataclass(frozen=True)
class Clock:
    """``scale`` is how many real seconds one second takes."""

    scale: float = 1.0

    def now(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic() / self.scale

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(max(0.0, seconds) * self.scale)

    def within(self, seconds: float) -> anyio.CancelScope:
        """A scope that is left after ``seconds``; ``cancelled_caught`` says whether it was."""
        if math.isinf(seconds):
            return anyio.CancelScope()
        return anyio.move_on_after(max(0.0, seconds) * self.scale)


def clock_for(setting: str) -> Clock:
    """The clock that ``TIGHTFIT_TEST_CLOCK`` names."""
    return Clock(FAST if setting == "fast" else 1.0)
