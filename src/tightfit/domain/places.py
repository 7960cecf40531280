"""What is worked on and where: segments, lanes and attempts as the schedule sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum


class Preference(StrEnum):
    """AUTO: whoever is faster. CLOUD: the cloud, and this machine for what the cloud did not do."""

    AUTO = "auto"
    CLOUD = "cloud"


class Stage(StrEnum):
    """What an attempt is busy with. Only RENDER may cost money."""

    ENCODE = "encode"  # on this machine, from begin to end
    UPLOAD = "upload"
    WAIT = "wait"  # uploaded; its lane still renders the one before
    RENDER = "render"  # from asking for it until it is ready, whatever the queue at the other end
    DOWNLOAD = "download"


@dataclass(frozen=True)
class Work:
    """A segment as the schedule sees it. ``credits`` is the most that one render of it may cost.

    ``upload_bytes`` is the source piece's size, ``download_bytes`` what is expected back; ``travels`` is false
    for what can only be made here.
    """

    index: int
    frames: int
    upload_bytes: int = 0
    download_bytes: int = 0
    credits: int = 0
    travels: bool = True

    @property
    def bytes_per_frame(self) -> float:
        return self.upload_bytes / max(1, self.frames)


@dataclass(frozen=True)
class Lane:
    """One encoder on this machine, or one session of the cloud that renders its segments one after another."""

    name: str
    is_local: bool


@dataclass(frozen=True)
class Rules:
    """``uploads_at_once``: two keep a line busy while one of them waits for an answer. A segment that failed
    ``most_tries`` times in the cloud stays here. A stage may take ``least_patience_s`` (the service's own limit for
    one answer, 15 minutes) and ``patience`` times what is expected of it before it counts as silence.
    ``pause_scale`` is how many seconds of the schedule one second of a pause takes.
    """

    preference: Preference = Preference.AUTO
    max_credits: int | None = None
    uploads_at_once: int = 2
    most_tries: int = 2
    least_patience_s: float = 900.0
    patience: float = 4.0
    pause_scale: float = 1.0


@dataclass
class Attempt:
    """One run of one segment in one lane.

    ``hedged`` is true where a lane that had nothing better took it on, so that others may take it too; ``due`` is
    when it is expected to be through, from how long its stages take and how late it is. ``frames`` were encoded by
    ``seen_at``, where that is known.
    """

    id: int
    work: Work
    lane: Lane
    begun: float
    hedged: bool = False
    stage: Stage | None = None
    since: float = 0.0
    due: float = math.inf
    was_paid_for: bool = False
    line_mark: float = 0.0
    frames: int = 0
    seen_at: float = 0.0
