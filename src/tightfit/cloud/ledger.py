"""The memory of what was sent: an intent is durable before the socket is opened, an outcome after the answer.

An intent without an outcome means that nobody knows; it is resolved by asking the service, never by sending again.
The engine keeps it in the journal (``engine.ledger``); this is what the client needs of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol


class Call(StrEnum):
    """What kind of call. Only messages cost credits."""

    UPLOAD = "upload"
    MESSAGE = "message"
    RENDER = "render"
    SESSION = "session"  # one that is gone on with by whoever resumes the job


class Stage(StrEnum):
    """How a call stands."""

    INTENDED = "intended"  # about to be sent, or sent, or the process died in between
    ACCEPTED = "accepted"  # a render the service knows; its end is not known yet
    DONE = "done"
    FAILED = "failed"  # accepted, and it failed there
    REFUSED = "refused"  # the service answered no: nothing happened, nothing was paid
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"  # a message whose effect never showed: never sent again under its key


SETTLED = frozenset(Stage) - {Stage.INTENDED, Stage.ACCEPTED}
# After these, and only these, the same thing may be sent once more as a new attempt.
REPEATABLE = frozenset({Stage.REFUSED, Stage.FAILED, Stage.CANCELLED})


@dataclass(frozen=True)
class Entry:
    """One attempt. ``body`` is the SHA-256 of what is sent, ``cost`` the most credits it is expected to take.

    ``data`` is what was known when it was intended, ``outcome`` what came of it; no tokens and no signed URLs in
    either.
    """

    key: str
    attempt: int
    call: Call
    job: str
    body: str
    cost: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    stage: Stage = Stage.INTENDED
    outcome: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        return self.stage not in SETTLED


class Ledger(Protocol):
    """Every method returns after what it wrote is durable. Raises OutputError where it can't be."""

    def intend(self, entry: Entry) -> None:
        """Write a new attempt down. Raises IllegalTransition where that attempt is there already."""

    def note(self, entry: Entry, stage: Stage, outcome: Mapping[str, Any] | None = None) -> Entry:
        """What became of it; the entry with it."""

    def latest(self, key: str) -> Entry | None:
        """The newest attempt under ``key``."""

    def open_calls(self, job: str | None = None) -> list[Entry]:
        """Every attempt without an end, oldest first."""
