"""Several inputs, destinations or both: the requests they become, and what became of each of them."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from tightfit.domain.file_kinds import MEDIA_EXTENSIONS
from tightfit.domain.file_plan import FilePlan
from tightfit.domain.plan import AlreadyFits, Plan
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Failure, Result, Status
from tightfit.engine.compress import compress
from tightfit.engine.inputs import Skipped, find
from tightfit.engine.job import Listener
from tightfit.engine.publish import output_path
from tightfit.engine.total import SharedLimit, by_size
from tightfit.errors import InfeasibleError, OutputError, OutputExists, TightfitError, UsageError
from tightfit.settings import Settings
from tightfit.units import Target, parse_target

_UNBOUNDED = 1_000_000  # pixels; no picture is so wide

Start = Callable[[CompressRequest, Listener], Awaitable[Result]]
StartPlan = Callable[[CompressRequest, Listener], Awaitable[Plan | FilePlan | AlreadyFits]]


@dataclass(frozen=True)
class Gathered:
    """One request for each input and limit, those of one input together.

    ``folders`` are outputs that are folders and may have to be made. ``many_destinations`` where results have to say
    which one they are for.
    """

    requests: tuple[CompressRequest, ...]
    skipped: tuple[Skipped, ...] = ()
    folders: frozenset[Path] = frozenset()
    many_destinations: bool = False


def gather(
    names: Sequence[Path],
    limits: Sequence[str],
    make: Callable[[Path, int, str | None], CompressRequest],
    *,
    recursive: bool,
    output: str | None = None,
    split: bool | int = False,
) -> Gathered:
    """``make`` one request of each file that ``names`` mean, a limit's number, and an output where one is named.

    ``split`` may make several files of each. Raises UsageError for what can't be meant, SourceError where there is
    nothing to work on.
    """
    slugs = [parse_target(limit).slug for limit in limits]
    place = Path(output) if output is not None else None
    found = find(names, recursive=recursive, output=place, slugs=slugs)
    files = len(found.inputs) * len(limits)
    many = files > 1 or (recursive and any(name.is_dir() for name in names)) or _means_folder(output, split)
    folder = _folder(output, files) if many else None
    requests, folders = [], set()
    for one in found.inputs:
        here = folder / one.below if folder else place
        if folder and here:
            folders.add(here)
        wanted = [make(one.path, number, None if here is None else str(here)) for number in range(len(limits))]
        # The largest picture comes first: what is measured of it serves the others.
        for request in sorted(wanted, key=lambda one: -(one.resolution.width or _UNBOUNDED)):
            requests.append(replace(request, stem=one.stem) if one.stem else request)
    return Gathered(tuple(requests), found.skipped, frozenset(folders), many_destinations=len(limits) > 1)


def of_requests(
    requests: Sequence[CompressRequest], output: str | None, *, split: bool | int | None = None
) -> Gathered:
    """Requests that are made already, and the folder they go to. Raises UsageError where several have none."""
    many = len(requests) > 1 or _means_folder(output, split)
    folder = _folder(output, len(requests)) if many else None
    return Gathered(tuple(requests), folders=frozenset({folder} if folder else ()))


def _means_folder(output: str | None, split: bool | int | None) -> bool:
    """Whether an output is a folder, there or not, though one file may be all that is made: by the slash behind it, or
    since numbered parts go there and it has no name of a file."""
    if output is None:
        return False
    is_closed = output.endswith((os.sep, os.altsep or os.sep))
    return is_closed or (bool(split) and Path(output).suffix.lower() not in MEDIA_EXTENSIONS)


def _folder(output: str | None, files: int) -> Path | None:
    """The folder that several outputs go to; it need not be there yet."""
    if output is None:
        return None
    path = Path(output)
    if path.is_dir():
        return path
    if path.exists() or path.suffix.lower() in MEDIA_EXTENSIONS:
        need = "one file needs" if files == 1 else f"{files} files need"
        raise UsageError(f"-o {output} is no folder, and {need} one.", hint="Name a folder.")
    return path


def shared(requests: Sequence[CompressRequest], settings: Settings) -> list[tuple[CompressRequest, Start]]:
    """The requests with how to begin them, where each limit is for all that name it; the largest file last."""
    return [(request, limit.compress) for limit in _limits(requests, settings) for request in limit.requests]


def shared_plans(requests: Sequence[CompressRequest], settings: Settings) -> list[tuple[CompressRequest, StartPlan]]:
    """The same for their plans."""
    return [(request, limit.plan) for limit in _limits(requests, settings) for request in limit.requests]


def _limits(requests: Sequence[CompressRequest], settings: Settings) -> list[SharedLimit]:
    together: dict[Target, list[CompressRequest]] = {}
    for request in requests:
        together.setdefault(request.target, []).append(request)
    return [SharedLimit(by_size(group), settings) for group in together.values()]


class Outcomes:
    """Turns whatever happens to a request into its result.

    ``explain`` makes a value of an error that is about the named file; what it raises itself is not caught.
    """

    def __init__(self, gathered: Gathered, explain: Callable[[Exception, str], Failure]) -> None:
        self._gathered, self._explain = gathered, explain
        self._written: set[Path] = set()

    async def of(self, request: CompressRequest, start: Start, listener: Listener, job_id: Callable[[], str]) -> Result:
        """The result of one request, whatever happens but being cancelled."""
        source = str(request.source)
        try:
            with made(request.output if request.output in self._gathered.folders else None):
                self._refuse_to_replace_our_own(request)
                result = await start(request, listener)
            self._written.add(Path(str(result.output)))
        except InfeasibleError as error:
            result = Result(
                Status.INFEASIBLE,
                job_id(),
                source,
                limit_bytes=request.limit_for(request.source.stat().st_size),
                smallest_bytes=getattr(error, "smallest_bytes", None),
                options=getattr(error, "options", ()),
                error=self._explain(error, source),
            )
        except Exception as error:
            result = Result(Status.FAILED, job_id(), source, error=self._explain(error, source))
        return self.named(request, result)

    def named(self, request: CompressRequest, result: Result) -> Result:
        """The result, saying which of several destinations it is for, and which part of a clip it is."""
        destination = request.target.preset if self._gathered.many_destinations else None
        return replace(result, destination=destination, part=request.part)

    def _refuse_to_replace_our_own(self, request: CompressRequest) -> None:
        """`clip.mov clip.mp4 --overwrite` must not end as one file."""
        for extension in (f".{request.writes}", request.source.suffix):
            path = output_path(request, extension)
            if path in self._written:
                raise OutputExists(
                    f"{request.source} would replace {path}, which another file of this run became.",
                    hint="Compress it in a run of its own, with another output.",
                )


def require_sense(*, total: bool, split: bool | int) -> None:
    """Raise UsageError for two readings of one limit."""
    if total and split:
        raise UsageError(
            "--total is one limit for all files together, --split one for each part of a file.",
            hint="Leave one of them out.",
        )


async def in_parts(gathered: Gathered, split: bool | int, settings: Settings, listener: Listener) -> Gathered:
    """The same with each clip in its parts: as many as ``split`` says, or as a fair quality takes."""
    from tightfit.engine.splitting import split_up

    parts = None if split is True else int(split)
    return replace(gathered, requests=tuple(await split_up(gathered.requests, parts, settings, listener)))


async def compress_each(
    gathered: Gathered, settings: Settings, listener: Listener, *, total: bool = False, split: bool | int = False
) -> list[Result]:
    """The result of each request, in their order; only bugs are raised, and UsageError for what makes no sense."""
    require_sense(total=total, split=split)
    if split:
        gathered = await in_parts(gathered, split, settings, listener)

    async def start(request: CompressRequest, listener: Listener) -> Result:
        return await compress(request, settings, listener)

    def explain(error: Exception, _: str) -> Failure:
        if not isinstance(error, TightfitError):
            raise error
        return Failure(int(error.code), error.kind, error.message, error.hint)

    requests, outcomes = gathered.requests, Outcomes(gathered, explain)
    todo = shared(requests, settings) if total else [(request, start) for request in requests]
    results = {request: await outcomes.of(request, begin, listener, lambda: "") for request, begin in todo}
    return [results[request] for request in requests]


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
