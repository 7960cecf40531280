"""Bodies of requests: JSON is bounded before it is read, and a refused upload is read on so that the answer arrives.

A server that answers early and closes while the client still sends makes the system reset the connection, and the
client sees that instead of the answer (5 of 5 runs with a 30 MB upload). So the answer goes out at once and what still
comes is thrown away for a while.
"""

from __future__ import annotations

import anyio
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tightfit.domain.draft import MAX_JSON_BYTES

UPLOADS = "/api/upload-video/"
# The draft's own bound is checked where its text is known; this one only keeps memory.
_MOST_JSON_BYTES = MAX_JSON_BYTES + 64 * 1024
_DRAIN_S = 30.0


class Bodies:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, None if _is_form(scope) else _MOST_JSON_BYTES)

        async def send_and_linger(message: Message) -> None:
            last = message["type"] == "http.response.body" and not message.get("more_body", False)
            if not last or body.is_whole:
                await send(message)
                return
            await send({**message, "more_body": True})
            await body.drain()
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await self._app(scope, body.receive, send_and_linger)


def _is_form(scope: Scope) -> bool:
    kind = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    return scope["path"].startswith(UPLOADS) and kind.lower().startswith(b"multipart/")


class _Body:
    def __init__(self, receive: Receive, most: int | None) -> None:
        self._receive, self._most, self._seen = receive, most, 0
        self.is_whole = False

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            self.is_whole = True
        self._seen += len(message.get("body", b""))
        if self._most is not None and self._seen > self._most:
            raise HTTPException(422, f"A request may have at most {self._most} bytes.")
        return message

    async def drain(self) -> None:
        self._most = None
        with anyio.move_on_after(_DRAIN_S):
            while not self.is_whole:
                await self.receive()
