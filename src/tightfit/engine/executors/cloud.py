"""Segments rendered by a service that encodes exactly what it is asked for: one session is one place of the schedule.

What is sent is a stretch of the picture as it stands in the source, and the parameters of its encode. What comes back
is held against the plan picture by picture, and against this machine's own parameter sets, before it counts.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio

from tightfit.cloud.client import CloudClient
from tightfit.cloud.errors import (
    ApiError,
    AuthExhausted,
    DownloadCorrupted,
    ExportBlocked,
    FileTooLarge,
    Forbidden,
    InvalidDraft,
    OutOfCredits,
    RateLimited,
    RenderFailed,
    RenderStillRunning,
    ServerTrouble,
    SessionNotFound,
    StreamTimeout,
    TokenExpired,
    UnsupportedFile,
)
from tightfit.cloud.models import RenderJob
from tightfit.cloud.render import PATIENCE_S
from tightfit.cloud.sessions import Session
from tightfit.domain.breaker import Failure, FailureKind
from tightfit.domain.level import level_of
from tightfit.domain.pieces import Part
from tightfit.domain.places import Lane, Work
from tightfit.engine.executors.local import Task, setting_of
from tightfit.engine.schedule import Made, PlaceFailed
from tightfit.errors import CloudError, NetworkError, SourceError, TightfitError
from tightfit.media import packets
from tightfit.media.encode import Clip, part_of
from tightfit.media.extract import Stretch, extract
from tightfit.media.tools import Ffmpeg

# How long a render that is given up may take to be cancelled at the service.
_CANCEL_S = 5.0
_KINDS: tuple[tuple[type[TightfitError] | tuple[type[TightfitError], ...], FailureKind], ...] = (
    (OutOfCredits, FailureKind.CREDITS_OUT),
    ((ExportBlocked, Forbidden), FailureKind.EXPORT_BLOCKED),
    (RateLimited, FailureKind.RATE_LIMITED),
    ((TokenExpired, AuthExhausted), FailureKind.TOKEN_EXPIRED),
    (SessionNotFound, FailureKind.SESSION_LOST),
    ((RenderStillRunning, StreamTimeout), FailureKind.SILENCE),
    (DownloadCorrupted, FailureKind.WRONG_OUTPUT),
    ((UnsupportedFile, FileTooLarge, InvalidDraft, RenderFailed, SourceError), FailureKind.REFUSED),
    ((ServerTrouble, NetworkError), FailureKind.SERVER_ERROR),
)


class WrongOutput(CloudError):
    """The service returned something else than it was asked for."""


@dataclass(frozen=True)
class Sent:
    """A stretch as the service has it; its file here is gone."""

    stretch: Stretch
    file_id: str
    duration_s: float


@dataclass(frozen=True)
class Rendered:
    job: RenderJob
    task: Task


@dataclass
class CloudLane:
    """One session. ``task_of`` says how a segment is to be encoded when its turn comes; ``parameter_sets`` are what
    this machine's own pieces have; ``job`` names the work in the ledger."""

    lane: Lane
    client: CloudClient
    ffmpeg: Ffmpeg
    clip: Clip
    work: Path
    job: str
    task_of: Callable[[Work], Task]
    range_of: Callable[[Work], tuple[int, int]]
    parameter_sets: Callable[[Task], Awaitable[bytes]]
    _session: Session | None = field(default=None)

    async def upload(self, work: Work) -> Sent:
        path = self.work / f"stretch-{self.lane.name.replace(' ', '-')}-{work.index}.mp4"
        try:
            with told_as_failure(self.client):
                stretch = await extract(self.ffmpeg, self.clip, *self.range_of(work), path)
                session = await self._own_session()
                [sent] = await self.client.upload(session, [path], job=self.job)
                if not sent.file_id:
                    raise WrongOutput("The service did not say under which name it keeps the upload.")
                return Sent(stretch, sent.file_id, sent.duration or 0.0)
        finally:
            path.unlink(missing_ok=True)

    async def render(self, work: Work, uploaded: Sent) -> Rendered:
        task = self.task_of(work)
        output = {"format": "mp4", "encode": self._asked(task, uploaded.stretch)}
        # What an earlier run began under this name and never ended is cancelled before another is asked for.
        unit = f"{work.index}-{self.lane.name.replace(' ', '-')}"
        with told_as_failure(self.client):
            session = await self._own_session()
            return Rendered(
                await rendered(self.client, session, _draft(uploaded), output, unit=unit, job=self.job), task
            )

    async def download(self, work: Work, rendered: Rendered) -> Made[Part]:
        task, found = rendered.task, list[Part]()
        path = self.work / f"cloud-{self.lane.name.replace(' ', '-')}-{work.index}.nut"

        async def check(passing: Path) -> None:
            found.append(await self._checked(passing, task))

        with told_as_failure(self.client):
            await self.client.download(rendered.job, path, check)
        part = part_of(self.clip, task.first, path, task.crf)
        if part is None or not found:
            raise PlaceFailed(Failure(FailureKind.WRONG_OUTPUT, "the service returned other pictures"))
        return Made(part, 0)

    async def _checked(self, path: Path, task: Task) -> Part:
        part = part_of(self.clip, task.first, path, task.crf)
        if part is None or part.kept != task.last - task.first:
            raise WrongOutput("The service returned other pictures than it was asked for.")
        if packets.parameter_sets_of(path) != await self.parameter_sets(task):
            raise WrongOutput("The service encodes so that its pieces don't join with those made here.")
        return part

    async def _own_session(self) -> Session:
        if self._session is None:
            self._session = await self.client.session_for(self.job, self.lane.name)
        return self._session

    def _asked(self, task: Task, stretch: Stretch) -> dict[str, Any]:
        setting, fps = setting_of(task), self.clip.video.fps.limit_denominator(1001)
        time_base = stretch.time_base
        return {
            "codec": "h264",
            "preset": str(setting.preset),
            "crf": round(setting.crf, 3),
            "width": task.size.width,
            "height": task.size.height,
            "stitchable": True,
            "audio": False,
            "start_pts": stretch.start_pts,
            "end_pts": stretch.end_pts,
            "origin_pts": stretch.origin_pts,
            "time_base": [time_base.numerator, time_base.denominator],
            "fps": [fps.numerator, fps.denominator],
            "args": {
                "pix_fmt": "yuv420p",
                "level": level_of(task.size, self.clip.video.fps),
                "colour": self.clip.picture.tag_options(),
            },
        }


