"""The rendered file, home: resumed where it broke, checked before it has its name, asked for anew where it expired."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import anyio

from tightfit.cloud.answers import opened
from tightfit.cloud.api import ONCE, QUESTION, Api, Headers
from tightfit.cloud.errors import (
    BadAnswer,
    DownloadCorrupted,
    Gone,
    NotFound,
    OutputExpired,
    RateLimited,
    ServerTrouble,
)
from tightfit.cloud.models import RenderJob, RenderOutput
from tightfit.cloud.render import Renders
from tightfit.cloud.told import Moved, Tell
from tightfit.cloud.whole import is_cut_short, is_markup, is_page
from tightfit.errors import CloudError, NetworkError, OutputError
from tightfit.net.addresses import is_public
from tightfit.net.errors import AddressRefused, ConnectionBroken, ConnectionFailed
from tightfit.net.http import Incoming
from tightfit.net.redact import place
from tightfit.net.urls import is_web, joined, parts_of
from tightfit.units import whole_number

MOST_REDIRECTS = 3
# No render of a file of at most 500 MB is larger than this; a body that goes on is no video.
MOST_BYTES = 4_000_000_000
# Five tries in all.
_AGAIN_AFTER = (1.0, 2.0, 4.0, 8.0)
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
Check = Callable[[Path], Awaitable[None]]


class _Expired(Exception):
    """The place of the file no longer leads to it."""


class _Corrupt(Exception):
    """What came is not the file that was promised."""


@dataclass
class _Expected:
    """What the render promised, and what the last answer said of itself; None where nothing was said."""

    promised_size: int | None = None
    promised_sha256: str | None = None
    said_size: int | None = None
    said_sha256: str | None = None

    @property
    def size(self) -> int | None:
        return self.said_size if self.promised_size is None else self.promised_size

    @property
    def sha256(self) -> str | None:
        return self.promised_sha256 or self.said_sha256


class Downloads:
    """Brings the output of a render to a path."""

    def __init__(self, api: Api, renders: Renders, tell: Tell) -> None:
        self._api, self._renders, self._tell = api, renders, tell

    async def file(self, job: RenderJob, target: Path, check: Check | None) -> Path:
        """See ``CloudClient.download``."""
        passing = target.with_name(f"{target.name}.part")
        expected = _Expected(job.output.size, job.output.sha256) if job.output else _Expected()
        url, fresh, again, last = job.output.url if job.output else None, False, False, False
        while True:
            last = url is None
            try:
                await self._fetch(url or self._own_url(job.id), passing, expected)
                await self._verified(passing, expected, check)
                break
            except _Expired:
                _remove(passing)
                if last:
                    raise OutputExpired(
                        f"The service no longer has the output of render {job.id}.",
                        hint="Render it again; that is free.",
                    ) from None
                url = None if fresh else await self._fresh_url(job.id)
                fresh = True
            except (ConnectionBroken, ConnectionFailed, ServerTrouble, RateLimited):
                # The place of the file is down; the service itself may have it too.
                if last:
                    raise
                url = None
            except _Corrupt as exc:
                _remove(passing)
                if last:
                    raise DownloadCorrupted(
                        f"The file of render {job.id} arrived damaged every time ({exc}); nothing was kept.",
                        hint="Try again later, or work locally.",
                    ) from None
                url = None if again else url
                again = True
        await anyio.to_thread.run_sync(_placed, passing, target)
        return target

    def _own_url(self, render: str) -> str:
        return self._api.url(f"/api/render/proxy/{render}/download")

    async def _fresh_url(self, render: str) -> str | None:
        try:
            output: RenderOutput | None = (await self._renders.poll(render, tries=QUESTION)).output
        except (CloudError, NetworkError):
            return None
        return output.url if output else None

    async def _fetch(self, url: str, passing: Path, expected: _Expected) -> None:
        """All of ``url``, going on where a connection broke. Raises _Expired, _Corrupt, NetworkError, OutputError."""
        waits = list(_AGAIN_AFTER)
        while True:
            have, _ = _kept(passing)
            if have and have == expected.size:
                return
            try:
                await self._once(url, passing, expected)
                return
            except AddressRefused:
                raise _Expired from None
            except (ConnectionBroken, ConnectionFailed, ServerTrouble, RateLimited):
                if not waits:
                    raise
                await self._api.clock.sleep(waits.pop(0))

    async def _once(self, url: str, passing: Path, expected: _Expected) -> None:
        for _ in range(MOST_REDIRECTS + 1):
            moved = await self._from(url, passing, expected)
            if moved is None:
                return
            if parts_of(url).scheme == "https" and parts_of(moved).scheme != "https":
                raise AddressRefused("The service sent the download to a place without encryption.")
            url = moved
        raise _Expired

    async def _from(self, url: str, passing: Path, expected: _Expected) -> str | None:
        """One request. Returns the URL that it was sent on to, None where the file is complete."""
        if not is_web(url):
            raise _Expired
        have, validator = _kept(passing)
        resume = {"Range": f"bytes={have}-", "If-Range": validator} if have and validator else {}
        if not self._api.is_own(url):
            return await self._read(url, resume, passing, expected, only_public=self._must_be_public())

        async def once(headers: Headers) -> str | None:
            return await self._read(url, {**headers, **resume}, passing, expected, only_public=False)

        # Broken connections are counted by who called; here only a token may have to be renewed.
        return await self._api.tried(once, ONCE)

    def _must_be_public(self) -> bool:
        """A service on the internet has no business sending us into our own network; one at home may."""
        host = parts_of(self._api.base_url).hostname or ""
        return is_public(host) or not (_is_address(host) or host == "localhost" or "." not in host)

    async def _read(
        self, url: str, headers: Headers, passing: Path, expected: _Expected, *, only_public: bool
    ) -> str | None:
        async with self._api.http.stream("GET", url, headers, only_public=only_public) as incoming:
            status, kind = incoming.status, incoming.headers.get("content-type", "").lower()
            if status in (301, 302, 303, 307, 308):
                return joined(url, incoming.headers.get("location", ""))
            if status == 416:
                _remove(passing)
                raise ConnectionBroken(f"{place(url)} no longer has what was begun.")
            if status in (403, 404, 410):
                raise _Expired
            if status not in (200, 206):
                await self._refused(incoming)
            if "json" in kind:
                return _url_in((opened(await incoming.whole(), {})).data)
            if is_markup(kind):
                raise _Expired
            await self._save(incoming, passing, expected)
        return None

    async def _refused(self, incoming: Incoming) -> None:
        if not self._api.is_own(incoming.url) and incoming.status not in (408, 429) and incoming.status < 500:
            # Whatever a foreign host means by it, the service itself may give the file.
            raise _Expired
        try:
            opened(await incoming.whole(), {})
        except (NotFound, Gone):
            raise _Expired from None
        raise BadAnswer(f"The service answered a download with status {incoming.status}.")

    async def _save(self, incoming: Incoming, passing: Path, expected: _Expected) -> None:
        headers, at = incoming.headers, 0
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise BadAnswer("The service packed a file that was asked for as it is.")
        total = _length(headers.get("content-length"))
        if incoming.status == 206:
            match = _RANGE.fullmatch(headers.get("content-range", ""))
            have, _ = _kept(passing)
            if not match or int(match[1]) != have:
                _remove(passing)
                raise ConnectionBroken("The service sent another part of the file than was asked for.")
            at, total = have, int(match[3])
        if total is not None and expected.promised_size not in (None, total):
            if is_page(await anext(incoming.chunks(), b"")):
                raise _Expired
            raise _Corrupt(f"{total} bytes instead of {expected.promised_size}")
        digest = headers.get("x-content-sha256", "").lower()
        expected.said_size = total
        expected.said_sha256 = digest if re.fullmatch(r"[0-9a-f]{64}", digest) else None
        most = expected.size if expected.size is not None else MOST_BYTES
        try:
            _note_validator(passing, headers.get("etag", ""))
            with passing.open("r+b" if at else "wb") as file:
                file.truncate(at)
                file.seek(at)
                async for chunk in incoming.chunks():
                    at += len(chunk)
                    if at > most:
                        raise _Corrupt(f"more than {most} bytes")
                    file.write(chunk)
                    self._tell(Moved("download", at, expected.size or 0))
        except OSError as exc:
            raise _unwritable(passing, exc) from exc

    async def _verified(self, passing: Path, expected: _Expected, check: Check | None) -> None:
        """Raises _Corrupt where the file is not the promised one, _Expired where it is a page that speaks of one."""
        size, digest = await anyio.to_thread.run_sync(_measured, passing)
        # Stores answer so for a place that has expired, and some call it a video.
        if is_page(await anyio.to_thread.run_sync(_head, passing)):
            raise _Expired
        if expected.size is not None and size != expected.size:
            raise _Corrupt(f"{size} bytes instead of {expected.size}")
        if expected.sha256 and digest != expected.sha256.lower():
            raise _Corrupt("its SHA-256 is another")
        if why := await anyio.to_thread.run_sync(is_cut_short, passing):
            raise _Corrupt(why)
        if check is not None:
            try:
                await check(passing)
            except CloudError as exc:
                raise _Corrupt(exc.message) from None


def _length(text: str | None) -> int | None:
    number = whole_number(text or "")
    return number if number is not None and number >= 0 else None


def _is_address(host: str) -> bool:
    return bool(re.fullmatch(r"[0-9.]+", host)) or ":" in host


def _url_in(data: object) -> str:
    """The place of the file in an answer that is not the file. Raises _Expired where there is none."""
    found = data.get("output", data) if isinstance(data, dict) else None
    url = found.get("url") or found.get("outputUrl") if isinstance(found, dict) else None
    if not isinstance(url, str) or not is_web(url):
        raise _Expired
    return url


def _sidecar(passing: Path) -> Path:
    return passing.with_name(f"{passing.name}.from")


def _note_validator(passing: Path, etag: str) -> None:
    """What proves later that the rest is of the same file; a weak one proves nothing."""
    strong = etag if etag.startswith('"') else ""
    _sidecar(passing).write_text(json.dumps({"etag": strong}), encoding="utf-8")


def _kept(passing: Path) -> tuple[int, str]:
    """How much of the file is here, and what proves it; (0, "") where it can't be gone on with."""
    try:
        etag = json.loads(_sidecar(passing).read_text(encoding="utf-8"))["etag"]
        size = passing.stat().st_size
    except (OSError, ValueError, KeyError, TypeError):
        return 0, ""
    return (size, etag) if isinstance(etag, str) and etag and size else (0, "")


def _remove(passing: Path) -> None:
    with suppress(OSError):
        passing.unlink(missing_ok=True)
    with suppress(OSError):
        _sidecar(passing).unlink(missing_ok=True)


def _measured(path: Path) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
            size += len(block)
    return size, digest.hexdigest()


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(16)


def _placed(passing: Path, target: Path) -> None:
    try:
        with passing.open("rb") as file:
            os.fsync(file.fileno())
        passing.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as exc:
        raise _unwritable(target, exc) from exc
    _remove(passing)


def _unwritable(path: Path, exc: OSError) -> OutputError:
    return OutputError(
        f"{path} can't be written: {exc.strerror or exc}.", hint="Free some space, or name another place."
    )
