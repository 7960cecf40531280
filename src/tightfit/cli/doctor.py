"""`tightfit doctor`: what is installed, what works, and what to do about the rest."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tightfit import __version__
from tightfit.cli import logs, options
from tightfit.cli.failures import paragraph
from tightfit.cli.streams import say
from tightfit.cli.text import counted, printable
from tightfit.cli.turns import in_turn
from tightfit.cli.views import say_json
from tightfit.errors import ExitCode, ToolError
from tightfit.units import format_bytes

if TYPE_CHECKING:
    from tightfit.domain.policy import Policy
    from tightfit.media.process import Rung
    from tightfit.media.tools import Ffmpeg
    from tightfit.settings import Settings

SHORT = "Say what is installed, what works, and what to do about the rest."
HELP = f"""{SHORT}

Exits with 0 unless something needed is missing.
"""

# The work files of a job together are about two to three times its limit.
_FREE_BYTES_WANTED = 1_000_000_000


@dataclass(frozen=True)
class Problem:
    """Something missing and what to do; ``code`` is 0 where tightfit works without it."""

    what: str
    fix: str
    code: int = 0


@dataclass
class Findings:
    """What was looked at; ``others`` are ffmpegs that are there and not used, with why they could not be."""

    home: Path
    writable: bool
    free_bytes: int
    policy: Policy
    ffmpeg: Ffmpeg | None = None
    jail: Rung | None = None
    others: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def doctor(as_json: options.Json = False, verbose: options.Verbose = False) -> int:
    from tightfit.settings import Settings

    if verbose:
        logs.show()
    settings = Settings()
    found = _look_at_home(settings)

    async def look(_: int) -> int:
        from tightfit.media.process import rung

        await _look_at_ffmpegs(found, settings)
        found.jail = await rung()
        return ExitCode.OK

    in_turn([settings.home], look)
    _judge(found)
    if as_json:
        say_json(_wired(found))
    else:
        for line in _told(found):
            say(printable(line))
    return next((p.code for p in found.problems if p.code), ExitCode.OK)


def _look_at_home(settings: Settings) -> Findings:
    home, policy = settings.home, settings.limits
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Findings(home, writable=False, free_bytes=0, policy=policy)
    return Findings(home, os.access(home, os.W_OK | os.X_OK), shutil.disk_usage(home).free, policy)


async def _look_at_ffmpegs(found: Findings, settings: Settings) -> None:
    from tightfit.media.tools import find_ffmpeg

    cache = settings.cache if found.writable else None
    try:
        found.ffmpeg = await find_ffmpeg(settings.ffmpeg, cache)
    except ToolError as error:
        found.problems.append(Problem(error.message, error.hint, int(error.code)))
    # Without a name the bundled one comes first, so these are all that could be used instead.
    seen = {found.ffmpeg.path} if found.ffmpeg else set()
    for named in dict.fromkeys((None, shutil.which("ffmpeg"))):
        try:
            other = await find_ffmpeg(named, cache)
        except ToolError as error:
            found.others.append((str(named), error.message))
            continue
        if other.path not in seen:
            seen.add(other.path)
            origin = "on the PATH" if named else other.origin
            found.others.append((other.path, f"{origin}, version {other.version}"))


def _judge(found: Findings) -> None:
    if not found.writable:
        what = f"{found.home} can't be written to."
        found.problems.append(Problem(what, "Name another folder with TIGHTFIT_HOME.", int(ExitCode.OUTPUT)))
    elif found.free_bytes < _FREE_BYTES_WANTED:
        what = f"Only {format_bytes(found.free_bytes)} are free where {found.home} is."
        found.problems.append(Problem(what, "Free some space, or name a folder on another disk with TIGHTFIT_HOME."))
    if found.ffmpeg and not found.ffmpeg.can_tone_map:
        what = f"{found.ffmpeg.path} has no zscale and tonemap filters, so HDR video is refused."
        found.problems.append(Problem(what, "Unset TIGHTFIT_FFMPEG to use the bundled ffmpeg."))
    if found.ffmpeg and found.ffmpeg.quality_metric != "vmaf":
        what = f"{found.ffmpeg.path} has no libvmaf filter, so quality is judged less well."
        found.problems.append(Problem(what, "Unset TIGHTFIT_FFMPEG to use the bundled ffmpeg."))


def _machine() -> dict[str, Any]:
    import psutil

    memory = psutil.virtual_memory()
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory_bytes": memory.total,
        "memory_free_bytes": memory.available,
    }


def _pyav() -> str:
    from importlib.metadata import version

    return version("av")


def _wired(found: Findings) -> dict[str, Any]:
    ffmpeg = found.ffmpeg
    return {
        "type": "doctor",
        "ok": not any(p.code for p in found.problems),
        "tightfit": __version__,
        "python": platform.python_version(),
        "pyav": _pyav(),
        "ffmpeg": ffmpeg
        and {
            "path": ffmpeg.path,
            "origin": ffmpeg.origin,
            "version": ffmpeg.version,
            "encoders": sorted(ffmpeg.encoders),
            "tone_mapping": ffmpeg.can_tone_map,
            "quality_metric": ffmpeg.quality_metric,
        },
        "other_ffmpegs": [{"path": path, "about": about} for path, about in found.others],
        "jail": asdict(found.jail) if found.jail else None,
        "policy": found.policy.facts(),
        "home": {"path": str(found.home), "writable": found.writable, "free_bytes": found.free_bytes},
        **_machine(),
        "problems": [asdict(problem) for problem in found.problems],
    }


def _jail(rung: Rung | None) -> str:
    """Its rung in words; a program named by the user that is a script runs in none."""
    files = f"files by Landlock {rung.landlock}" if rung and rung.landlock else ""
    calls = "no sockets by seccomp" if rung and rung.seccomp else ""
    return ", ".join(filter(None, (files, calls))) or "none on this kernel, only limits"


def _limits(policy: Policy) -> list[str]:
    """The policy in words; what has no limit is left out."""

    def number(value: float | None, unit: str) -> str:
        return "" if value is None else f"{value:,.0f} {unit}"

    source = [
        "" if policy.most_bytes is None else format_bytes(policy.most_bytes),
        number(policy.most_seconds, "s"),
        number(policy.most_frames, "frames"),
        number(policy.most_fps, "fps"),
        number(policy.most_pixels, "pixels a picture"),
        number(policy.most_streams, "streams"),
        "" if policy.most_side is None else f"sides of {policy.least_side} to {policy.most_side} pixels",
        number(policy.most_aspect, "times as long as wide"),
    ]
    decoders = "any decoder" if policy.decoders is None else f"{len(policy.decoders)} decoders"
    memory = "any memory" if policy.memory_bytes is None else f"{format_bytes(policy.memory_bytes)} of memory"
    child = (
        f"{policy.cpu_factor:g} times the CPU and {policy.wall_factor:g} times the time of hard work, "
        f"at least {policy.least_wall_s:.0f} s, {memory}; {policy.probe_s:.0f} s to read a file"
    )
    return [
        f"limits ({policy.name}, see TIGHTFIT_POLICY): at most {', '.join(filter(None, source))}",
        f"  read by {len(policy.formats)} demuxers and {decoders}; a child may take {child}",
    ]


def _told(found: Findings) -> list[str]:
    ffmpeg, machine = found.ffmpeg, _machine()
    lines = [f"tightfit {__version__}, Python {platform.python_version()}, PyAV {_pyav()}"]
    if ffmpeg:
        lines += [
            f"ffmpeg: {ffmpeg.path} ({ffmpeg.origin}, version {ffmpeg.version})",
            f"  encoders: {', '.join(sorted(ffmpeg.encoders))}",
            f"  tone-mapping of HDR: {'yes' if ffmpeg.can_tone_map else 'no'}",
            f"  quality measured by: {ffmpeg.quality_metric or 'nothing'}",
        ]
    lines += [f"  not used: {path} ({about})" for path, about in found.others]
    state = "writable" if found.writable else "not writable"
    memory, free = format_bytes(machine["memory_bytes"]), format_bytes(machine["memory_free_bytes"])
    lines += [
        f"jail of ffmpeg and the reader of files: {_jail(found.jail)}",
        *_limits(found.policy),
        f"state folder: {found.home} ({state}, {format_bytes(found.free_bytes)} free)",
        f"machine: {counted(machine['cores'], 'core')}, {free} of {memory} memory free",
    ]
    lines += [f"Problem: {paragraph(p.what, p.fix)}" for p in found.problems]
    return lines if found.problems else [*lines, "Nothing is missing."]
