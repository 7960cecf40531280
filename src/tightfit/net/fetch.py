"""Fetching a file from a URL that a user named, without being led astray.

The name is resolved here and the connection goes to the very address that was checked, so that a second answer of
the name server changes nothing. Redirects are followed by hand, each through the same checks. Whatever goes wrong on
the network is told in one sentence: the server is no port scanner.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import anyio
import httpcore

from tightfit.net.addresses import all_public
from tightfit.net.origins import BadAddress, Origin, origin_of
from tightfit.net.transport import STREAM
from tightfit.units import whole_number

CONNECT_S, FIRST_BYTE_S = 5.0, 15.0
# The whole fetch may take a minute and then as long as 128 KB/s need.
_GRACE_S, _SLOWEST_BYTES_S = 60.0, 128_000
MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 303, 307, 308)
_USER_AGENT = "tightfit"

Resolver = Callable[[str, int], Awaitable[list[str]]]


class FetchFailed(Exception):
    """The file could not be had; the text says nothing about the network behind it."""


class TooLarge(Exception):
    """The file is larger than what is taken."""


async def system_resolver(host: str, port: int) -> list[str]:
    """All addresses of ``host``, as the system's resolver gives them."""
    found = await anyio.getaddrinfo(host, port, type=STREAM)
    return [str(entry[4][0]) for entry in found]


class CheckedNetwork(httpcore.AsyncNetworkBackend):
    """Resolves a name once, refuses it where any answer leads inside, and connects to an answer it has checked."""

    def __init__(self, origin: Origin, resolver: Resolver, network: httpcore.AsyncNetworkBackend) -> None:
        self._origin, self._resolver, self._network = origin, resolver, network

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        answers = await self._resolver(host, port)
        if not answers or not (self._origin.allowed or all_public(answers)):
            raise httpcore.ConnectError("refused")
        return await self._network.connect_tcp(answers[0], port, timeout, local_address, socket_options)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class Fetcher:
    """``allowed`` are the hosts and ports that the operator vouches for.

    ``resolver`` looks names up, ``network`` connects to the addresses that passed.
    """

    def __init__(
        self,
        allowed: frozenset[tuple[str, int]],
        resolver: Resolver = system_resolver,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self._allowed, self._resolver = allowed, resolver
        self._network = network or httpcore.AnyIOBackend()

    async def fetch(self, url: str, into: Path, limit: int) -> int:
        """Write the file behind ``url`` to ``into`` and return its bytes; ``into`` is not there when it raises.

        Raises FetchFailed, and TooLarge beyond ``limit`` bytes.
        """
        try:
            with anyio.fail_after(_GRACE_S + limit / _SLOWEST_BYTES_S):
                return await self._followed(url, into, limit)
        except (BadAddress, httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as exc:
            raise FetchFailed("The address can't be fetched from.") from exc
        except (httpcore.UnsupportedProtocol, OSError, TimeoutError, ssl.SSLError, UnicodeError) as exc:
            raise FetchFailed("The address can't be fetched from.") from exc

    async def _followed(self, url: str, into: Path, limit: int) -> int:
        for _ in range(MOST_REDIRECTS + 1):
            origin = origin_of(url, self._allowed)
            async with self._answer(origin) as answer:
                if answer.status in _REDIRECTS:
                    url = self._next(url, origin, answer)
                    continue
                if answer.status != 200:
                    raise FetchFailed("The address can't be fetched from.")
                return await _saved(answer, into, limit)
        raise FetchFailed("The address can't be fetched from.")

    def _next(self, url: str, origin: Origin, answer: httpcore.Response) -> str:
        to = urljoin(url, _header(answer, b"location").decode("latin-1"))
        if origin.scheme == "https" and not to.lower().startswith("https:"):
            raise BadAddress("it leads away from https")
        return to

    @asynccontextmanager
    async def _answer(self, origin: Origin) -> AsyncIterator[httpcore.Response]:
        network = CheckedNetwork(origin, self._resolver, self._network)
        url = httpcore.URL(
            scheme=origin.scheme.encode(), host=origin.host.encode(), port=origin.port, target=origin.target.encode()
        )
        default = origin.port == (443 if origin.scheme == "https" else 80)
        shown = origin.host if default else f"{origin.host}:{origin.port}"
        headers = [("Host", shown), ("User-Agent", _USER_AGENT), ("Accept-Encoding", "identity"), ("Accept", "*/*")]
        limits = {"timeout": {"connect": CONNECT_S, "read": FIRST_BYTE_S, "write": CONNECT_S, "pool": CONNECT_S}}
        async with (
            httpcore.AsyncConnectionPool(network_backend=network, max_connections=1) as pool,
            pool.stream("GET", url, headers=headers, extensions=limits) as answer,
        ):
            yield answer


async def _saved(answer: httpcore.Response, into: Path, limit: int) -> int:
    declared = _header(answer, b"content-length")
    if (whole_number(declared.decode("latin-1")) or 0) > limit:
        raise TooLarge
    size = 0
    try:
        with into.open("xb") as file:
            async for chunk in answer.aiter_stream():
                size += len(chunk)
                if size > limit:
                    raise TooLarge
                file.write(chunk)
        return size
    except BaseException:
        into.unlink(missing_ok=True)
        raise


def _header(answer: httpcore.Response, name: bytes) -> bytes:
    return next((value for key, value in answer.headers if key.lower() == name), b"")
