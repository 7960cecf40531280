"""A proxy that spoils one exchange: the seven toxics of toxiproxy, beginning at a byte of one's choice."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
import threading
from dataclasses import dataclass

KINDS = ("latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data")
PLACES = ("first", "middle", "last")
_PIECE, _PAUSE_S, _LATENCY_S = 4096, 0.002, 0.3


@dataclass
class Toxic:
    """Spoils the first exchange whose request ``match`` is in; ``upwards`` its request, else its answer."""

    kind: str
    place: str
    match: str
    upwards: bool = False
    is_spent: bool = False

    def at(self, total: int) -> int:
        return {"first": 0, "middle": total // 2, "last": max(0, total - 1)}[self.place]


class ToxicProxy:
    """Stands before ``port``; use it as a context. ``fetched`` counts the bytes of bodies sent for ``/media/``."""

    def __init__(self, port: int, toxic: Toxic) -> None:
        self._upstream, self._toxic = port, toxic
        self.port, self.fetched = 0, 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> ToxicProxy:
        self._thread.start()
        self._ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError, RuntimeError):
            self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_writer = None
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            line = head.split(b"\r\n", 1)[0].decode()
            found = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            length = int(found[1]) if found else 0
            toxic = self._toxic if self._toxic.match in line and not self._toxic.is_spent else None
            if toxic:
                toxic.is_spent = True
            up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._upstream)
            up_writer.write(head)
            await self._request(reader, writer, up_writer, length, toxic if toxic and toxic.upwards else None)
            answer = await up_reader.read(-1)
            sent = await self._answer(writer, answer, toxic if toxic and not toxic.upwards else None)
            if "/media/" in line:
                self.fetched += max(0, sent - answer.index(b"\r\n\r\n") - 4)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            for each in (writer, up_writer):
                with contextlib.suppress(Exception):
                    if each:
                        each.close()

    async def _request(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        up: asyncio.StreamWriter,
        length: int,
        toxic: Toxic | None,
    ) -> None:
        at, begins = 0, toxic.at(length) if toxic else length
        while at < length:
            most = begins - at if at < begins else length - at
            if toxic and at >= begins:
                most = await self._spoil(toxic, (writer, up), most)
            chunk = await reader.read(min(most, 65536))
            if not chunk:
                raise ConnectionResetError
            up.write(chunk)
            await up.drain()
            at += len(chunk)

    async def _answer(self, writer: asyncio.StreamWriter, answer: bytes, toxic: Toxic | None) -> int:
        begins = toxic.at(len(answer)) if toxic else len(answer)
        writer.write(answer[:begins])
        await writer.drain()
        at = begins
        while toxic and at < len(answer):
            try:
                most = await self._spoil(toxic, (writer,), len(answer) - at)
            except ConnectionResetError:
                return at
            writer.write(answer[at : at + most])
            await writer.drain()
            at += most
        if toxic and toxic.kind == "slow_close":
            await asyncio.sleep(_LATENCY_S)
        return at

    async def _spoil(self, toxic: Toxic, writers: tuple[asyncio.StreamWriter, ...], most: int) -> int:
        """How many bytes may go on now. Raises ConnectionResetError where none ever will."""
        if toxic.kind == "timeout":
            await asyncio.sleep(3600)
        if toxic.kind == "reset_peer":
            for writer in writers:
                raw = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
        if toxic.kind in ("reset_peer", "limit_data"):
            raise ConnectionResetError
        if toxic.kind == "latency":
            toxic.kind = "none"
            await asyncio.sleep(_LATENCY_S)
        if toxic.kind == "bandwidth":
            await asyncio.sleep(_PAUSE_S)
            return min(most, _PIECE)
        if toxic.kind == "slicer":
            await asyncio.sleep(0)
            return min(most, 7 if most < 2000 else 1500)
        return most
