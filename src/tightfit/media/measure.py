"""Picture quality of encoded frames against the source's, both at the source's size."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.geometry import Size
from tightfit.domain.moments import Scores
from tightfit.domain.policy import Limits, Work
from tightfit.domain.result import Quality
from tightfit.media import argv, process
from tightfit.media.encode import Clip, cuts_of, decoded_frames, seeks_of
from tightfit.media.score_logs import READERS, vmaf_scores
from tightfit.media.tools import Ffmpeg

VMAF_MODEL = "vmaf_v0.6.1"


async def measure(
    ffmpeg: Ffmpeg, clip: Clip, encoded: Path, first: int, last: int, *, subsample: int, threads: int, work: Path
) -> Quality:
    """As ``frame_scores``, summed up."""
    scores = await frame_scores(ffmpeg, clip, encoded, first, last, every=subsample, threads=threads, work=work)
    return scores.summary()


async def frame_scores(
    ffmpeg: Ffmpeg, clip: Clip, encoded: Path, first: int, last: int, *, every: int, threads: int, work: Path
) -> Scores:
    """Compare the file ``encoded``, which holds exactly frames ``[first, last)``, with the source's frames.

    By VMAF where this ffmpeg has it, else by XPSNR (Helmrich et al. 2020, luma) or SSIM (Wang et al. 2004, luma and
    chroma). ``every`` n scores every n-th frame. HDR sources are compared after
    tone-mapping, that of the encode or the same of both sides. Raises EncoderError where the comparison fails.
    """
    reference = _reference(ffmpeg, clip, first, last, threads)
    shown = shown_of(encoded, threads)
    pair = [_seen(shown, clip), reference]
    metric = ffmpeg.quality_metric or "ssim"
    log = f"{metric}-{first}-{last}-{encoded.stem.lstrip('.')}.log"
    if metric == "vmaf":
        scored = _scored(_numbered(pair[0]), pair[1], log, every, threads)
    else:
        thinned = [_numbered(node.filter("select", f"not(mod(n,{every}))")) for node in pair]
        scored = graph.filter(thinned, metric, stats_file=log)
    command = argv.command(ffmpeg.path, graph.output(scored, "-", f="null"))
    limits = _limits(ffmpeg, clip, first, last, sizes=1)
    done = await process.run_or_again(command, clip.info.path, cwd=work, on_line=process.unheard, limits=limits)
    values = READERS[metric](work / log, done.last_message)
    return Scores(metric, VMAF_MODEL if metric == "vmaf" else None, every, tuple(values))


def shown_of(encoded: Path, threads: int) -> Any:
    """The pictures of a file that we made: a piece, or a whole file under its own name or that of a part."""
    with encoded.open("rb") as file:
        begins = file.read(4)
    kind = "nut" if begins == _NUT else "matroska" if begins == _EBML else "mov"
    return argv.own_input(encoded, kind, threads=threads)["v:0"]


# How files begin: FFmpeg's libavformat/nut.h, RFC 8794 section 11.2.1.
_NUT, _EBML = b"nut/", b"\x1a\x45\xdf\xa3"


async def measure_resizing(
    ffmpeg: Ffmpeg,
    clip: Clip,
    first: int,
    last: int,
    sizes: Sequence[Size],
    *,
    subsample: int,
    threads: int,
    work: Path,
) -> list[float]:
    """Mean VMAF of frames ``[first, last)`` after nothing but a trip to each of ``sizes`` and back.

    What no encoder can exceed at that size. The frames are decoded once. Needs libvmaf; raises EncoderError.
    """
    frames = _reference(ffmpeg, clip, first, last, threads).split()
    outputs, logs = [], []
    for n, size in enumerate(sizes):
        resized = _sized(_sized(frames[2 * n], size), clip.picture.full)
        logs.append(work / f"resized-{first}-{last}-{n}.json")
        outputs.append(
            graph.output(_scored(resized, frames[2 * n + 1], logs[-1].name, subsample, threads), "-", f="null")
        )
    command = argv.command(ffmpeg.path, graph.merge_outputs(*outputs))
    limits = _limits(ffmpeg, clip, first, last, sizes=len(sizes))
    done = await process.run_or_again(command, clip.info.path, cwd=work, on_line=process.unheard, limits=limits)
    scores = [vmaf_scores(log, done.last_message) for log in logs]
    return [sum(values) / len(values) for values in scores]


# libvmaf's log has 600 bytes for a frame; so has it filters, twice scaled, for each size that is compared.
_LOG_BYTES_PER_FRAME, _PASSES_PER_SIZE = 1000, 4


def _limits(ffmpeg: Ffmpeg, clip: Clip, first: int, last: int, *, sizes: int) -> Limits:
    decoded = decoded_frames(clip, last, seeks_of(clip, first)[0])
    filtered = (last - first) * sizes
    pixels = decoded * clip.video.pixels + _PASSES_PER_SIZE * filtered * clip.picture.full.pixels
    return ffmpeg.policy.limits(Work(pixels, decoded, _LOG_BYTES_PER_FRAME * filtered))


def _reference(ffmpeg: Ffmpeg, clip: Clip, first: int, last: int, threads: int) -> Any:
    source = argv.source_input(clip.info, ffmpeg.policy, threads=threads, seek_s=seeks_of(clip, first)[0])
    steps = clip.picture.source_in_sdr
    cuts, before = cuts_of(clip, first, last), clip.picture.whole()
    return _numbered(argv.frames_of(source, clip.video, cuts, steps, clip.layout.slots, before=before))


def _seen(node: Any, clip: Clip) -> Any:
    for name, options in clip.picture.seen_in_sdr(clip.picture.full):
        node = node.filter(name, **options)
    return node


def _sized(node: Any, size: Size) -> Any:
    return node.filter("scale", size.width, size.height, flags="bicubic").filter("format", "yuv420p")


def _scored(distorted: Any, reference: Any, log: str, subsample: int, threads: int) -> Any:
    return graph.filter(
        [distorted, reference],
        "libvmaf",
        log_fmt="json",
        log_path=log,
        n_subsample=subsample,
        n_threads=threads,
        model=f"version={VMAF_MODEL}",
    )


def _numbered(node: Any) -> Any:
    """Frame n at time n on both sides, so that the n-th is compared with the n-th whatever its timestamp."""
    return node.filter("settb", "1/1000").filter("setpts", "N")
