"""An event loop whose clock jumps to the next timer when nothing is left to do: hours pass in milliseconds.

What runs on it is the real code with its real waits. It must not wait for anything but timers (no threads, sockets
or children).
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio

T = TypeVar("T")


class _Jumping(selectors.SelectSelector):
    """Waits by moving the clock."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("everything waits, and for nothing that time will bring")
            self.now += max(0.0, timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """Time begins at 0 and passes only in waits."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def run(main: Callable[..., Awaitable[T]], *args: object) -> T:
    """``anyio.run`` in virtual time."""
    return anyio.run(main, *args, backend_options={"loop_factory": VirtualTimeLoop})
