"""A kind of file as the use case sees it: one craft for clips, for still pictures, for animations and for sounds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Protocol

from tightfit.domain.file_plan import FilePlan
from tightfit.domain.media_info import MediaInfo
from tightfit.domain.plan import Plan
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import AudioOut, Result, Status, VideoOut
from tightfit.engine.durable import DurableJob
from tightfit.engine.job import Job


def named_extension(request: CompressRequest) -> str | None:
    """The extension of the output that the user named, in lower case; None where there is none or it is a folder."""
    if request.output is None or request.output.is_dir():
        return None
    return request.output.suffix.lower()


def aliased(info: MediaInfo, job: Job) -> MediaInfo:
    """``info`` with another path to its file where ffmpeg can't take the name."""
    try:
        info.path.encode()
    except UnicodeEncodeError:
        # ffmpeg-python builds its graphs from text; a name that is not text gets one that is.
        alias = job.work / "source"
        alias.symlink_to(Path(info.path).absolute())
        return replace(info, alias=str(alias))
    return info


class Craft(Protocol):
    """What is done to one source. Its methods raise the errors of errors.py.

    ``extension`` is that of what it makes where the user names none, ``extensions`` are all that it can make.
    ``tool`` is the path of the program that it runs; empty while there is none.
    """

    info: MediaInfo
    tool: str

    @property
    def extensions(self) -> tuple[str, ...]: ...

    @property
    def extension(self) -> str: ...

    def may_stay(self) -> bool:
        """True where the file may be copied as it is: only a size was asked for."""

    def copied(self, limit: int, job: Job, output: Path) -> Result:
        """The result of a copy."""

    async def make(self, limit: int, work: DurableJob, part: Path, output: Path) -> tuple[Result, str]:
        """Write the finished, verified file to ``part``; its result and SHA-256."""

    async def plan(self, limit: int, job: Job) -> Plan | FilePlan:
        """What ``make`` would do."""


def copied(info: MediaInfo, limit: int, job: Job, output: Path) -> Result:
    """The result of a copy."""
    video, sound = info.main_video, info.main_audio
    is_still = info.image is not None and not info.image.is_animated
    fps = round(float(video.fps), 3) if video and not is_still else None
    shown = VideoOut(video.codec, *video.display_size, fps) if video else None
    return Result(
        status=Status.ALREADY_FITS,
        job_id=job.id,
        input=info.path,
        output=str(output),
        limit_bytes=limit,
        bytes=info.size,
        duration_s=None if is_still else round(video.duration_s if video else sound.duration_s if sound else 0.0, 3),
        frames=video.frames if video else None,
        video=shown,
        audio=tuple(AudioOut(s.codec, round(s.kbps, 1), s.channels) for s in info.audios if s.packets),
        elapsed_s=round(job.elapsed_s, 2),
        warnings=tuple(job.warnings),
    )
