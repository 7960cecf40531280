"""Renders of a service that can be told neither a size nor a quality, and may change the picture.

It takes whole files alone, so that what is sent begins and ends at keyframes of the source. What comes back is held
against the source picture by picture before it counts (``media.foreign``).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tightfit.cloud.client import CloudClient
from tightfit.cloud.models import RenderJob
from tightfit.cloud.sessions import Session
from tightfit.domain.breaker import Failure, FailureKind
from tightfit.domain.pieces import Part
from tightfit.domain.places import Lane, Work
from tightfit.engine.executors.cloud import WrongOutput, rendered, told_as_failure
from tightfit.engine.executors.local import Task
from tightfit.engine.schedule import Made, PlaceFailed
from tightfit.media import packets
from tightfit.media.encode import Clip
from tightfit.media.extract import extract
from tightfit.media.foreign import Unlike, Wanted, taken_over
from tightfit.media.tools import Ffmpeg

# From the best that the service knows down; each has about 0.6 of the bytes of the one before (CRF 20, 24 and 28, and
# six steps of CRF are a half).
QUALITIES = ("high", "medium", "low")
# Ten polls are what a person waits for one; a clip of an hour takes longer, and its service says nothing meanwhile.
_PATIENCE_S = 3600.0
# An encode at the quality that the plan has is as large as predicted give or take this much.
_PREDICTION_SLACK = 1.1


@dataclass
class PlainService:
    """One service and one clip. ``job`` names the work in the ledger; downloads and pieces go into ``work``."""

    client: CloudClient
    ffmpeg: Ffmpeg
    clip: Clip
    work: Path
    job: str

    async def sent(self, name: str, first: int, last: int) -> Session:
        """The session ``name`` of this job with frames ``[first, last)`` in it, and nothing else.

        Raises SourceError where the source can't be cut so, CloudError, NetworkError.
        """
        path = self.work / f"stretch-{name}.mp4"
        try:
            await extract(self.ffmpeg, self.clip, first, last, path, exactly=True)
            session = await self.client.session_for(self.job, name)
            await self.client.upload(session, [path], job=self.job)
            return session
        finally:
            path.unlink(missing_ok=True)

    async def rendered(self, session: Session, draft: Mapping[str, Any], unit: str, quality: str) -> RenderJob:
        """Raises CloudError, NetworkError; cancelled at the service where this is."""
        output = {"format": "mp4", "quality": quality}
        return await rendered(self.client, session, draft, output, unit=unit, job=self.job, patience_s=_PATIENCE_S)

    async def fetched(self, render: RenderJob, name: str, wanted: Wanted, threads: int) -> Part:
        """The render as a piece. Raises WrongOutput where it is not what the source shows, CloudError, NetworkError."""
        path, out = self.work / f"render-{name}.mp4", self.work / f"cloud-{name}.nut"
        try:
            await self.client.download(render, path)
            return await taken_over(self.ffmpeg, self.clip, wanted, path, out, threads=threads)
        except Unlike as exc:
            raise WrongOutput(f"The service returned {exc}.") from None
        finally:
            path.unlink(missing_ok=True)


@dataclass
class PlainLane:
    """One place of the schedule at such a service: a session for each piece, since a timeline shows all it was given.

    ``crf_of`` tells at which quality this machine would make so many bytes of a range, ``bytes_of`` how many bytes
    the plan gives to a task.
    """

    lane: Lane
    service: PlainService
    task_of: Callable[[Work], Task]
    range_of: Callable[[Work], tuple[int, int]]
    parameter_sets: Callable[[Task], Awaitable[bytes]]
    bytes_of: Callable[[Task], float]
    crf_of: Callable[[Part], Part]
    made: dict[int, Part] = field(default_factory=dict)

    async def upload(self, work: Work) -> tuple[Session, Mapping[str, Any]] | None:
        if work.index in self.made:
            return None
        with told_as_failure(self.service.client):
            session = await self.service.sent(f"piece-{work.index}", *self.range_of(work))
            state = await self.service.client.state(session)
        if not state.is_ready:
            raise PlaceFailed(Failure(FailureKind.REFUSED, "the service makes no timeline of what it was sent"))
        return session, state.draft

    async def render(
        self, work: Work, uploaded: tuple[Session, Mapping[str, Any]] | None
    ) -> tuple[RenderJob | None, Task]:
        task = self.task_of(work)
        if uploaded is None:
            return None, task
        with told_as_failure(self.service.client):
            render = await self.service.rendered(*uploaded, f"piece-{work.index}", QUALITIES[0])
        return render, task

    async def download(self, work: Work, rendered: tuple[RenderJob | None, Task]) -> Made[Part]:
        render, task = rendered
        if render is None:
            return Made(self.made.pop(work.index), 0)
        with told_as_failure(self.service.client):
            wanted = Wanted(task.first, task.last, task.size)
            part = await self.service.fetched(render, f"piece-{work.index}", wanted, task.threads)
            if packets.parameter_sets_of(Path(part.path)) != await self.parameter_sets(task):
                raise NotJoining("The service encodes so that its pieces don't join with those made here.")
            if part.bytes > _PREDICTION_SLACK * self.bytes_of(task):
                raise WrongOutput(
                    f"The service made {part.bytes} bytes of a piece that may have {self.bytes_of(task):.0f}."
                )
        return Made(self.crf_of(part), 0)


class NotJoining(WrongOutput):
    """The right pictures, in a form that can't stand beside ours in one file."""
