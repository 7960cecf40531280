"""What is measured and said of a finished file."""

from __future__ import annotations

import logging
from pathlib import Path

from tightfit.domain.moments import Scores
from tightfit.domain.result import Quality
from tightfit.engine.fit import Fit
from tightfit.engine.foretold import too_poor
from tightfit.engine.job import Job
from tightfit.engine.prepare import Prepared
from tightfit.errors import EncoderError
from tightfit.media.measure import frame_scores
from tightfit.media.tools import Ffmpeg

log = logging.getLogger("tightfit.quality")

# From here on the eye can't tell the difference; a file may stop below the limit only beyond it.
TRANSPARENT_VMAF = 97.0


async def explain_fill(fit: Fit, prepared: Prepared, ffmpeg: Ffmpeg, job: Job, part: Path, size: int) -> Quality | None:
    """A file that stays clearly below its limit says why, with a measurement where quality is the reason."""
    limit = prepared.plan.budget.limit
    if size >= 0.99 * limit:
        return None
    if fit.whole is not None:
        job.warn(f"The file fills {size / limit:.1%} of the limit: its service can't be told a size.")
        return None
    if not fit.floor_reached or ffmpeg.quality_metric != "vmaf":
        tool = prepared.plan.codec.tool
        job.warn(f"The file fills {size / limit:.1%} of the limit: {tool} can't be steered closer on so small a clip.")
        return None
    try:
        quality = (await scored(fit, prepared, ffmpeg, job, part, every=5)).summary()
    except EncoderError as exc:
        # Readers have crashed over damaged pictures here, with the file already made: it is as good as it is.
        job.warn(f"The file fills {size / limit:.1%} of the limit. {exc.message}")
        return None
    if quality.mean >= TRANSPARENT_VMAF:
        job.warn(
            f"The picture is indistinguishable from the source (VMAF {quality.mean:.1f}); more bytes would buy nothing."
        )
    return quality


# Enough frames for a mean; libvmaf scores 40 of 1080p a second on two cores.
_MOST_SCORED = 600


async def checked_quality(least: float, fit: Fit, prepared: Prepared, ffmpeg: Ffmpeg, job: Job, part: Path) -> Quality:
    """The quality of the finished file; raises Infeasible where its mean is below ``least``."""
    every = -(-prepared.clip.frames // _MOST_SCORED)
    quality = (await scored(fit, prepared, ffmpeg, job, part, every=every)).summary()
    if quality.mean < least:
        raise await too_poor(prepared, quality.mean, least, ffmpeg, job)
    return quality


async def scored(fit: Fit, prepared: Prepared, ffmpeg: Ffmpeg, job: Job, part: Path, *, every: int) -> Scores:
    """The quality of every so many frames of the finished file, told segment by segment to who listens with -v.

    Raises EncoderError.
    """
    clip, line = prepared.clip, prepared.timeline
    scores = await frame_scores(ffmpeg, clip, part, 0, clip.frames, every=every, threads=fit.cores, work=job.work)
    for segment in fit.segments:
        if quality := scores.between(segment.first, segment.last):
            starts_s = float(line.pts[segment.first] * line.time_base)
            told = (segment.index + 1, starts_s, scores.metric.upper(), quality.mean, quality.p1)
            log.debug("segment %d, from %.2f s: %s %.4g, first percentile %.4g", *told)
    return scores
