"""`tightfit compress`: the main job."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tightfit.cli import options
from tightfit.cli.failures import failure_of
from tightfit.cli.turns import in_turn, load_settings
from tightfit.cli.views import View, view_for
from tightfit.errors import InfeasibleError, Interrupted, OutputExists, UsageError

if TYPE_CHECKING:
    from tightfit.domain.request import CompressRequest
    from tightfit.domain.result import Result
    from tightfit.domain.updates import Update
    from tightfit.settings import Settings

    Listener = Callable[[Update], None]
    Start = Callable[[CompressRequest, Listener], Awaitable[Result]]

SHORT = "Make the best-looking file that fits a size."
HELP = f"""{SHORT}

\b
  tightfit compress vacation.mp4 --to 50MB
  tightfit compress vacation.mp4 50MB              the last word may be the size
  tightfit compress *.mp4 --to 25% -o smaller/
  tightfit compress talk.mov --for discord --audio 48
  tightfit compress film.mkv 500MB --container mkv --private
  tightfit compress vacation.mp4 50MB --where cloud
"""


def compress(
    words: options.Files = None,
    to: options.To = None,
    preset: options.For = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="PATH",
            help="A file, or a folder for several files.",
            show_default="beside the source",
        ),
    ] = None,
    codec: options.Codec = "h264",
    container: options.Container = None,
    resolution: options.Resolution = "auto",
    audio: options.Audio = "auto",
    hdr: options.Hdr = "auto",
    private: options.Private = False,
    where: options.Where = "auto",
    offline: options.Offline = False,
    no_fallback: options.NoFallback = False,
    max_credits: options.MaxCredits = None,
    yes: options.Yes = False,  # noqa: ARG001 - nothing is asked yet
    jobs: options.Jobs = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there already.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    places = options.Places(where, offline, no_fallback, max_credits)
    form = options.Form(container, hdr, private)
    options.require_built(codec, places)
    files, limit = options.files_and_limit(words, to, preset)
    if output is not None and len(files) > 1 and not Path(output).is_dir():
        raise UsageError(f"-o {output} is no folder, and {len(files)} files need one.", hint="Name an existing folder.")
    view = view_for(as_json=as_json, quiet=quiet, verbose=verbose)
    try:
        requests = [
            options.request(
                file, limit, resolution, audio, jobs, output=output, overwrite=overwrite, places=places, form=form
            )
            for file in files
        ]
    except UsageError as error:
        for file in files:
            view.refused(str(file), error)
        raise
    return compress_in_turn(requests, load_settings(), view)


def compress_in_turn(requests: Sequence[CompressRequest], settings: Settings, view: View) -> int:
    """Compress each and show how it went; the first exit code that is not 0. Raises Interrupted."""
    from tightfit.engine.compress import compress as make

    def start(request: CompressRequest, listener: Listener) -> Awaitable[Result]:
        return make(request, settings, listener)

    return work_in_turn([(request, start) for request in requests], settings, view)


def work_in_turn(todo: Sequence[tuple[CompressRequest, Start]], settings: Settings, view: View) -> int:
    """As ``compress_in_turn``, each request begun in its own way."""
    run = _Run(settings, view)
    pending = list(todo)

    async def one(_: int) -> int:
        result = await run.outcome(*pending[0])
        view.result(result)
        pending.pop(0)
        return result.error.code if result.error else 0

    try:
        return in_turn([request.source for request, _ in todo], one)
    except Interrupted as stopped:
        if run.job_id:
            stopped.hint = f"Go on with tightfit jobs resume {run.job_id}, or run the same command again."
        for request, _ in pending:
            view.result(run.cancelled(request))
        raise


@dataclass
class _Run:
    """What the files of one command line have in common; ``job_id`` is that of the one in work."""

    settings: Settings
    view: View
    written: set[Path] = field(default_factory=set)
    job_id: str = ""

    async def outcome(self, request: CompressRequest, start: Start) -> Result:
        """The result of one request, whatever happens but being cancelled."""
        from tightfit.domain.result import Result, Status

        started, source, self.job_id = time.monotonic(), str(request.source), ""
        self.view.begin(source)
        try:
            self._refuse_to_replace_our_own(request)
            result = await start(request, self._listen)
            self.written.add(Path(str(result.output)))
            return result
        except InfeasibleError as error:
            result = Result(
                Status.INFEASIBLE,
                self.job_id,
                source,
                limit_bytes=request.limit_for(request.source.stat().st_size),
                smallest_bytes=getattr(error, "smallest_bytes", None),
                options=getattr(error, "options", ()),
                error=failure_of(error, self.settings.home),
            )
        except Exception as error:
            result = Result(Status.FAILED, self.job_id, source, error=failure_of(error, self.settings.home, source))
        finally:
            self.view.close()
        return replace(result, elapsed_s=time.monotonic() - started)

    def cancelled(self, request: CompressRequest) -> Result:
        """The result of a request that was not finished; only the one in work has a job."""
        from tightfit.domain.result import Result, Status

        job_id, self.job_id = self.job_id, ""
        return Result(Status.CANCELLED, job_id, str(request.source))

    def _listen(self, update: Update) -> None:
        self.job_id = update.job_id
        self.view.update(update)

    def _refuse_to_replace_our_own(self, request: CompressRequest) -> None:
        """`clip.mov clip.mp4 --overwrite` must not end as one file."""
        from tightfit.engine.publish import output_path

        for extension in (f".{request.writes}", request.source.suffix):
            path = output_path(request, extension)
            if path in self.written:
                raise OutputExists(
                    f"{request.source} would replace {path}, which another file of this run became.",
                    hint="Compress it in a run of its own, with another output.",
                )
