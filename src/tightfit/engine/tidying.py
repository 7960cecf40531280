"""What may be removed, and when: nothing that the journal needs, and nothing that tightfit did not make."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tightfit.domain.job import JobRecord, Kind
from tightfit.engine.disk import Disk
from tightfit.engine.hold import holder
from tightfit.engine.job import is_job_id, made_folder, remove_scratch
from tightfit.engine.journal import Journal
from tightfit.settings import Settings

# The state folder may take this share of its disk; so many finished jobs are remembered.
_SHARE_OF_DISK, _REMEMBERED = 0.1, 500
# What tightfit writes into its folders; a user may have named a folder with other things in it.
_OURS = re.compile(
    r"(analysis|ffmpeg|fields|sound)-[0-9a-f]+\.json(\.\d+)?|predictions-\d+\.jsonl(\.\d+)?|\d{8}-\d{6}-\d+-\d+\.log"
)


def tidy(folder: Path, record: JobRecord, disk: Disk) -> None:
    """Remove what a killed run left half made: everything in ``folder`` that the journal doesn't name."""
    named = {part["file"] for event in record.work if event.kind is Kind.MADE for part in event.data["parts"]}
    for path in list(folder.iterdir()):
        if path.name not in named | {"lock"}:
            # What can't be removed is in nobody's way: its name is written over.
            with suppress(OSError):
                if path.is_dir() and not path.is_symlink():
                    disk.remove_folder(path, "tidy")
                else:
                    disk.unlink(path, "tidy")


def clean(settings: Settings, journal: Journal, disk: Disk, keep_finished: int = 0) -> tuple[int, int]:
    """Forget finished jobs but the newest ``keep_finished``, and remove folders that no unfinished job needs.

    Returns how many jobs were forgotten and how many bytes were freed.
    """
    freed = 0
    # In this order: a job is submitted before it has a folder, so that none of these is one nobody knows of yet.
    folders = list(made_folder(settings.work, disk).iterdir())
    records = journal.records()
    finished = [r for r in records if not r.is_unfinished]
    needed = {r.id for r in records if r.is_unfinished}
    remove_scratch(settings.work)
    for folder in folders:
        if is_job_id(folder.name) and folder.name not in needed and holder(folder) is None:
            freed += _size(folder)
            disk.remove_folder(folder, "clean")
    forgotten = finished[: max(0, len(finished) - keep_finished)]
    for record in forgotten:
        journal.forget(record.id)
    return len(forgotten), freed


def keep_small(settings: Settings, journal: Journal, disk: Disk, share: float = _SHARE_OF_DISK) -> None:
    """Hold the state folder to its ``share`` of the disk: finished jobs go first, then old measurements and logs.

    The work of unfinished jobs is never touched.
    """
    clean(settings, journal, disk, keep_finished=_REMEMBERED)
    too_much = _size(settings.home) - shutil.disk_usage(settings.home).total * share
    spare = [*_files(settings.cache), *_files(settings.home / "logs")]
    for path, stat in sorted(spare, key=lambda file: file[1].st_mtime):
        if too_much <= 0:
            return
        if _OURS.fullmatch(path.name):
            too_much -= stat.st_size
            with suppress(OSError):
                disk.unlink(path, "clean")


def _size(folder: Path) -> int:
    return sum(stat.st_size for _, stat in _files(folder))


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file below ``folder`` that is still there when it is looked at: other processes work in it too."""
    for at, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield Path(at, name), os.lstat(Path(at, name))
