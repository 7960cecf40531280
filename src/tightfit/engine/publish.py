"""Where the file goes, and its one atomic step into place. An output path holds a finished file or nothing of ours."""

from __future__ import annotations

import errno
import os
import shutil
from contextlib import suppress
from functools import partial
from pathlib import Path

from tightfit.domain.request import CompressRequest
from tightfit.engine.disk import Disk
from tightfit.errors import OutputError, OutputExists, UsageError

# Longest file name of the common file systems, in bytes.
_LONGEST_NAME = 255
_PART_SUFFIX = ".part"


def output_path(request: CompressRequest, extension: str) -> Path:
    """The path the user named, or ``<stem>-<limit>.<extension>`` beside the source (or in the named folder)."""
    part = f"-part{request.part:02d}" if request.part is not None and request.parts > 1 else ""
    tail = f"-{request.target.slug}{part}{extension}"
    stem = _shortened(request.stem or request.source.stem, _LONGEST_NAME - len(os.fsencode(tail)))
    if request.output is None:
        return request.source.with_name(stem + tail)
    if request.output.is_dir():
        return request.output / (stem + tail)
    return request.output.with_name(f"{request.output.stem}{part}{request.output.suffix}") if part else request.output


def _shortened(stem: str, room: int) -> str:
    """The longest beginning of ``stem`` that takes at most ``room`` bytes, no character cut in two."""
    while len(os.fsencode(stem)) > room:
        stem = stem[:-1]
    return stem


def check_writable(
    path: Path, part: Path, request: CompressRequest, extensions: tuple[str, ...] | None, disk: Disk
) -> None:
    """Raise before any work where publishing to ``path`` is bound to fail. Writes and removes one empty file.

    ``extensions`` are those of what can be made of the source; None for a copy, whose name is the user's affair.
    """
    if extensions is not None and path.suffix.lower() not in extensions:
        made = ", ".join(extensions)
        raise UsageError(
            f"{path} does not end in {made}: those can be made of this file.", hint=f"Name it {extensions[0]}."
        )
    if path.exists():
        if path.samefile(request.source):
            raise OutputError(
                f"{path} is the source itself.", hint="Name another output: the source is never overwritten."
            )
        if not path.is_file():
            raise OutputError(f"{path} is not a regular file.", hint="Name another output.")
        if not request.overwrite:
            raise already_there(path)
        if not os.access(path, os.W_OK) or not path.stat().st_mode & 0o222:
            raise OutputError(f"{path} is read-only.", hint="Name another output with -o.")
    try:
        # What a killed run of the same job left there is nobody's.
        disk.unlink(part, "part")
        disk.act("part.try", partial(_make_and_remove, part), part)
    except OSError as exc:
        raise explained(exc, path) from exc


def already_there(path: Path) -> OutputExists:
    return OutputExists(f"{path} is already there.", hint="Use --overwrite to replace it, or -o to name another.")


def _make_and_remove(path: Path) -> None:
    path.touch(exist_ok=False)
    path.unlink()


def part_path(path: Path, job_id: str) -> Path:
    """The hidden neighbour that the file is written to until it is whole (same folder: rename is atomic)."""
    return path.with_name(f".tightfit-{job_id}{_PART_SUFFIX}")


def report_part(path: Path, job_id: str) -> Path:
    """As ``part_path``, for the page that is named ``path``."""
    return path.with_name(f".tightfit-{job_id}.html{_PART_SUFFIX}")


def parts_of(request: CompressRequest, job_id: str) -> list[Path]:
    """Where a run of ``request`` may have left a part."""
    found = {part_path(output_path(request, ext), job_id) for ext in (f".{request.writes}", request.source.suffix)}
    return sorted(found | ({report_part(request.report, job_id)} if request.report else set()))


def publish(part: Path, path: Path, *, overwrite: bool, disk: Disk) -> None:
    """Make ``part`` durable and move it to ``path`` in one step.

    Without ``overwrite`` a file that appeared meanwhile is left alone (OutputExists). Raises OutputError where
    the disk says no.
    """
    try:
        disk.sync(part, "output")
        if overwrite:
            disk.replace(part, path, "output")
        else:
            _move_without_replacing(part, path, disk)
        disk.sync_folder(path.parent, "output")
    except FileExistsError:
        raise OutputExists(
            f"{path} appeared meanwhile and was left alone.", hint="Use --overwrite to replace it."
        ) from None
    except OSError as exc:
        raise explained(exc, path) from exc


def _move_without_replacing(part: Path, path: Path, disk: Disk) -> None:
    try:
        disk.link(part, path, "output")
    except OSError as exc:
        if exc.errno not in (errno.EPERM, errno.ENOTSUP, errno.EMLINK):
            raise
        # FAT and some network file systems have no hard links: the check and the rename are then two steps.
        if path.exists():
            raise FileExistsError(path) from exc
        disk.replace(part, path, "output")
    else:
        disk.unlink(part, "part")


def copy_to_part(source: Path, part: Path) -> None:
    """A byte copy with the source's times; raises OutputError where the disk says no."""
    try:
        shutil.copy2(source, part)
        os.chmod(part, part.stat().st_mode | 0o200)
    except OSError as exc:
        with suppress(OSError):
            part.unlink()
        raise explained(exc, part) from exc


def keep_time(part: Path, mtime_ns: int) -> None:
    """Give the file the source's time of last change: people sort by it. Where the disk can't, it stays new."""
    with suppress(OSError):
        os.utime(part, ns=(mtime_ns, mtime_ns))


def require_folder(path: Path) -> None:
    """Raise OutputError where the folder of ``path`` is no longer there."""
    try:
        path.parent.stat()
    except OSError as exc:
        raise explained(exc, path) from exc


def explained(exc: OSError, path: Path) -> OutputError:
    """What the system said about ``path``, for people."""
    folder = path.parent
    if isinstance(exc, FileNotFoundError):
        return OutputError(f"The folder {folder} does not exist.", hint="Create it, or name another output with -o.")
    if exc.errno == errno.ENOSPC:
        return OutputError(
            f"The disk that holds {folder} is full.", hint="Free some space, or name another output with -o."
        )
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return OutputError(f"{folder} can't be written to ({exc.strerror}).", hint="Name another output with -o.")
    return OutputError(f"{path} can't be written: {exc.strerror or exc}.", hint="Name another output with -o.")
