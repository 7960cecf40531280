"""Codes of the API, the HTTP statuses they arrive with, and how a refusal leaves the server.

Four digits are codes of the envelope, three digits are HTTP statuses (contract, section 2.3). Constant texts for
foreign ids: whoever asks for what is not theirs learns nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from starlette.responses import Response

from tightfit.errors import UsageError
from tightfit.server.json_text import JsonResponse


class Code(IntEnum):
    """What went wrong, as clients know it."""

    TOKEN = 1001
    SESSION = 1002
    CREDITS = 2001
    FILE_TYPE = 4001
    FILE_SIZE = 4002
    BAD_REQUEST = 400
    EXPORT = 402
    FORBIDDEN = 403
    NOT_FOUND = 404
    CONFLICT = 409
    GONE = 410
    INVALID = 422
    RATE = 429
    INTERNAL = 500


_STATUS = {Code.TOKEN: 401, Code.SESSION: 404, Code.CREDITS: 402, Code.FILE_TYPE: 415, Code.FILE_SIZE: 413}


class Refusal(UsageError):
    """A request that is answered with a code instead of what it asked for."""

    kind = "refused"

    def __init__(
        self,
        code: Code,
        message: str,
        *,
        data: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.answer = code
        self.data, self.headers = data, dict(headers or {})


def status_of(code: int, mode: str) -> int:
    """The HTTP status that ``code`` arrives with."""
    if code in _STATUS:
        return _STATUS[Code(code)] if mode == "semantic" else 200
    return code if 400 <= code <= 599 else 500


def envelope(code: int, message: str, data: Any = None) -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message}
    return body if data is None else {**body, "data": data}


def response_to(refusal: Refusal, mode: str) -> Response:
    body = envelope(refusal.answer, refusal.message, refusal.data)
    return JsonResponse(body, status_of(refusal.answer, mode), refusal.headers)


def no_token() -> Refusal:
    return Refusal(Code.TOKEN, "The token is missing, unknown or expired.", headers={"WWW-Authenticate": "Bearer"})


def no_session() -> Refusal:
    return Refusal(Code.SESSION, "Session not found.")


def no_render() -> Refusal:
    return Refusal(Code.NOT_FOUND, "No such render.")


def too_many(message: str, wait_s: float) -> Refusal:
    return Refusal(Code.RATE, message, headers={"Retry-After": str(max(1, int(wait_s) + 1))})
