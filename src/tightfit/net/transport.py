"""How connections are made: one per request, and where asked only to addresses that anyone may reach."""

from __future__ import annotations

import ssl
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

import anyio
import httpcore
import httpx

from tightfit.net.addresses import all_public
from tightfit.net.errors import AddressRefused


class _Checking(httpcore.AnyIOBackend):
    """Looks a name up, checks every answer and connects to one of those: nobody can answer differently later."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            answers = await anyio.getaddrinfo(host, port, type=STREAM)
        except OSError as exc:
            raise httpcore.ConnectError(f"{host}: {exc.strerror or exc}") from None
        addresses = [str(answer[4][0]) for answer in answers]
        if not all_public(addresses):
            # One text for all of them: which private addresses exist is nobody's business.
            raise AddressRefused(f"The service named {host} as the place of the file, which is no public address.")
        for address in dict.fromkeys(addresses[:-1]):
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return await super().connect_tcp(address, port, timeout, local_address, socket_options)
        return await super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


# socket.SOCK_STREAM, without importing socket: nothing here opens one by itself.
STREAM = 1


@cache
def _trust() -> ssl.SSLContext:
    """Reading the list of authorities takes a twentieth of a second; once is enough."""
    return httpx.create_ssl_context(trust_env=False)


def transport(*, only_public: bool) -> httpx.AsyncHTTPTransport:
    """A transport that keeps no connection for later."""
    made = httpx.AsyncHTTPTransport(
        verify=_trust(), limits=httpx.Limits(max_connections=None, max_keepalive_connections=0)
    )
    if only_public:
        # httpx has no argument for the backend; the pool, httpcore's public class, has.
        made._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trust(),
            max_connections=None,
            max_keepalive_connections=0,
            network_backend=_Checking(),
        )
    return made
