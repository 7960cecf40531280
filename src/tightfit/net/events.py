"""A stream of server-sent events with bounds: httpx-sse splits it, this watches its lines, its size and its silence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import httpx
from httpx_sse import EventSource

from tightfit.net.errors import AnswerTooBig
from tightfit.net.http import Incoming

LINE_BYTES = 256_000
EVENT_BYTES = 1_000_000
_FINISHED = b": stream-end"


@dataclass(frozen=True)
class Event:
    """One event; ``name`` is empty where it has none."""

    name: str
    data: str


@dataclass
class Watch:
    """What is seen of the bytes themselves: ``heard`` is called for each chunk, comments included.

    ``is_finished`` once the remark came that our own server ends a stream with.
    """

    heard: Callable[[], None]
    is_finished: bool = False
    _line: bytearray = field(default_factory=bytearray)
    _event: int = 0

    def see(self, chunk: bytes) -> None:
        """Raises AnswerTooBig for a line or an event that has no end."""
        self.heard()
        *whole, rest = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for line in whole:
            self._line += line
            self._end_line()
        self._line += rest
        if len(self._line) > LINE_BYTES or self._event + len(self._line) > EVENT_BYTES:
            raise AnswerTooBig("An event of the service has no end.")

    def _end_line(self) -> None:
        if len(self._line) > LINE_BYTES:
            raise AnswerTooBig("A line of the service has no end.")
        self._event = self._event + len(self._line) if self._line else 0
        if self._event > EVENT_BYTES:
            raise AnswerTooBig("An event of the service has no end.")
        if self._line == _FINISHED:
            self.is_finished = True
        self._line.clear()


async def events(incoming: Incoming, watch: Watch) -> AsyncIterator[Event]:
    """The events of ``incoming``, one by one; comments are no events, but ``watch`` sees them. Raises NetworkError."""

    async def watched() -> AsyncIterator[bytes]:
        async for chunk in incoming.raw():
            watch.see(chunk)
            yield chunk

    body = httpx.Response(200, headers={"Content-Type": "text/event-stream; charset=utf-8"}, content=watched())
    async for event in EventSource(body).aiter_sse():
        yield Event(event.event, event.data)
