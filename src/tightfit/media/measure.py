"""Picture quality of encoded frames against the source's, both at the source's size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as graph

from tightfit.domain.geometry import Size
from tightfit.domain.policy import Limits, Work
from tightfit.domain.result import Quality
from tightfit.errors import EncoderError
from tightfit.media import argv, process
from tightfit.media.encode import Clip, cuts_of, decoded_frames, seeks_of
from tightfit.media.tools import Ffmpeg

VMAF_MODEL = "vmaf_v0.6.1"


async def measure(
    ffmpeg: Ffmpeg, clip: Clip, encoded: Path, first: int, last: int, *, subsample: int, threads: int, work: Path
) -> Quality:
    """Compare the file ``encoded``, which holds exactly frames ``[first, last)``, with the source's frames.

    Needs libvmaf (see ``Ffmpeg.quality_metric``). HDR sources are compared after the tone-mapping that the
    encode had. ``subsample`` n scores every n-th frame. Raises EncoderError where the comparison fails.
    """
    reference = _reference(ffmpeg, clip, first, last, threads)
    kind = "nut" if encoded.suffix == ".nut" else "mov"
    shown = argv.own_input(encoded, kind, threads=threads)["v:0"]
    log = f"vmaf-{first}-{last}-{encoded.stem}.json"
    scored = _scored(_numbered(_sized(shown, clip.picture.full)), reference, log, subsample, threads)
    command = argv.command(ffmpeg.path, graph.output(scored, "-", f="null"))
    limits = _limits(ffmpeg, clip, first, last, sizes=1)
    done = await process.run_or_again(command, clip.info.path, cwd=work, on_line=process.unheard, limits=limits)
    return summarise(_scores(work / log, done))


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
    return [summarise(_scores(log, done)).mean for log in logs]


# libvmaf's log has 600 bytes for a frame; so has it filters, twice scaled, for each size that is compared.
_LOG_BYTES_PER_FRAME, _PASSES_PER_SIZE = 1000, 4


def _limits(ffmpeg: Ffmpeg, clip: Clip, first: int, last: int, *, sizes: int) -> Limits:
    decoded = decoded_frames(clip, last, seeks_of(clip, first)[0])
    filtered = (last - first) * sizes
    pixels = decoded * clip.video.pixels + _PASSES_PER_SIZE * filtered * clip.picture.full.pixels
    return ffmpeg.policy.limits(Work(pixels, decoded, _LOG_BYTES_PER_FRAME * filtered))


def _reference(ffmpeg: Ffmpeg, clip: Clip, first: int, last: int, threads: int) -> Any:
    source = argv.source_input(clip.info, ffmpeg.policy, threads=threads, seek_s=seeks_of(clip, first)[0])
    steps = clip.picture.steps(clip.picture.full)
    cuts, before = cuts_of(clip, first, last), clip.picture.whole()
    return _numbered(argv.frames_of(source, clip.video, cuts, steps, clip.layout.slots, before=before))


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


def _scores(log: Path, done: process.Finished) -> list[float]:
    try:
        frames = json.loads(log.read_text())["frames"]
        log.unlink()
        return [frame["metrics"]["vmaf"] for frame in frames]
    except (OSError, ValueError, KeyError) as exc:
        raise EncoderError(f"The picture quality could not be measured: {done.last_message}.") from exc


def _numbered(node: Any) -> Any:
    """Frame n at time n on both sides, so that the n-th is compared with the n-th whatever its timestamp."""
    return node.filter("settb", "1/1000").filter("setpts", "N")


def summarise(scores: Sequence[float]) -> Quality:
    """Mean, harmonic mean (of score + 1, as libvmaf does) and first percentile."""
    if not scores:
        raise ValueError("no frame was scored")
    ordered = sorted(scores)
    harmonic = len(scores) / sum(1 / (score + 1) for score in scores) - 1
    return Quality(
        "vmaf", VMAF_MODEL, sum(scores) / len(scores), harmonic, ordered[int(Fraction(1, 100) * len(scores))]
    )
