"""`tightfit plan`: everything compress would decide, without the final encode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tightfit.cli import options, wire
from tightfit.cli.failures import expected, failure_of
from tightfit.cli.streams import complain, say
from tightfit.cli.text import counted, printable
from tightfit.cli.turns import in_turn, load_settings
from tightfit.cli.views import View, say_json, tell, tell_infeasible, view_for
from tightfit.errors import ExitCode, UsageError
from tightfit.units import format_bytes, format_seconds

if TYPE_CHECKING:
    from tightfit.domain.media_info import MediaInfo
    from tightfit.domain.plan import AlreadyFits, Plan
    from tightfit.domain.request import CompressRequest
    from tightfit.settings import Settings

SHORT = "Say what compress would do, and why, without doing it."
HELP = f"""{SHORT}

What is measured on the way is kept for compress.

\b
  tightfit plan vacation.mp4 --to 50MB
"""


def plan(
    words: options.Files = None,
    to: options.To = None,
    preset: options.For = None,
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
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    places = options.Places(where, offline, no_fallback, max_credits)
    form = options.Form(container, hdr, private)
    options.require_built(codec, places)
    files, limit = options.files_and_limit(words, to, preset)
    # Scripts want the plan and nothing else on stdout; people want to see that something happens.
    view = view_for(as_json=False, quiet=as_json, verbose=verbose)
    try:
        requests = [options.request(file, limit, resolution, audio, jobs, places=places, form=form) for file in files]
    except UsageError as error:
        if as_json:
            for file in files:
                say_json(wire.failure("plan", str(file), expected(error)))
        raise
    return plan_in_turn(requests, load_settings(), view, as_json=as_json)


def plan_in_turn(requests: Sequence[CompressRequest], settings: Settings, view: View, *, as_json: bool) -> int:
    """Plan each and tell the plan; the first exit code that is not 0. Raises Interrupted."""

    async def one(at: int) -> int:
        return await _plan_one(requests[at], settings, view, as_json=as_json)

    return in_turn([request.source for request in requests], one)


async def _plan_one(request: CompressRequest, settings: Settings, view: View, *, as_json: bool) -> int:
    from tightfit.engine.compress import plan as run
    from tightfit.engine.prepare import Infeasible
    from tightfit.media.probe import probe

    path = str(request.source)
    view.begin(path)
    try:
        made = await run(request, settings, view.update)
        wired = _wired(made, await probe(request.source, settings.limits))
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


def _wired(plan: Plan | AlreadyFits, info: MediaInfo) -> wire.Wire:
    from tightfit.domain.plan import AlreadyFits

    return wire.copying_plan(plan, info) if isinstance(plan, AlreadyFits) else wire.plan(plan, info)


def tell_plan(plan: wire.Wire) -> None:
    """The plan in sentences on stdout, its warnings on stderr."""
    facts = []
    if video := plan["video"]:
        facts += [f"{video['width']}x{video['height']}", f"{video['fps']:g} fps"]
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
