"""The render service from our side: everything the rest of tightfit calls.

    async with Http() as http:
        client = CloudClient(http, base_url, identity, ledger, clock, tell)
        session = await client.new_session()                  # one per lane
        files = await client.upload(session, [piece], job=job)
        draft = (await client.state(session)).draft           # or one of your own, for a server with ``encode``
        render = await client.submit(session, draft, {"format": "mp4", "encode": {...}}, unit="3", job=job)
        done = await client.wait(render)                      # or: await client.cancel(render)
        await client.download(done, path, check)

What a caller may count on:

- ``job`` and ``unit`` name the work, and the same names mean the same work: ``submit`` looks up what became of it
  before it sends anything, so after a crash the same calls in the same order go on where they were. ``say`` does the
  same by its ``key``, and under one key sends at most once what costs credits.
- Every intent is in the ledger before the socket is opened. ``open_calls`` lists what has no end yet; ``abandon``
  cancels what of it still runs at the service.
- A session handle stays valid: when the service loses the session, the handle gets the id of a new one, ``tell``
  hears SessionLost, and, but for uploads, which are sent again, the call raises SessionNotFound once.
- Errors are those of ``cloud/errors.py``, ``net/errors.py``, and SourceError and OutputError for our own files.
  Cancelling a call leaves the ledger as it is: the next look-up resolves it.
- One client serves any number of lanes at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from tightfit.cloud.api import ONCE, Api
from tightfit.cloud.credits import balance, more_credits
from tightfit.cloud.download import Check, Downloads
from tightfit.cloud.errors import ApiError, BadAnswer, RateLimited, ServerTrouble, SessionNotFound
from tightfit.cloud.identity import Account, Identity
from tightfit.cloud.ledger import Call, Entry, Ledger, Stage
from tightfit.cloud.models import CreditBalance, Features, RenderJob, UploadedFile
from tightfit.cloud.render import OUTPUT, PATIENCE_S, Renders
from tightfit.cloud.sessions import Session, Sessions
from tightfit.cloud.state import State
from tightfit.cloud.talk import SILENT_LOOKS, RunOutcome, Talk
from tightfit.cloud.told import Tell
from tightfit.cloud.upload import Uploads
from tightfit.errors import CloudError, NetworkError
from tightfit.net.clock import Clock
from tightfit.net.http import Http


def _silent(_: object) -> None:
    return None


class CloudClient:
    """One account at one service. See the top of this file."""

    def __init__(
        self,
        http: Http,
        base_url: str,
        identity: Identity,
        ledger: Ledger,
        clock: Clock,
        tell: Tell = _silent,
        *,
        web_url: str = "https://nemovideo.com",
        platform: str = "unknown",
    ) -> None:
        self._api = Api(http, base_url, identity, clock, platform)
        self._ledger, self._web_url = ledger, web_url.rstrip("/")
        self._sessions = Sessions(self._api, tell)
        self._talk = Talk(self._api, self._sessions, ledger, tell)
        self._uploads = Uploads(self._api, self._sessions, ledger, tell)
        self._renders = Renders(self._api, self._sessions, ledger, tell)
        self._downloads = Downloads(self._api, self._renders, tell)
        self._features: Features | None = None

    async def account(self) -> Account:
        """The account in use; a free one is obtained where there is none. Raises AuthExhausted, ApiError."""
        return await self._api.account()

    async def features(self) -> Features:
        """What the service can beyond the hosted one's; nothing where it does not say. Asked until it was answered."""
        try:
            return await self.asked_features()
        except (RateLimited, ServerTrouble, NetworkError):
            return Features()

    async def asked_features(self) -> Features:
        """As ``features``, but a service that can't be asked now raises RateLimited, ServerTrouble or NetworkError."""
        if self._features is None:
            try:
                reply = await self._api.call("GET", "/health", tries=ONCE)
                self._features = Features.model_validate(reply.body)
            except (RateLimited, ServerTrouble):
                raise
            except (ApiError, BadAnswer, ValidationError):
                self._features = Features()
        return self._features

    async def credits(self) -> CreditBalance:
        """The balance. Raises ApiError, BadAnswer, NetworkError."""
        return await balance(self._api)

    def more_credits(self, told: Mapping[str, Any] | None = None, user_id: str | None = None) -> str:
        """The page that gets more credits; ``told`` is the ``data`` of an OutOfCredits."""
        account = self._api.identity.account
        anonymous = account is None or account.is_anonymous
        known = user_id or (account.user_id if account else None)
        return more_credits(self._web_url, is_anonymous=anonymous, user_id=known, told=told or {})

    async def page_for_more(self, told: Mapping[str, Any] | None = None) -> str:
        """As ``more_credits``; where nobody has said yet whose the free account is, a session is begun, which tells."""
        account = await self._api.account()
        if account.is_anonymous and not account.user_id and not (told or {}).get("bind_id"):
            with suppress(CloudError, NetworkError):
                await self._sessions.look(await self._sessions.new())
        return self.more_credits(told)

    async def new_session(self, language: str | None = None) -> Session:
        """An empty timeline. Raises ApiError, BadAnswer, NetworkError."""
        return await self._sessions.new(language)

    async def session_for(self, job: str, name: str) -> Session:
        """The session that ``job`` calls ``name``: the one of an earlier run, with its uploads and renders, where the
        service still has it, else a new one. Raises ApiError, BadAnswer, NetworkError."""
        key, service = f"session_{job}_{name}", self._api.base_url
        known = self._ledger.latest(key)
        if session := self.known_session(job, name):
            with suppress(SessionNotFound):
                await self._sessions.look(session)
                return session
        session = await self._sessions.new()
        facts = {"id": session.id, "user": session.user_id}
        entry = Entry(key, known.attempt + 1 if known else 1, Call.SESSION, job, service, data=facts)
        self._ledger.intend(entry)
        self._ledger.note(entry, Stage.DONE)
        return session

    def known_session(self, job: str, name: str) -> Session | None:
        """The session that ``job`` calls ``name``, as far as it has one at this service; asks nobody."""
        known = self._ledger.latest(f"session_{job}_{name}")
        if known is None or known.body != self._api.base_url:
            return None
        return Session(str(known.data["id"]), known.data.get("user"))

    async def claim_link(self, session: Session) -> str:
        """The page that shows ``session`` in a browser for seven days; whoever has the link can see it.

        Raises SessionNotFound, ApiError, BadAnswer, NetworkError.
        """
        token = await self._sessions.claim(session)
        return f"{self._web_url}/workspace/claim?ct={quote(token, safe='')}"

    async def state(self, session: Session) -> State:
        """The timeline of ``session``. ``draft`` is to be posted back as it is."""
        return await self._sessions.state(session)

    async def ready_state(self, session: Session) -> State:
        """The timeline once it can be rendered, after a message that was to make one: an edit may land after its own
        answer, so that it is looked at for 17 s. The last look where it never can be. Raises as ``state``."""
        state = State()
        for wait in SILENT_LOOKS:
            await self._api.clock.sleep(wait)
            state = await self.state(session)
            if state.is_ready:
                break
        return state

    async def upload(self, session: Session, paths: Sequence[Path], *, job: str) -> list[UploadedFile]:
        """Send files, in one request, under names made of their hashes; one the service has is not sent again.

        Raises UnsupportedFile, FileTooLarge and SourceError before it connects; ApiError, NetworkError.
        """
        return await self._uploads.files(session, paths, job=job)

    async def upload_url(self, session: Session, url: str, *, job: str) -> UploadedFile:
        """Have the service fetch a file itself. Raises ApiError, NetworkError."""
        return await self._uploads.url(session, url, job=job)

    async def say(self, session: Session, text: str, *, key: str, job: str, cost: int = 0) -> RunOutcome:
        """Send one message to the agent and wait for its end, 15 minutes at most; it may cost credits.

        Under one ``key`` it is sent once: a second call returns what became of the first. ``cost`` is the most it is
        expected to take. Raises OutOfCredits and other refusals (nothing was paid), StreamDropped and StreamTimeout
        (its effect never showed), StreamError (the agent failed).
        """
        return await self._talk.say(session, text, key=key, job=job, cost=cost)

    def sent_message(self, key: str) -> Entry | None:
        """The message under ``key`` as the ledger has it; None where the service took none."""
        known = self._ledger.latest(key)
        return None if known is None or known.stage is Stage.REFUSED else known

    async def submit(
        self, session: Session, draft: Any, output: Mapping[str, Any] = OUTPUT, *, unit: str, job: str
    ) -> str:
        """Start a render, or find the one that these names began before; returns its id.

        Raises NotReady before any request, ExportBlocked, InvalidDraft, SessionNotFound and other refusals.
        """
        return await self._renders.submit(session, draft, output, unit=unit, job=job)

    async def wait(self, render: str, patience_s: float = PATIENCE_S) -> RenderJob:
        """Poll until it has ended: every 30 s at the hosted service; sooner at our own, as long as it makes progress.

        Raises RenderFailed; RenderStillRunning after ``patience_s``, when it may be waited for again.
        """
        ours = (await self.features()).is_ours
        return await self._renders.wait(render, self._entry(render), ours=ours, patience_s=patience_s)

    async def render(
        self, session: Session, draft: Any, output: Mapping[str, Any] = OUTPUT, *, unit: str, job: str
    ) -> RenderJob:
        """``submit`` and ``wait``; a render that failed is begun once more under another id. Exports are free."""
        ours = (await self.features()).is_ours
        return await self._renders.rendered(session, draft, output, ours=ours, unit=unit, job=job)

    async def look(self, render: str) -> RenderJob:
        """How a render stands, with a fresh URL. Raises NotFound, ApiError, NetworkError."""
        return await self._renders.poll(render)

    async def cancel(self, render: str) -> None:
        """Give a render up. Raises ApiError, NetworkError where it may still run."""
        entry = self._entry(render)
        if entry is None:
            await self._renders.cancel(render)
        else:
            await self._renders.give_up(entry)

    async def download(self, render: RenderJob, target: Path, check: Check | None = None) -> Path:
        """Bring the output to ``target``, which gets its name only once length, hash and structure are right.

        ``check`` looks at it first and raises a CloudError where it is not what was wanted. Goes on with what an
        earlier call left in ``target``'s ``.part``. Raises OutputExpired, DownloadCorrupted, NetworkError, OutputError.
        """
        return await self._downloads.file(render, target, check)

    def open_calls(self, job: str | None = None) -> list[Entry]:
        """What was sent, or about to be, and has no end yet."""
        return self._ledger.open_calls(job)

    async def abandon(self, job: str) -> int:
        """Cancel every render of ``job`` that may still run at the service; returns how many.

        Raises ApiError, NetworkError; those that were not reached stay open.
        """
        renders = self.left_running(job)
        for entry in renders:
            await self._renders.give_up(entry)
        return len(renders)

    def left_running(self, job: str | None = None) -> list[Entry]:
        """Renders that may still run at this service; those of other services only they can be asked about."""
        calls = [entry for entry in self._ledger.open_calls(job) if entry.call is Call.RENDER]
        return [entry for entry in calls if entry.data.get("service", self._api.base_url) == self._api.base_url]

    def _entry(self, render: str) -> Entry | None:
        """The open ledger entry of a render."""
        renders = (entry for entry in self._ledger.open_calls() if entry.call is Call.RENDER)
        return next((e for e in renders if render in (e.data.get("id"), e.outcome.get("id"))), None)
