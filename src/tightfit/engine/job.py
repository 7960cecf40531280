"""One run of the engine: its name, its folder, its voice."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tightfit.domain.updates import Phase, Update
from tightfit.engine.disk import Disk
from tightfit.errors import OutputError

Listener = Callable[[Update], None]
_CROCKFORD, _ID_LENGTH = "0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26
# Each phase's share of the work, in percent of the job done when it begins (measured on ten clips).
_STARTS = {
    Phase.PROBE: 0.0,
    Phase.AUDIO: 1.0,
    Phase.ANALYSE: 2.0,
    Phase.PLAN: 15.0,
    Phase.ENCODE: 18.0,
    Phase.SETTLE: 85.0,
    Phase.STITCH: 94.0,
    Phase.VERIFY: 95.0,
}
_PHASES = list(_STARTS)
# What a service does is counted where its pieces are: with the encode.
_WITHIN = dict.fromkeys((Phase.UPLOAD, Phase.RENDER, Phase.DOWNLOAD), Phase.ENCODE)


def new_job_id() -> str:
    """A ULID: 48 bits of milliseconds, 80 random bits, in Crockford's base 32."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return "".join(_CROCKFORD[value >> shift & 31] for shift in range(125, -1, -5))


def is_job_id(name: str) -> bool:
    """True for what ``new_job_id`` makes: what is named otherwise is not ours to remove."""
    return len(name) == _ID_LENGTH and set(name) <= set(_CROCKFORD)


@dataclass
class Job:
    """Carries what every step of one run needs. ``percent`` never falls."""

    id: str
    work: Path
    listener: Listener
    started: float = field(default_factory=time.monotonic)
    percent: float = 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def elapsed_s(self) -> float:
        return time.monotonic() - self.started

    def warn(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)

    def tell(
        self,
        phase: Phase,
        share: float = 0.0,
        *,
        fps: float | None = None,
        predicted_bytes: int | None = None,
        message: str = "",
    ) -> None:
        """Send an update; ``share`` is how much of the phase is done, 0 to 1."""
        counted = _WITHIN.get(phase, phase)
        start = _STARTS[counted]
        after = _PHASES.index(counted) + 1
        end = _STARTS[_PHASES[after]] if after < len(_PHASES) else 100.0
        self.percent = max(self.percent, start + (end - start) * min(1.0, max(0.0, share)))
        eta = self.elapsed_s * (100 - self.percent) / self.percent if self.percent >= 5 else None
        self.listener(Update(self.id, phase, round(self.percent, 1), fps, eta, predicted_bytes, message))


@contextmanager
def scratch_job(work_root: Path, listener: Listener) -> Iterator[Job]:
    """A job that leaves nothing to go on from, with a private folder that is gone afterwards, whatever happens."""
    job_id = new_job_id()
    work = made_folder(work_root / f"{job_id}-{os.getpid()}", Disk())
    remove_scratch(work_root)
    try:
        yield Job(job_id, work, listener)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def made_folder(folder: Path, disk: Disk) -> Path:
    """``folder``, private and durably there. Raises OutputError where it can't be."""
    try:
        disk.make_folder(folder, "job")
    except OSError as exc:
        raise unusable(folder, exc) from exc
    return folder


def unusable(folder: Path, exc: OSError) -> OutputError:
    """What the system said about a work folder, for people."""
    return OutputError(
        f"The work folder {folder} can't be used: {exc.strerror or exc}.",
        hint="Free some space, or point TIGHTFIT_HOME to another disk.",
    )


def remove_scratch(work_root: Path) -> None:
    """Remove the folders of scratch jobs that were killed and could not clean up."""
    for left in work_root.iterdir():
        job_id, _, pid = left.name.partition("-")
        if is_job_id(job_id) and pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(left, ignore_errors=True)


# Resident memory of one encode: x264 medium keeps about 60 pictures (lookahead 40, references, frame threads)
# and the decoder 20 more of the source's, at 1.5 bytes a pixel; 80 MB for the process itself.
_PICTURES_OUT, _PICTURES_IN, _PROCESS_BYTES = 60, 24, 80_000_000
_BYTES_PER_PIXEL = 1.5
_MEMORY_SHARE = 0.5


def encoder_memory_bytes(source_pixels: int, output_pixels: int) -> int:
    """Memory one encode takes, in bytes: the formula behind the default of ``--jobs``."""
    return int(_PROCESS_BYTES + _BYTES_PER_PIXEL * (_PICTURES_IN * source_pixels + _PICTURES_OUT * output_pixels))


# Two threads of x264 in one encode use as much CPU as two encodes of one thread (10.7 against 10.9 s, measured),
# and half as many encodes at once leave twice as many that can learn from those before.
_THREADS_PER_ENCODE = 2


def usable_cores() -> int:
    """How many cores this process may use."""
    return len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else psutil.cpu_count() or 1


def parallel_encodes(source_pixels: int, output_pixels: int, wanted: int | None) -> tuple[int, int]:
    """(encodes at once, cores): one for two cores, within half the memory that is free now, at least one."""
    cores = usable_cores()
    room = int(psutil.virtual_memory().available * _MEMORY_SHARE)
    fitting = max(1, room // encoder_memory_bytes(source_pixels, output_pixels))
    return min(wanted or max(1, cores // _THREADS_PER_ENCODE), fitting), cores
