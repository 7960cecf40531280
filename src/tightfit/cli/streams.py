"""Results go to stdout, everything else to stderr; whoever reads them may leave at any time."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, TextIO

from tightfit.cli.text import printable
from tightfit.errors import OutputError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Pipe(io.FileIO):
    """A standard stream that goes quiet when its reader leaves: the file is wanted without the report."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data) or 0
        except BrokenPipeError:
            return memoryview(data).nbytes


def make_patient() -> None:
    """Let `tightfit … | head` end without a word, and show what the locale can't as escapes."""
    sys.stdout = _patient(sys.stdout)
    sys.stderr = _patient(sys.stderr)


def _patient(stream: TextIO | None) -> TextIO:
    if stream is None:  # closed by the caller, as with 2>&-
        return _nowhere()
    raw = io.BufferedWriter(_Pipe(stream.fileno(), "wb", closefd=False))
    at_once = bool(stream.line_buffering)
    return io.TextIOWrapper(raw, stream.encoding, "backslashreplace", line_buffering=at_once)


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


def say(line: str) -> None:
    """One line of results. Raises OutputError where stdout is a file on a full disk."""
    try:
        print(line, flush=True)
    except OSError as exc:
        # What is left in its buffer would fail once more at exit.
        sys.stdout = _nowhere()
        raise OutputError(
            f"The results can't be written to stdout ({exc.strerror}).",
            hint="Free some space or send them elsewhere; files that are done are in place.",
        ) from exc


def complain(paragraph: str) -> None:
    """One paragraph about what went wrong, or what should be known."""
    print(printable(paragraph), file=sys.stderr, flush=True)
