"""Where pieces at constant quality are made: encoders of this machine, and sessions of a service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tightfit.domain.pieces import Part, Segment
from tightfit.domain.places import Lane, Rules, Work
from tightfit.engine.executors.local import Task
from tightfit.engine.schedule import CloudPlace

if TYPE_CHECKING:
    from tightfit.engine.fit_state import FitState

TaskOf = Callable[[Work], Task]


@dataclass(frozen=True)
class LocalLane:
    """One encoder of this machine; ``run`` makes a segment and is told of frames as they are done."""

    lane: Lane
    run: Callable[[Work, Callable[[int], None]], Awaitable[Part]]

    async def encode(self, work: Work, on_frames: Callable[[int], None]) -> Part:
        return await self.run(work, on_frames)


@dataclass(frozen=True)
class Cloud:
    """A service that encodes to order, and how far it may be used.

    ``work_of`` says what sending a segment takes, given the bytes expected back; ``open_lanes`` makes its places from
    what a segment's encode is, the segments by number, and what describes this machine's own pieces.
    """

    open_lanes: Callable[
        [TaskOf, Mapping[int, Segment], Callable[[Task], Awaitable[bytes]]], Sequence[CloudPlace[Part]]
    ]
    work_of: Callable[[Segment, float], Work]
    rules: Rules
    may_fall_back: bool
    on_fallback: Callable[[str], None]


@dataclass(frozen=True)
class Hosted:
    """A service that can be told neither a size nor a quality.

    ``take_part`` may give the whole clip to the fit (``FitState.whole``); else all is made here, which it says.
    """

    take_part: Callable[[FitState], Awaitable[None]]


async def noted_by_the_client(_work: Work, _lane: Lane) -> None:
    """Before a render is asked for, the client's ledger writes it down: nothing else has to be."""
