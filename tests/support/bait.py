"""What hostile files reach for: files that nobody may open, and an address that nobody may call."""

from __future__ import annotations

import ctypes
import os
import secrets
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_IN_OPEN, _IN_ISDIR, _IN_NONBLOCK = 0x20, 0x40000000, 0x800
_EVENT_BYTES = 4096


@dataclass
class Bait:
    """``elsewhere`` holds files that no input is; ``canary`` is in each of them. ``port`` is one of this machine."""

    elsewhere: Path
    clip: Path
    canary: str
    port: int
    siblings: list[Path] = field(default_factory=list)

    @property
    def media(self) -> Path:
        return self.elsewhere / "bait.ts"

    @property
    def text(self) -> Path:
        return self.elsewhere / "bait.txt"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bait.ts"


@contextmanager
def baited(elsewhere: Path, clip: Path, media: bytes) -> Iterator[Bait]:
    """Lay it out; ``media`` is what a playlist could play, ``clip`` a sound file for others to be made of."""
    elsewhere.mkdir()
    tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    with tcp, udp:
        tcp.bind(("127.0.0.1", 0))
        tcp.listen()
        tcp.setblocking(False)
        udp.bind(tcp.getsockname())
        udp.setblocking(False)
        bait = Bait(elsewhere, clip, f"CANARY{secrets.token_hex(16)}", tcp.getsockname()[1])
        for name in ("bait.ts", "bait.png", "bait.sub"):
            (elsewhere / name).write_bytes(media + bait.canary.encode())
        bait.text.write_text(bait.canary)
        yield bait
        assert _calls(tcp, udp) == 0, "somebody called"


def _calls(tcp: socket.socket, udp: socket.socket) -> int:
    calls = 0
    for take in (tcp.accept, lambda: udp.recv(1)):
        try:
            take()
            calls += 1
        except BlockingIOError:
            pass
    return calls


def _opened_files(events: bytes) -> int:
    """How many of ``events`` are of files: the test itself looks through the folders."""
    opened = at = 0
    while at < len(events):
        _, mask, _, length = struct.unpack_from("=iIII", events, at)
        opened += not mask & _IN_ISDIR
        at += 16 + length
    return opened


def _opened_files(events: bytes) -> int:
    """How many of ``events`` are of files: the test itself looks through the folders."""
    opened = at = 0
    while at < len(events):
        _, mask, _, length = struct.unpack_from("=iIII", events, at)
        opened += not mask & _IN_ISDIR
        at += 16 + length
    return opened


@contextmanager
def untouched(paths: list[Path]) -> Iterator[None]:
    """Nobody opens any of ``paths``, files or folders, meanwhile: the kernel tells (inotify(7))."""
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(_IN_NONBLOCK)
    assert watch >= 0, os.strerror(ctypes.get_errno())
    try:
        for path in paths:
            assert libc.inotify_add_watch(watch, os.fsencode(path), _IN_OPEN) >= 0, path
        yield
        try:
            events = os.read(watch, _EVENT_BYTES)
        except BlockingIOError:
            events = b""
        assert _opened_files(events) == 0, f"opened: {events!r}"
    finally:
        os.close(watch)
