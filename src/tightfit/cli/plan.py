"""`tightfit plan`: everything compress would decide, without the final encode."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tightfit.cli import edits, options, wire
from tightfit.cli.compress import parted
from tightfit.cli.failures import expected, failure_of
from tightfit.cli.streams import complain, say
from tightfit.cli.text import counted, printable
from tightfit.cli.turns import in_turn, load_settings
from tightfit.cli.views import View, say_json, tell, tell_infeasible, view_for
from tightfit.errors import ExitCode, UsageError
from tightfit.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from tightfit.domain.file_plan import FilePlan
    from tightfit.domain.media_info import MediaInfo
    from tightfit.domain.plan import AlreadyFits, Plan
    from tightfit.domain.request import CompressRequest
    from tightfit.engine.edit_options import EditOptions
    from tightfit.engine.job import Listener
    from tightfit.engine.several import StartPlan
    from tightfit.settings import Settings

SHORT = "Say what compress would do, and why, without doing it."
HELP = f"""{SHORT}

What is measured on the way is kept for compress. The time that it tells follows what earlier runs on this machine took.

\b
  tightfit plan vacation.mp4 --to 50MB
"""


def plan(
    words: options.Files = None,
    to: options.To = None,
    preset: options.For = None,
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
    recursive: options.Recursive = False,
    total: options.Total = False,
    split: options.Split = False,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    edited: EditOptions = {"trim": trim, "cut": cut, "mute": mute, "fps": fps, "speed": speed, "volume": volume}
    edited |= {"crop": crop, "rotate": rotate, "aspect": aspect, "fit": fit, "fade": fade}
    places = options.Places(where, offline, no_fallback, max_credits)
    form = options.Form(codec, effort, container, hdr, private, min_quality=min_quality)
    options.require_built(places)
    files, limits = options.files_and_limits(words, to, preset)

    def request(file: Path, number: int, _: str | None) -> CompressRequest:
        return options.request(*(file, limits[number], resolution, audio, jobs), places=places, form=form, edits=edited)

    from tightfit.engine.several import gather

    # Scripts want the plan and nothing else on stdout; people want to see that something happens.
    view = view_for(as_json=False, quiet=as_json, verbose=verbose)
    try:
        gathered = gather(files, [limit.text for limit in limits], request, recursive=recursive)
    except UsageError as error:
        if as_json:
            for file in files:
                say_json(wire.failure("plan", str(file), expected(error)))
        raise
    view.skipped(gathered.skipped)
    from tightfit.engine.several import require_sense

    require_sense(total=total, split=split)
    settings = load_settings()
    if split:
        gathered = parted(gathered, split, settings, view)
    if not total:
        return plan_in_turn(gathered.requests, settings, view, as_json=as_json)
    from tightfit.engine.several import shared_plans

    todo = shared_plans(gathered.requests, settings)
    return plan_in_turn([request for request, _ in todo], settings, view, as_json=as_json, begin=dict(todo))


def plan_in_turn(
    requests: Sequence[CompressRequest],
    settings: Settings,
    view: View,
    *,
    as_json: bool,
    begin: Mapping[CompressRequest, StartPlan] | None = None,
) -> int:
    """Plan each, in its own way where ``begin`` has one, and tell the plan; the first exit code that is not 0.

    Raises Interrupted.
    """
    from tightfit.engine.compress import plan as run

    def usual(request: CompressRequest, listener: Listener) -> Awaitable[Plan | FilePlan | AlreadyFits]:
        return run(request, settings, listener)

    async def one(at: int) -> int:
        start = (begin or {}).get(requests[at], usual)
        return await _plan_one(requests[at], start, settings, view, as_json=as_json)

    return in_turn([request.source for request in requests], one)


async def _plan_one(
    request: CompressRequest, start: StartPlan, settings: Settings, view: View, *, as_json: bool
) -> int:
    from tightfit.engine.prepare import Infeasible
    from tightfit.media.sources import read

    path = str(request.source)
    view.begin(path)
    try:
        made = await start(request, view.update)
        wired = _wired(made, await read(request.source, settings.limits))
    except Infeasible as error:
        view.close()
        tell_infeasible(error.message, error.options)
        if as_json:
            limit = request.limit_for(request.source.stat().st_size)
            say_json(wire.infeasible_plan(path, limit, error.smallest_bytes, error.options))
        return ExitCode.INFEASIBLE
    except Exception as error:
        view.close()
        failure = failure_of(error, settings.home, path)
        tell(failure)
        if as_json:
            say_json(wire.failure("plan", path, failure))
        return failure.code
    finally:
        view.close()
    if as_json:
        say_json(wired)
    else:
        tell_plan(wired)
    return ExitCode.OK


def _wired(plan: Plan | FilePlan | AlreadyFits, info: MediaInfo) -> wire.Wire:
    from tightfit.domain.file_plan import FilePlan
    from tightfit.domain.plan import AlreadyFits

    if isinstance(plan, FilePlan):
        return wire.file_plan(plan, info.path)
    return wire.copying_plan(plan, info) if isinstance(plan, AlreadyFits) else wire.plan(plan, info)


def tell_plan(plan: wire.Wire) -> None:
    """The plan in sentences on stdout, its warnings on stderr."""
    facts = []
    if video := plan["video"]:
        facts.append(f"{video['width']}x{video['height']}")
        facts += [f"{video['fps']:g} fps"] if video["fps"] else []
    elif plan["audio"]:
        facts += ["{kbps:g} kb/s, {channels} channels".format(**plan["audio"][0])]
    if plan["segments"]:
        facts.append(counted(plan["segments"], "segment"))
    if plan["predicted_vmaf"] is not None:
        facts.append(f"about VMAF {plan['predicted_vmaf']:.0f}")
    if plan["predicted_seconds"]:
        facts.append(f"about {format_seconds(plan['predicted_seconds'])} of work")
    say(f"{printable(plan['input'])} in {format_bytes(plan['limit_bytes'])}: {', '.join(facts)}")
    for reason in plan["reasons"]:
        say(f"  {printable(reason)}")
    for warning in plan["warnings"]:
        complain(warning)
