"""Whether a render service takes part in a job, and its places where it does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from tightfit.cloud.client import CloudClient
from tightfit.cloud.models import Features
from tightfit.domain.codec import H264, Effort
from tightfit.domain.pieces import Segment
from tightfit.domain.places import Lane, Preference, Rules, Work
from tightfit.domain.request import CompressRequest, Where
from tightfit.engine.cloud import cloud_client, identity_of
from tightfit.engine.executors.cloud import CloudLane, failure_of
from tightfit.engine.executors.local import Task
from tightfit.engine.executors.plain import PlainService
from tightfit.engine.hosted import MESSAGE_CREDITS, HostedPart
from tightfit.engine.job import Job
from tightfit.engine.leftovers import cancel_left
from tightfit.engine.places import Cloud, Hosted, TaskOf
from tightfit.engine.service_voice import ServiceVoice
from tightfit.errors import CloudError, NetworkError, NoPlaceLeft
from tightfit.media.encode import Clip
from tightfit.media.extract import can_travel
from tightfit.media.tools import Ffmpeg
from tightfit.net.clock import clock_for
from tightfit.net.redact import place
from tightfit.settings import HOSTED_URL, Settings

# Sessions at once. A service does not say how many renders it has hands for; with this many a server of four cores is
# busy, and one that makes a render at a time only shows long queues, which the schedule sees.
_LANES = 4
# With fewer segments than these there is nothing to share out: the first would be done before the service is known.
_WORTH_IT, _LEAST = 6, 2
_ENCODES = "encode"
_ABANDON_S = 10.0


@asynccontextmanager
async def cloud_of(
    request: CompressRequest, settings: Settings, clip: Clip, segments: int, ffmpeg: Ffmpeg, job: Job
) -> AsyncIterator[Cloud | Hosted | None]:
    """The service's part in a job that may use it; None where all is made here, which is said where it was asked for.

    Raises NoPlaceLeft where falling back was forbidden, UsageError for an impossible environment.
    """
    if request.where is Where.AUTO and not identity_of(settings, settings.cloud).is_agreed:
        yield None
        return
    asked = request.where is Where.CLOUD
    reason = _reason_against(request, clip, segments, asked=asked)
    if reason:
        _stay_here(request, reason, job, aloud=asked)
        yield None
        return
    voice = ServiceVoice(job)
    async with cloud_client(settings, settings.cloud, voice.hear) as client:
        try:
            features, aloud = await client.asked_features(), asked
            await cancel_left(client, settings)
            reason = _reason_at_service(features, segments, place(settings.cloud.api_url), asked=asked)
        except (CloudError, NetworkError) as exc:
            # Also said where the service was only agreed to: it would have helped.
            reason, aloud = failure_of(exc).reason, True
        if reason:
            _stay_here(request, reason, job, aloud=aloud)
            yield None
            return
        preference = Preference.CLOUD if asked else Preference.AUTO
        rules = Rules(preference, request.max_credits, pause_scale=clock_for(settings.test_clock).scale)
        try:
            if _ENCODES in features.features:
                places = _Places(client, clip, ffmpeg, job.work, job.id)
                yield Cloud(places.open, places.work_of, rules, not request.no_fallback, job.warn)
            else:
                voice.is_whole = True
                service = PlainService(client, ffmpeg, clip, job.work, job.id)
                part = HostedPart(service, job, place(settings.cloud.api_url), rules, not request.no_fallback)
                yield Hosted(part.take_part)
        finally:
            # What lost a race or was cut off by an error must not go on at the service.
            with anyio.move_on_after(_ABANDON_S, shield=True), suppress(CloudError, NetworkError):
                await client.abandon(job.id)


def planned_service(request: CompressRequest, settings: Settings, clip: Clip, segments: int) -> tuple[str, int] | None:
    """The address of the service that ``cloud_of`` would ask, and the credits that may go into it; None where it would
    ask nobody. Nothing is sent: of a service that is not the hosted one it is assumed that it encodes to order."""
    asked = request.where is Where.CLOUD
    if not asked and not identity_of(settings, settings.cloud).is_agreed:
        return None
    if _reason_against(request, clip, segments, asked=asked):
        return None
    is_hosted = settings.cloud.api_url == HOSTED_URL
    if is_hosted and not asked:
        return None
    return place(settings.cloud.api_url), MESSAGE_CREDITS if is_hosted else 0


def _reason_against(request: CompressRequest, clip: Clip, segments: int, *, asked: bool) -> str:
    if request.codec != H264.name:
        return "services make H.264 alone"
    if request.effort is not Effort.BALANCED:
        return f"services know nothing of --effort {request.effort}"
    if not asked and segments < _WORTH_IT:
        return "short"
    if not (clip.layout.is_whole and clip.picture.is_plain):
        return "the service knows nothing of edits"
    if clip.picture.is_interlaced:
        return "the picture is interlaced, which a service is not told"
    if not can_travel(clip):
        return "this source can't be cut without encoding it"
    return ""


def _reason_at_service(features: Features, segments: int, where: str, *, asked: bool) -> str:
    if _ENCODES not in features.features:
        # What it makes is known only when it is made, and may cost credits: nobody asked for that.
        return "" if asked else f"{where} does not answer as a service that can be told a quality or a size"
    return (
        f"a clip of {segments} segment{'' if segments == 1 else 's'} is not worth sending" if segments < _LEAST else ""
    )


def _stay_here(request: CompressRequest, reason: str, job: Job, *, aloud: bool) -> None:
    if request.no_fallback:
        raise NoPlaceLeft(
            f"Nothing was rendered in the cloud: {reason}.",
            hint="Run it again without --no-fallback to do it on this machine.",
        )
    if aloud:
        job.warn(f"All is made on this machine: {reason}.")


@dataclass(frozen=True)
class _Places:
    client: CloudClient
    clip: Clip
    ffmpeg: Ffmpeg
    work: Path
    job: str

    def work_of(self, segment: Segment, predicted_bytes: float) -> Work:
        source_bytes = sum(self.clip.video.packet_bytes[segment.first : segment.last])
        return Work(segment.index, segment.frames, source_bytes, round(predicted_bytes))

    def open(
        self,
        task_of: TaskOf,
        segments: Mapping[int, Segment],
        parameter_sets: Callable[[Task], Awaitable[bytes]],
    ) -> Sequence[CloudLane]:
        def range_of(work: Work) -> tuple[int, int]:
            segment = segments[work.index]
            return segment.first, segment.last

        return [
            CloudLane(
                Lane(f"cloud {n + 1}", is_local=False),
                self.client,
                self.ffmpeg,
                self.clip,
                self.work,
                self.job,
                task_of,
                range_of,
                parameter_sets,
            )
            for n in range(_LANES)
        ]
