"""`tightfit watch`: compress what appears in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tightfit.cli import options
from tightfit.cli.compress import Run
from tightfit.cli.failures import failure_of
from tightfit.cli.streams import complain
from tightfit.cli.text import printable
from tightfit.cli.turns import load_settings
from tightfit.cli.views import View, view_for
from tightfit.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tightfit.domain.request import CompressRequest
    from tightfit.domain.result import Failure, Result
    from tightfit.engine.job import Listener
    from tightfit.settings import Settings

SHORT = "Compress what appears in a folder into another one."
HELP = f"""{SHORT}

\b
  tightfit watch Inbox --for discord -o Small
  tightfit watch Recordings 50MB -o Small --audio 96

Videos that are there, and every one that appears, are compressed once they are whole: at rest for two seconds, open
for writing nowhere, and no half download. What is done is remembered, so that the next start goes on from there; so is
what can't be done, which is said once. Ctrl-C ends it.
"""


def watch(
    words: options.Files = None,
    to: options.To = None,
    preset: options.For = None,
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Where the outputs go.", show_default=False),
    ] = None,
    resolution: options.Resolution = "auto",
    audio: options.Audio = "auto",
    where: options.Where = "auto",
    offline: options.Offline = False,
    no_fallback: options.NoFallback = False,
    max_credits: options.MaxCredits = None,
    jobs: options.Jobs = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    places = options.Places(where, offline, no_fallback, max_credits)
    options.require_built(places)
    folders, limits = options.files_and_limits(words, to, preset)
    if len(folders) != 1:
        raise UsageError(f"{len(folders)} folders are named, and watch takes one.", hint="Start it once for each.")
    if output is None:
        raise UsageError("No output folder is named.", hint="Write tightfit watch Inbox 50MB -o Small.")
    from tightfit.engine.watch import require_other_folder

    folder, place = folders[0], Path(output)
    require_other_folder(folder, place)

    def make(file: Path) -> Sequence[CompressRequest]:
        return [
            options.request(file, limit, resolution, audio, jobs, output=str(place), places=places) for limit in limits
        ]

    make(folder)  # what is wrong with the options is wrong for every file
    view = view_for(as_json=as_json, quiet=quiet, verbose=verbose)
    return _watch(folder, place, make, load_settings(), view, many=len(limits) > 1, quiet=quiet)


def _watch(
    folder: Path,
    place: Path,
    make: Callable[[Path], Sequence[CompressRequest]],
    settings: Settings,
    view: View,
    *,
    many: bool,
    quiet: bool,
) -> int:
    """Never returns: Ctrl-C ends it. Raises Interrupted, OutputError."""
    import anyio

    from tightfit.engine.compress import compress
    from tightfit.engine.several import Gathered, Outcomes, made
    from tightfit.engine.watch import Watcher

    def explain(error: Exception, subject: str) -> Failure:
        return failure_of(error, settings.home, subject)

    async def start(request: CompressRequest, listener: Listener) -> Result:
        return await compress(request, settings, listener)

    async def work() -> None:
        watcher = Watcher(folder, make, settings)
        async for request in watcher.requests():
            result = await run.outcome(request, start)
            view.result(result)
            watcher.ended(request, result)

    run = Run(view, Outcomes(Gathered((), many_destinations=many), explain))
    if not quiet:
        complain(f"Watching {printable(str(folder))}; Ctrl-C ends it.")
    try:
        with made(place):
            anyio.run(work)
    except KeyboardInterrupt:
        going_on = "The same command goes on where it was." if run.job_id else "The same command goes on watching."
        raise Interrupted("Stopped watching.", hint=going_on) from None
    finally:
        view.end()
    return 0
