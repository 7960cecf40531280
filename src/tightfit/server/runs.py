"""Answers to messages. A run is a task of the server: whoever listens may leave, it goes on and settles its credits."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import anyio
import anyio.abc

from tightfit.server.agent import TOOL, Agent, Seen, Turn
from tightfit.server.clock import Clock
from tightfit.server.config import ServerSettings
from tightfit.server.events import Event
from tightfit.server.sessions import Session, Sessions


@dataclass(frozen=True)
class Staging:
    """How a run is made to behave in tests: seconds it works, and whether its agent breaks down."""

    works_s: float = 0.0
    fails: bool = False


@dataclass
class Feed:
    """What a run has said so far, for any number of listeners, each from the beginning."""

    run: str
    events: list[Event] = field(default_factory=list)
    is_over: bool = False
    _news: anyio.Event = field(default_factory=anyio.Event)

    def add(self, event: Event) -> None:
        self.events.append(event)
        self._wake()

    def end(self) -> None:
        self.is_over = True
        self._wake()

    def _wake(self) -> None:
        self._news, news = anyio.Event(), self._news
        news.set()

    async def listen(self, clock: Clock, heartbeat_s: float) -> AsyncIterator[Event | None]:
        """Events as they come, and None whenever nothing came for ``heartbeat_s``."""
        at = 0
        while True:
            while at < len(self.events):
                yield self.events[at]
                at += 1
            if self.is_over:
                return
            if not await self._waited(clock, heartbeat_s):
                yield None

    async def _waited(self, clock: Clock, seconds: float) -> bool:
        """True where there was news before ``seconds`` had passed."""
        news = self._news
        async with anyio.create_task_group() as tasks:

            async def time_out() -> None:
                await clock.sleep(seconds)
                tasks.cancel_scope.cancel()

            tasks.start_soon(time_out)
            await news.wait()
            tasks.cancel_scope.cancel()
        return news.is_set()


class Runs:
    """Starts runs in ``tasks``, which live as long as the server."""

    def __init__(
        self,
        sessions: Sessions,
        agent: Agent,
        clock: Clock,
        settings: ServerSettings,
        tasks: anyio.abc.TaskGroup,
        report: Callable[[Exception], None],
    ) -> None:
        self._sessions, self._agent, self._clock, self._settings = sessions, agent, clock, settings
        self._tasks, self._report = tasks, report

    def start(self, session: Session, message: str, staging: Staging) -> Feed:
        """Begin to answer, with the credits it may need reserved.

        Raises RunGoingOn, OutOfCredits; nothing began then.
        """
        seen = Seen(session.draft, [asset.facts for asset in self._sessions.assets(session.id)])
        turn = self._agent.answer(message, seen)
        cost = self._settings.edit_credits if turn.draft is not None and not session.edited else 0
        feed = Feed(self._sessions.begin_run(session, cost, self._clock.now()))
        self._tasks.start_soon(self._work, feed, session, turn, cost, staging)
        return feed

    async def _work(self, feed: Feed, session: Session, turn: Turn, cost: int, staging: Staging) -> None:
        try:
            if turn.draft is not None:
                feed.add(self._event(feed, "call", name=TOOL, data=turn.arguments))
            await self._clock.sleep(staging.works_s)
            if staging.fails:
                raise RuntimeError("the agent broke down")
            # Committed before a word of it is said: whoever is cut off finds it in the state.
            self._sessions.finish_run(feed.run, session.id, turn.draft, cost, self._clock.now())
            if turn.draft is not None:
                feed.add(self._event(feed, "result", name=TOOL, data={"status": "success"}))
            feed.add(self._event(feed, "text", text=turn.text))
        except Exception as exc:
            self._report(exc)
            self._sessions.fail_run(feed.run, self._clock.now())
            feed.add(self._event(feed, "error", text="The agent failed; nothing was changed."))
        finally:
            feed.end()

    def _event(self, feed: Feed, kind: str, **what: object) -> Event:
        return Event(kind=kind, id=secrets.token_hex(4), run=feed.run, at=self._clock.now(), **what)  # type: ignore[arg-type]
