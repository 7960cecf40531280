"""The part of a service that can be told neither a size nor a quality: the whole clip, where it is right and fits.

The clip is rendered there, and used where it is the source's and fits. Otherwise all is made here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tightfit.cloud.sessions import Session
from tightfit.domain.pieces import Variant
from tightfit.domain.places import Rules
from tightfit.domain.updates import Phase
from tightfit.engine.executors.cloud import failure_of, told_as_failure
from tightfit.engine.executors.plain import QUALITIES, PlainService
from tightfit.engine.fit_state import FitState
from tightfit.engine.job import Job
from tightfit.engine.schedule import PlaceFailed
from tightfit.errors import CloudError, NetworkError, NoPlaceLeft
from tightfit.media.foreign import Wanted

# What a job calls its session with the whole clip on a timeline.
WHOLE = "whole"
# The first edit of a session, says the service; putting a clip on its timeline is one.
MESSAGE_CREDITS = 50
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

    async def take_part(self, fit: FitState) -> None:
        """See ``places.Hosted``. Raises NoPlaceLeft where nothing came of it and falling back was forbidden."""
        fit.recall()
        if fit.whole is not None or len(fit.tried) == len(fit.segments):
            fit.credits = await self._spent()
            return
        try:
            with self._stays_here():
                await self._whole(fit)
        finally:
            fit.credits = await self._spent()

    async def _spent(self) -> int:
        """Credits that the message of this job took, as the balances before it and now tell; what it may have taken
        at most where the service can't be asked."""
        sent = self.service.client.sent_message(self._message)
        if sent is None:
            return 0
        with suppress(CloudError, NetworkError):
            now = await self.service.client.credits()
            taken: int = sent.data["available"] + sent.data["frozen"] - now.all
            return min(max(0, taken), sent.cost)
        return sent.cost

    @property
    def _message(self) -> str:
        return f"say_{self.service.job}_whole"

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

    async def _whole(self, fit: FitState) -> None:
        """Give the whole clip to ``fit``. Raises PlaceFailed, CloudError, NetworkError where nothing came of it."""
        frames, client = self.service.clip.frames, self.service.client
        self.job.tell(Phase.ENCODE, message=f"the whole clip goes to {self.where}")
        with told_as_failure(client):
            session = await self.service.sent(WHOLE, 0, frames)
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
        asked = _asked(fit, self.service)
        await client.say(session, asked, key=self._message, job=self.service.job, cost=MESSAGE_CREDITS)
        state = await client.ready_state(session)
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
