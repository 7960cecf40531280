"""Beginning a session, or going on with the newest; each has one process at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tightfit.domain.session import Event, Kind, Session
from tightfit.engine.disk import disk_of
from tightfit.engine.hold import held
from tightfit.engine.job import made_folder, new_job_id
from tightfit.engine.session_log import SessionLog
from tightfit.errors import JobHeld
from tightfit.settings import Settings


@contextmanager
def owned(
    settings: Settings, log: SessionLog, files: Sequence[str], *, resume: bool, language: str
) -> Iterator[Session]:
    """A session with ``files``, owned while this lasts; the working folder becomes the session's.

    Raises JobHeld where another process talks in the session that is to go on.
    """
    known = log.newest() if resume else None
    name = known or new_job_id()
    disk = disk_of(settings)
    folder = made_folder(settings.home / "sessions" / name, disk)
    try:
        with held(folder, disk):
            if known:
                yield _gone_on(log, name, files)
            else:
                here = Path.cwd()
                opened = {"folder": str(here), "language": language, "files": [name_in(here, name) for name in files]}
                log.add(name, [Event(Kind.OPENED, opened)])
                yield log.session(name)
            disk.remove_folder(folder, "session")
    except JobHeld as held_by:
        held_by.message = f"The session is open in process {held_by.pid or 'of another terminal'}."
        raise


def _gone_on(log: SessionLog, name: str, files: Sequence[str]) -> Session:
    """The session as it was; ``files`` that are named now join it."""
    absolute = [str(Path(file).absolute()) for file in files]
    session = log.session(name)
    with suppress(OSError):  # its folder may be gone; names are then looked for where we are
        os.chdir(session.folder)
    if absolute:
        log.add(name, [Event(Kind.FILES, {"files": [name_in(Path.cwd(), file) for file in absolute]})])
    return log.session(name)


def name_in(folder: Path, name: str) -> str:
    """``name`` as it is written from ``folder``, where it lies in there."""
    path = folder / name
    return str(path.relative_to(folder)) if path.is_relative_to(folder) and ".." not in path.parts else name
