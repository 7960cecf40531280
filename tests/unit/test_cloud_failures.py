"""What a client raises, as what it means for the schedule: every class of error has its kind."""

from __future__ import annotations

import pytest

from tightfit.cloud import errors
from tightfit.domain.breaker import FailureKind
from tightfit.engine.executors.cloud import WrongOutput, failure_of
from tightfit.errors import NetworkError, SourceError, TightfitError
from tightfit.net.errors import ConnectionBroken, ConnectionFailed, ConnectionStalled

KINDS: list[tuple[TightfitError, FailureKind]] = [
    (errors.OutOfCredits(), FailureKind.CREDITS_OUT),
    (errors.ExportBlocked(), FailureKind.EXPORT_BLOCKED),
    (errors.Forbidden(), FailureKind.EXPORT_BLOCKED),
    (errors.RateLimited(), FailureKind.RATE_LIMITED),
    (errors.TokenExpired(), FailureKind.TOKEN_EXPIRED),
    (errors.AuthExhausted(), FailureKind.TOKEN_EXPIRED),
    (errors.SessionNotFound(), FailureKind.SESSION_LOST),
    (errors.RenderStillRunning("render_1"), FailureKind.SILENCE),
    (errors.DownloadCorrupted("It arrived damaged."), FailureKind.WRONG_OUTPUT),
    (WrongOutput("Other pictures."), FailureKind.WRONG_OUTPUT),
    (errors.UnsupportedFile(), FailureKind.REFUSED),
    (errors.FileTooLarge(), FailureKind.REFUSED),
    (errors.InvalidDraft(), FailureKind.REFUSED),
    (errors.RenderFailed("It failed twice."), FailureKind.REFUSED),
    (errors.Conflict(), FailureKind.REFUSED),
    (SourceError("It can't be cut."), FailureKind.REFUSED),
    (errors.ServerTrouble(), FailureKind.SERVER_ERROR),
    (errors.BadAnswer("No JSON."), FailureKind.SERVER_ERROR),
    (errors.OutputExpired("It is gone."), FailureKind.SERVER_ERROR),
    (ConnectionFailed("No connection."), FailureKind.SERVER_ERROR),
    (ConnectionBroken("It broke."), FailureKind.SERVER_ERROR),
    (ConnectionStalled("It stalled."), FailureKind.SERVER_ERROR),
    (NetworkError("Something else."), FailureKind.SERVER_ERROR),
]


@pytest.mark.parametrize(("exc", "kind"), KINDS, ids=[type(exc).__name__ for exc, _ in KINDS])
def test_each_error_has_its_kind_and_a_reason_without_advice(exc: TightfitError, kind: FailureKind):
    failure = failure_of(exc)
    assert failure.kind is kind
    assert failure.reason == (exc.message[:1].lower() + exc.message[1:]).rstrip(".")
    assert not exc.hint or exc.hint not in failure.reason, "what to do does not belong into a clause"


@pytest.mark.parametrize("error", [errors.RateLimited, errors.ServerTrouble])
def test_a_service_that_says_how_long_to_wait_is_waited_for_as_long(error):
    exc = error()
    exc.wait_s = 42.0
    assert failure_of(exc).retry_after_s == 42.0
    assert failure_of(error()).retry_after_s == 0.0


def test_credits_that_are_out_come_with_the_page_that_gets_more():
    link = "https://web.example/register?bind=anon_1"
    assert link in failure_of(errors.OutOfCredits(), link).reason
    assert link not in failure_of(errors.ExportBlocked(), link).reason
