"""A server of bare sockets, in a thread of its own, that can answer, lie, drip, stall, cut and reset."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Request:
    """What arrived. Header names in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass
class Response:
    """What to answer. ``body`` may be an iterator, which is then sent chunked unless ``framed`` is False."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""
    framed: bool = True


@dataclass
class Fault:
    """What happens instead, at the ``nth`` request that ``match`` is in ("POST /run_sse"), for ``times`` requests.

    Before the request is heard: ``deaf`` (reset at once), ``rst_in(n)`` (reset after n bytes of its body).
    After it had its effect: ``lost`` (closed without an answer), ``http(s)``, ``code(n)``, ``json(obj)``, ``delay(s)``,
    ``fin_after(n)``, ``rst_after(n)``, ``stall(n)`` (n bytes of the body, then nothing), ``truncate(n)`` (n bytes
    fewer, with a length that says so), ``flip(n)``, ``drip(s)`` (a byte each s seconds), ``unframed``.
    ``refuse(s)`` answers a status, an object, or a status and an object, without the effect. ``then`` is called at that
    point of the request.
    """

    match: str
    action: str
    arg: Any = 0
    nth: int = 1
    times: int = 1
    then: Callable[[], None] | None = None
    seen: int = 0

    def happen(self) -> None:
        if self.then:
            self.then()

    def applies(self, request: Request) -> bool:
        if self.match not in f"{request.method} {request.target}":
            return False
        self.seen += 1
        return self.nth <= self.seen < self.nth + self.times


Handler = Callable[[Request], Awaitable[Response]]


class RawServer:
    """Serves ``handle`` on a port of its own; use it as a context."""

    def __init__(self, handle: Handler) -> None:
        self._handle = handle
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> RawServer:
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def fault(
        self,
        match: str,
        action: str,
        arg: Any = 0,
        *,
        nth: int = 1,
        times: int = 1,
        then: Callable[[], None] | None = None,
    ) -> None:
        self.faults.append(Fault(match, action, arg, nth, times, then))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        listening = asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=200)
        self._listener = self._loop.run_until_complete(listening)
        self.port = self._listener.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        self._listener.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def deafen(self) -> None:
        """From within a request: whoever connects after it finds nobody listening."""
        self._listener.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._one(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass
        finally:
            with contextlib.suppress(Exception):
                writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, target, _ = head[0].split(" ", 2)
        headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in head[1:] if line)}
        request = Request(method, target, headers, b"")
        fault = next((f for f in self.faults if f.applies(request)), Fault("", "none"))
        if fault.action == "deaf":
            fault.happen()
            return _reset(writer)
        length = int(headers.get("content-length", 0))
        if fault.action == "rst_in":
            await reader.readexactly(min(int(fault.arg), length))
            fault.happen()
            return _reset(writer)
        request = Request(method, target, headers, await reader.readexactly(length))
        self.requests.append(request)
        if fault.action == "refuse":
            return await _write(writer, _refusal(fault.arg), Fault("", "none"))
        response = await self._handle(request)
        if fault.action == "lost":
            fault.happen()
            return None
        if fault.action == "delay":
            await asyncio.sleep(fault.arg)
        if fault.action == "http":
            response = Response(int(fault.arg), dict(response.headers) if int(fault.arg) == 200 else {})
        if fault.action == "code":
            response = _json({"code": fault.arg, "message": "no"})
        if fault.action == "json":
            response = _json(fault.arg)
        return await _write(writer, response, fault)


def _refusal(arg: Any) -> Response:
    if isinstance(arg, int):
        return Response(arg)
    return _json(arg[1], arg[0]) if isinstance(arg, tuple) else _json(arg)


def _json(body: Any, status: int = 200) -> Response:
    import json

    return Response(status, {"Content-Type": "application/json"}, json.dumps(body).encode())


def _reset(writer: asyncio.StreamWriter) -> None:
    """Make the close below a RST."""
    raw = writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _write(writer: asyncio.StreamWriter, response: Response, fault: Fault) -> None:
    body, headers = response.body, {"Connection": "close", **response.headers}
    framed = response.framed and fault.action != "unframed"
    if isinstance(body, bytes):
        if fault.action == "flip" and body:
            at = int(fault.arg) % len(body)
            body = body[:at] + bytes([body[at] ^ 0xFF]) + body[at + 1 :]
        if fault.action == "truncate":
            body = body[: max(0, len(body) - int(fault.arg))]
        if framed:
            headers.setdefault("Content-Length", str(len(body)))
    elif framed:
        headers["Transfer-Encoding"] = "chunked"
    head = f"HTTP/1.1 {response.status} X\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items())
    writer.write(head.encode("latin-1") + b"\r\n")
    await _body(writer, body, fault, chunked=framed and not isinstance(body, bytes))


async def _body(
    writer: asyncio.StreamWriter, body: bytes | AsyncIterator[bytes], fault: Fault, *, chunked: bool
) -> None:
    left = int(fault.arg) if fault.action in ("fin_after", "rst_after", "stall") else None

    async def pieces() -> AsyncIterator[bytes]:
        if isinstance(body, bytes):
            for at in range(0, len(body), 65536):
                yield body[at : at + 65536]
        else:
            async for piece in body:
                yield piece

    async for piece in pieces():
        sent = piece if left is None else piece[:left]
        if fault.action == "drip":
            for at in range(len(sent)):
                writer.write(sent[at : at + 1])
                await writer.drain()
                await asyncio.sleep(fault.arg)
        elif sent:
            writer.write(f"{len(sent):x}\r\n".encode() + sent + b"\r\n" if chunked else sent)
            await writer.drain()
        if left is not None:
            left -= len(sent)
            if left <= 0:
                return await _end(writer, fault)
    if left is not None:
        return await _end(writer, fault)
    if chunked:
        writer.write(b"0\r\n\r\n")
    await writer.drain()
    return None


async def _end(writer: asyncio.StreamWriter, fault: Fault) -> None:
    fault.happen()
    if fault.action == "stall":
        await asyncio.sleep(3600)
    await asyncio.sleep(0.002)
    if fault.action == "rst_after":
        _reset(writer)
