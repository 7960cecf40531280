"""Several inputs on one command line: the requests they become, the folders for them, and the table at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from tightfit.cli.text import counted, percent, printable
from tightfit.domain.file_kinds import VIDEO_EXTENSIONS
from tightfit.errors import OutputError, UsageError
from tightfit.units import format_bytes

if TYPE_CHECKING:
    from tightfit.cli.options import Limit
    from tightfit.domain.request import CompressRequest
    from tightfit.domain.result import Result
    from tightfit.engine.inputs import Skipped

_LONGEST_NAME = 40
_WORDS = {
    "met": "fits now",
    "already_fits": "fitted already",
    "infeasible": "too small a limit",
    "cancelled": "stopped",
}


@dataclass(frozen=True)
class Gathered:
    """What a command line asks for: one request for each input and limit, those of one input together.

    ``folders`` are outputs that are folders and may have to be made.
    """

    requests: tuple[CompressRequest, ...]
    skipped: tuple[Skipped, ...]
    folders: frozenset[Path]
    names_destinations: bool


def gather(
    names: Sequence[Path],
    limits: Sequence[Limit],
    make: Callable[[Path, Limit, str | None], CompressRequest],
    *,
    recursive: bool,
    output: str | None = None,
) -> Gathered:
    """Raises UsageError for what can't be meant, SourceError where there is nothing to work on."""
    from tightfit.engine.inputs import find
    from tightfit.units import parse_target

    slugs = [parse_target(limit.to or limit.preset or "").slug for limit in limits]
    place = Path(output) if output is not None else None
    found = find(names, recursive=recursive, output=place, slugs=slugs)
    many = len(found.inputs) * len(limits) > 1 or (recursive and any(name.is_dir() for name in names))
    folder = _folder(output, len(found.inputs) * len(limits)) if many else None
    requests, folders = [], set()
    for one in found.inputs:
        here = folder / one.below if folder else place
        if folder and here:
            folders.add(here)
        for limit in limits:
            request = make(one.path, limit, None if here is None else str(here))
            requests.append(replace(request, stem=one.stem) if one.stem else request)
    return Gathered(tuple(requests), found.skipped, frozenset(folders), names_destinations=len(limits) > 1)


def _folder(output: str | None, files: int) -> Path | None:
    """The folder that several outputs go to; it need not be there yet."""
    if output is None:
        return None
    path = Path(output)
    if path.is_dir():
        return path
    if path.exists() or path.suffix.lower().removeprefix(".") in VIDEO_EXTENSIONS:
        raise UsageError(f"-o {output} is no folder, and {counted(files, 'file')} need one.", hint="Name a folder.")
    return path


@contextmanager
def made(folder: Path | None) -> Iterator[None]:
    """``folder`` is there meanwhile; what had to be made for it and stayed empty is gone afterwards.

    Raises OutputError where it can't be made.
    """
    if folder is None:
        yield
        return
    new = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise OutputError(
            f"The folder {folder} can't be made: {exc.strerror or exc}.", hint="Name another output with -o."
        ) from exc
    try:
        yield
    finally:
        with suppress(OSError):  # not empty: what was wanted is in it
            for path in new:
                path.rmdir()


def table(results: Sequence[Result]) -> list[str]:
    """What became of each, one line a result, and their sum."""
    rows = [(_short(result), _became(result), _facts(result)) for result in results]
    names, words = (max(len(row[column]) for row in rows) for column in (0, 1))
    lines = [f"  {name:<{names}}  {became:<{words}}  {facts}".rstrip() for name, became, facts in rows]
    return [*lines, _sum(results)]


def _short(result: Result) -> str:
    name = PurePath(result.input).name
    if result.destination:
        name += f" for {result.destination}"
    if result.part:
        name += f" part {result.part}"
    shown = printable(name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def _became(result: Result) -> str:
    if result.status in _WORDS:
        return _WORDS[result.status]
    return f"failed ({result.error.code})" if result.error else "failed"


def _facts(result: Result) -> str:
    if result.output is None or result.bytes is None or not result.limit_bytes:
        return ""
    share = percent(result.bytes / result.limit_bytes)
    return f"{format_bytes(result.bytes)} of {format_bytes(result.limit_bytes)} ({share})  {printable(result.output)}"


def _sum(results: Sequence[Result]) -> str:
    counts: dict[str, int] = {}
    for result in results:
        word = _WORDS.get(result.status, "failed")
        counts[word] = counts.get(word, 0) + 1
    total = sum(result.bytes or 0 for result in results)
    each = ", ".join(f"{count} {word}" for word, count in counts.items())
    return f"{counted(len(results), 'output')}: {each}; {format_bytes(total)} in all."
