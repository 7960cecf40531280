"""Options that several commands share, each spelled out once, and what is not in this version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tightfit.errors import UsageError
from tightfit.units import SIZE_HELP, parse_target

if TYPE_CHECKING:
    from tightfit.domain.request import CompressRequest
    from tightfit.engine.edit_options import EditOptions

# What to write instead, for the options whose value can be wrong.
EXAMPLES = {
    "--to": "--to 50MB",
    "--for": "--for discord",
    "--output": "-o small.mp4",
    "-o": "-o small.mp4",
    "--codec": "--codec h264",
    "--effort": "--effort fast",
    "--container": "--container mp4",
    "--resolution": "--resolution 720p",
    "--audio": "--audio 96",
    "--hdr": "--hdr tonemap",
    "--where": "--where local",
    "--report": "--report report.html",
    "--min-quality": "--min-quality 80",
    "--jobs": "--jobs 2",
    "--trim": "--trim 0:10-0:30",
    "--cut": "--cut 0:10-0:30",
    "--fps": "--fps 30",
    "--speed": "--speed 1.5",
    "--crop": "--crop 640x360+0+60",
    "--rotate": "--rotate 90",
    "--aspect": "--aspect 9:16",
    "--fit": "--fit contain",
    "--mute": "--mute 0:10-0:30",
    "--volume": "--volume 0.5",
    "--fade": "--fade 1,2",
}


Files = Annotated[list[str] | None, typer.Argument(metavar="FILE", hidden=True)]
To = Annotated[str | None, typer.Option("--to", metavar="SIZE", help="The limit: 50MB, 25%, half.", show_default=False)]
For = Annotated[
    list[str] | None,
    typer.Option(
        "--for",
        metavar="PRESET",
        help="A destination, with its limit and rules; several times for several files from one look at the source.",
        show_default=False,
    ),
]
Total = Annotated[
    bool,
    typer.Option("--total", help="With several files: the limit is for all together, shared out by what is in them."),
]
Split = Annotated[
    bool,
    typer.Option(
        "--split", help="Numbered files that play alone, each under the limit: as many as a fair quality takes."
    ),
]
Recursive = Annotated[bool, typer.Option("-r", "--recursive", help="Folders with all that is below them.")]
Resolution = Annotated[
    str,
    typer.Option(metavar="SIZE", help="Upper bound of the picture: auto, source, 1080p, 1280x720. Never upscales."),
]
Audio = Annotated[str, typer.Option(metavar="CHOICE", help="auto, none, copy, or kb/s such as 96.")]
Codec = Annotated[
    str | None,
    typer.Option(
        metavar="CODEC",
        help="h264; hevc or av1: better in the same bytes, not played everywhere; auto: the best that --for plays.",
        show_default="h264, in WebM av1",
    ),
]
Effort = Annotated[
    str,
    typer.Option(metavar="STEP", help="fast, balanced or best: how much time may be taken for a better picture."),
]
Container = Annotated[
    str | None,
    typer.Option(
        metavar="FORMAT", help="mp4, mov, mkv, or webm (AV1 and Opus).", show_default="from --output, else mp4"
    ),
]
Hdr = Annotated[
    str,
    typer.Option(
        metavar="WAY", help="auto, keep (10 bits: hevc, av1) or tonemap: SDR, also of a file that would fit as it is."
    ),
]
Private = Annotated[bool, typer.Option("--private", help="Drop facts of a place, a person or a device.")]
MinQuality = Annotated[
    float,
    typer.Option("--min-quality", metavar="VMAF", help="Refuse (exit 4) what would look worse: 0 (off) to 100."),
]
Report = Annotated[
    str | None,
    typer.Option(
        metavar="PATH",
        help="An HTML page with frames before and after, quality and bytes over time, and what was decided and why.",
        show_default=False,
    ),
]
Where = Annotated[
    str,
    typer.Option(
        metavar="PLACE",
        help="local: this machine. cloud: a render service, and this machine for what it fails to do. "
        "auto: local, and both once you connected to a service.",
    ),
]
Offline = Annotated[bool, typer.Option("--offline", help="Open no socket, whatever else is set.")]
NoFallback = Annotated[
    bool, typer.Option("--no-fallback", help="With --where cloud: stop (exit 5) instead of finishing on this machine.")
]
MaxCredits = Annotated[
    int | None,
    typer.Option(
        "--max-credits", metavar="N", help="Never spend more than this at a service.", show_default="no ceiling"
    ),
]
Yes = Annotated[bool, typer.Option("--yes", help="Answer yes to every question; in this version none is asked.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", metavar="N", help="Encodes at once.", show_default="from cores and memory"),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object per line on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Nothing but errors; with --json, results only.")]
Verbose = Annotated[
    bool,
    typer.Option(
        "-v",
        "--verbose",
        help="Show the exact ffmpeg commands, tracebacks, and the quality of each segment where it is measured.",
    ),
]


@dataclass(frozen=True)
class Limit:
    """How the limit was named: exactly one of a size and a preset."""

    to: str | None = None
    preset: str | None = None

    @property
    def text(self) -> str:
        return self.to or self.preset or ""


def files_and_limit(words: Sequence[str] | None, to: str | None, preset: str | None) -> tuple[list[Path], Limit]:
    """Tell the files from the size, which is the last word unless an option names it.

    Raises UsageError where one of them is missing.
    """
    files = list(words or ())
    if to is not None and preset is not None:
        raise UsageError("--to and --for name two limits.", hint="Name one of them.")
    if to is None and preset is None and files:
        to = _size_at_the_end(files)
    if not files:
        raise UsageError("No file is named.", hint=f"Write tightfit vacation.mp4 {to or '50MB'}.")
    if "" in files:
        raise UsageError("One of the file names is empty.", hint="Name a file, such as vacation.mp4.")
    return [Path(name) for name in files], Limit(to, preset)


def files_and_limits(
    words: Sequence[str] | None, to: str | None, presets: Sequence[str] | None
) -> tuple[list[Path], list[Limit]]:
    """As ``files_and_limit``, for any number of destinations, each of them once."""
    first, *others = dict.fromkeys(presets or ()) or [None]
    files, limit = files_and_limit(words, to, first)
    return files, [limit, *(Limit(preset=name) for name in others)]


def _size_at_the_end(words: list[str]) -> str:
    """Take the size off the end of ``words``; whether it means something is for the request to say."""
    last, alone = words[-1], len(words) == 1
    try:
        a_word = parse_target(last).preset is not None
    except UsageError:
        missing = alone or Path(last).exists()
    else:
        missing = alone and a_word
    if missing:
        raise UsageError(f"No size is named for {', '.join(words)}.", hint=SIZE_HELP)
    return words.pop()


@dataclass(frozen=True)
class Form:
    """What kind of file is made, what it tells, and where a page tells of it."""

    codec: str | None = None
    effort: str = "balanced"
    container: str | None = None
    hdr: str = "auto"
    private: bool = False
    report: str | None = None
    min_quality: float = 0.0


@dataclass(frozen=True)
class Places:
    """Where the work may be done."""

    where: str = "auto"
    offline: bool = False
    no_fallback: bool = False
    max_credits: int | None = None


def request(
    file: Path,
    limit: Limit,
    resolution: str,
    audio: str,
    jobs: int | None,
    *,
    output: str | None = None,
    overwrite: bool = False,
    places: Places = Places(),
    form: Form = Form(),
    edits: EditOptions | None = None,
) -> CompressRequest:
    """What the options ask of one file. Raises UsageError."""
    from tightfit.engine.edit_options import parse_edits
    from tightfit.engine.requests import make_request, parse_audio

    return make_request(
        file,
        to=limit.to,
        preset=limit.preset,
        output=output,
        resolution=resolution,
        audio=parse_audio(audio),
        overwrite=overwrite,
        jobs=jobs,
        where="local" if places.offline and places.where == "auto" else places.where,
        no_fallback=places.no_fallback,
        max_credits=places.max_credits,
        codec=form.codec,
        effort=form.effort,
        container=form.container,
        hdr=form.hdr,
        private=form.private,
        report=form.report,
        min_quality=form.min_quality,
        edits=parse_edits(edits or {}),
    )


def require_built(places: Places) -> None:
    """Raise UsageError for a value that is promised but not in this version, or means nothing."""
    _require("--where", places.where, ("auto", "local", "cloud"), ("cluster",))
    if places.offline and places.where == "cloud":
        raise UsageError("--offline opens no socket, and --where cloud needs one.", hint="Leave one of them out.")


def _require(option: str, value: str, built: tuple[str, ...], later: tuple[str, ...]) -> None:
    if value in built:
        return
    if value in later:
        raise UsageError(f"{option} {value} is not in this version: write {EXAMPLES[option]}.")
    raise UsageError(f"{option} {value} means nothing.", hint=f"Write {EXAMPLES[option]}.")