async def rendered(
    client: CloudClient,
    session: Session,
    draft: Any,
    output: Mapping[str, Any],
    *,
    unit: str,
    job: str,
    patience_s: float = PATIENCE_S,
) -> RenderJob:
    """Ask for a render and wait for it, as ``CloudClient.wait`` does.

    Where that is cancelled the render is given up, at the service too.

    One whose answer never came is found in the ledger when the whole job ends. Raises CloudError, NetworkError.
    """
    render = None
    try:
        render = await client.submit(session, draft, output, unit=unit, job=job)
        return await client.wait(render, patience_s)
    except anyio.get_cancelled_exc_class():
        if render is not None:
            with anyio.move_on_after(_CANCEL_S, shield=True), suppress(CloudError, NetworkError):
                await client.cancel(render)
        raise


@contextmanager
def told_as_failure(client: CloudClient) -> Iterator[None]:
    """What a client raises, as what it means for the schedule."""
    try:
        yield
    except OutOfCredits as exc:
        raise PlaceFailed(failure_of(exc, client.more_credits(exc.data))) from exc
    except (CloudError, NetworkError, SourceError) as exc:
        raise PlaceFailed(failure_of(exc)) from exc


def _draft(uploaded: Sent) -> Mapping[str, Any]:
    """One track with the whole stretch on it."""
    length = max(1, int(uploaded.duration_s * 1000))
    segment = {"k": "video", "src": f"asset://{uploaded.file_id}", "s": 0, "d": length}
    return {"m": {}, "t": [{"tt": 0, "sg": [segment]}]}


def failure_of(exc: TightfitError, more_credits: str = "") -> Failure:
    """What went wrong, for the schedule and in a clause for people; ``more_credits`` is the page that gets them."""
    reason = exc.message.rstrip(".")
    reason = reason[:1].lower() + reason[1:]
    if isinstance(exc, OutOfCredits) and more_credits:
        reason = f"{reason} (more at {more_credits} )"
    if isinstance(exc, WrongOutput):
        return Failure(FailureKind.WRONG_OUTPUT, reason)
    wait_s = float(getattr(exc, "wait_s", None) or 0.0)
    kind = next((kind for classes, kind in _KINDS if isinstance(exc, classes)), None)
    if kind is None:
        kind = FailureKind.REFUSED if isinstance(exc, ApiError) else FailureKind.SERVER_ERROR
    return Failure(kind, reason, wait_s)
