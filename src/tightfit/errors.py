"""Everything that can go wrong, as one tree, and the one table of exit codes.

    TightfitError
    ├── UsageError            2    the request itself is wrong
    │   └── ToolError         2    an ffmpeg named by the user can't be used
    ├── SourceError           3    the input can't be used; nothing was written
    │   ├── SourceUnreadable  3    it can't be read just now: the disk or the network it is on fails
    │   └── SourceChanged     3    it changed while being worked on
    ├── InfeasibleError       4    no file of that size can hold this clip
    ├── NoPlaceLeft           5    the cloud can't do it, and falling back was forbidden
    ├── NetworkError          5    no connection, or one that broke (net/errors.py)
    ├── CloudError            5    the render service refused or failed; its kinds are drawn in cloud/errors.py
    ├── OutputError           6    the output can't be written
    │   └── OutputExists      6
    ├── JobHeld               7    another process is at work on this job, or holds the job journal
    ├── IllegalTransition     1    the journal says what can't have happened
    ├── EncoderError          1    an encoder crashed again after a retry, or lied
    └── Interrupted           130

Each message is one paragraph for a person: what happened, to which file. ``hint`` says what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from typing import ClassVar


class ExitCode(IntEnum):
    """The exit codes of the command line; docs/exit-codes.md says the same."""

    OK = 0
    BUG = 1
    USAGE = 2
    INPUT = 3
    INFEASIBLE = 4
    NETWORK = 5
    OUTPUT = 6
    HELD = 7
    INTERRUPTED = 130


class TightfitError(Exception):
    """Base of every error whose text is meant for the user."""

    code: ClassVar[ExitCode] = ExitCode.BUG
    kind: ClassVar[str] = "internal"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class UsageError(TightfitError):
    """The request can't be understood or asks for something that is not there."""

    code = ExitCode.USAGE
    kind = "usage"


class ToolError(UsageError):
    """An ffmpeg that the user named is missing or lacks what is needed."""

    kind = "tool"


class SourceError(TightfitError):
    """The input is missing, not media, unreadable, or holds no decodable video."""

    code = ExitCode.INPUT
    kind = "input"


class SourceUnreadable(SourceError):
    """Reading the input fails for a reason that may pass: nothing is wrong with the job."""

    kind = "input_unreadable"


class SourceChanged(SourceError):
    """The input is not the file it was when work on it began."""

    kind = "input_changed"


class InfeasibleError(TightfitError):
    """No acceptable file of that size exists; carries what would work.

    ``smallest_bytes`` is None where no size would work (say, above the source's own).
    """

    code = ExitCode.INFEASIBLE
    kind = "infeasible"


class NetworkError(TightfitError):
    """No connection could be made, or one broke; nothing is known beyond what was answered before."""

    code = ExitCode.NETWORK
    kind = "network"


class CloudError(TightfitError):
    """The render service refused, failed, or answered something that makes no sense."""

    code = ExitCode.NETWORK
    kind = "cloud"


class OutputError(TightfitError):
    """The output can't be written: read-only, missing folder, disk full."""

    code = ExitCode.OUTPUT
    kind = "output"


class OutputExists(OutputError):
    """The output is already there and replacing it was not asked for."""

    kind = "output_exists"


class NoPlaceLeft(TightfitError):
    """Segments are left that the cloud can't render, and this machine was not to do them."""

    code = ExitCode.NETWORK
    kind = "cloud"


class JobHeld(TightfitError):
    """Another process is at work on this job, or holds the job journal; ``pid`` is its, where it is known."""

    code = ExitCode.HELD
    kind = "held"

    def __init__(self, message: str, *, pid: int | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.pid = pid


class IllegalTransition(TightfitError):
    """An event of a job that can't follow those before it: a bug, or a damaged journal."""

    kind = "journal"


class EncoderError(TightfitError):
    """ffmpeg failed twice, or returned something other than what was asked for."""

    kind = "encoder"


class Interrupted(TightfitError):
    """The user stopped the run; children are dead and nothing was published."""

    code = ExitCode.INTERRUPTED
    kind = "interrupted"


@contextmanager
def told_singly() -> Iterator[None]:
    """Concurrent work fails as a group of errors; the first one that is meant for people is raised for all.

    So is the system's own word where nothing else went wrong: who knows what the files are for explains it.
    """
    try:
        yield
    except BaseExceptionGroup as group:
        meant: BaseException | None = group.subgroup(TightfitError)
        if meant is None and group.split(OSError)[1] is None:
            meant = group
        while isinstance(meant, BaseExceptionGroup):
            meant = meant.exceptions[0]
        if meant is None:
            raise
        raise meant from group
