"""Faults by plan, for tests (``--test-mode``): answers that are late, wrong, cut off or never come.

A rule names requests (``POST /run_sse``, with ``*`` for anything) and which of them (``nth`` from 1; 0 for each), and
what happens to it. Those that end a connection reach below the application, to the socket itself.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, cast

import anyio
from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tightfit.server.clock import Clock
from tightfit.server.json_text import JsonResponse
from tightfit.server.refusals import Code, envelope, status_of

ACTIONS = (
    *("code", "http", "delay", "silent", "heartbeat_only", "fin_after", "rst_after", "stall", "truncate", "flip"),
    *("expire_url", "unframed", "agent_error"),
)
# Where the application finds the rule that is meant for it.
SCOPE_KEY = "tightfit.fault"
_ACTION = re.compile(rf"({'|'.join(ACTIONS)})(?:\((\d+(?:\.\d+)?)\))?")
# What was written has reached the other side by then, on a loopback.
_SETTLE_S = 0.03


class FaultRule(BaseModel):
    match: str = Field(max_length=500)
    nth: int = Field(default=1, ge=0)
    action: str = Field(pattern=rf"^(?:{_ACTION.pattern})$")

    @property
    def name(self) -> str:
        return self._parts[1]

    @property
    def value(self) -> float:
        return float(self._parts[2] or 0)

    @property
    def _parts(self) -> re.Match[str]:
        found = _ACTION.fullmatch(self.action)
        assert found is not None, "checked by the pattern"
        return found


class FaultPlan(BaseModel):
    rules: list[FaultRule] = Field(default_factory=list, max_length=1000)


class Faults:
    """The plan in force, and how often each of its rules was met."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []
        self._met: list[int] = []

    def follow(self, plan: FaultPlan) -> None:
        self._rules, self._met = plan.rules, [0] * len(plan.rules)

    def next_for(self, method: str, path: str) -> FaultRule | None:
        due = None
        for n, rule in enumerate(self._rules):
            if fnmatchcase(f"{method} {path}", rule.match):
                self._met[n] += 1
                if due is None and rule.nth in (0, self._met[n]):
                    due = rule
        return due


Transports = MutableMapping[tuple[str, int], Any]


def protocol_with(transports: Transports) -> type[H11Protocol]:
    """uvicorn's protocol, which also says which socket belongs to which client."""

    class Known(H11Protocol):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            if self.client:
                transports[self.client] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            if self.client:
                transports.pop(self.client, None)
            super().connection_lost(exc)

    return Known


class FaultyApp:
    """Stands before the application and spoils what the plan says."""

    clock: Clock  # set when the application starts

    def __init__(self, app: ASGIApp, faults: Faults, transports: Transports, mode: str) -> None:
        self._app, self._faults, self._transports = app, faults, transports
        self._mode = mode

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        rule = None
        if scope["type"] == "http" and not scope["path"].startswith("/__test__/"):
            rule = self._faults.next_for(scope["method"], scope["path"])
        if rule is None:
            await self._app(scope, receive, send)
            return
        scope[SCOPE_KEY] = rule
        code = int(rule.value)
        match rule.name:
            case "code":
                body = envelope(code, "by plan", {"run_id": None} if code == Code.CONFLICT else None)
                await JsonResponse(body, status_of(code, self._mode), _headers_of(code))(scope, receive, send)
                return
            case "http":
                await JsonResponse.empty(code)(scope, receive, send)
                return
            case "expire_url":
                await JsonResponse(envelope(Code.GONE, "The address has expired."), 410)(scope, receive, send)
                return
            case "delay" if scope["path"] != "/run_sse":
                await self.clock.sleep(rule.value)
        spoil = _SPOILERS.get(rule.name)
        if spoil is None:
            await self._app(scope, receive, send)
            return
        wire = _Wire(send, self._transports[cast("tuple[str, int]", scope["client"])], int(rule.value))
        await self._app(scope, receive, lambda message: spoil(wire, message))


def _headers_of(code: int) -> dict[str, str]:
    return {"Retry-After": "30"} if code == Code.RATE else {}


@dataclass
class _Wire:
    """A response on its way out: the application's ``send``, the socket below it, and a number from the rule."""

    send: Send
    transport: Any
    number: int
    sent: int = 0
    over: bool = False

    async def part(self, message: Message) -> bool:
        """Pass on what is within the first ``number`` bytes of the body; True where that was all."""
        if message["type"] != "http.response.body":
            await self.send(message)
            return False
        body = message.get("body", b"")[: self.number - self.sent]
        self.sent += len(body)
        if self.sent < self.number:
            await self.send(message)
            return False
        if body:
            await self.send({"type": "http.response.body", "body": body, "more_body": True})
        return True


async def _fin_after(wire: _Wire, message: Message) -> None:
    if not wire.over and await wire.part(message):
        wire.over = True
        wire.transport.close()


async def _rst_after(wire: _Wire, message: Message) -> None:
    if not wire.over and await wire.part(message):
        wire.over = True
        await anyio.sleep(_SETTLE_S)
        raw = wire.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        wire.transport.abort()


async def _stall(wire: _Wire, message: Message) -> None:
    if await wire.part(message):
        while not wire.transport.is_closing():  # noqa: ASYNC110 - a transport tells nobody when it closes
            await anyio.sleep(_SETTLE_S)


async def _truncate(wire: _Wire, message: Message) -> None:
    """Cut, with a length that agrees."""
    if message["type"] == "http.response.start":
        headers = [
            (name, str(min(wire.number, int(value))).encode() if name == b"content-length" else value)
            for name, value in message["headers"]
        ]
        await wire.send({**message, "headers": headers})
    elif not wire.over:
        body = message.get("body", b"")[: wire.number - wire.sent]
        wire.sent += len(body)
        wire.over = wire.sent >= wire.number or not message.get("more_body", False)
        await wire.send({**message, "body": body, "more_body": not wire.over})


async def _flip(wire: _Wire, message: Message) -> None:
    """One bit of the byte at that offset of the body is another."""
    body = bytearray(message.get("body", b""))
    at = wire.number - wire.sent
    if message["type"] == "http.response.body":
        wire.sent += len(body)
        if 0 <= at < len(body):
            body[at] ^= 1
        message = {**message, "body": bytes(body)}
    await wire.send(message)


async def _unframed(wire: _Wire, message: Message) -> None:
    """No length and no chunks: the end of the connection is the end of the body."""
    if message["type"] == "http.response.start":
        lines = [f"HTTP/1.1 {message['status']} OK".encode(), b"connection: close"]
        lines += [b": ".join(pair) for pair in message["headers"] if pair[0].lower() != b"content-length"]
        wire.transport.write(b"\r\n".join(lines) + b"\r\n\r\n")
        return
    if not wire.over:
        wire.transport.write(message.get("body", b""))
        if not message.get("more_body", False):
            wire.over = True
            wire.transport.close()


_SPOILERS: dict[str, Callable[[_Wire, Message], Any]] = {
    "fin_after": _fin_after,
    "rst_after": _rst_after,
    "stall": _stall,
    "truncate": _truncate,
    "flip": _flip,
    "unframed": _unframed,
}
