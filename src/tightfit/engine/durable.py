"""A job that a crash can't lose: its folder is owned, its steps are journalled, and it can be taken up again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from tightfit.domain.job import JobRecord, Kind
from tightfit.domain.request import CompressRequest
from tightfit.engine import facts
from tightfit.engine.disk import sha256_of
from tightfit.engine.hold import held, holder
from tightfit.engine.job import Job, Listener, made_folder, new_job_id, remove_scratch
from tightfit.engine.journal import Journal
from tightfit.errors import ExitCode, JobHeld, SourceChanged, SourceError, TightfitError, UsageError
from tightfit.media.probe import identify
from tightfit.settings import Settings

JOURNAL = "journal.db"
# The folder of an unfinished job is kept where its work is worth something and going on may help.
_MAY_HELP = (ExitCode.OUTPUT, ExitCode.BUG, ExitCode.HELD)


@dataclass
class DurableJob:
    """A job in work. ``before`` is what its journal said when it was taken up; ``content`` the source's SHA-256."""

    job: Job
    journal: Journal
    before: JobRecord
    content: str

    @property
    def greeting(self) -> str:
        """What to say of a job that is taken up again; nothing of a new one."""
        if not self.before.content:
            return ""
        pieces = self.before.pieces
        done = f"{pieces} finished piece{'' if pieces == 1 else 's'}" if pieces else "nothing was finished yet"
        return f"resuming job {self.job.id}: {done}"

    def note(self, kind: Kind, data: Mapping[str, Any]) -> None:
        """One more event, durable when this returns. Raises OutputError where the journal can't be written."""
        self.journal.append(self.job.id, kind, data)


def journal_of(settings: Settings) -> Journal:
    return Journal(settings.home / JOURNAL)


async def submitted(settings: Settings, request: CompressRequest) -> str:
    """The id of the unfinished job that this request is, else of a new one, journalled before any work.

    Raises SourceError where the source can't be read.
    """
    asked = facts.request_facts(request, identify(request.source))
    journal, sought = journal_of(settings), facts.fingerprint(asked)
    if known := journal.unfinished_like(sought):
        return known.id
    job_id = new_job_id()
    journal.submit(job_id, sought, asked)
    return job_id


def known(settings: Settings, job_id: str) -> JobRecord:
    """The record of a job named by the user, in full or by a beginning that is unique. Raises UsageError."""
    found = [r for r in journal_of(settings).records() if r.id.startswith(job_id.upper())]
    if len(found) != 1:
        what = "There is no job" if not found else f"{len(found)} jobs begin with"
        raise UsageError(f"{what} {job_id}.", hint="Run tightfit jobs for their names.")
    return found[0]


@contextmanager
def taken_up(settings: Settings, job_id: str, content: str, listener: Listener) -> Iterator[DurableJob]:
    """Own the job, journal its start and, whatever happens, its end.

    Raises JobHeld where another process is at work on it, SourceChanged where the source is not what it was.
    """
    journal, folder = journal_of(settings), made_folder(settings.work / job_id)
    keep_small(settings)
    with held(folder):
        before = journal.record(job_id)
        assert before is not None, "submitted before it is taken up"
        if not before.is_unfinished:
            shutil.rmtree(folder, ignore_errors=True)
            raise JobHeld(f"Job {job_id} is {before.state}: another process ended it just now.", hint="Run again.")
        if before.content not in ("", content):
            raise changed(before)
        tidy(folder, before)
        work = DurableJob(Job(job_id, folder, listener), journal, before, content)
        work.note(Kind.STARTED, {"pid": os.getpid(), "content": content})
        try:
            yield work
        except BaseException as exc:
            _ended(work, exc)
            raise
        shutil.rmtree(folder, ignore_errors=True)


def _ended(work: DurableJob, exc: BaseException) -> None:
    """Journal how it ended. Where even that fails the job looks killed, which can be resumed as well."""
    with suppress(TightfitError):
        if isinstance(exc, (anyio.get_cancelled_exc_class(), KeyboardInterrupt)):
            work.note(Kind.INTERRUPTED, {})
            _tidy_up(work)
            return
        code = exc.code if isinstance(exc, TightfitError) else ExitCode.BUG
        record = work.journal.record(work.job.id)
        may_resume = code in _MAY_HELP and record is not None and record.pieces > 0
        work.note(Kind.FAILED, {"code": int(code), "message": str(exc), "may_resume": may_resume})
        if not may_resume:
            shutil.rmtree(work.job.work, ignore_errors=True)
        else:
            _tidy_up(work)


