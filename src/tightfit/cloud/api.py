"""Requests to the service: who asks, what is tried again and what never is, and what an answer means.

The tries are a loop of our own, since a library's knows one budget and its own sleep: here each cause has its own
budget, all waits go through the one clock, and a new token may have to be asked for in between.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import anyio
from pydantic import ValidationError

from tightfit.cloud.answers import Readings, Reply, opened
from tightfit.cloud.attribution import attribution
from tightfit.cloud.errors import (
    AuthExhausted,
    BadAnswer,
    MissingClientId,
    RateLimited,
    ServerTrouble,
    TokenExpired,
)
from tightfit.cloud.identity import Account, Identity
from tightfit.cloud.models import AnonymousToken
from tightfit.errors import UsageError
from tightfit.net.clock import Clock
from tightfit.net.errors import ConnectionBroken, ConnectionFailed
from tightfit.net.http import Http
from tightfit.net.urls import is_web, origin, parts_of

Headers = Mapping[str, str]
T = TypeVar("T")
# A rate limit is waited for this long, once; a service that asks for more than the most is not waited for.
RATE_WAIT_S, MOST_WAIT_S = 30.0, 120.0
_TOKEN_PATH = "/api/auth/anonymous-token"


@dataclass(frozen=True)
class Tries:
    """Seconds to wait before each further try: ``unheard`` where nothing was sent, ``unclear`` after anything else."""

    unheard: tuple[float, ...] = (1.0, 2.0, 4.0)
    unclear: tuple[float, ...] = (1.0, 2.0, 4.0)


QUESTION = Tries()
# One empty session more harms nobody.
SESSION = Tries(unheard=(1.0,), unclear=(1.0,))
# A message costs credits: once it may have been heard it is never sent again.
MESSAGE = Tries(unheard=(1.0,), unclear=())
# What became of an upload is looked up before it is sent again.
UPLOAD = Tries(unclear=())
ONCE = Tries(unheard=(), unclear=())


class Api:
    """Speaks to one service as one client; lanes may use it side by side."""

    def __init__(self, http: Http, base_url: str, identity: Identity, clock: Clock, platform: str = "unknown") -> None:
        self.http, self.identity, self.clock = http, identity, clock
        self.base_url = checked_url(base_url, "NEMO_API_URL")
        self._attribution = attribution(platform)
        self._renewing = anyio.Lock()

    def url(self, path: str) -> str:
        return self.base_url + path

    def is_own(self, url: str) -> bool:
        """True where ``url`` leads to the service itself, which may see the token."""
        return origin(url) == origin(self.base_url)

    async def call(
        self, method: str, path: str, body: Any = None, *, tries: Tries = QUESTION, readings: Readings | None = None
    ) -> Reply:
        """One question and its data. Raises ApiError, BadAnswer, NetworkError."""

        async def once(headers: Headers) -> Reply:
            return opened(await self.http.ask(method, self.url(path), headers, body), readings or {})

        return await self.tried(once, tries)

    async def tried(self, once: Callable[[Headers], Awaitable[T]], tries: Tries) -> T:
        """``once`` with the headers it needs, again as far as ``tries`` allows."""
        unheard, unclear = list(tries.unheard), list(tries.unclear)
        waited, renewed = False, False
        while True:
            account = await self.account()
            try:
                return await once(self._headers(account))
            except TokenExpired:
                if renewed or self.identity.is_named:
                    raise
                renewed = True
                await self._renew(account)
            except RateLimited as exc:
                if waited or (exc.wait_s or 0) > MOST_WAIT_S:
                    raise
                waited = True
                await self.clock.sleep(max(RATE_WAIT_S, exc.wait_s or 0))
            except (ConnectionFailed, ConnectionBroken, ServerTrouble) as exc:
                waits = unheard if isinstance(exc, ConnectionFailed) else unclear
                asked = getattr(exc, "wait_s", None) or 0.0
                if not waits or asked > MOST_WAIT_S:
                    raise
                await self.clock.sleep(max(waits.pop(0), asked))

    async def account(self) -> Account:
        """The account in use; a token is asked for where there is none."""
        return self.identity.account or await self._renew(None)

    async def _renew(self, refused: Account | None) -> Account:
        async with self._renewing:
            # Another lane, or another process, may have done it meanwhile.
            now = self.identity.account
            if now is not None and (refused is None or now.token != refused.token):
                return now
            return self.identity.keep(await self._new_token())

    async def _new_token(self) -> AnonymousToken:
        client_id, waited, unheard = self.identity.client_id, False, list(QUESTION.unheard)
        made_anew = False
        while True:
            try:
                return await self._ask_for_token(client_id)
            except MissingClientId:
                if made_anew:
                    raise
                made_anew, client_id = True, self.identity.new_client_id()
            except RateLimited as exc:
                if waited or (exc.wait_s or 0) > MOST_WAIT_S:
                    exhausted = AuthExhausted(exc.detail)
                    exhausted.wait_s = exc.wait_s
                    raise exhausted from None
                waited = True
                await self.clock.sleep(max(RATE_WAIT_S, exc.wait_s or 0))
            except (ConnectionFailed, ConnectionBroken, ServerTrouble):
                if not unheard:
                    raise
                await self.clock.sleep(unheard.pop(0))

    async def _ask_for_token(self, client_id: str) -> AnonymousToken:
        headers = {**self._attribution, "X-Client-Id": client_id}
        answer = await self.http.ask("POST", self.url(_TOKEN_PATH), headers)
        try:
            return AnonymousToken.model_validate(opened(answer, {400: MissingClientId}).data)
        except ValidationError:
            raise BadAnswer("The service gave an account without a token.") from None

    def _headers(self, account: Account) -> dict[str, str]:
        return {**self._attribution, "Authorization": f"Bearer {account.token}"}


def checked_url(url: str, name: str) -> str:
    """``url`` without a slash at its end. Raises UsageError where it is no address of a service."""
    parts = parts_of(url.strip())
    if not is_web(url.strip()) or parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError(f"{name} is no address of a service.", hint="Write it like https://api.example.org.")
    return url.strip().rstrip("/")
