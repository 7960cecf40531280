"""Running the server as a process: its socket, its signals, its end."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from tightfit.engine.disk import Disk
from tightfit.engine.hold import held
from tightfit.engine.job import made_folder
from tightfit.errors import JobHeld, UsageError
from tightfit.server.app import home_of, make_app
from tightfit.server.config import ServerSettings
from tightfit.server.faults import protocol_with
from tightfit.settings import Settings

_HERE = ("127.0.0.1", "localhost", "[::1]")
_KEEP_ALIVE_S, _FAREWELL_S = 5, 3
_BACKLOG = 256
_ANOTHER_HOME = "Stop it, or name another folder with TIGHTFIT_HOME."


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UsageError where it can't be had."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        found = socket.socket(family, socket.SOCK_STREAM)
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((host, port))
        found.listen(_BACKLOG)
    except (OSError, OverflowError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise UsageError(f"Nothing can listen at {host}:{port}: {reason}.", hint="Name another --port.") from exc
    return found


def run(
    engine: Settings,
    settings: ServerSettings,
    at: socket.socket,
    *,
    test_mode: bool,
    ready: Callable[[], None],
    report: Callable[[Exception], None],
) -> None:
    """Serve until told to stop; ``ready`` is called once requests are answered, ``report`` hears what nobody foresaw.

    Raises the errors of errors.py: JobHeld where another server works in the same folder.
    """
    # What fails in a request is reported once, by us; the protocol's own remarks are about its clients.
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    logging.getLogger("uvicorn").propagate = False
    transports: dict[tuple[str, int], Any] = {}
    app, failures = make_app(
        engine, settings, hosts=_hosts(at.getsockname()[0]), test_mode=test_mode, transports=transports, report=report
    )
    config = uvicorn.Config(
        app,
        http=protocol_with(transports),
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_FAREWELL_S,
    )
    home = made_folder(home_of(engine), Disk())
    try:
        with held(home, Disk()):
            _Server(config, ready).run(sockets=[at])
    except JobHeld as exc:
        who = f"process {exc.pid}" if exc.pid else "another process"
        raise JobHeld(f"A server is at work in {home} already ({who}).", pid=exc.pid, hint=_ANOTHER_HOME) from None
    if failure := failures():
        raise failure


def _hosts(bound: str) -> tuple[str, ...]:
    """On a loopback only its own names are answered to: a page in a browser that calls it otherwise means no good."""
    return _HERE if ipaddress.ip_address(bound).is_loopback else ("*",)


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
