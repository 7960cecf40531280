"""`tightfit compress`: the main job."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tightfit.cli import edits, options
from tightfit.cli.failures import failure_of
from tightfit.cli.turns import in_turn, load_settings
from tightfit.cli.views import View, view_for
from tightfit.errors import InfeasibleError, Interrupted, UsageError

if TYPE_CHECKING:
    from tightfit.domain.request import CompressRequest
    from tightfit.domain.result import Failure, Result
    from tightfit.domain.updates import Update
    from tightfit.engine.edit_options import EditOptions
    from tightfit.engine.job import Listener
    from tightfit.engine.several import Gathered, Outcomes, Start
    from tightfit.settings import Settings

SHORT = "Make the best-looking file that fits a size."
HELP = f"""{SHORT}

\b
  tightfit compress vacation.mp4 --to 50MB
  tightfit compress vacation.mp4 50MB              the last word may be the size
  tightfit compress *.mp4 --to 25% -o smaller/
  tightfit compress -r Videos --to 25% -o smaller  every video below the folder, in folders like its own
  tightfit compress *.mp4 50MB --total             all of them in 50 MB, at one quality
  tightfit compress match.mp4 25MB --split         match-25MB-part01.mp4 and so on, cut where scenes change
  tightfit compress photo.jpg --to 500KB           or png, webp, avif, gif; mp3, m4a, aac, opus, wav
  tightfit compress clip.mp4 --to 5MB -o clip.gif  what -o names: .gif, or .m4a for the sound alone
  tightfit compress talk.mov --for discord --audio 48
  tightfit compress film.mkv 500MB --container mkv --private
  tightfit compress talk.mov --for discord --for email
  tightfit compress vacation.mp4 50MB --where cloud
  tightfit compress vacation.mp4 50MB --report vacation.html
  tightfit compress talk.mov 20MB --trim 1:30- --cut 4:00-4:12 --aspect 9:16 --fit cover
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
            help="A file, or a folder for several files; what is below a folder keeps its place there.",
            show_default="beside the source",
        ),
    ] = None,
    codec: options.Codec = None,
    effort: options.Effort = "balanced",
    container: options.Container = None,
    resolution: options.Resolution = "auto",
    audio: options.Audio = "auto",
    hdr: options.Hdr = "auto",
    min_quality: options.MinQuality = 0.0,
    private: options.Private = False,
    trim: edits.Trim = None,
    cut: edits.Cut = None,
    fps: edits.Fps = None,
    speed: edits.Speed = None,
    crop: edits.Crop = None,
    rotate: edits.Rotate = None,
    aspect: edits.Aspect = None,
    fit: edits.Fit = None,
    mute: edits.Mute = None,
    volume: edits.Volume = None,
    fade: edits.Fade = None,
    where: options.Where = "auto",
    offline: options.Offline = False,
    no_fallback: options.NoFallback = False,
    max_credits: options.MaxCredits = None,
    yes: options.Yes = False,  # noqa: ARG001 - nothing is asked yet
    jobs: options.Jobs = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there already.")] = False,
    recursive: options.Recursive = False,
    total: options.Total = False,
    split: options.Split = False,
    report: options.Report = None,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    edited: EditOptions = {"trim": trim, "cut": cut, "mute": mute, "fps": fps, "speed": speed, "volume": volume}
    edited |= {"crop": crop, "rotate": rotate, "aspect": aspect, "fit": fit, "fade": fade}
    places = options.Places(where, offline, no_fallback, max_credits)
    form = options.Form(codec, effort, container, hdr, private, report, min_quality)
    options.require_built(places)
    files, limits = options.files_and_limits(words, to, preset)

    def request(file: Path, number: int, where_to: str | None) -> CompressRequest:
        return options.request(
            *(file, limits[number], resolution, audio, jobs),
            output=where_to,
            overwrite=overwrite,
            places=places,
            form=form,
            edits=edited,
        )

    from tightfit.engine.several import gather

    view = view_for(as_json=as_json, quiet=quiet, verbose=verbose)
    try:
        named = [limit.text for limit in limits]
        gathered = gather(files, named, request, recursive=recursive, output=output, split=split)
    except UsageError as error:
        for file in files:
            view.refused(str(file), error)
        raise
    if report is not None and (split or len(gathered.requests) > 1):
        raise UsageError("--report tells of one file, and several will be made.", hint="Make them one by one.")
    view.skipped(gathered.skipped)
    return compress_gathered(gathered, load_settings(), view, total=total, split=split)


def compress_in_turn(requests: Sequence[CompressRequest], settings: Settings, view: View) -> int:
    """Compress each and show how it went; the first exit code that is not 0. Raises Interrupted."""
    from tightfit.engine.several import Gathered

    return compress_gathered(Gathered(tuple(requests)), settings, view)


def compress_gathered(
    gathered: Gathered, settings: Settings, view: View, *, total: bool = False, split: bool | int = False
) -> int:
    """As ``compress_in_turn``, into folders that are made where they are missing.

    ``total`` shares each limit out, ``split`` makes parts: so many, or where it is True as many as it takes.
    """
    from tightfit.engine.compress import compress as make
    from tightfit.engine.several import require_sense, shared

    require_sense(total=total, split=split)
    if split:
        gathered = parted(gathered, split, settings, view)

    def start(request: CompressRequest, listener: Listener) -> Awaitable[Result]:
        return make(request, settings, listener)

    requests = gathered.requests
    todo = shared(requests, settings) if total else [(request, start) for request in requests]
    return work_in_turn(todo, settings, view, gathered)


def parted(gathered: Gathered, split: bool | int, settings: Settings, view: View) -> Gathered:
    """The requests in their parts, found out in sight of the user. Raises Interrupted."""
    import anyio

    from tightfit.engine.several import in_parts

    view.begin(str(gathered.requests[0].source))
    try:
        return anyio.run(in_parts, gathered, split, settings, view.update)
    except KeyboardInterrupt:
        raise Interrupted("Stopped before anything was written.", hint="Run the same command again.") from None
    finally:
        view.close()


def work_in_turn(
    todo: Sequence[tuple[CompressRequest, Start]], settings: Settings, view: View, gathered: Gathered | None = None
) -> int:
    """As ``compress_in_turn``, each request begun in its own way."""
    from tightfit.engine.several import Gathered, Outcomes

    def explain(error: Exception, subject: str) -> Failure:
        return failure_of(error, settings.home, "" if isinstance(error, InfeasibleError) else subject)

    run = Run(view, Outcomes(gathered or Gathered(()), explain))
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
    finally:
        view.end()


@dataclass
class Run:
    """Shows one request after another; ``job_id`` is that of the one in work."""

    view: View
    outcomes: Outcomes
    job_id: str = ""

    async def outcome(self, request: CompressRequest, start: Start) -> Result:
        """The result of one request, whatever happens but being cancelled."""
        started, self.job_id = time.monotonic(), ""
        self.view.begin(str(request.source))
        try:
            result = await self.outcomes.of(request, start, self._listen, lambda: self.job_id)
        finally:
            self.view.close()
        return result if result.elapsed_s else replace(result, elapsed_s=time.monotonic() - started)

    def cancelled(self, request: CompressRequest) -> Result:
        """The result of a request that was not finished; only the one in work has a job."""
        from tightfit.domain.result import Result, Status

        job_id, self.job_id = self.job_id, ""
        return self.outcomes.named(request, Result(Status.CANCELLED, job_id, str(request.source)))

    def _listen(self, update: Update) -> None:
        self.job_id = update.job_id
        self.view.update(update)
