"""From an answer to its data or to the error it means, for every envelope that the service may use."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from tightfit.cloud.errors import ApiError, BadAnswer, RateLimited, ServerTrouble, kind_of
from tightfit.cloud.models import now_utc
from tightfit.cloud.untrusted import note
from tightfit.net.http import Answer
from tightfit.units import whole_number

_LONGEST_WAIT_S = 1e9
Readings = Mapping[int, type[ApiError]]


@dataclass(frozen=True)
class Reply:
    """A good answer: ``data`` out of its envelope, and the whole ``body``."""

    data: Any
    body: Mapping[str, Any]


def opened(answer: Answer, readings: Readings) -> Reply:
    """The data of ``answer``. Raises the ApiError that it means, or BadAnswer."""
    body = _parsed(answer.body)
    if body is None:
        if answer.status >= 400:
            raise_for(answer, {}, readings)
        raise BadAnswer(f"The service answered something that is not JSON (status {answer.status}).")
    code, success = _code(body), body.get("success")
    if answer.status >= 300 or code or (code is None and success is False):
        raise_for(answer, body, readings)
    if code is None and not isinstance(success, bool):
        return Reply(body.get("data", body), body)
    data = body.get("data")
    return Reply(body if data is None else data, body)


def raise_for(answer: Answer, body: Mapping[str, Any], readings: Readings) -> NoReturn:
    """The error that a bad answer means: by the code in its body, else by its status."""
    code = _code(body) or None
    kind = kind_of(code, answer.status, readings)
    said = next((body[key] for key in ("message", "msg", "error", "detail") if isinstance(body.get(key), str)), "")
    data = body.get("data")
    unknown = f"code {code}" if code else f"status {answer.status}"
    detail = note(said) or (unknown if kind is ApiError else "")
    error = kind(detail, data=data if isinstance(data, Mapping) else None)
    if isinstance(error, (RateLimited, ServerTrouble)):
        error.wait_s = retry_after(answer.headers)
    raise error


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that ``Retry-After`` asks for; a date is read against the service's own clock. None where it doesn't."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if (seconds := whole_number(text)) is not None:
        return float(min(_LONGEST_WAIT_S, max(0, seconds)))
    try:
        until = parsedate_to_datetime(text)
        now = parsedate_to_datetime(headers["date"]) if "date" in headers else now_utc()
        return max(0.0, (_aware(until) - _aware(now)).total_seconds())
    except (ValueError, TypeError):
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _parsed(body: bytes) -> Mapping[str, Any] | None:
    try:
        parsed = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _code(body: Mapping[str, Any]) -> int | None:
    code = body.get("code")
    if isinstance(code, str):
        return whole_number(code)
    return code if isinstance(code, int) and not isinstance(code, bool) else None
