"""A session at work: lines come in, answers go out, and one piece of work after another is done meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import anyio
from anyio.abc import TaskGroup

from tightfit.domain.job import State
from tightfit.domain.result import Result
from tightfit.domain.session import GOOD, Event, Kind, Session, Work, after
from tightfit.domain.updates import Update
from tightfit.engine import durable, facts
from tightfit.engine.chat_cloud import ChatCloud
from tightfit.engine.dialogue import Do, Step, World, respond
from tightfit.engine.session_log import SessionLog
from tightfit.engine.sessions import name_in
from tightfit.engine.spoken import requests_for
from tightfit.errors import InfeasibleError, TightfitError
from tightfit.intent.lexicon import reply
from tightfit.intent.model import from_wire
from tightfit.settings import Settings
from tightfit.units import format_bytes

Say = Callable[[str], None]


class Chat:
    """One session. ``say`` hears every answer; ``explain`` turns what was not foreseen into a sentence."""

    def __init__(
        self,
        settings: Settings,
        log: SessionLog,
        session: Session,
        say: Say,
        explain: Callable[[Exception], str],
    ) -> None:
        self.settings, self.session = settings, session
        self.failures: list[int] = []
        self.percent = 0.0
        self._log, self._say, self._explain = log, say, explain
        self._cloud = ChatCloud(settings, session.id, self._note, self.tell, self._say)
        self._stack = AsyncExitStack()
        self._wake, self._idle = anyio.Event(), anyio.Event()
        self._at: Work | None = None
        self._scope: anyio.CancelScope | None = None

    async def __aenter__(self) -> Chat:
        group: AbstractAsyncContextManager[TaskGroup] = anyio.create_task_group()
        self._tasks = await self._stack.enter_async_context(group)
        self._tasks.start_soon(self._work)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self._tasks.cancel_scope.cancel()
        return await self._stack.__aexit__(kind, error, trace)

    @property
    def at_work(self) -> Work | None:
        """What is being done now."""
        return self._at

    def tell(self, key: str, /, **values: object) -> None:
        self._say(reply(self.session.language, key, **values))

    def greet(self, *, resumed: bool) -> None:
        """The one line a session begins with; of one that goes on, also what is gone on with."""
        if resumed and self.session.turns:
            made = sum(bool(work.output) for work in self.session.works)
            self.tell("back", folder=self.session.folder, count=made)
            for work in self.session.open_works:
                self.tell("going_on", file=work.source or work.text)
            return
        if resumed:
            self.tell("no_session")
        if host := self._cloud.host:
            self.tell("connected", host=host)
        else:
            self.tell("local")

    def leave(self) -> None:
        """The last line: what is unfinished stays in the journal, to be gone on with."""
        self.tell("leaving" if self.session.open_works else "bye")

    async def hear(self, text: str, files: Sequence[str] = ()) -> bool:
        """Answer one line and queue what it asks for; False where the session is to end."""
        world = World(_exists, _size_of, self._cloud.host is not None, lambda _: self.percent, self._named)
        step = respond(self.session, text, files, world)
        self._keep(step.events)
        self.session = step.session
        for line in step.replies:
            self._say(line)
        if self._at and self._at.number in step.stop:
            self.stop()
        self._wake.set()
        return await self._done(step)

    async def _done(self, step: Step) -> bool:
        if step.do is Do.STOP and not self.stop():
            self.tell("nothing_running")
        elif step.do is Do.STATUS:
            await self._status()
        elif step.do in (Do.CREDITS, Do.CONNECT):
            await self._guarded(self._cloud.credits if step.do is Do.CREDITS else self._cloud.connect)
        return step.do is not Do.QUIT

    async def _status(self) -> None:
        for work in self.session.open_works:
            if self._at and work.number == self._at.number:
                self.tell("at_work", file=work.source or work.text, percent=f"{self.percent:.0f}")
            else:
                self.tell("waiting", file=work.source or work.text)
        if self._cloud.host and self.session.cloud:
            await self._guarded(lambda: self._cloud.status(self.session))
        elif not self.session.open_works:
            self.tell("nothing_running")

    async def _guarded(self, do: Callable[[], Any]) -> None:
        try:
            await do()
        except Exception as error:
            self._say(self._explain(error))

    def stop(self) -> bool:
        """End what is being done now; False where nothing is."""
        if self._scope is None:
            return False
        self._scope.cancel()
        return True

    async def idle(self) -> None:
        """Wait until nothing is left to do."""
        while self.session.open_works:
            await self._idle.wait()

    # -- work

    async def _work(self) -> None:
        while True:
            while waiting := self.session.open_works:
                await self._one(waiting[0])
            self._idle.set()
            self._idle = anyio.Event()
            await self._wake.wait()
            self._wake = anyio.Event()

    async def _one(self, work: Work) -> None:
        self._at, self.percent = work, 0.0
        try:
            with anyio.CancelScope() as self._scope:
                await self._do(work)
            if self._scope.cancelled_caught:
                self._note(Kind.ENDED, number=work.number, status="cancelled")
                self.tell("stopped", file=work.source or work.text)
        except Exception as error:
            self._fail(work, error)
        finally:
            self._at = self._scope = None

    def _fail(self, work: Work, error: Exception) -> None:
        self.failures.append(int(error.code) if isinstance(error, TightfitError) else 1)
        reason = self._explain(error)
        status = "infeasible" if isinstance(error, InfeasibleError) else "failed"
        self._note(Kind.ENDED, number=work.number, status=status)
        if work.source:
            self.tell("failed", file=work.source, reason=reason)
        else:
            self._say(reason)

    async def _do(self, work: Work) -> None:
        if work.kind == "compress":
            self._finished(work, await self._compress(work))
        else:
            await self._cloud.do(work, self.session)
            if not self.session.works[work.number - 1].status:
                self._note(Kind.ENDED, number=work.number, status="met")

    async def _compress(self, work: Work) -> Result:
        from tightfit.engine.compress import compress

        if done := self._already_done(work):
            return done
        (request,) = requests_for(from_wire(work.wishes))
        if self.settings.offline:
            request = replace(request, where=type(request.where).LOCAL)

        def listen(update: Update) -> None:
            if self.session.works[work.number - 1].job != update.job_id:
                self._note(Kind.STARTED, number=work.number, job=update.job_id)
            self.percent = update.percent
            if update.message:
                self._say(update.message)

        return await compress(request, self.settings, listen)

    def _already_done(self, work: Work) -> Result | None:
        """The result of a job that was finished when its session was killed."""
        record = durable.journal_of(self.settings).record(work.job) if work.job else None
        if record is None or record.state is not State.DONE or not record.publishing:
            return None
        return facts.result_of(record.publishing["result"], record.id)

    def _finished(self, work: Work, result: Result) -> None:
        output, size, limit = str(result.output), result.bytes or 0, result.limit_bytes or 0
        status = str(result.status)
        self._note(Kind.ENDED, number=work.number, status=status, output=output, bytes=size, limit=limit)
        key = "done" if status == GOOD[0] else "fitted"
        self.tell(key, output=output, size=format_bytes(size), limit=format_bytes(limit))
        for warning in result.warnings:
            self._say(warning)

    # -- memory

    def _named(self, name: str) -> str:
        """One name for a file, however it is spelled: from the session's folder where it is in there."""
        if _exists(name):
            return name_in(Path.cwd(), name)
        known = [file for file in self.session.files if Path(file).name == name]
        return known[0] if len(known) == 1 else name

    def _note(self, kind: Kind, /, **data: Any) -> None:
        self._keep([Event(kind, data)])
        self.session = after(self.session, Event(kind, data))

    def _keep(self, events: Sequence[Event]) -> None:
        if events:
            self._log.add(self.session.id, events)


def _exists(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # longer than any name, or holding what no name can
        return False


def _size_of(name: str) -> int:
    try:
        return Path(name).stat().st_size
    except (OSError, ValueError):
        return 0
