"""GIFs by ffmpeg: one palette for the whole animation, then frames at a size, a rate and a number of colours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.geometry import Size
from tightfit.domain.media_info import FieldOrder, MediaInfo, VideoStream
from tightfit.domain.policy import Limits, Work
from tightfit.errors import SourceError
from tightfit.media import argv, process
from tightfit.media.picture import Picture
from tightfit.media.progress import ProgressReader
from tightfit.media.tools import Ffmpeg

# Colours are counted on a small copy: it has the same ones.
_PALETTE_SIDE = 320
_MILLISECONDS_PER_DELAY = 10
_CODED_GIF_BYTES_PER_PIXEL = 2


@dataclass(frozen=True)
class Look:
    """``fps`` None keeps every frame and its time; ``dither`` is paletteuse's: bayer:N or none."""

    size: tuple[int, int]
    colours: int
    dither: str
    fps: Fraction | None = None


@dataclass(frozen=True)
class GifSource:
    """What a GIF is made of. ``loops`` as in the file itself (None: it is played once), ``last_ms`` the last frame's
    time; both are a GIF's alone. ``fields`` are a film's."""

    info: MediaInfo
    video: VideoStream
    loops: int | None = 0
    last_ms: int | None = None
    fields: FieldOrder = FieldOrder.PROGRESSIVE

    @property
    def is_gif(self) -> bool:
        return self.info.container == "gif"


async def encode_gif(ffmpeg: Ffmpeg, source: GifSource, look: Look, out: Path, on_frames: Callable[[int], None]) -> int:
    """Write ``out`` and return its bytes. Raises SourceError where the source gives no frames."""
    palette = out.with_name(f"palette-{look.colours}.nut")
    if not palette.is_file():
        await _make_palette(ffmpeg, source, look, palette)
    frames = _frames(ffmpeg, source, look.size, look.fps)
    colours = argv.own_input(palette, "nut", threads=1)["v:0"]
    shown = graph.filter([frames, colours], "paletteuse", **_dithering(look.dither), diff_mode="rectangle")
    options: dict[str, Any] = {"f": "gif", "c:v": "gif", "fps_mode": "passthrough"}
    options["loop"] = -1 if source.loops is None else source.loops
    if source.last_ms is not None:
        options["final_delay"] = round(source.last_ms / _MILLISECONDS_PER_DELAY)
    command = argv.command(ffmpeg.path, graph.output(shown, argv.ours(out), **options))
    done = await process.run_or_again(
        command,
        source.info.path,
        cwd=out.parent,
        on_line=ProgressReader(on_frames),
        limits=_limits(ffmpeg, source, look),
    )
    if done.returncode != 0 or not out.is_file():
        raise SourceError(f"{source.info.path} could not be read: {done.last_message}.", hint="Check that it plays.")
    return out.stat().st_size


def _frames(ffmpeg: Ffmpeg, source: GifSource, size: tuple[int, int], fps: Fraction | None) -> Any:
    node = argv.source_input(source.info, ffmpeg.policy, threads=2)[str(source.video.index)]
    picture = Picture(source.video, Size(*size), fields=source.fields)
    for name, options in picture.whole():
        node = node.filter(name, **options)
    if fps is not None:
        node = node.filter("fps", f"{fps.numerator}/{fps.denominator}")
    if source.is_gif:
        return node.filter("scale", *size, flags="lanczos")
    node = node.filter("setpts", "PTS-STARTPTS")
    for name, options in picture.steps(Size(*size)):
        node = node.filter(name, **options)
    return node


def _dithering(dither: str) -> dict[str, Any]:
    name, _, scale = dither.partition(":")
    return {"dither": name} | ({"bayer_scale": int(scale)} if scale else {})


async def _make_palette(ffmpeg: Ffmpeg, source: GifSource, look: Look, out: Path) -> None:
    width, height = look.size
    factor = min(1.0, _PALETTE_SIDE / max(width, height))
    size = (max(2, 2 * round(width * factor / 2)), max(2, 2 * round(height * factor / 2)))
    frames = _frames(ffmpeg, source, size, look.fps)
    counted = frames.filter("palettegen", max_colors=look.colours, stats_mode="full")
    command = argv.command(ffmpeg.path, graph.output(counted, argv.ours(out), **{"f": "nut", "c:v": "rawvideo"}))
    limits = _limits(ffmpeg, source, look)
    done = await process.run_or_again(command, source.info.path, cwd=out.parent, on_line=process.unheard, limits=limits)
    if done.returncode != 0 or not out.is_file():
        raise SourceError(f"{source.info.path} could not be read: {done.last_message}.", hint="Check that it plays.")


def _limits(ffmpeg: Ffmpeg, source: GifSource, look: Look) -> Limits:
    video = source.video
    made = look.size[0] * look.size[1] * video.frames
    return ffmpeg.policy.limits(
        Work(video.pixels * video.frames + 4 * made, video.frames, _CODED_GIF_BYTES_PER_PIXEL * made)
    )
