"""Files to a session: streamed under names that say nothing, looked for before they are sent again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
from pydantic import ValidationError

from tightfit.cloud.answers import Reply, opened
from tightfit.cloud.api import UPLOAD, Api, Headers
from tightfit.cloud.errors import (
    LARGEST_BYTES,
    ApiError,
    BadAnswer,
    FileTooLarge,
    ServerTrouble,
    SessionNotFound,
    UnsupportedFile,
)
from tightfit.cloud.ledger import Call, Entry, Ledger, Stage
from tightfit.cloud.models import UploadedFile, uploaded_files
from tightfit.cloud.sessions import IN_SESSION, Session, Sessions
from tightfit.cloud.told import Moved, Tell
from tightfit.domain.file_kinds import MIME_OF
from tightfit.errors import CloudError, NetworkError, SourceChanged, SourceError
from tightfit.net.errors import ConnectionBroken
from tightfit.net.parts import Counted, Part
from tightfit.net.redact import place

MOST_FILES = 20
# After an upload that broke and was not found at the service it is sent whole again, this long after.
_AGAIN_AFTER = (1.0, 2.0)
_BLOCK = 1 << 20


@dataclass(frozen=True)
class _File:
    path: Path
    size: int
    digest: str

    @property
    def name(self) -> str:
        """What the service is told: nothing of the file's own name."""
        return f"{self.digest[:16]}.{_extension(self.path)}"


class Uploads:
    """Sends files in sessions."""

    def __init__(self, api: Api, sessions: Sessions, ledger: Ledger, tell: Tell) -> None:
        self._api, self._sessions, self._ledger, self._tell = api, sessions, ledger, tell

    async def files(self, session: Session, paths: Sequence[Path], *, job: str) -> list[UploadedFile]:
        """See ``CloudClient.upload``."""
        files = [await _looked_at(path) for path in paths]
        if not 1 <= len(files) <= MOST_FILES:
            raise FileTooLarge(hint=f"Name 1 to {MOST_FILES} files at a time.")
        try:
            return await self._files_in(session, files, job)
        except SessionNotFound:
            await self._sessions.replace(session)
            return await self._files_in(session, files, job)

    async def _files_in(self, session: Session, files: Sequence[_File], job: str) -> list[UploadedFile]:
        digest = hashlib.sha256(" ".join(f.digest for f in files).encode()).hexdigest()
        key = f"upload_{session.id}_{digest[:32]}"
        known = self._ledger.latest(key)
        if known and known.stage is not Stage.REFUSED and (found := await self._found(session, files)):
            self._ledger.note(known, Stage.DONE)
            return found
        if known:
            self._ledger.note(known, Stage.FAILED)
        facts = {"session": session.id, "names": [f.name for f in files], "bytes": sum(f.size for f in files)}
        entry = Entry(key, known.attempt + 1 if known else 1, Call.UPLOAD, job, digest, data=facts)
        self._ledger.intend(entry)

        async def send() -> list[UploadedFile]:
            return _checked(await self._api.tried(partial(self._send, session, files), UPLOAD), files)

        return await self._resolved(entry, send, partial(self._found, session, files))

    async def _resolved(self, entry: Entry, send: Any, found: Any) -> list[UploadedFile]:
        """``send``, and again where it broke and ``found`` finds nothing; the ledger learns the end."""
        waits = list(_AGAIN_AFTER)
        while True:
            try:
                uploaded: list[UploadedFile] = await send()
                break
            except (ConnectionBroken, ServerTrouble, BadAnswer) as exc:
                if adopted := await found():
                    uploaded = adopted
                    break
                if not waits:
                    self._ledger.note(entry, Stage.FAILED, {"kind": exc.kind})
                    raise
                await self._api.clock.sleep(waits.pop(0))
            except (ApiError, NetworkError, SourceError) as exc:
                self._ledger.note(entry, Stage.REFUSED, {"kind": exc.kind})
                raise
        self._ledger.note(entry, Stage.DONE)
        return uploaded

    async def _send(self, session: Session, files: Sequence[_File], headers: Headers) -> Reply:
        total, before = sum(f.size for f in files), 0
        with ExitStack() as stack:
            parts = []
            for file in files:

                def moved(done: int, _: int, before: int = before) -> None:
                    self._tell(Moved("upload", before + done, total))

                counted = _open(file, moved)
                stack.callback(counted.close)
                parts.append(Part("files", file.name, MIME_OF[_extension(file.path)], counted))
                before += file.size
            return opened(await self._api.http.send(self._url(session), headers, parts), IN_SESSION)

    async def _found(self, session: Session, files: Sequence[_File]) -> list[UploadedFile]:
        """The files as the service has them; empty where it lacks one, or can't be asked."""
        try:
            known = (await self._sessions.look(session)).video_infos
        except (CloudError, NetworkError):
            # A lost session too: the next try to send will say so.
            return []
        listed = [info for item in known if (info := _listed(item))]
        found = [next((i for i in listed if _is(i, file)), None) for file in files]
        return [info for info in found if info] if all(found) else []

    async def url(self, session: Session, url: str, *, job: str) -> UploadedFile:
        """See ``CloudClient.upload_url``."""
        before = len((await self._sessions.state(session)).video_infos)
        digest = hashlib.sha256(url.encode()).hexdigest()
        key = f"upload_{session.id}_url_{digest[:32]}"
        known = self._ledger.latest(key)
        facts = {"session": session.id, "from": place(url), "before": before}
        if known and known.is_open:
            before = int(known.data["before"])
            self._ledger.note(known, Stage.FAILED)
        entry = Entry(key, known.attempt + 1 if known else 1, Call.UPLOAD, job, digest, data=facts)
        self._ledger.intend(entry)

        async def once(headers: Headers) -> Reply:
            body = {"urls": [url], "source_type": "url"}
            return opened(await self._api.http.ask("POST", self._url(session), headers, body), IN_SESSION)

        async def send() -> list[UploadedFile]:
            return _parsed(await self._api.tried(once, UPLOAD))

        async def found() -> list[UploadedFile]:
            try:
                now = (await self._sessions.look(session)).video_infos
            except (CloudError, NetworkError):
                return []
            return [info for item in now[before:] if (info := _listed(item))]

        if adopted := await found() if known and known.is_open else []:
            self._ledger.note(entry, Stage.DONE)
            return adopted[0]
        try:
            return (await self._resolved(entry, send, found))[0]
        except SessionNotFound:
            await self._sessions.replace(session)
            raise

    def _url(self, session: Session) -> str:
        return self._api.url(f"/api/upload-video/nemo_agent/me/{session.id}")


