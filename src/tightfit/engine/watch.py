"""A folder whose new files are compressed into another one: each that is whole, once, across restarts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path

from watchfiles import awatch

from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Result
from tightfit.engine import publish, watched
from tightfit.engine.arrivals import Arrivals
from tightfit.engine.durable import journal_of
from tightfit.engine.inputs import stems_for
from tightfit.errors import SourceError, UsageError
from tightfit.settings import Settings

# How often a file that is not whole yet is looked at again; the system tells of new ones by itself.
_LOOK_AGAIN_MS = 500


def require_other_folder(folder: Path, output: Path) -> None:
    """Raise UsageError where outputs would appear among the inputs, or there is no folder to watch."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder, and watch needs one.", hint="Write tightfit watch Inbox 50MB -o Out.")
    if output.exists() and not output.is_dir():
        raise UsageError(f"-o {output} is no folder.", hint="Name another one.")
    if output.resolve() == folder.resolve():
        raise UsageError(
            f"-o {output} is the folder that is watched, and its own outputs would appear there.",
            hint="Name another folder.",
        )


class Watcher:
    """``make`` gives the requests for a file, one for each destination."""

    def __init__(self, folder: Path, make: Callable[[Path], Sequence[CompressRequest]], settings: Settings) -> None:
        self._folder, self._make, self._journal = folder, make, journal_of(settings)
        self._keys: dict[CompressRequest, str] = {}

    async def requests(self) -> AsyncIterator[CompressRequest]:
        """What is to be done, as files become whole; those that are there at the beginning too. Never ends."""
        arrivals = Arrivals(self._folder)
        for request in self._due(arrivals):
            yield request
        watching = awatch(self._folder, recursive=False, yield_on_timeout=True, rust_timeout=_LOOK_AGAIN_MS, step=100)
        async for changes in watching:
            if not changes and not arrivals.waits:
                continue
            for request in self._due(arrivals):
                yield request

    def _due(self, arrivals: Arrivals) -> list[CompressRequest]:
        due = []
        for path in arrivals.whole(time.monotonic()):
            for request in self._make(path):
                try:
                    key = watched.key_of(request)
                except SourceError:  # gone again, or not readable yet
                    continue
                if not watched.is_done(self._journal, key):
                    named = _named(request)
                    self._keys[named] = key
                    due.append(named)
        return due

    def ended(self, request: CompressRequest, result: Result) -> None:
        """Remember what need not be tried again."""
        key = self._keys.pop(request)
        if watched.is_for_good(result.error):
            watched.done(self._journal, key)


def _named(request: CompressRequest) -> CompressRequest:
    """The request under a name that no other file has taken in the output folder."""
    for stem in stems_for(request.source):
        named = replace(request, stem="" if stem == request.source.stem else stem)
        if not any(publish.output_path(named, end).exists() for end in (f".{request.writes}", request.source.suffix)):
            return named
    raise AssertionError("there is always another number")