def _tidy_up(work: DurableJob) -> None:
    """Keep nothing but what a later run goes on from."""
    record = work.journal.record(work.job.id)
    if record is not None:
        tidy(work.job.work, record)


def changed(record: JobRecord) -> SourceChanged:
    source = record.request["source"] if record.request else "its source"
    return SourceChanged(
        f"{source} is not the file that job {record.id} was begun with; nothing was touched.",
        hint=f"Put the old file back, or give the job up with tightfit jobs cancel {record.id}.",
    )


def tidy(folder: Path, record: JobRecord) -> None:
    """Remove what a killed run left half made: everything in ``folder`` that the journal doesn't name."""
    named = {part["file"] for event in record.work if event.kind is Kind.MADE for part in event.data["parts"]}
    for path in folder.iterdir():
        if path.name not in named | {"lock"}:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def cancel(settings: Settings, record: JobRecord, part_of: Callable[[CompressRequest, str], list[Path]]) -> None:
    """Give an unfinished job up and remove what it made. Raises JobHeld while a process is at work on it."""
    journal, folder = journal_of(settings), settings.work / record.id
    with suppress(FileNotFoundError), held(folder):
        shutil.rmtree(folder, ignore_errors=True)
    journal.append(record.id, Kind.CANCELLED)
    if record.request:
        for path in part_of(facts.request_of(record.request), record.id):
            path.unlink(missing_ok=True)


def clean(settings: Settings, keep_finished: int = 0) -> tuple[int, int]:
    """Forget finished jobs but the newest ``keep_finished``, and remove folders that no unfinished job needs.

    Returns how many jobs were forgotten and how many bytes were freed.
    """
    journal, freed = journal_of(settings), 0
    # In this order: a job is submitted before it has a folder, so that none of these is one nobody knows of yet.
    folders = list(made_folder(settings.work).iterdir())
    records = journal.records()
    finished = [r for r in records if not r.is_unfinished]
    needed = {r.id for r in records if r.is_unfinished}
    remove_scratch(settings.work)
    for folder in folders:
        # The folder of a plan has its process's number in its name, and goes with it.
        if "-" not in folder.name and folder.name not in needed and holder(folder) is None:
            freed += _size(folder)
            shutil.rmtree(folder, ignore_errors=True)
    forgotten = finished[: max(0, len(finished) - keep_finished)]
    for record in forgotten:
        journal.forget(record.id)
    return len(forgotten), freed


# The state folder may take this share of its disk; so many finished jobs are remembered.
_SHARE_OF_DISK, _REMEMBERED = 0.1, 500


def keep_small(settings: Settings) -> None:
    """Hold the state folder to its share: finished jobs go first, then what was measured and logged, oldest first.

    The work of unfinished jobs is never touched.
    """
    clean(settings, keep_finished=_REMEMBERED)
    too_much = _size(settings.home) - shutil.disk_usage(settings.home).total * _SHARE_OF_DISK
    spare = [*_files(settings.cache), *_files(settings.home / "logs")]
    for path, stat in sorted(spare, key=lambda file: file[1].st_mtime):
        if too_much <= 0:
            return
        too_much -= stat.st_size
        path.unlink(missing_ok=True)


def _size(folder: Path) -> int:
    return sum(stat.st_size for _, stat in _files(folder))


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Every file below ``folder`` that is still there when it is looked at: other processes work in it too."""
    for at, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                yield Path(at, name), os.lstat(Path(at, name))


async def content_of(path: Path) -> str:
    """The source's SHA-256. Raises SourceError where it can't be read to its end."""
    try:
        return await anyio.to_thread.run_sync(sha256_of, path)
    except OSError as exc:
        raise SourceError(f"{path} can't be read: {exc.strerror or exc}.", hint="Check the disk it is on.") from exc
