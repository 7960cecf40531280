"""How a run is shown: as a bar and a sentence, as JSON lines, or not at all."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

from tightfit.cli import logs, wire
from tightfit.cli.failures import expected, paragraph
from tightfit.cli.streams import complain, say
from tightfit.cli.text import counted, percent, printable, took
from tightfit.units import format_bytes

if TYPE_CHECKING:
    from tightfit.cli.progress import Display
    from tightfit.domain.result import Failure, Option, Result
    from tightfit.domain.updates import Update
    from tightfit.engine.inputs import Skipped
    from tightfit.errors import UsageError


class View(Protocol):
    """Sees one input after another: ``begin``, its updates, ``close``, and ``result`` where there is one."""

    def begin(self, name: str) -> None: ...

    def update(self, update: Update) -> None: ...

    def close(self) -> None: ...

    def result(self, result: Result) -> None: ...

    def skipped(self, skipped: Sequence[Skipped]) -> None:
        """What was found and is not worked on, before anything is begun."""

    def end(self) -> None:
        """All is done."""

    def refused(self, name: str, error: UsageError) -> None:
        """The request itself is wrong, so nothing is begun; who called says so on stderr."""


class Human:
    """A bar while it works, one line when it is done."""

    def __init__(self) -> None:
        self._display: Display | None = None
        self._name = ""
        self._results: list[Result] = []

    def begin(self, name: str) -> None:
        from tightfit.cli.progress import display_for

        self._name = printable(PurePath(name).name)
        self._display = display_for(self._name, plain=logs.shown())

    def update(self, update: Update) -> None:
        if update.message:
            complain(f"{self._name}: {update.message}")
        if self._display:
            self._display.show(update)

    def close(self) -> None:
        if self._display:
            self._display.close()
            self._display = None

    def result(self, result: Result) -> None:
        self.close()
        self._results.append(result)
        tell_failure(result)
        if result.output is not None:
            say(summary(result))
        if result.credits:
            complain(f"{counted(result.credits, 'credit')} went into it at the service.")
        for warning in result.warnings:
            complain(warning)

    def skipped(self, skipped: Sequence[Skipped]) -> None:
        from tightfit.engine.inputs import reasons

        if skipped:
            complain(f"Skipped: {reasons(skipped)}.{'' if logs.shown() else ' -v names them.'}")
        if logs.shown():
            for one in skipped:
                complain(f"  {one.path}: {one.why}")

    def end(self) -> None:
        from tightfit.cli.table import table

        if len(self._results) > 1:
            for line in table(self._results):
                complain(line)

    def refused(self, name: str, error: UsageError) -> None: ...


class Json:
    """NDJSON: updates, unless they are not wanted, and results."""

    def __init__(self, *, updates: bool) -> None:
        self._updates = updates

    def begin(self, name: str) -> None: ...

    def update(self, update: Update) -> None:
        if self._updates:
            say_json(wire.update(update))

    def close(self) -> None: ...

    def result(self, result: Result) -> None:
        tell_failure(result)
        say_json(wire.result(result))
        if self._updates:
            for warning in result.warnings:
                complain(warning)

    def skipped(self, skipped: Sequence[Skipped]) -> None:
        from tightfit.domain.updates import Phase, Update

        for one in skipped:
            self.update(Update("", Phase.PROBE, 0.0, message=f"skipped {one.path}: {one.why}"))

    def end(self) -> None: ...

    def refused(self, name: str, error: UsageError) -> None:
        from tightfit.domain.result import Result, Status

        say_json(wire.result(Result(Status.FAILED, "", name, error=expected(error))))


class Silent:
    """Nothing but errors."""

    def begin(self, name: str) -> None: ...

    def update(self, update: Update) -> None: ...

    def close(self) -> None: ...

    def result(self, result: Result) -> None:
        tell_failure(result)

    def skipped(self, skipped: Sequence[Skipped]) -> None: ...

    def end(self) -> None: ...

    def refused(self, name: str, error: UsageError) -> None: ...


def view_for(*, as_json: bool, quiet: bool, verbose: bool) -> View:
    """The view that the output options ask for."""
    if verbose:
        logs.show()
    if as_json:
        return Json(updates=not quiet)
    return Silent() if quiet else Human()


def say_json(wired: dict[str, Any]) -> None:
    # ASCII only: a name that is not UTF-8 stays readable for every parser.
    say(json.dumps(wired, ensure_ascii=True, allow_nan=False))


def tell_failure(result: Result) -> None:
    """The paragraph of a result that is none."""
    if result.status == "infeasible" and result.error:
        tell_infeasible(result.error.message, result.options)
    elif result.error:
        tell(result.error)


def tell(failure: Failure) -> None:
    complain(paragraph(failure.message, failure.hint))


def tell_infeasible(message: str, options: tuple[Option, ...]) -> None:
    complain(f"{message} These would work:")
    for option in options:
        vmaf = f" (about VMAF {option.predicted_vmaf:.0f})" if option.predicted_vmaf is not None else ""
        complain(f"  - {option.change}{vmaf}")


def summary(result: Result) -> str:
    """The one line a run ends with: path, size and limit, and what it took."""
    assert result.output is not None, "only a finished file has a summary"
    assert result.bytes is not None, "only a finished file has a summary"
    assert result.limit_bytes is not None, "only a finished file has a summary"
    size = f"{format_bytes(result.bytes)} of {format_bytes(result.limit_bytes)}"
    if result.status == "already_fits":
        return "  ".join([printable(result.output), size, "fitted already, copied unchanged"])
    facts = [printable(result.output), f"{size} ({percent(result.bytes / result.limit_bytes)})"]
    if result.video:
        facts.append(f"{result.video.width}x{result.video.height}")
    if again := result.segments.reencoded:
        facts.append(f"{again} of {counted(result.segments.total, 'segment')} encoded again")
    return "  ".join([*facts, took(result.elapsed_s)])