async def _looked_at(path: Path) -> _File:
    """Raises UnsupportedFile, FileTooLarge and SourceError before any connection is made."""
    if _extension(path) not in MIME_OF:
        raise UnsupportedFile()
    try:
        size = path.stat().st_size
        if size == 0:
            raise SourceError(f"{path} is empty.", hint="Name a file with something in it.")
        if size > LARGEST_BYTES:
            raise FileTooLarge()
        return _File(path, size, await anyio.to_thread.run_sync(_digest, path))
    except OSError as exc:
        raise SourceError(f"{path} can't be read: {exc.strerror or exc}.", hint="Check that it is there.") from exc


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _open(file: _File, moved: Any) -> Counted:
    try:
        counted = Counted(file.path, moved)
    except OSError as exc:
        raise SourceError(f"{file.path} can't be read: {exc.strerror or exc}.", hint="Check that it is there.") from exc
    if os.fstat(counted.fileno()).st_size != file.size:
        counted.close()
        raise SourceChanged(f"{file.path} changed while it was uploaded.", hint="Run again when nothing writes to it.")
    return counted


def _extension(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


def _checked(reply: Reply, files: Sequence[_File]) -> list[UploadedFile]:
    """The files that the service says it has. Raises BadAnswer where they are not those sent."""
    uploaded = _parsed(reply)
    if len(uploaded) != len(files) or any(u.size not in (None, f.size) for u, f in zip(uploaded, files, strict=False)):
        raise BadAnswer("The service says it has other files than those it was sent.")
    return uploaded


def _parsed(reply: Reply) -> list[UploadedFile]:
    try:
        uploaded = uploaded_files(reply.data)
    except ValidationError:
        raise BadAnswer("The service took an upload without saying what it has.") from None
    if not uploaded or any(u.url is None and u.file_id is None for u in uploaded):
        raise BadAnswer("The service took an upload without saying where it is.")
    return uploaded


def _listed(item: Any) -> UploadedFile | None:
    try:
        return UploadedFile.model_validate(item)
    except ValidationError:
        return None


def _is(info: UploadedFile, file: _File) -> bool:
    whole = info.size in (None, file.size)
    return whole and (info.hash == file.digest or info.filename == file.name)
