"""A kind of file as the use case sees it: one craft for clips, for still pictures, for animations and for sounds."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from tightfit.domain.media_info import MediaInfo
from tightfit.domain.plan import AlreadyFits, Plan
from tightfit.domain.result import AudioOut, Result, Status, VideoOut
from tightfit.engine.durable import DurableJob
from tightfit.engine.job import Job


class Craft(Protocol):
    """What is done to one source. Its methods raise the errors of errors.py.

    ``extension`` is that of what it makes where the user names none, ``extensions`` are all that it can make.
    ``tool`` is the path of the program that it runs; empty while there is none.
    """

    info: MediaInfo
    extension: str
    extensions: tuple[str, ...]
    tool: str

    def may_stay(self) -> bool:
        """True where the file may be copied as it is: only a size was asked for."""

    def copied(self, limit: int, job: Job, output: Path) -> Result:
        """The result of a copy."""

    async def make(self, limit: int, work: DurableJob, part: Path, output: Path) -> tuple[Result, str]:
        """Write the finished, verified file to ``part``; its result and SHA-256."""

    async def plan(self, limit: int, job: Job) -> Plan | AlreadyFits:
        """What ``make`` would do."""


def copied(info: MediaInfo, limit: int, job: Job, output: Path) -> Result:
    """The result of a copy."""
    video, sound = info.main_video, info.main_audio
    shown = VideoOut(video.codec, *video.display_size, round(float(video.fps), 3)) if video else None
    return Result(
        status=Status.ALREADY_FITS,
        job_id=job.id,
        input=info.path,
        output=str(output),
        limit_bytes=limit,
        bytes=info.size,
        duration_s=round(video.duration_s if video else sound.duration_s if sound else 0.0, 3),
        frames=video.frames if video else None,
        video=shown,
        audio=(AudioOut(sound.codec, round(sound.kbps, 1), sound.channels),) if sound else (),
        elapsed_s=round(job.elapsed_s, 2),
        warnings=tuple(job.warnings),
    )
