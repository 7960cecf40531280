"""The part of a service that can be told neither a size nor a quality: pieces where they join, else the whole clip.

First the smallest segment that lies between keyframes of the source is rendered there, where that takes no message.
Where its pictures are the source's, its parameter sets ours and its bytes within the plan, such segments go there as
to any other service. Otherwise the whole clip is rendered, and used where it is the source's and fits. All else is
made here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tightfit.cloud.sessions import Session
from tightfit.domain import control
from tightfit.domain.breaker import FailureKind
from tightfit.domain.pieces import Part, Segment, Variant
from tightfit.domain.places import Lane, Rules, Work
from tightfit.domain.rate import CRF_MIN
from tightfit.domain.updates import Phase
from tightfit.engine.executors.cloud import failure_of, told_as_failure
from tightfit.engine.executors.local import Task
from tightfit.engine.executors.plain import QUALITIES, NotJoining, PlainLane, PlainService
from tightfit.engine.fit_state import FitState
from tightfit.engine.job import Job
from tightfit.engine.places import Cloud, TaskOf
from tightfit.engine.schedule import PlaceFailed
from tightfit.errors import CloudError, NetworkError, NoPlaceLeft, SourceError
from tightfit.media.extract import begins_alone
from tightfit.media.foreign import Wanted

# The first edit of a session, says the service; putting a clip on its timeline is one.
MESSAGE_CREDITS = 50
_LANES, _WORTH_IT = 4, 2
# By how much the least of the qualities is smaller than the best, noise included (6.2 on a clip of it).
_MOST_SAVED = 8.0


@dataclass
class HostedPart:
    """Its part in one job. ``where`` is the service for people; ``may_fall_back`` is false with ``--no-fallback``."""

    service: PlainService
    job: Job
    where: str
    rules: Rules
    may_fall_back: bool

    async def take_part(self, fit: FitState) -> Cloud | None:
        """See ``places.Hosted``. Raises NoPlaceLeft where nothing came of it and falling back was forbidden."""
        fit.recall()
        if fit.whole is not None or len(fit.tried) == len(fit.segments):
            return None
        with self._stays_here():
            if cloud := await self._pieces(fit):
                return cloud
            await self._whole(fit)
        return None

    @contextmanager
    def _stays_here(self) -> Iterator[None]:
        try:
            yield
        except PlaceFailed as exc:
            reason = exc.failure.reason
        except (CloudError, NetworkError) as exc:
            reason = failure_of(exc).reason
        else:
            return
        if not self.may_fall_back:
            raise NoPlaceLeft(
                f"Nothing was rendered in the cloud: {reason}.",
                hint="Run it again without --no-fallback to do it on this machine.",
            )
        self.job.warn(f"All is made on this machine: {reason}.")

    # Pieces.

    async def _pieces(self, fit: FitState) -> Cloud | None:
        """Places for segments, where the first one shows that they join; None where they would not."""
        alone = [s for s in fit.segments if begins_alone(self.service.clip, s.first, s.last)]
        # The last one closes the sum to the byte, which is done here whatever the service can.
        *others, _ = control.encode_order(fit.segments, fit.model)
        waiting = [s for s in others if s in alone and s.index not in fit.tried]
        if len(alone) < _WORTH_IT or not waiting or fit.size != fit.full:
            return None
        if not self.may_fall_back and len(alone) < len(fit.segments):
            return None
        first = min(waiting, key=lambda segment: segment.frames)
        lane = self._lane(fit, 0, lambda _: fit.task(first, fit.fits_all(), fit.cores), {first.index: first}, {})
        work = _work(fit, first, fit.choice.crf)
        try:
            sent = await lane.upload(work)
            made = await lane.download(work, await lane.render(work, sent))
        except PlaceFailed as exc:
            can_not_be_cut = isinstance(exc.__cause__, SourceError)
            if not can_not_be_cut and exc.failure.kind not in (FailureKind.WRONG_OUTPUT, FailureKind.REFUSED):
                raise
            if isinstance(exc.__cause__, NotJoining):
                self.job.warn(f"{self.where} renders the clip as a whole: its pieces don't join with those made here.")
            return None
        known = {first.index: made.value}
        return Cloud(
            lambda task_of, segments, _: self._lanes(fit, task_of, segments, known),
            lambda segment, predicted: self._work_of(fit, segment, predicted),
            self.rules,
            self.may_fall_back,
            self.job.warn,
        )

    def _work_of(self, fit: FitState, segment: Segment, predicted_bytes: float) -> Work:
        travels = begins_alone(self.service.clip, segment.first, segment.last)
        return replace(_work(fit, segment, fit.choice.crf), download_bytes=round(predicted_bytes), travels=travels)

    def _lanes(
        self, fit: FitState, task_of: TaskOf, segments: Mapping[int, Segment], known: dict[int, Part]
    ) -> Sequence[PlainLane]:
        return [self._lane(fit, n, task_of, segments, known) for n in range(_LANES)]

    def _lane(
        self, fit: FitState, n: int, task_of: TaskOf, segments: Mapping[int, Segment], known: dict[int, Part]
    ) -> PlainLane:
        def bytes_of(task: Task) -> float:
            return fit.model.predict(task.first, task.last, fit.scale, task.crf)

        def crf_of(part: Part) -> Part:
            crf = fit.model.solve(((part.first, part.last),), fit.scale, part.bytes)
            return replace(part, crf=max(CRF_MIN, crf))

        def range_of(work: Work) -> tuple[int, int]:
            return segments[work.index].first, segments[work.index].last

        lane, sets = Lane(f"cloud {n + 1}", is_local=False), fit.executor.parameter_sets
        return PlainLane(lane, self.service, task_of, range_of, sets, bytes_of, crf_of, known)

    # The whole clip.

    async def _whole(self, fit: FitState) -> None:
        """Give the whole clip to ``fit``. Raises PlaceFailed, CloudError, NetworkError where nothing came of it."""
        frames, client = self.service.clip.frames, self.service.client
        self.job.tell(Phase.ENCODE, message=f"the whole clip goes to {self.where}")
        with told_as_failure(client):
            session = await self.service.sent("whole", 0, frames)
            draft = await self._timeline(session, fit)
            wanted = Wanted(0, frames, fit.full)
            for quality in QUALITIES:
                render = await self.service.rendered(session, draft, f"whole-{quality}", quality)
                part = await self.service.fetched(render, "whole", wanted, fit.cores)
                if fit.sizer((Variant((part,)),)) <= fit.limit:
                    fit.keep_whole(Variant((part,)))
                    return
                if part.bytes > _MOST_SAVED * fit.video_budget:
                    break
        raise TooLarge(f"{self.where} made {part.bytes} bytes of a picture that may have {fit.video_budget}.")

    async def _timeline(self, session: Session, fit: FitState) -> Any:
        """The clip on a timeline, as the service tells it. Where sending it was not enough a message asks for it.

        Raises OverCeiling, CloudError, NetworkError.
        """
        client = self.service.client
        state = await client.state(session)
        if state.is_ready:
            return state.draft
        ceiling = self.rules.max_credits
        if ceiling is not None and ceiling < MESSAGE_CREDITS:
            raise OverCeiling(f"{self.where} wants a message first, and more than {ceiling} credits may go into it.")
        key = f"say_{self.service.job}_whole"
        await client.say(session, _asked(fit, self.service), key=key, job=self.service.job, cost=MESSAGE_CREDITS)
        state = await client.state(session)
        if not state.is_ready:
            raise NoTimeline(f"{self.where} did not put the clip on a timeline.")
        return state.draft


class TooLarge(CloudError):
    """Rendered as asked, and it does not fit."""


class OverCeiling(CloudError):
    """It would cost more than was allowed."""


class NoTimeline(CloudError):
    """The service has nothing to render."""


def _asked(fit: FitState, service: PlainService) -> str:
    """What a message can say that no field of the API does."""
    whole = service.clip.video.display_size
    smaller = fit.full.width < whole[0] - 1 or fit.full.height < whole[1] - 1
    size = f"at {min(fit.full.width, fit.full.height)}p" if smaller else "at the size that it has"
    return (
        f"Put the uploaded video on the timeline, whole and as it is, for an mp4 of at most {fit.video_budget} bytes "
        f"{size}. No cuts, no effects, no text, no music, and the same frame rate."
    )


def _work(fit: FitState, segment: Segment, crf: float) -> Work:
    expected = fit.model.predict(segment.first, segment.last, fit.scale, crf)
    source = sum(fit.executor.clip.video.packet_bytes[segment.first : segment.last])
    return Work(segment.index, segment.frames, source, round(expected))
