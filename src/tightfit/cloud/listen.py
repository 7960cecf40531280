"""Listening to one answer of the agent to its end, whatever that end is; never longer than 15 minutes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from tightfit.cloud.gui import GuiIntent, translate
from tightfit.cloud.sse import Sort, StreamEvent, classify
from tightfit.cloud.told import Said, StillWorking, Tell
from tightfit.cloud.untrusted import TEXT_CHARS, harmless
from tightfit.errors import NetworkError
from tightfit.net.clock import Clock
from tightfit.net.events import Watch, events
from tightfit.net.http import Incoming

STILL_WORKING_S, HUMMING_S, TOTAL_S, SILENT_S = 120.0, 600.0, 900.0, 90.0
# What the agent adds when its last step stumbled; after an answer it means nothing.
_STUMBLED = "temporary issue"


class Closing(StrEnum):
    """How an answer ended."""

    CLEAN = "clean"
    SILENT = "silent"  # it closed without a word
    DROPPED = "dropped"
    TIMEOUT = "timeout"
    ERROR = "error"


@dataclass
class Heard:
    """What came of listening.

    ``spoke`` is True where there were words at all, even such that only told to click something, which became
    ``intents``. ``is_certain``: the end is known to be the end, not a cut that looks like one.
    """

    texts: list[str] = field(default_factory=list)
    intents: list[GuiIntent] = field(default_factory=list)
    spoke: bool = False
    closed: Closing = Closing.CLEAN
    error: StreamEvent | None = None
    is_certain: bool = False

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


async def listen(incoming: Incoming, clock: Clock, tell: Tell) -> Heard:
    """Tell what is said as it is said, and return how it ended. Raises nothing of its own."""
    return await _Listener(incoming, clock, tell).run()


class _Listener:
    def __init__(self, incoming: Incoming, clock: Clock, tell: Tell) -> None:
        self._incoming, self._clock, self._tell = incoming, clock, tell
        self._heard = Heard()
        self._partial = ""
        self._began = self._last_byte = self._last_event = self._last_shown = clock.now()
        self._watch = Watch(self._byte)

    def _byte(self) -> None:
        self._last_byte = self._clock.now()

    async def run(self) -> Heard:
        send, receive = anyio.create_memory_object_stream[StreamEvent](100)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._pump, send)
            async with receive:
                self._heard.closed = await self._to_the_end(receive)
            tasks.cancel_scope.cancel()
        self._flush()
        heard = self._heard
        if heard.closed is Closing.CLEAN and not heard.spoke:
            heard.closed = Closing.SILENT
        heard.is_certain = self._watch.is_finished or self._incoming.is_framed
        return heard

    async def _pump(self, send: MemoryObjectSendStream[StreamEvent]) -> None:
        async with send:
            try:
                async for event in events(self._incoming, self._watch):
                    for part in classify(event):
                        await send.send(part)
            except NetworkError:
                self._heard.closed = Closing.DROPPED
            except anyio.BrokenResourceError:
                return

    async def _to_the_end(self, receive: MemoryObjectReceiveStream[StreamEvent]) -> Closing:
        while True:
            now = self._clock.now()
            if now >= min(self._began + TOTAL_S, self._last_event + HUMMING_S):
                return Closing.TIMEOUT
            if now >= self._last_byte + SILENT_S:
                return Closing.DROPPED
            if now >= self._last_shown + STILL_WORKING_S:
                self._last_shown = now
                self._tell(StillWorking(now - self._began))
            due = min(
                self._began + TOTAL_S,
                self._last_event + HUMMING_S,
                self._last_byte + SILENT_S,
                self._last_shown + STILL_WORKING_S,
            )
            with self._clock.within(due - now):
                try:
                    event = await receive.receive()
                except anyio.EndOfStream:
                    return self._heard.closed
                if closing := self._take(event):
                    return closing

    def _take(self, event: StreamEvent) -> Closing | None:
        if event.sort is Sort.HEARTBEAT:
            return None
        self._last_event = self._clock.now()
        if event.sort is Sort.TEXT and event.is_partial:
            self._partial = (self._partial + event.text)[:TEXT_CHARS]
        elif event.sort is Sort.TEXT:
            # The whole text repeats its parts.
            self._partial = ""
            self._show(event.text)
        elif event.sort is Sort.ERROR:
            self._heard.error = event
            return Closing.ERROR
        return None

    def _flush(self) -> None:
        if self._partial:
            self._show(self._partial)

    def _show(self, text: str) -> None:
        clean = harmless(text).strip()
        if not clean or (self._heard.spoke and _STUMBLED in clean.lower()):
            return
        self._heard.spoke = True
        translation = translate(clean)
        shown = translation.text
        self._heard.intents += [intent for intent in translation.intents if intent not in self._heard.intents]
        room = TEXT_CHARS - sum(map(len, self._heard.texts))
        if shown and room > 0:
            self._heard.texts.append(shown[:room])
            self._last_shown = self._clock.now()
            self._tell(Said(shown[:room]))
