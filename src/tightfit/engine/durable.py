"""A job that a crash can't lose: its folder is owned, its steps are journalled, and it can be taken up again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio

from tightfit.domain.job import JobRecord, Kind
from tightfit.domain.media_info import Identity
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Result
from tightfit.engine import facts, publish
from tightfit.engine.disk import Disk, disk_of, sha256_of
from tightfit.engine.hold import held, held_for_a_look
from tightfit.engine.job import Job, Listener, made_folder, new_job_id
from tightfit.engine.journal import Journal
from tightfit.engine.tidying import keep_small, tidy
from tightfit.errors import EncoderError, ExitCode, JobHeld, SourceChanged, SourceUnreadable, TightfitError, UsageError
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
    disk: Disk

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

    def publish(self, part: Path, output: Path, result: Result, digest: str, *, overwrite: bool) -> None:
        """Give the finished ``part`` its name; errors as in ``publish.publish``. Nothing follows in the journal.

        ``digest`` is the SHA-256 of what was verified. Raises EncoderError where the disk holds something else by now.
        """
        if sha256_of(part) != digest:
            raise EncoderError(
                f"The disk that holds {output.parent} gave back another file than it was given.",
                hint="Run again; if it happens again, check the disk.",
            )
        intent = {"output": str(output), "sha256": digest, "result": facts.result_facts(result)}
        self.note(Kind.PUBLISHING, intent)
        publish.publish(part, output, overwrite=overwrite, disk=self.disk)
        self.note(Kind.PUBLISHED, {})

    def already_published(self) -> Result | None:
        """The result of a run that was killed between giving the file its name and saying so."""
        intent = self.before.publishing
        if intent is None:
            return None
        output = Path(intent["output"])
        try:
            if sha256_of(output) != intent["sha256"]:
                return None
            # That run may have come to the name and not to its being durable; its own name for it may be left too.
            self.disk.sync(output, "output")
            self.disk.unlink(publish.part_path(output, self.job.id), "part")
            self.disk.sync_folder(output.parent, "output")
        except OSError:
            return None
        self.note(Kind.PUBLISHED, {})
        return facts.result_of(intent["result"], self.job.id)


def journal_of(settings: Settings, disk: Disk | None = None) -> Journal:
    return Journal(settings.home / JOURNAL, disk or disk_of(settings))


async def submitted(settings: Settings, request: CompressRequest, disk: Disk) -> tuple[str, str]:
    """The id of the unfinished job that this request is, else of a new one, journalled before any work.

    With it the journal's notice, if it has one. Raises SourceError where the source can't be read.
    """
    asked = facts.request_facts(request, identify(request.source))
    journal = journal_of(settings, disk)
    return journal.submit(new_job_id(), facts.fingerprint(asked), asked), journal.notice


def known(settings: Settings, job_id: str) -> JobRecord:
    """The record of a job named by the user, in full or by a beginning that is unique. Raises UsageError."""
    found = [r for r in journal_of(settings).records() if r.id.startswith(job_id.upper())]
    if len(found) != 1:
        what = "There is no job" if not found else f"{len(found)} jobs begin with"
        raise UsageError(f"{what} {job_id}.", hint="Run tightfit jobs for their names.")
    return found[0]


def refuse_if_held(settings: Settings, job_id: str) -> None:
    """Raise JobHeld at once where another process is at work on the job: a large source takes long to hash."""
    folder = settings.work / job_id
    with suppress(OSError), held_for_a_look(folder):
        pass


@contextmanager
def taken_up(settings: Settings, job_id: str, content: str, listener: Listener, disk: Disk) -> Iterator[DurableJob]:
    """Own the job, journal its start and, whatever happens, its end.

    Raises JobHeld where another process is at work on it, SourceChanged where the source is not what it was.
    """
    journal, folder = journal_of(settings, disk), made_folder(settings.work / job_id, disk)
    keep_small(settings, journal, disk)
    with held(folder, disk):
        before = journal.record(job_id)
        assert before is not None, "submitted before it is taken up"
        if not before.is_unfinished:
            disk.remove_folder(folder, "job")
            raise JobHeld(f"Job {job_id} is {before.state}: another process ended it just now.", hint="Run again.")
        if before.content not in ("", content):
            raise changed(before)
        tidy(folder, before, disk)
        work = DurableJob(Job(job_id, folder, listener), journal, before, content, disk)
        work.note(Kind.STARTED, {"pid": os.getpid(), "content": content})
        try:
            yield work
        except BaseException as exc:
            _ended(work, exc)
            raise
        disk.remove_folder(folder, "job")


def _ended(work: DurableJob, exc: BaseException) -> None:
    """Journal how it ended. Where even that fails the job looks killed, which can be resumed as well."""
    with suppress(TightfitError):
        if isinstance(exc, (anyio.get_cancelled_exc_class(), KeyboardInterrupt)):
            work.note(Kind.INTERRUPTED, {})
            _tidy_up(work, work.journal.record(work.job.id))
            return
        code = exc.code if isinstance(exc, TightfitError) else ExitCode.BUG
        record = work.journal.record(work.job.id)
        may_resume = _may_help(exc, code) and record is not None and (record.pieces > 0 or bool(record.publishing))
        work.note(Kind.FAILED, {"code": int(code), "message": str(exc), "may_resume": may_resume})
        if not may_resume:
            work.disk.remove_folder(work.job.work, "job")
            return
        _tidy_up(work, record)
        if isinstance(exc, TightfitError):
            exc.hint = f"{exc.hint} What is finished is kept: tightfit jobs resume {work.job.id} goes on."


def _tidy_up(work: DurableJob, record: JobRecord | None) -> None:
    """Keep nothing but what a later run goes on from."""
    if record is not None:
        tidy(work.job.work, record, work.disk)


def _may_help(exc: BaseException, code: ExitCode) -> bool:
    return code in _MAY_HELP or isinstance(exc, SourceUnreadable)


def changed(record: JobRecord) -> SourceChanged:
    source = record.request["source"] if record.request else "its source"
    return SourceChanged(
        f"{source} is not the file that job {record.id} was begun with; nothing was touched.",
        hint=f"Put the old file back, or give the job up with tightfit jobs cancel {record.id}.",
    )


def cancel(settings: Settings, record: JobRecord) -> None:
    """Give an unfinished job up and remove what it made.

    Raises JobHeld while a process is at work on it, UsageError where it has ended.
    """
    _require_unfinished(record)
    disk = disk_of(settings)
    journal, folder = journal_of(settings, disk), made_folder(settings.work / record.id, disk)
    with held(folder, disk):
        now = journal.record(record.id) or record
        if now.is_unfinished:
            journal.append(record.id, Kind.CANCELLED)
        if record.request:
            for path in publish.parts_of(facts.request_of(record.request), record.id):
                with suppress(OSError):
                    disk.unlink(path, "part")
        disk.remove_folder(folder, "job")
        # One that another process ended while we asked for its lock.
        _require_unfinished(now)


def _require_unfinished(record: JobRecord) -> None:
    if not record.is_unfinished:
        raise UsageError(f"Job {record.id} is {record.state}; nothing is left to cancel.")


async def require_unharmed(path: Path, identity: Identity, content: str) -> None:
    """Raise SourceUnreadable or SourceChanged where that is why work on ``path`` has failed."""
    if identify(path) != identity or await content_of(path) != content:
        raise SourceChanged(f"{path} changed while it was being worked on.", hint="Run again when it is at rest.")


async def content_of(path: Path) -> str:
    """The source's SHA-256. Raises SourceUnreadable where it can't be read to its end."""
    try:
        return await anyio.to_thread.run_sync(sha256_of, path)
    except OSError as exc:
        raise SourceUnreadable(
            f"{path} can't be read: {exc.strerror or exc}.", hint="Check the disk it is on, and run again."
        ) from exc
