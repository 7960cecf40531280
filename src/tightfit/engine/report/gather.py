"""What the page tells, measured on the finished file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tightfit import __version__
from tightfit.domain.moments import Scores, moments
from tightfit.domain.pieces import Variant
from tightfit.domain.result import Result
from tightfit.engine.finished import scored
from tightfit.engine.fit import Fit
from tightfit.engine.job import Job
from tightfit.engine.prepare import Prepared
from tightfit.engine.report.facts import ReportFacts, SegmentRow, Still
from tightfit.media.stills import encoded_still, source_still
from tightfit.media.tools import Ffmpeg

# Enough for a curve of any clip; libvmaf scores 40 frames of 1080p a second on two cores.
_MOST_SCORED = 1500


async def gathered(
    prepared: Prepared, fit: Fit, ffmpeg: Ffmpeg, job: Job, made: Path, variants: tuple[Variant, ...], result: Result
) -> ReportFacts:
    """Score the file ``made`` frame by frame and draw two moments of it. Raises EncoderError."""
    clip, every = prepared.clip, -(-prepared.clip.frames // _MOST_SCORED)
    scores = await scored(fit, prepared, ffmpeg, job, made, every=every)
    stills = await _stills(prepared, scores, ffmpeg, made, job.work)
    video, info = clip.video, clip.info
    sound = info.main_audio
    heard = f"{sound.codec} {sound.kbps:.0f} kb/s {sound.channels} ch" if sound else "no sound"
    shape = f"{video.width}x{video.height} {video.codec} at {float(clip.layout.fps):.4g} fps"
    return ReportFacts(
        result=replace(result, quality=scores.summary(), elapsed_s=round(job.elapsed_s, 2)),
        source_bytes=info.size,
        source_says=f"{shape}, {heard}",
        reasons=prepared.plan.reasons,
        scores=scores,
        times_s=tuple(_time_s(prepared, scores.frame(n)) for n in range(len(scores.values))),
        bytes_per_second=_bytes_per_second(prepared, variants),
        segments=tuple(_row(prepared, fit, variant, n, scores) for n, variant in enumerate(variants)),
        stills=stills,
        made_by=f"tightfit {__version__}, {ffmpeg.version}; job {job.id}",
    )


def _time_s(prepared: Prepared, frame: int) -> float:
    line = prepared.timeline
    return float(line.pts[frame] * line.time_base) if frame < len(line.pts) else line.duration_s


def _bytes_per_second(prepared: Prepared, variants: tuple[Variant, ...]) -> tuple[int, ...]:
    found = [0] * (int(prepared.timeline.duration_s) + 1)
    for part in (part for variant in variants for part in variant.parts):
        for rank, size in zip(part.ranks[: part.kept], part.sizes, strict=False):
            found[min(len(found) - 1, int(_time_s(prepared, part.first + rank)))] += size
    return tuple(found)


def _row(prepared: Prepared, fit: Fit, variant: Variant, index: int, scores: Scores) -> SegmentRow:
    notes = ["by the service"] * (index in fit.by_cloud) + ["encoded again"] * (index in fit.reencoded)
    return SegmentRow(
        from_s=_time_s(prepared, variant.first),
        to_s=_time_s(prepared, variant.last),
        frames=variant.frames,
        bytes=variant.bytes,
        crf=variant.crf,
        quality=scores.between(variant.first, variant.last),
        note=", ".join(notes),
    )


async def _stills(prepared: Prepared, scores: Scores, ffmpeg: Ffmpeg, made: Path, work: Path) -> tuple[Still, ...]:
    clip = prepared.clip
    found = moments(scores, float(clip.layout.fps))
    titles = {found.worst: "The worst second", found.typical: "A typical moment"}
    return tuple(
        [
            Still(
                title,
                _time_s(prepared, frame),
                scores.values[frame // scores.every],
                await source_still(ffmpeg, clip, frame, work / "still.jpg"),
                await encoded_still(ffmpeg, clip, made, frame, work / "still.jpg"),
            )
            for frame, title in titles.items()
        ]
    )
