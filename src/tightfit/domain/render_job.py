"""Renders and agent runs as the server keeps them: which states there are, and which step leads where."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from tightfit.errors import IllegalTransition


class RenderState(StrEnum):
    """Where a render stands. It only ever moves down this list, except back into the queue after a crash."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        return self in (RenderState.COMPLETED, RenderState.FAILED, RenderState.CANCELLED)


class RunState(StrEnum):
    """Where the answer to one message stands. FAILED is also one that the server did not outlive."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


_RENDER_STEPS: Mapping[RenderState, frozenset[RenderState]] = {
    RenderState.PENDING: frozenset({RenderState.PROCESSING, RenderState.CANCELLED, RenderState.FAILED}),
    RenderState.PROCESSING: frozenset(
        {RenderState.COMPLETED, RenderState.FAILED, RenderState.CANCELLED, RenderState.PENDING}
    ),
}

# A render that takes the server down with it is not tried for ever.
MOST_ATTEMPTS = 3
INTERRUPTED = "interrupted: the server was stopped each time it worked on this"


def moved(before: RenderState, after: RenderState) -> RenderState:
    """``after``, where a render may go there. Raises IllegalTransition."""
    if after not in _RENDER_STEPS.get(before, frozenset()):
        raise IllegalTransition(f"A render that is {before} can't become {after}.")
    return after


def after_crash(attempts: int) -> RenderState:
    """Where a render goes that was being worked on, for the ``attempts``-th time, when the server died."""
    return RenderState.FAILED if attempts >= MOST_ATTEMPTS else RenderState.PENDING
