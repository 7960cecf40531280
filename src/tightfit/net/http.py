"""The one HTTP adapter: httpx with limits on time and size, its errors translated, secrets kept out of both.

Every request has a connection of its own. So a connection that fails before it is made has sent nothing, which is
what decides whether a paid message may be repeated; one handshake more is nothing beside a video.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import anyio
import httpx

from tightfit.net.errors import AnswerTooBig, ConnectionBroken, ConnectionFailed, ConnectionStalled
from tightfit.net.parts import Part, form_fields
from tightfit.net.redact import hush, place, redacted
from tightfit.net.transport import transport
from tightfit.net.urls import joined


@dataclass(frozen=True)
class Limits:
    """How long and how large. Seconds are real ones.

    ``answer_s`` bounds a whole small answer: a server that drips a byte a second never runs into ``read_s``.
    ``slowest`` is the least a download may bring in ``slow_after_s``, in bytes.
    """

    connect_s: float = 10.0
    write_s: float = 60.0
    read_s: float = 60.0
    answer_s: float = 120.0
    answer_bytes: int = 4_000_000
    slowest: int = 32_768
    slow_after_s: float = 30.0


@dataclass(frozen=True)
class Answer:
    """A whole answer. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Incoming:
    """An answer whose body is still coming."""

    url: str
    status: int
    headers: Mapping[str, str]
    response: httpx.Response = field(repr=False)
    limits: Limits = field(repr=False)

    @property
    def is_framed(self) -> bool:
        """False where the body ends with the connection, so that a cut looks like its end."""
        return "content-length" in self.headers or "chunked" in self.headers.get("transfer-encoding", "").lower()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, not decoded. Raises NetworkError; ConnectionStalled where it comes too slowly."""
        since, seen = anyio.current_time(), 0
        async for chunk in self.raw():
            seen += len(chunk)
            if (now := anyio.current_time()) - since >= self.limits.slow_after_s:
                if seen < self.limits.slowest:
                    raise ConnectionStalled(f"Only {seen} bytes in {now - since:.0f} s came from {place(self.url)}.")
                since, seen = now, 0
            yield chunk

    async def raw(self) -> AsyncIterator[bytes]:
        """As ``chunks``, however slowly it comes."""
        with translated(self.url):
            async for chunk in self.response.aiter_raw():
                yield chunk

    async def whole(self) -> Answer:
        """The rest of a small answer. Raises AnswerTooBig, ConnectionStalled."""
        body = bytearray()
        with anyio.move_on_after(self.limits.answer_s) as scope:
            async for chunk in self.raw():
                body += chunk
                if len(body) > self.limits.answer_bytes:
                    raise AnswerTooBig(f"The answer of {place(self.url)} has no end.")
        if scope.cancelled_caught:
            raise ConnectionStalled(f"The answer of {place(self.url)} takes too long.")
        return Answer(self.status, self.headers, bytes(body))


class Http:
    """An open door to the network; use it as an async context."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        hush()
        self._anywhere = self._client(only_public=False)
        self._public = self._client(only_public=True)

    def _client(self, *, only_public: bool) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=transport(only_public=only_public),
            timeout=self._timeout(self.limits.read_s),
            # No proxies or logins from the environment, and a body is what was sent, not what unpacks from it.
            trust_env=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "tightfit"},
            follow_redirects=False,
        )

    def _timeout(self, read_s: float | None) -> httpx.Timeout:
        return httpx.Timeout(connect=self.limits.connect_s, write=self.limits.write_s, read=read_s, pool=None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None
    ) -> None:
        with anyio.CancelScope(shield=True):
            await self._anywhere.aclose()
            await self._public.aclose()

    async def ask(self, method: str, url: str, headers: Mapping[str, str], body: Any = None) -> Answer:
        """One small question, ``body`` as JSON, and its whole answer. Raises NetworkError."""
        with anyio.move_on_after(self.limits.answer_s) as scope:
            async with self.stream(method, url, headers, body) as incoming:
                return await incoming.whole()
        assert scope.cancelled_caught, "left in no other way"
        raise ConnectionStalled(f"The answer of {place(url)} takes too long.")

    async def send(self, url: str, headers: Mapping[str, str], parts: Sequence[Part]) -> Answer:
        """Files as a multipart form, read as they are sent. Raises NetworkError, SourceError."""
        request = self._anywhere.build_request("POST", url, headers=dict(headers), files=form_fields(parts))
        async with self._answered(self._anywhere, request) as incoming:
            return await incoming.whole()

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: Any = None,
        *,
        only_public: bool = False,
        patient: bool = False,
    ) -> AsyncIterator[Incoming]:
        """One question and its answer as it comes. ``patient`` waits for ever between two chunks: who reads watches.

        ``only_public`` refuses to connect to an address that is not public. Raises NetworkError.
        """
        client = self._public if only_public else self._anywhere
        timeout = self._timeout(None if patient else self.limits.read_s)
        content = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        sent = dict(headers) if content is None else {"Content-Type": "application/json", **headers}
        with translated(url):
            request = client.build_request(method, url, headers=sent, content=content, timeout=timeout)
        async with self._answered(client, request) as incoming:
            yield incoming

    @asynccontextmanager
    async def _answered(self, client: httpx.AsyncClient, request: httpx.Request) -> AsyncIterator[Incoming]:
        url = str(request.url)
        with translated(url):
            response = await client.send(request, stream=True)
        try:
            headers = {name.lower(): value for name, value in response.headers.items()}
            yield Incoming(url, response.status_code, headers, response, self.limits)
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()


# The first that fits counts. What a read ends with may have been heard; what a connect ends with was not.
_TRANSLATIONS: tuple[tuple[type[Exception], type[ConnectionFailed | ConnectionBroken], str], ...] = (
    (httpx.ConnectTimeout, ConnectionFailed, "{place} does not answer"),
    (httpx.ConnectError, ConnectionFailed, "No connection to {place}"),
    (httpx.UnsupportedProtocol, ConnectionFailed, "{place} is no address of a service"),
    (httpx.InvalidURL, ConnectionFailed, "{place} is no address of a service"),
    (httpx.TimeoutException, ConnectionStalled, "{place} stopped answering"),
    (httpx.HTTPError, ConnectionBroken, "The connection to {place} broke"),
)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Foreign exceptions become ours. Theirs are not kept as the cause: h11's quote the header with the token."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as exc:
        ours, text = next((ours, text) for theirs, ours, text in _TRANSLATIONS if isinstance(exc, theirs))
        said = redacted(" ".join(str(exc).split()))
        reason = f" ({said})" if said and not isinstance(exc, httpx.LocalProtocolError) else ""
        hint = "Check the connection, or try again later."
        # Whose fault it is shows in the host; the path would make of one trouble as many as there are requests.
        host = place(joined(url, "/").rstrip("/") or url)
        raise ours(f"{text.format(place=host)}{reason}.", hint=hint) from None
