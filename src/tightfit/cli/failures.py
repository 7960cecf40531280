"""From an exception to one paragraph and an exit code: what happened, to which file, what to do."""

from __future__ import annotations

import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tightfit.cli import logs
from tightfit.cli.streams import complain
from tightfit.errors import ExitCode, TightfitError, UsageError

if TYPE_CHECKING:
    import typer

    from tightfit.domain.result import Failure


def paragraph(message: str, hint: str) -> str:
    return f"{message} {hint}".strip()


def expected(error: TightfitError) -> Failure:
    """An error that is meant for the user, as a value."""
    from tightfit.domain.result import Failure

    return Failure(int(error.code), error.kind, error.message, error.hint)


def failure_of(error: Exception, home: Path, subject: str = "") -> Failure:
    """``error`` as a value.

    A crash, tightfit's own or an encoder's, is logged below ``home``; with -v its traceback is shown too.
    """
    from tightfit.domain.result import Failure

    if isinstance(error, TightfitError) and error.code is not ExitCode.BUG:
        return expected(error)
    if logs.shown():
        complain_at_length(error)
    where = _logged(error, home)
    if isinstance(error, TightfitError):
        return replace(expected(error), hint=paragraph(error.hint, where))
    during = f" while working on {subject}" if subject else ""
    what = f"{type(error).__name__}: {error}".rstrip(": ")
    message = f"tightfit failed{during} ({' '.join(what.split())}); this is a bug in tightfit."
    return Failure(int(ExitCode.BUG), TightfitError.kind, message, f"Please report it. {where}")


def told(error: Exception) -> int:
    """Say what went wrong on stderr; the exit code that belongs to it."""
    if isinstance(error, TightfitError) and error.code is not ExitCode.BUG:
        complain(paragraph(error.message, error.hint))
        return int(error.code)
    from tightfit.settings import home

    failure = failure_of(error, home())
    complain(paragraph(failure.message, failure.hint))
    return failure.code


def complain_at_length(error: Exception) -> None:
    """The traceback, line by line: names in it are as harmless as everywhere."""
    for line in "".join(traceback.format_exception(error)).splitlines():
        complain(line)


def _logged(error: Exception, home: Path) -> str:
    try:
        return f"The log is at {logs.write(error, home)}."
    except OSError as exc:
        return f"No log could be written ({exc}); run again with -v to see more."


def usage_error(problem: typer.TyperException) -> UsageError:
    """What the parser found wrong, in our own form: the option by its name, and something that works."""
    from tightfit.cli.options import EXAMPLES

    details: Any = problem  # the parser's errors carry what they are about, but under no public type
    command = details.ctx.command_path if getattr(details, "ctx", None) else "tightfit"
    param = getattr(details, "param", None)
    option: str = getattr(details, "option_name", "") or (max(param.opts, key=len) if param else "")
    message = " ".join(problem.format_message().split()).rstrip(".")
    if hasattr(details, "possibilities"):
        return _unknown_option(option, command, details.possibilities or ())
    if option in EXAMPLES:
        return UsageError(f"{message}.", hint=f"Write {EXAMPLES[option]}.")
    return UsageError(f"{message}.", hint=f"{command} --help shows how it is written.")


# How alike a word and the option that was meant are: one or two letters wrong, added or swapped.
_MEANT = 0.75


def _unknown_option(option: str, command: str, close: tuple[str, ...]) -> UsageError:
    from difflib import get_close_matches

    # The parser finds any three letters alike.
    meant = get_close_matches(option, close, n=1, cutoff=_MEANT)
    hint = f"Did you mean {meant[0]}?" if meant else f"{command} --help lists those there are."
    return UsageError(f"{option} is not an option of {command}.", hint=hint)
