"""What an event of the agent's answer means, in both shapes that exist. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tightfit.net.events import Event
from tightfit.units import whole_number


class Sort(StrEnum):
    TEXT = "text"
    TOOL_CALL = "tool_call"
    TOOL_RESULT = "tool_result"
    HEARTBEAT = "heartbeat"
    ERROR = "error"
    END = "end"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class StreamEvent:
    """One thing that was said. ``is_partial``: the same words come again, whole. ``code`` belongs to an error."""

    sort: Sort
    text: str = ""
    is_partial: bool = False
    code: int | None = None


_HEARTBEATS = frozenset({"heartbeat", "ping", "keepalive", "keep-alive"})
_ENDS = frozenset({"done", "end", "complete", "[done]"})
_SIMPLE = {
    **dict.fromkeys(("text", "chunk", "message"), Sort.TEXT),
    **dict.fromkeys(("tool_call", "tool_start", "toolcall_start"), Sort.TOOL_CALL),
    **dict.fromkeys(("tool_result", "tool_end", "toolcall_end"), Sort.TOOL_RESULT),
}
_UNKNOWN = StreamEvent(Sort.UNKNOWN)


def classify(event: Event) -> list[StreamEvent]:
    """What ``event`` says, in its own order; at least one."""
    name, data = event.name.strip().lower(), event.data.strip()
    if not data or name in _HEARTBEATS or data.lower() in _HEARTBEATS:
        return [StreamEvent(Sort.END if name in _ENDS and name not in _HEARTBEATS else Sort.HEARTBEAT)]
    if data.lower() in _ENDS:
        return [StreamEvent(Sort.END)]
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        return [StreamEvent(Sort.END) if name in _ENDS else _UNKNOWN]
    if not isinstance(body, Mapping):
        return [_UNKNOWN]
    return _of_json(body, name)


def _of_json(body: Mapping[str, Any], name: str) -> list[StreamEvent]:
    kind = str(body.get("type", "")).lower()
    if kind in _HEARTBEATS:
        return [StreamEvent(Sort.HEARTBEAT)]
    if error := _error(body, kind, name):
        return [error]
    if isinstance(body.get("content"), Mapping):
        return _parts(body) or [_UNKNOWN]
    if kind in _ENDS or name in _ENDS:
        return [StreamEvent(Sort.END)]
    if kind in _SIMPLE:
        text = body.get("content") if isinstance(body.get("content"), str) else body.get("text")
        return [StreamEvent(_SIMPLE[kind], text if isinstance(text, str) and _SIMPLE[kind] is Sort.TEXT else "")]
    return [_UNKNOWN]


def _error(body: Mapping[str, Any], kind: str, name: str) -> StreamEvent | None:
    code = body.get("code")
    number = code if isinstance(code, int) and not isinstance(code, bool) and code != 0 else None
    said = _either(body, "errorMessage", "error_message") or body.get("error") or body.get("message") or ""
    named = _either(body, "errorCode", "error_code")
    if not (body.get("error") or named or number or kind == "error" or name == "error"):
        return None
    if number is None:
        number = whole_number(str(named or ""))
    if isinstance(said, Mapping):
        said = said.get("message") or ""
    return StreamEvent(Sort.ERROR, str(said or named or ""), code=number)


def _parts(body: Mapping[str, Any]) -> list[StreamEvent]:
    parts = body["content"].get("parts")
    from_user = body.get("author") == "user" or body["content"].get("role") == "user"
    partial = body.get("partial") is True
    found = []
    for part in parts if isinstance(parts, list) else []:
        if not isinstance(part, Mapping):
            continue
        if _either(part, "functionCall", "function_call") is not None:
            found.append(StreamEvent(Sort.TOOL_CALL))
        elif _either(part, "functionResponse", "function_response") is not None:
            found.append(StreamEvent(Sort.TOOL_RESULT))
        elif isinstance(part.get("text"), str) and part["text"] and not part.get("thought") and not from_user:
            found.append(StreamEvent(Sort.TEXT, part["text"], partial))
    return found


def _either(body: Mapping[str, Any], camel: str, snake: str) -> Any:
    return body.get(camel) if body.get(camel) is not None else body.get(snake)
