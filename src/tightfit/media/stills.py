"""Single frames as JPEG files, of the source and of what was made of it, both at the source's size."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.policy import Work
from tightfit.errors import EncoderError
from tightfit.media import argv, process
from tightfit.media.encode import Clip, cuts_of, decoded_frames, seeks_of
from tightfit.media.measure import shown_of
from tightfit.media.picture import jpeg_steps
from tightfit.media.tools import Ffmpeg

# Of 2 (best) to 31: what JPEG adds is not seen beside what is to be compared.
_QUALITY = 2
_BYTES_PER_PIXEL = 4


async def source_still(ffmpeg: Ffmpeg, clip: Clip, frame: int, out: Path) -> bytes:
    """Frame ``frame`` as it was encoded from, at the plan's full size. Raises EncoderError."""
    seek_s = seeks_of(clip, frame)[0]
    source = argv.source_input(clip.info, ffmpeg.policy, threads=1, seek_s=seek_s)
    steps = clip.picture.source_in_sdr
    cuts, before = cuts_of(clip, frame, frame + 1), clip.picture.whole()
    node = argv.frames_of(source, clip.video, cuts, steps, clip.layout.slots, before=before)
    return await _written(ffmpeg, clip, node, out, decoded_frames(clip, frame + 1, seek_s))


async def encoded_still(ffmpeg: Ffmpeg, clip: Clip, encoded: Path, frame: int, out: Path) -> bytes:
    """Frame ``frame`` of the whole file ``encoded``, resized as a player would. Raises EncoderError."""
    node = shown_of(encoded, 1).filter("select", f"eq(n,{frame})")
    for name, options in clip.picture.seen_in_sdr(clip.picture.full):
        node = node.filter(name, **options)
    return await _written(ffmpeg, clip, node, out, frame + 1)


async def _written(ffmpeg: Ffmpeg, clip: Clip, node: Any, out: Path, decoded: int) -> bytes:
    for name, options in jpeg_steps(clip.picture.in_sdr):
        node = node.filter(name, **options)
    output = graph.output(
        node, argv.ours(out), **{"f": "mjpeg", "c:v": "mjpeg", "q:v": _QUALITY, "frames:v": 1, "threads": 1}
    )
    pixels = clip.picture.full.pixels
    limits = ffmpeg.policy.limits(Work(decoded * (clip.video.pixels + pixels), decoded, _BYTES_PER_PIXEL * pixels))
    command = argv.command(ffmpeg.path, output)
    done = await process.run_or_again(command, clip.info.path, cwd=out.parent, on_line=process.unheard, limits=limits)
    try:
        data = out.read_bytes()
        out.unlink()
    except OSError:
        data = b""
    if not data:
        raise EncoderError(f"A picture of {clip.info.path} could not be drawn: {done.last_message}.")
    return data
