"""What a render service is doing for a job, as the job's own updates."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from tightfit.cloud.told import Moved, Rendering, SessionLost, StillWorking, Told
from tightfit.domain.updates import Phase
from tightfit.engine.job import Job

# Transfers tell of every chunk; a person and a script have enough of this many seconds between two.
_LEAST_S = 0.25
_PHASES = {"upload": Phase.UPLOAD, "download": Phase.DOWNLOAD}
# What each phase is of the time of a clip that is made at a service as a whole: a guess; the bar only has to move on.
_SPANS: Mapping[Phase, tuple[float, float]] = {
    Phase.UPLOAD: (0.0, 0.3),
    Phase.RENDER: (0.3, 0.9),
    Phase.DOWNLOAD: (0.9, 1.0),
}


@dataclass
class ServiceVoice:
    """``is_whole`` where the whole clip is made there, so that its progress is the job's; of single pieces only the
    phase is told, and the percentage stays that of what is finished."""

    job: Job
    is_whole: bool = False
    _told_at: dict[Phase, float] = field(default_factory=dict)

    def hear(self, told: Told) -> None:
        """What the client tells. Words of the service's agent are not passed on: nobody talks to it here."""
        match told:
            case Moved(phase, done, total):
                self._moved(_PHASES[phase], done, total)
            case Rendering(_, percent, _):
                self._say(Phase.RENDER, percent / 100)
            case StillWorking(_, text):
                self._say(Phase.RENDER, 0.0, text)
            case SessionLost():
                self._say(Phase.UPLOAD, 0.0, "the service lost a session and what was sent in it; a new one was begun")

    def _moved(self, phase: Phase, done: int, total: int) -> None:
        now = time.monotonic()
        if done != total and now - self._told_at.get(phase, -_LEAST_S) < _LEAST_S:
            return
        self._told_at[phase] = now
        self._say(phase, done / total if total else 0.0)

    def _say(self, phase: Phase, share: float, message: str = "") -> None:
        first, last = _SPANS[phase]
        self.job.tell(phase, first + (last - first) * min(1.0, share) if self.is_whole else 0.0, message=message)
