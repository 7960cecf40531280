"""Picture quality of encoded frames against the source's, both at the source's size."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import ffmpeg as graph

from tightfit.domain.result import Quality
from tightfit.errors import EncoderError
from tightfit.media import argv, process
from tightfit.media.encode import Clip, cut_of, seeks_of
from tightfit.media.tools import Ffmpeg

VMAF_MODEL = "vmaf_v0.6.1"


async def measure(
    ffmpeg: Ffmpeg, clip: Clip, encoded: Path, first: int, last: int, *, subsample: int, threads: int, work: Path
) -> Quality:
    """Compare the file ``encoded``, which holds exactly frames ``[first, last)``, with the source's frames.

    Needs libvmaf (see ``Ffmpeg.quality_metric``). HDR sources are compared after the tone-mapping that the
    encode had. ``subsample`` n scores every n-th frame. Raises EncoderError where the comparison fails.
    """
    source = argv.source_input(clip.info, threads=threads, seek_s=seeks_of(clip, first)[0])
    reference = _numbered(
        argv.frames_of(source, clip.video, cut_of(clip, first, last), clip.picture.steps(clip.picture.full))
    )
    full = clip.picture.full
    kind = "nut" if encoded.suffix == ".nut" else "mov"
    shown = graph.input(argv.ours(encoded), protocol_whitelist="file", f=kind, threads=threads)["v:0"]
    distorted = _numbered(shown.filter("scale", full.width, full.height, flags="bicubic").filter("format", "yuv420p"))
    log = f"vmaf-{first}-{last}-{encoded.stem}.json"
    scored = graph.filter(
        [distorted, reference],
        "libvmaf",
        log_fmt="json",
        log_path=log,
        n_subsample=subsample,
        n_threads=threads,
        model=f"version={VMAF_MODEL}",
    )
    done = await process.run(argv.command(ffmpeg.path, graph.output(scored, "-", f="null")), cwd=work)
    try:
        frames = json.loads((work / log).read_text())["frames"]
        (work / log).unlink()
        return summarise([frame["metrics"]["vmaf"] for frame in frames])
    except (OSError, ValueError, KeyError) as exc:
        raise EncoderError(f"The picture quality could not be measured: {done.last_message}.") from exc


def _numbered(node: object) -> object:
    """Frame n at time n on both sides, so that the n-th is compared with the n-th whatever its timestamp."""
    return node.filter("settb", "1/1000").filter("setpts", "N")  # type: ignore[attr-defined]  # ffmpeg-python is untyped


def summarise(scores: Sequence[float]) -> Quality:
    """Mean, harmonic mean (of score + 1, as libvmaf does) and first percentile."""
    if not scores:
        raise ValueError("no frame was scored")
    ordered = sorted(scores)
    harmonic = len(scores) / sum(1 / (score + 1) for score in scores) - 1
    return Quality(
        "vmaf", VMAF_MODEL, sum(scores) / len(scores), harmonic, ordered[int(Fraction(1, 100) * len(scores))]
    )
