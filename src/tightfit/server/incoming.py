"""Files on their way in: written to the disk as they arrive, by names of ours, and gone again unless they are kept."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from tightfit.server.file_types import FORMATS, named_type, shown_name
from tightfit.server.refusals import Code, Refusal

MOST_FILES = 20
_FIELDS = ("files", "file")
# Beside files a form may hold small fields, which nobody reads.
_MOST_FIELD_BYTES, _MOST_PARTS = 64 * 1024, 100


@dataclass(frozen=True)
class Incoming:
    """One file that has arrived; ``name`` is what it was called, ``path`` where it lies."""

    name: str
    path: Path
    size: int


class Tray:
    """The files of one request, in a folder of temporary ones. Leaving it removes what was not taken out."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._made: list[Path] = []

    def __enter__(self) -> Tray:
        return self

    def __exit__(self, *_: object) -> None:
        for path in self._made:
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def new_path(self) -> Path:
        path = self._folder / secrets.token_hex(16)
        self._made.append(path)
        return path


def wrong_type(name: str) -> Refusal:
    data = {"errors": [{"filename": name, "code": int(Code.FILE_TYPE)}]}
    return Refusal(Code.FILE_TYPE, f"{name!r} is not a file that is taken; these are: {FORMATS}.", data=data)


def too_large(name: str, limit: int) -> Refusal:
    data = {"errors": [{"filename": name, "code": int(Code.FILE_SIZE)}]}
    message = f"{name!r} is larger than {limit} bytes, the most that one file may have."
    return Refusal(Code.FILE_SIZE, message, data=data)


def _bad_form(why: str) -> Refusal:
    return Refusal(Code.INVALID, f"The upload can't be read: {why}.")


async def receive_form(content_type: str, chunks: AsyncIterator[bytes], tray: Tray, limit: int) -> list[Incoming]:
    """The files of a multipart form, written to ``tray`` while they come in; nothing is held in memory.

    Raises Refusal: wrong type as soon as a name is seen, too large as soon as a byte is too much.
    """
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise _bad_form("its boundary is missing")
    form = _Form(tray, limit)
    try:
        parser = MultipartParser(boundary, form.callbacks())  # type: ignore[arg-type]
        async for chunk in chunks:
            parser.write(chunk)
        parser.finalize()
    except FormParserError as exc:
        raise _bad_form("it is not a whole multipart form") from exc
    finally:
        form.close()
    if not form.ended:
        raise _bad_form("it ends too early")
    if not form.files:
        raise _bad_form("it holds no file in a field called files")
    return form.files


class _Form:
    """Follows the parser from part to part."""

    def __init__(self, tray: Tray, limit: int) -> None:
        self._tray, self._limit = tray, limit
        self.files: list[Incoming] = []
        self.ended = False
        self._parts = 0
        self._name, self._value, self._headers = b"", b"", dict[bytes, bytes]()
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self._filename, self._size = "", 0

    def callbacks(self) -> dict[str, object]:
        names = ("part_begin", "part_data", "part_end", "header_field", "header_value", "header_end")
        found: dict[str, object] = {f"on_{name}": getattr(self, f"_{name}") for name in names}
        return {**found, "on_headers_finished": self._headers_finished, "on_end": self._end}

    def close(self) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise _bad_form("it has too many parts")
        self._headers, self._size = {}, 0

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"filename" not in options:
            return
        if options.get(b"name", b"").decode("latin-1") not in _FIELDS:
            raise _bad_form("files are taken from a field called files")
        if len(self.files) >= MOST_FILES:
            raise _bad_form(f"at most {MOST_FILES} files are taken at once")
        self._filename = shown_name(options[b"filename"].decode("utf-8", "replace"))
        if named_type(self._filename) is None:
            raise wrong_type(self._filename)
        self._path = self._tray.new_path()
        self._file = self._path.open("xb")

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        self._size += end - start
        if self._file is None:
            if self._size > _MOST_FIELD_BYTES:
                raise _bad_form("one of its fields is too long")
            return
        if self._size > self._limit:
            raise too_large(self._filename, self._limit)
        self._file.write(memoryview(data)[start:end])

    def _part_end(self) -> None:
        if self._file and self._path:
            self.close()
            self.files.append(Incoming(self._filename, self._path, self._size))

    def _end(self) -> None:
        self.ended = True
