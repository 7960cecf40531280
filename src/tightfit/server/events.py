"""What a stream of events says, in both shapes that clients know: the framework's own (A) and the simple one (B)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tightfit.server.wire import APP

HEARTBEAT = "heartbeat"
END = "stream-end"


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run; ``at`` in seconds, ``name`` and ``data`` of a tool's call or result."""

    kind: Literal["text", "call", "result", "error"]
    id: str
    run: str
    at: float
    text: str = ""
    name: str = ""
    data: Mapping[str, Any] | None = None


def framework_event(event: Event) -> dict[str, Any]:
    """Shape A: an event of Google's Agent Development Kit."""
    if event.kind == "error":
        details = {"error_type": "AgentError", "error_message": event.text, "timestamp": event.at}
        return {"error": f"AgentError: {event.text}", "error_details": details}
    role, part = "model", dict[str, Any]()
    if event.kind == "text":
        part = {"text": event.text}
    elif event.kind == "call":
        part = {"functionCall": {"id": f"af-{event.run}", "args": event.data or {}, "name": event.name}}
    else:
        role = "user"
        part = {"functionResponse": {"id": f"af-{event.run}", "name": event.name, "response": event.data or {}}}
    return {
        "content": {"parts": [part], "role": role},
        "invocationId": event.run,
        "author": APP,
        "actions": {"stateDelta": {}, "artifactDelta": {}, "requestedAuthConfigs": {}},
        "longRunningToolIds": [],
        "id": event.id,
        "timestamp": event.at,
    }


def simple_event(event: Event) -> dict[str, Any]:
    """Shape B: a type and what belongs to it."""
    match event.kind:
        case "text":
            return {"type": "text", "content": event.text}
        case "call":
            return {"type": "tool_call", "name": event.name, "args": event.data or {}}
        case "result":
            return {"type": "tool_result", "name": event.name, "result": event.data or {}}
        case "error":
            return {"type": "error", "error": event.text}
