"""The one clock that the server waits by. In test mode it can be moved forward, and everybody's waiting with it."""

from __future__ import annotations

import os
import time

import anyio

# What TIGHTFIT_TEST_CLOCK=fast divides every wait by.
_FAST = 100


class Clock:
    """``now`` is wall time in seconds; ``sleep`` waits until that much of this clock's time has gone by."""

    def __init__(self) -> None:
        self._ahead = 0.0
        self._moved = anyio.Event()
        self._speed = _FAST if os.environ.get("TIGHTFIT_TEST_CLOCK") == "fast" else 1

    def now(self) -> float:
        return time.time() + self._ahead

    def now_ms(self) -> int:
        return int(self.now() * 1000)

    def _elapsed(self) -> float:
        return time.monotonic() * self._speed + self._ahead

    async def sleep(self, seconds: float) -> None:
        until = self._elapsed() + seconds
        while (left := until - self._elapsed()) > 0:
            moved = self._moved
            with anyio.move_on_after(left / self._speed):
                await moved.wait()

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
        self._moved, moved = anyio.Event(), self._moved
        moved.set()
