"""The render queue: workers of this machine take what waits, oldest first; nobody has to be listening."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import anyio
import anyio.abc

from tightfit.domain.draft import InvalidDraft, cut_of
from tightfit.domain.render_job import RenderState
from tightfit.errors import TightfitError
from tightfit.server.clock import Clock
from tightfit.server.config import ServerSettings
from tightfit.server.files import Files
from tightfit.server.render_rows import Render, Renders
from tightfit.server.render_spec import Work, asset_named, work_of
from tightfit.server.rendering import Renderer
from tightfit.server.sessions import Sessions
from tightfit.server.wire import RenderOutput

_LOOK_AFTER_S = 600.0
_UNEXPECTED = "the renderer failed for a reason of its own; the server's log says more"


class RenderQueue:
    def __init__(
        self,
        renders: Renders,
        sessions: Sessions,
        renderer: Renderer,
        files: Files,
        clock: Clock,
        settings: ServerSettings,
        report: Callable[[Exception], None],
    ) -> None:
        self._renders, self._sessions, self._renderer, self._files = renders, sessions, renderer, files
        self._clock, self._settings, self._report = clock, settings, report
        self._work_there = anyio.Event()
        self._at_work: dict[int, anyio.CancelScope] = {}
        self._percent: dict[int, int] = {}

    def start(self, tasks: anyio.abc.TaskGroup) -> None:
        for _ in range(self._settings.renders):
            tasks.start_soon(self._worker)
        tasks.start_soon(self._janitor)

    def wake(self) -> None:
        self._work_there, there = anyio.Event(), self._work_there
        there.set()

    def spec(self, body: Mapping[str, Any], user: str) -> Work:
        """What a submitted body asks for. Raises InvalidDraft."""
        asset = self._sessions.asset(asset_named(cut_of(body["draft"])), user)
        output = RenderOutput.model_validate(body["output"])
        return work_of(body["draft"], output, asset.facts if asset else None)

    def percent(self, render: Render) -> int:
        """How far it is, 0 to 100; it never falls while the server lives."""
        if render.state is RenderState.COMPLETED:
            return 100
        return self._percent.get(render.number, 0)

    def cancel(self, render: Render) -> None:
        """Give it up; its children are ended. Raises IllegalTransition where it is over."""
        self._renders.end(render.number, RenderState.CANCELLED, None, self._clock.now_ms())
        if scope := self._at_work.get(render.number):
            scope.cancel()
        self._renderer.forget(render.file)

    async def _worker(self) -> None:
        while True:
            there = self._work_there
            render = self._renders.take_next()
            if render is None:
                await there.wait()
                continue
            with anyio.CancelScope() as scope:
                self._at_work[render.number] = scope
                try:
                    await self._work_on(render)
                finally:
                    del self._at_work[render.number]
            if scope.cancelled_caught:
                self._renderer.forget(render.file)

    async def _work_on(self, render: Render) -> None:
        def tell(percent: int) -> None:
            self._percent[render.number] = max(self.percent(render), min(99, percent))

        try:
            work = self.spec(render.body, render.user)
            output = await self._renderer.render(work, self._files.asset(work.asset), render.file, tell)
            self._renders.complete(render.number, output, self._clock.now_ms())
        except (TightfitError, InvalidDraft) as exc:
            self._fail(render, self._told(exc))
        except Exception as exc:
            self._report(exc)
            self._fail(render, _UNEXPECTED)

    def _fail(self, render: Render, why: str) -> None:
        now = self._renders.find(render.id, render.user)
        if now is None or now.state.is_over:
            return  # it was cancelled in the very moment it ended
        self._renders.end(render.number, RenderState.FAILED, why, self._clock.now_ms())
        self._renderer.forget(render.file)

    def _told(self, exc: Exception) -> str:
        """The reason without the names that files have here."""
        return self._files.without_paths(str(exc))

    async def _janitor(self) -> None:
        """Remove finished files when their time is over."""
        while True:
            for render in self._renders.ended_before(self._clock.now_ms() - self._settings.output_s * 1000):
                self._renderer.forget(render.file)
            await self._clock.sleep(_LOOK_AFTER_S)
