"""Work done side by side: as many at once as the machine has room for, and one error told for all."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import anyio

from tightfit.errors import told_singly

_T = TypeVar("_T")
_Job = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class Lanes:
    """``count`` jobs at once share ``cores``; where one raises ``signal`` the others end and it alone is raised."""

    count: int
    cores: int
    signal: type[Exception]

    async def each(self, items: Iterable[_T], do: Callable[[_T, int], Coroutine[Any, Any, None]]) -> None:
        """``do`` for every item, with its number of threads."""
        todo = list(items)
        lanes = max(1, min(self.count, len(todo)))
        limiter, threads = anyio.CapacityLimiter(lanes), max(1, self.cores // lanes)

        async def one(item: _T) -> None:
            async with limiter:
                await do(item, threads)

        await self.together([partial(one, item) for item in todo])

    async def together(self, jobs: Iterable[_Job]) -> None:
        """All of ``jobs`` at once."""
        try:
            with told_singly():
                async with anyio.create_task_group() as tasks:
                    for job in jobs:
                        tasks.start_soon(job)
        except* self.signal:
            raise self.signal from None
