"""What the service can say instead of yes: one class each, with its message and what to do, and the tables to it.

CloudError                     5
├── ApiError                       an answer with a code; refusals are never repeated by themselves
│   ├── TokenExpired      1001     renewed once, then told
│   │   └── AuthExhausted          no new anonymous token to be had
│   ├── SessionNotFound   1002
│   ├── OutOfCredits      2001
│   ├── UnsupportedFile   4001
│   ├── FileTooLarge      4002
│   ├── MissingClientId    400
│   ├── ExportBlocked      402
│   ├── Forbidden          403
│   ├── NotFound           404
│   ├── Conflict           409
│   ├── Gone               410
│   ├── InvalidDraft       422
│   ├── RateLimited        429     waited for once
│   └── ServerTrouble      408, 5xx
├── BadAnswer                      no sense can be made of it
├── StreamError                    the agent failed while it answered
│   ├── StreamDropped              it was cut off, and nothing changed in five minutes
│   └── StreamTimeout              it only hummed
├── NotReady                       there is nothing to render yet
├── RenderFailed
├── RenderStillRunning             carries the id to go on with
├── OutputExpired
└── DownloadCorrupted
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from tightfit.errors import CloudError

FORMATS = "mp4, mov, avi, webm, mkv, jpg, png, gif, webp, mp3, wav, m4a and aac"
LARGEST_BYTES = 524_288_000


class ApiError(CloudError):
    """An answer with a code. ``detail`` is the service's own text, made harmless; ``data`` what came with it."""

    number: ClassVar[int] = 0
    text: ClassVar[str] = "The service refused."
    advice: ClassVar[str] = ""

    def __init__(self, detail: str = "", *, data: Mapping[str, Any] | None = None, hint: str = "") -> None:
        said = f' It says: "{detail}".' if detail else ""
        super().__init__(f"{self.text}{said}", hint=hint or self.advice)
        self.detail = detail
        self.data = data or {}


class TokenExpired(ApiError):
    number = 1001
    kind = "token_expired"
    text = "The service no longer accepts the token."
    advice = "Set NEMO_TOKEN to a valid one, or unset it to use the free account."


class AuthExhausted(TokenExpired):
    """``wait_s`` is how long until another anonymous token may be asked for; None where it was not said."""

    kind = "auth_exhausted"
    text = "The service gives no new free token to this machine yet."
    advice = "Wait (free tokens last 7 days), set NEMO_TOKEN, or work locally."
    wait_s: float | None = None


class SessionNotFound(ApiError):
    number = 1002
    kind = "session_lost"
    text = "The service no longer knows the session: its timeline and its uploads are gone."
    advice = "A new session was begun; upload again."


class OutOfCredits(ApiError):
    """``CloudClient.more_credits`` makes of its ``data`` the page that gets more."""

    number = 2001
    kind = "out_of_credits"
    text = "The credits are used up."
    advice = "Run tightfit credits for the link that gets more, or work locally."


class UnsupportedFile(ApiError):
    number = 4001
    kind = "unsupported_file"
    text = "The service takes no files of this type."
    advice = f"It takes {FORMATS}."


class FileTooLarge(ApiError):
    number = 4002
    kind = "file_too_large"
    text = "The file is too large for the service."
    advice = f"It takes {LARGEST_BYTES} bytes at most: compress or trim it first."


class MissingClientId(ApiError):
    number = 400
    kind = "missing_client_id"
    text = "The service knows no client by the id it was sent."
    advice = "Unset NEMO_CLIENT_ID to have one made."


class ExportBlocked(ApiError):
    number = 402
    kind = "export_blocked"
    text = "The plan of this account does not include exports; this is not about credits."
    advice = "Choose a plan that does on the service's web page, or work locally."


class Forbidden(ApiError):
    number = 403
    kind = "forbidden"
    text = "The token does not allow this."
    advice = "Use a token with the scope for it."


class NotFound(ApiError):
    number = 404
    kind = "not_found"
    text = "The service does not know what was asked for."


class Conflict(ApiError):
    number = 409
    kind = "conflict"
    text = "The service is still busy with something else of this session."


class Gone(ApiError):
    number = 410
    kind = "gone"
    text = "The service no longer has the file."


class InvalidDraft(ApiError):
    number = 422
    kind = "invalid_draft"
    text = "The service can't make sense of what it was asked to do."


class RateLimited(ApiError):
    """``wait_s`` is what the service asked to wait, in seconds; None where it did not say."""

    number = 429
    kind = "rate_limited"
    text = "The service takes no more requests for now."
    advice = "Try again in a while."
    wait_s: float | None = None


class ServerTrouble(ApiError):
    """As ``RateLimited``, ``wait_s`` is what the service asked for."""

    number = 500
    kind = "server_trouble"
    text = "The service has a problem of its own."
    advice = "Try again later, or work locally."
    wait_s: float | None = None


class BadAnswer(CloudError):
    """Not JSON, not what was asked, or longer than any honest answer."""

    kind = "bad_answer"


class StreamError(CloudError):
    """The agent failed while it answered. ``text`` is what it had said."""

    kind = "agent_failed"

    def __init__(self, message: str, *, text: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.text = text


class StreamDropped(StreamError):
    kind = "stream_dropped"


class StreamTimeout(StreamError):
    kind = "stream_timeout"


class NotReady(CloudError):
    """The timeline holds nothing that could be rendered."""

    kind = "not_ready"


class RenderFailed(CloudError):
    kind = "render_failed"


class RenderStillRunning(CloudError):
    """Not done after all polls. ``render_id`` is what to ask for later."""

    kind = "render_running"

    def __init__(self, render_id: str) -> None:
        super().__init__(
            f"Render {render_id} is still running at the service.", hint="Ask for it again later; it is not lost."
        )
        self.render_id = render_id


class OutputExpired(CloudError):
    kind = "output_expired"


class DownloadCorrupted(CloudError):
    kind = "download_corrupted"


_ALL: tuple[type[ApiError], ...] = (
    *(TokenExpired, SessionNotFound, OutOfCredits, UnsupportedFile, FileTooLarge, ExportBlocked),
    *(Forbidden, NotFound, Conflict, Gone, InvalidDraft, RateLimited),
)
# By the code in the body, which counts before the status; 1010 and 1011 are the sibling gateway's words for 1001.
BY_CODE: Mapping[int, type[ApiError]] = {
    **{kind.number: kind for kind in _ALL},
    1010: TokenExpired,
    1011: TokenExpired,
    408: ServerTrouble,
}
# By the status alone, where the body has no code.
BY_STATUS: Mapping[int, type[ApiError]] = {
    401: TokenExpired,
    402: OutOfCredits,
    403: Forbidden,
    404: NotFound,
    408: ServerTrouble,
    409: Conflict,
    410: Gone,
    413: FileTooLarge,
    415: UnsupportedFile,
    422: InvalidDraft,
    429: RateLimited,
}


def kind_of(code: int | None, status: int, overrides: Mapping[int, type[ApiError]]) -> type[ApiError]:
    """The error that a code, else a status means; ``overrides`` are an endpoint's own readings."""
    for number, table in ((code, BY_CODE), (status, BY_STATUS)):
        if number is None:
            continue
        if 500 <= number <= 599:
            return ServerTrouble
        found = (overrides.get(number) if table is BY_STATUS or number == 400 else None) or table.get(number)
        if found:
            return found
    return ApiError
