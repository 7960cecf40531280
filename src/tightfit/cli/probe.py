"""`tightfit probe`: what a file really holds."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tightfit.cli import logs, options, wire
from tightfit.cli.failures import failure_of
from tightfit.cli.streams import say
from tightfit.cli.text import counted, printable, sparkline
from tightfit.cli.turns import in_turn, load_settings
from tightfit.cli.views import say_json, tell
from tightfit.errors import ExitCode
from tightfit.units import format_bytes

if TYPE_CHECKING:
    from tightfit.domain.images import ImageFacts
    from tightfit.domain.light import Light
    from tightfit.domain.media_info import AudioStream, MediaInfo, VideoStream
    from tightfit.engine.conformity import Check
    from tightfit.presets import Preset
    from tightfit.settings import Settings

SHORT = "Say what a file really holds, and what is doubtful."
HELP = f"""{SHORT}

Streams, exact frame rate, rotation, pixel shape, colour, keyframes, bytes over time.

\b
  tightfit probe vacation.mp4
  tightfit probe *.mp4 --json
  tightfit probe --for instagram reel.mp4          exit code 4 where a rule is broken
"""


def probe(
    files: Annotated[list[str], typer.Argument(metavar="FILE", hidden=True)],
    preset: Annotated[
        str | None,
        typer.Option("--for", metavar="PRESET", help="Check each rule of a destination.", show_default=False),
    ] = None,
    as_json: options.Json = False,
    verbose: options.Verbose = False,
) -> int:
    if verbose:
        logs.show()
    settings = load_settings()
    destination = _load(preset)
    paths = [Path(name) for name in files]

    async def one(at: int) -> int:
        return await _probe_one(paths[at], settings, destination, as_json=as_json)

    return in_turn(paths, one)


def _load(name: str | None) -> Preset | None:
    """Raises UsageError where there is no such destination."""
    if name is None:
        return None
    from tightfit import presets

    return presets.load(name)


async def _probe_one(path: Path, settings: Settings, destination: Preset | None, *, as_json: bool) -> int:
    from tightfit.engine.conformity import checks_of
    from tightfit.media.sources import read as run

    try:
        info = await run(path, settings.limits)
    except Exception as error:
        failure = failure_of(error, settings.home, str(path))
        tell(failure)
        if as_json:
            say_json(wire.failure("probe", str(path), failure))
        return failure.code
    checks = checks_of(destination, info) if destination else []
    if as_json:
        say_json(wire.probe(info) | (wire.checked(destination.name, checks) if destination else {}))
    else:
        for line in [*facts(info), *(_checked(destination, checks) if destination else ())]:
            say(printable(line))
    return ExitCode.OK if all(check.ok for check in checks) else ExitCode.INFEASIBLE


def _checked(destination: Preset, checks: list[Check]) -> list[str]:
    """The rules as a table, the broken ones marked."""
    broken = [check for check in checks if not check.ok]
    kept = f"{counted(len(broken), 'rule')} broken" if broken else "every rule is kept"
    wide = max(len(check.rule) for check in checks), max(len(check.wanted) for check in checks)
    rows = [f"    {'ok' if c.ok else 'NO':<3} {c.rule:<{wide[0]}}  {c.wanted:<{wide[1]}}  {c.found}" for c in checks]
    return [f"  {destination.title}: {kept}", *rows]


def facts(info: MediaInfo) -> list[str]:
    """The facts as lines for people."""
    lines = [info.path, f"  {format_bytes(info.size)}, {info.container}"]
    if info.image and not info.image.is_animated:
        lines.append(_still(info.videos[0], info.image))
    else:
        lines[-1] += f", {_duration(info)}"
        lines += [line for video in info.videos for line in _video(video)]
    lines += [_audio(audio) for audio in info.audios]
    lines += [
        f"  stream {other.index}: {other.kind}{f', {other.codec}' if other.codec else ''}" for other in info.others
    ]
    if info.chapters:
        lines.append(f"  {counted(info.chapters, 'chapter')}")
    lines += [f"  {key}: {value}" for key, value in info.metadata]
    lines += [f"  doubtful: {doubt}" for doubt in info.doubts]
    return lines


def _still(video: VideoStream, image: ImageFacts) -> str:
    said = [f"{video.width}x{video.height}", *_shape(video), image.mode, *(["transparent"] if image.alpha else [])]
    carried = [("Exif", image.exif_bytes), ("colour profile", image.icc_bytes), ("XMP", image.xmp_bytes)]
    said += [f"{format_bytes(size)} of {name}" for name, size in carried if size]
    return f"  picture, {', '.join(said)}"


def _duration(info: MediaInfo) -> str:
    claimed = "the header names no duration"
    if info.header_duration_s is not None:
        claimed = f"{info.header_duration_s:.3f} s by the header"
    video = info.main_video
    return f"{video.duration_s:.3f} s by its frames, {claimed}" if video else claimed


def _video(video: VideoStream) -> list[str]:
    if video.cover_art:
        return [f"  stream {video.index}: cover picture, {video.codec}, {video.width}x{video.height}"]
    depth = f"{video.pix_fmt or 'unknown pixels'}, {video.bit_depth} bit"
    picture = [f"{video.width}x{video.height}", *_shape(video), _rate(video), depth, *_colour(video)]
    codec = f"{video.codec} {video.profile}" if video.profile else video.codec
    return [
        f"  stream {video.index}: video, {codec}, {', '.join(picture)}",
        f"    {counted(video.frames, 'frame')}, {_keyframes(video)}, {format_bytes(video.bytes)}",
        f"    bytes over time  {sparkline(video.bytes_per_second())}",
    ]


def _shape(video: VideoStream) -> list[str]:
    """What makes the picture look different from its stored pixels."""
    shape = []
    if video.rotation:
        shape.append(f"turned {video.rotation}°")
    if video.sar != 1:
        shape.append(f"pixels {video.sar.numerator}:{video.sar.denominator}")
    if shape:
        shape.append("shown as {}x{}".format(*video.display_size))
    return shape


def _rate(video: VideoStream) -> str:
    if video.variable_rate:
        return f"variable frame rate, {float(video.fps):.3f} fps on average"
    # Other denominators come from a time base too coarse for the rate, such as Matroska's milliseconds.
    exact = f" ({video.fps})" if video.fps.denominator == 1001 else ""
    return f"{float(video.fps):.6g} fps{exact}"


def _colour(video: VideoStream) -> list[str]:
    colour = video.colour
    said = [] if colour.hdr == "none" else [f"HDR ({colour.hdr.upper()}{_light(video.light)})"]
    tags = [("primaries", colour.primaries), ("transfer", colour.transfer), ("matrix", colour.matrix)]
    said += [f"{name} {value}" for name, value in tags if value is not None]
    if colour.full_range:
        said.append("full range")
    if video.field_order in ("top_first", "bottom_first"):
        said.append(f"interlaced, {video.field_order.replace('_', ' ')}")
    return said


def _light(light: Light) -> str:
    said = f", made on {light.mastering.most_nits:g} cd/m²" if light.mastering else ""
    if light.content:
        said += ", at most {} cd/m², {} in the mean of a frame".format(*light.content)
    return said + (", HDR10+" if light.dynamic else "")


def _keyframes(video: VideoStream) -> str:
    number = counted(len(video.keyframe_pts), "keyframe")
    if len(video.keyframe_pts) < 2:
        return number
    longest = max(b - a for a, b in pairwise(video.keyframe_pts))
    return f"{number} at most {float(longest * video.time_base):.2f} s apart"


def _audio(audio: AudioStream) -> str:
    codec = f"{audio.codec} {audio.profile}" if audio.profile else audio.codec
    language = f", {audio.language}" if audio.language else ""
    channels = {1: "mono", 2: "stereo"}.get(audio.channels, f"{audio.channels} channels")
    sound = f"{audio.sample_rate} Hz, {channels}, {audio.kbps:.0f} kb/s{language}"
    return f"  stream {audio.index}: audio, {codec}, {sound}"
