"""What a session does at a render service: the calls of the routing table, each told in a short line.

Whatever is sent has a key made of the session and the work's number, so that after a crash the same work finds what
became of it (``cloud.client``): a message is sent once, a render begun once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Protocol

import anyio

from tightfit.domain.session import Kind, Session, Work
from tightfit.engine.cloud import cloud_client, identity_of
from tightfit.errors import CloudError, NetworkError
from tightfit.intent.model import Action, Goal, Intent
from tightfit.net.redact import place
from tightfit.settings import Settings
from tightfit.units import format_bytes

if TYPE_CHECKING:
    from tightfit.cloud.client import CloudClient
    from tightfit.cloud.models import RenderJob
    from tightfit.cloud.sessions import Session as Handle
    from tightfit.cloud.told import Told

# What the service calls the languages in which its name for one differs from ours.
_NAMES = {"zh": "zh-CN"}
# A wait is five minutes at the hosted service; an hour is more than any render there takes.
_MOST_WAITS = 11
_CANCELLING_S = 10.0
_QUARTERS = 4


class Note(Protocol):
    def __call__(self, kind: Kind, /, **data: Any) -> None: ...


class Tell(Protocol):
    def __call__(self, key: str, /, **values: object) -> None: ...


class ChatCloud:
    """The service as one session uses it; nothing is connected to before it is asked something."""

    def __init__(self, settings: Settings, name: str, note: Note, tell: Tell, say: Callable[[str], None]) -> None:
        self._settings, self._name = settings, name
        self._note, self._tell, self._say = note, tell, say
        self._quarter: int | None = None
        self._limit: int | None = None
        self._stem = ""

    @property
    def host(self) -> str | None:
        """The service that may be used; None offline, and where the user has agreed to none."""
        if self._settings.offline or not identity_of(self._settings, self._settings.cloud).is_agreed:
            return None
        return place(self._settings.cloud.api_url)

    async def connect(self) -> None:
        """An account, and the consent to use it. Raises CloudError, NetworkError."""
        if self._settings.offline:
            self._tell("offline")
            return
        async with cloud_client(self._settings, self._settings.cloud) as client:
            await client.account()
            balance = await client.credits()
        identity_of(self._settings, self._settings.cloud).agree()
        self._tell("connecting", host=place(self._settings.cloud.api_url), available=balance.available)

    async def credits(self) -> None:
        if self.host is None:
            self._tell("offline" if self._settings.offline else "not_connected")
            return
        async with cloud_client(self._settings, self._settings.cloud) as client:
            balance = await client.credits()
            self._tell("credits", available=balance.available, frozen=balance.frozen)
            if balance.available == 0:
                self._tell("link", link=await client.page_for_more())

    async def status(self, session: Session) -> None:
        """The timeline in a line."""
        from tightfit.cloud.state import summary

        async def look(client: CloudClient, handle: Handle) -> None:
            self._say(summary((await client.state(handle)).draft))

        await self._with_timeline(session, look)

    async def do(self, work: Work, session: Session) -> None:
        """One piece of work at the service. Raises CloudError, NetworkError, SourceError, OutputError."""
        does = {"upload": self._upload, "message": self._message, "export": self._export}[work.kind]

        async def once(client: CloudClient, handle: Handle) -> None:
            await does(client, handle, work)

        self._limit, self._quarter = session.timeline_limit, None
        self._stem = next((Path(w.source).stem for w in reversed(session.works) if w.kind == "upload"), "")
        await self._with_timeline(session, once)

    async def _with_timeline(self, session: Session, do: Callable[[CloudClient, Handle], Awaitable[None]]) -> None:
        from tightfit.cloud.errors import OutOfCredits
        from tightfit.cloud.sessions import Session as Handle

        url = self._settings.cloud.api_url
        async with cloud_client(self._settings, self._settings.cloud, self._hear) as client:
            if session.cloud and session.service == url:
                handle = Handle(session.cloud, None, _NAMES.get(session.language, session.language))
            else:
                handle = await client.new_session(_NAMES.get(session.language, session.language))
                self._note(Kind.CLOUD, session=handle.id, service=url)
            try:
                await do(client, handle)
            except OutOfCredits as error:
                error.hint = f"{error.hint} {await client.page_for_more(error.data)}"
                raise

    async def _upload(self, client: CloudClient, handle: Handle, work: Work) -> None:
        await client.upload(handle, [Path(work.source)], job=self._name)
        self._note(Kind.TIMELINE)
        self._tell("uploaded", files=work.source)

    async def _message(self, client: CloudClient, handle: Handle, work: Work) -> None:
        """What the agent says is told as it comes; an answer without words is explained from the timeline."""
        self._note(Kind.TIMELINE)
        await client.say(handle, work.text, key=f"chat-{self._name}-{work.number}", job=self._name)

    async def _export(self, client: CloudClient, handle: Handle, work: Work) -> None:
        state = await client.state(handle)
        if not state.is_ready:
            self._tell("nothing_there")
            return
        done = await self._rendered(client, handle, state.draft, str(work.number))
        output = _free(f"{self._stem or _title(state.draft)}-export.mp4")
        await client.download(done, output)
        size = output.stat().st_size
        self._note(Kind.ENDED, number=work.number, status="met", output=str(output), bytes=size)
        self._tell("exported", output=str(output), size=format_bytes(size))
        if self._limit and size > self._limit:
            # The hosted service knows no sizes: what it makes too large is made to fit here.
            wishes = Intent(Action.COMPRESS, files=(str(output),), target=Goal(bytes=self._limit)).wire
            self._note(Kind.QUEUED, kind="compress", source=str(output), wishes=wishes)

    async def _rendered(self, client: CloudClient, handle: Handle, draft: Any, unit: str) -> RenderJob:
        """The render, waited for as long as a person may; one that is interrupted is cancelled at the service."""
        from tightfit.cloud.errors import RenderStillRunning

        try:
            for _ in range(_MOST_WAITS):
                try:
                    # The same names are the same render: asked for again it is only waited for.
                    return await client.render(handle, draft, unit=unit, job=self._name)
                except RenderStillRunning:
                    self._tell("still_working")
            return await client.render(handle, draft, unit=unit, job=self._name)
        except anyio.get_cancelled_exc_class():
            with anyio.CancelScope(shield=True), anyio.move_on_after(_CANCELLING_S), suppress(CloudError, NetworkError):
                await client.abandon(self._name)
            raise

    def _hear(self, told: Told) -> None:
        from tightfit.cloud.told import Rendering, Said, SessionLost, StillWorking

        if isinstance(told, Said):
            for line in filter(str.strip, told.text.splitlines()):
                self._say(line)
        elif isinstance(told, StillWorking):
            self._tell("still_working")
        elif isinstance(told, SessionLost):
            self._note(Kind.CLOUD, session=told.new, service=self._settings.cloud.api_url)
            self._tell("lost")
        elif isinstance(told, Rendering):
            self._show(told.percent)

    def _show(self, percent: int) -> None:
        """A render's progress, in quarters: our own server tells it twice a second."""
        quarter = percent // 25
        if self._quarter is None:
            self._tell("rendering")
        elif self._quarter < quarter < _QUARTERS:
            self._tell("percent", percent=percent)
        self._quarter = quarter


def _title(draft: Any) -> str:
    """A file name from the title that the service gives the timeline: one plain word or two, nothing of a path."""
    facts = draft.get("m") if isinstance(draft, dict) else None
    title = facts.get("title") if isinstance(facts, dict) else None
    stem = PurePath(title).stem if isinstance(title, str) else ""
    plain = "".join(c for c in stem if c.isalnum() or c in " -_")[:60].strip()
    return plain or "video"


def _free(name: str) -> Path:
    """``name``, or with a number where there is such a file."""
    path, number = Path(name), 2
    while path.exists():
        path = Path(f"{Path(name).stem}-{number}.mp4")
        number += 1
    return path
