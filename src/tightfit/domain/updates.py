"""What the engine yields while it works. Doors draw updates, they never decide by them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Phase(StrEnum):
    """The step a job is in, in the order they come. UPLOAD, RENDER and DOWNLOAD are a service's part of ENCODE."""

    PROBE = "probe"
    AUDIO = "audio"
    ANALYSE = "analyse"
    PLAN = "plan"
    ENCODE = "encode"
    UPLOAD = "upload"
    RENDER = "render"
    DOWNLOAD = "download"
    SETTLE = "settle"
    STITCH = "stitch"
    VERIFY = "verify"


@dataclass(frozen=True)
class Update:
    """One sign of life. ``percent`` is of the whole job, 0 to 100, and never falls.

    ``predicted_bytes`` is the size the file is heading for; None where not known yet, as for the rest.
    """

    job_id: str
    phase: Phase
    percent: float
    fps: float | None = None
    eta_s: float | None = None
    predicted_bytes: int | None = None
    message: str = ""
