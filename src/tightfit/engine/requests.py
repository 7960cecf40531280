"""From words and numbers at a door to one ``CompressRequest``; the doors' only way to make one."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from os import PathLike
from pathlib import Path

from tightfit.domain.codec import AV1, CODECS, H264, Codec, Effort
from tightfit.domain.containers import Container, container_of
from tightfit.domain.edits import NO_EDITS, Edits
from tightfit.domain.geometry import UNBOUNDED
from tightfit.domain.request import AUTO_CODEC, AudioChoice, CompressRequest, Destination, Hdr, Resolution, Where
from tightfit.errors import UsageError
from tightfit.units import SIZE_HELP, Target, parse_target

_LINES = re.compile(r"(\d{2,5})p", re.IGNORECASE)
_BOX = re.compile(r"(\d{2,5})\s*[x×]\s*(\d{2,5})", re.IGNORECASE)


def make_request(
    source: Path,
    *,
    to: str | None = None,
    preset: str | None = None,
    output: str | PathLike[str] | None = None,
    resolution: str = "auto",
    audio: AudioChoice = "auto",
    overwrite: bool = False,
    jobs: int | None = None,
    where: str = "auto",
    no_fallback: bool = False,
    max_credits: int | None = None,
    codec: str | None = None,
    effort: str = "balanced",
    container: str | None = None,
    private: bool = False,
    hdr: str = "auto",
    report: str | PathLike[str] | None = None,
    min_quality: float = 0.0,
    edits: Edits = NO_EDITS,
) -> CompressRequest:
    """One validated request; without a ``codec`` H.264, and AV1 in WebM, which doesn't hold that.

    Raises UsageError naming the option and a value that works.
    """
    if (to is None) == (preset is None):
        raise UsageError("Name either a size or a destination.", hint=SIZE_HELP)
    if jobs is not None and jobs < 1:
        raise UsageError(f"--jobs {jobs} leaves no one to work.", hint="Write --jobs 1 or more.")
    request = CompressRequest(
        source=source,
        target=parse_target(to or preset or ""),
        output=Path(output) if output is not None else None,
        resolution=parse_resolution(resolution),
        audio=audio,
        overwrite=overwrite,
        jobs=jobs,
        where=_parse_where(where),
        no_fallback=no_fallback,
        max_credits=max_credits,
        codec=parse_codec(codec or H264.name),
        effort=parse_effort(effort),
        container=parse_container(container, output),
        private=private,
        hdr=parse_hdr(hdr),
        min_quality=min_quality,
        report=Path(report) if report is not None else None,
        edits=edits,
    )
    if codec is None:
        request = _as_usual(request)
    _require_sense(request)
    coded = CODECS.get(request.codec)
    if coded and not coded.deep and request.hdr == "keep":
        raise UsageError(
            f"--hdr keep needs 10 bits, and {coded.title} is written with 8.",
            hint="Name --codec hevc or av1 with it, or write --hdr tonemap.",
        )
    _require_container(request)
    if request.target.preset is None:
        if preset is not None:
            raise UsageError(f"{preset!r} is not a destination.", hint="Run tightfit presets for their names.")
        return request
    return _for_destination(request, request.target.preset)


def _as_usual(request: CompressRequest) -> CompressRequest:
    """The request with the codec that its container usually has."""
    return replace(request, codec=AV1.name if request.writes is Container.WEBM else H264.name)


def _require_container(request: CompressRequest) -> None:
    coded = _codec_of(request)
    if request.writes in coded.containers:
        return
    others = [codec for codec in CODECS.values() if request.writes in codec.containers]
    better = f"--codec {others[0].name} with it" if H264 not in others else "--container mp4"
    raise UsageError(f"No player expects {coded.title} in a .{request.writes} file.", hint=f"Write {better}.")


def _codec_of(request: CompressRequest) -> Codec:
    """As named. What is chosen by itself may always come to H.264, but in WebM, where one codec is written."""
    return CODECS.get(request.codec, AV1 if request.writes is Container.WEBM else H264)


def edit_request(
    source: Path,
    edits: Edits,
    *,
    output: str | PathLike[str] | None = None,
    resolution: Resolution = UNBOUNDED,
    audio: AudioChoice = "auto",
    overwrite: bool = False,
    jobs: int | None = None,
    container: str | None = None,
) -> CompressRequest:
    """Edits and no size: as good as the source, and no larger than what stays of it is there."""
    asked = resolution if resolution.width or resolution.height else Resolution(source=True)
    request = CompressRequest(
        source=source,
        target=Target("edited", percent=Decimal(100)),
        output=Path(output) if output is not None else None,
        resolution=asked,
        audio=audio,
        overwrite=overwrite,
        jobs=jobs,
        where=Where.LOCAL,
        container=parse_container(container, output),
        edits=edits,
        keeps_rate=True,
    )
    return _as_usual(request)


def _parse_where(text: str) -> Where:
    if text == "cluster":
        raise UsageError("--where cluster is not in this version.", hint="Write --where local or --where cloud.")
    try:
        return Where(text)
    except ValueError:
        raise UsageError(f"--where {text} means nothing.", hint="Write auto, local or cloud.") from None


_BEST_VMAF = 100


def _require_sense(request: CompressRequest) -> None:
    if not 0 <= request.min_quality <= _BEST_VMAF:
        raise UsageError(
            f"--min-quality {request.min_quality:g} is no VMAF: that goes from 0 to 100.",
            hint="Write --min-quality 80.",
        )
    if request.no_fallback and request.where is not Where.CLOUD:
        raise UsageError(
            "--no-fallback says what happens when the cloud fails, and no cloud is asked for.",
            hint="Write --where cloud --no-fallback.",
        )
    if request.max_credits is not None and request.max_credits < 0:
        raise UsageError(
            f"--max-credits {request.max_credits} is no number of credits.", hint="Write --max-credits 20."
        )


def _for_destination(request: CompressRequest, name: str) -> CompressRequest:
    from tightfit import presets

    preset = presets.load(name)
    containers = preset.containers or tuple(Container)
    codec, taken = _codec_of(request), preset.video.codecs
    if (taken and codec.name not in taken) or not any(map(container_of, containers)):
        raise UsageError(f"{preset.title} takes no {codec.title} in MP4, MOV or MKV.", hint="Name a size instead.")
    destination = Destination(
        preset.limit_bytes,
        tuple(preset.video.codecs),
        tuple(preset.containers),
        preset.max_duration_s,
        preset.video.max_fps,
        preset.edit_lists,
        tuple(preset.audio.codecs),
        preset.audio.max_tracks,
        preset.audio.max_channels,
        preset.audio.max_rate_hz,
        preset.audio.max_kbps,
        preset.video.hdr,
    )
    if request.hdr == "keep" and not destination.hdr:
        raise UsageError(f"{preset.title} is not known to show HDR.", hint="Write --hdr tonemap.")
    request = replace(request, destination=destination)
    if request.writes not in containers:
        raise UsageError(
            f"{preset.title} takes no {request.writes.upper()}.", hint=f"Write --container {containers[0]}."
        )
    sound = request.writes.own_sound
    if preset.audio.codecs and sound not in preset.audio.codecs:
        raise UsageError(f"{preset.title} takes no {sound} sound.", hint=f"Write --container {Container.MP4}.")
    bound = request.resolution
    if not bound.source and bound.width is None and bound.height is None and preset.video.max_width:
        bound = Resolution(preset.video.max_width, preset.video.max_height)
    edits, most = request.edits, preset.video.max_fps
    if edits.fps is None and not edits.every_frame and most:
        edits = replace(edits, fps=most)
    return replace(request, destination=destination, resolution=bound, edits=edits)


def parse_resolution(text: str) -> Resolution:
    """``source``, ``auto``, ``1080p`` or ``1280x720`` (upper bounds). Raises UsageError."""
    cleaned = text.strip().lower()
    if cleaned == "auto":
        return Resolution()
    if cleaned == "source":
        return Resolution(source=True)
    if match := _LINES.fullmatch(cleaned):
        return Resolution(height=int(match[1]))
    if match := _BOX.fullmatch(cleaned):
        return Resolution(int(match[1]), int(match[2]))
    raise UsageError(f"--resolution {text!r} is not a size of pictures.", hint="Write auto, source, 720p or 1280x720.")


def parse_codec(text: str) -> str:
    """``h264``, ``hevc``, ``av1`` or ``auto``. Raises UsageError."""
    name = text.strip().lower()
    if name in CODECS or name == AUTO_CODEC:
        return name
    if name == "vp9":
        raise UsageError("--codec vp9 is not in this version: write --codec av1 for WebM, or else write --codec h264.")
    raise UsageError(f"--codec {text} means nothing.", hint="Write --codec h264.")


def parse_effort(text: str) -> Effort:
    """``fast``, ``balanced`` or ``best``. Raises UsageError."""
    try:
        return Effort(text.strip().lower())
    except ValueError:
        raise UsageError(f"--effort {text} means nothing.", hint="Write --effort fast.") from None


def parse_container(text: str | None, output: str | PathLike[str] | None) -> Container | None:
    """``mp4``, ``mov`` or ``mkv``; None where nothing is asked.

    Raises UsageError, also where ``output`` has another.
    """
    suffix = Path(output).suffix if output is not None and not Path(output).is_dir() else ""
    if text is None:
        return None
    name = text.strip().lower()
    found = container_of(f".{name}")
    if found is None:
        raise UsageError(f"--container {text} means nothing.", hint="Write --container mp4.")
    if suffix and container_of(suffix) is not found:
        raise UsageError(f"{output} does not end in .{found}.", hint=f"Name it .{found}, or leave out --container.")
    return found


def parse_hdr(text: str) -> Hdr:
    """``auto``, ``keep`` or ``tonemap``. Raises UsageError."""
    cleaned = text.strip().lower()
    if cleaned == "auto":
        return "auto"
    if cleaned == "keep":
        return "keep"
    if cleaned == "tonemap":
        return "tonemap"
    raise UsageError(f"--hdr {text} means nothing.", hint="Write --hdr auto.")


def parse_audio(text: str) -> AudioChoice:
    """``auto``, ``none``, ``copy`` or kb/s. Raises UsageError."""
    cleaned = text.strip().lower()
    if cleaned == "auto":
        return "auto"
    if cleaned == "none":
        return "none"
    if cleaned == "copy":
        return "copy"
    if cleaned.isdecimal() and 8 <= int(cleaned) <= 512:
        return int(cleaned)
    raise UsageError(
        f"--audio {text!r} is not a way to treat sound.", hint="Write auto, none, copy, or kb/s such as 96."
    )
