"""What a failure of the cloud costs: one segment, a pause, or the place for good.

A circuit breaker (Nygard, Release It!, 2007) for a lane and one for the whole service: closed while all goes well,
open during a pause, half open when it is over (one attempt tries whether it works again), and given up where another
try would be of no use or cost money. The table below is all there is to know about a kind of failure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

_NEVER = float("-inf")


class FailureKind(StrEnum):
    """Why an attempt in the cloud came to nothing, after the client's own retries."""

    CREDITS_OUT = "credits_out"  # 2001
    EXPORT_BLOCKED = "export_blocked"  # 402
    RATE_LIMITED = "rate_limited"  # 429
    TOKEN_EXPIRED = "token_expired"  # 1001, after the one renewal
    SESSION_LOST = "session_lost"  # 1002
    SERVER_ERROR = "server_error"  # 5xx, and connections that break
    SILENCE = "silence"  # nothing came within the time it may take
    WRONG_OUTPUT = "wrong_output"  # frames, timestamps, parameters or picture are not those asked for
    REFUSED = "refused"  # 4001, 4002, 422, a render that failed twice: this piece, not the service
    BROKEN = "broken"  # an error that nobody foresaw, on our side of the wire


class Scope(StrEnum):
    LANE = "lane"
    SERVICE = "service"


@dataclass(frozen=True)
class Rule:
    """``pauses`` in seconds for the first, second, … failure in a row; with the next one its scope is given up.

    ``bars`` is true where the segment is not sent again; ``counts`` where it was a try of that segment at all.
    """

    scope: Scope
    pauses: tuple[float, ...]
    bars: bool = False
    counts: bool = True


# The 30 s are the service's own word for 429; a server that answers 5xx is asked again when it had time to restart.
RULES: Mapping[FailureKind, Rule] = {
    FailureKind.CREDITS_OUT: Rule(Scope.SERVICE, (), counts=False),
    FailureKind.EXPORT_BLOCKED: Rule(Scope.SERVICE, (), counts=False),
    FailureKind.TOKEN_EXPIRED: Rule(Scope.SERVICE, (), counts=False),
    FailureKind.RATE_LIMITED: Rule(Scope.SERVICE, (30.0, 60.0, 120.0), counts=False),
    FailureKind.SERVER_ERROR: Rule(Scope.SERVICE, (5.0, 15.0, 60.0)),
    FailureKind.SILENCE: Rule(Scope.SERVICE, (15.0, 60.0)),
    FailureKind.SESSION_LOST: Rule(Scope.LANE, (0.0, 5.0)),
    FailureKind.BROKEN: Rule(Scope.LANE, (5.0,)),
    FailureKind.WRONG_OUTPUT: Rule(Scope.SERVICE, (0.0, 0.0), bars=True),
    FailureKind.REFUSED: Rule(Scope.SERVICE, (0.0, 0.0, 0.0, 0.0), bars=True),
}


@dataclass(frozen=True)
class Failure:
    """``reason`` is one sentence for people, ``retry_after_s`` what the service asked for, ``credits`` what it cost."""

    kind: FailureKind
    reason: str
    retry_after_s: float = 0.0
    credits: int | None = None

    @property
    def rule(self) -> Rule:
        return RULES[self.kind]


@dataclass
class Breaker:
    """The state of one lane or of the whole service; times are seconds on the schedule's clock, of which a second of a
    pause takes ``pause_scale``."""

    pause_scale: float = 1.0
    given_up: Failure | None = None
    opened_at: float = _NEVER
    until: float = _NEVER
    strikes: Counter[FailureKind] = field(default_factory=Counter)
    _on_trial: bool = False

    def is_open(self, now: float) -> bool:
        """True where nothing may begin now."""
        return self.given_up is not None or now < self.until

    @property
    def on_trial(self) -> bool:
        """True from a pause on until an attempt begun after it succeeds: one at a time may try."""
        return self._on_trial

    def failed(self, failure: Failure, begun: float, now: float) -> None:
        """Count a failure of an attempt begun at ``begun``.

        What began before the pause in force failed of the same cause as that which led to the pause, and is not
        counted: eight lanes that see one hiccup are one strike.
        """
        if self.given_up is not None:
            return
        pauses = failure.rule.pauses
        if pauses and begun <= self.opened_at:
            self.until = max(self.until, now + failure.retry_after_s * self.pause_scale)
            return
        strikes = self.strikes[failure.kind]
        self.strikes[failure.kind] += 1
        if strikes >= len(pauses):
            self.given_up = failure
            return
        pause = max(pauses[strikes], failure.retry_after_s) * self.pause_scale
        if pause > 0:
            self.opened_at, self.until, self._on_trial = now, now + pause, True

    def succeeded(self, begun: float) -> None:
        """Count a success; what began before the pause in force proves nothing about what comes after it."""
        if begun > self.opened_at:
            self.strikes.clear()
            self._on_trial = False
