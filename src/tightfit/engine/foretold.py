"""How a clip will look, foretold by encodes of a few moments of it."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from tightfit.domain.calibration import Pair, corrected
from tightfit.domain.codec import Effort
from tightfit.domain.control import FIRST_AIM
from tightfit.domain.geometry import Size
from tightfit.domain.pieces import Part
from tightfit.domain.rate import CRF_MAX, CRF_MIN, Observation
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Option, Result
from tightfit.engine import pairs
from tightfit.engine.job import Job
from tightfit.engine.prepare import Infeasible, Prepared
from tightfit.engine.quality import windows
from tightfit.errors import UsageError
from tightfit.media.encode import Setting, encode
from tightfit.media.measure import measure
from tightfit.media.tools import Ffmpeg
from tightfit.units import format_bytes

log = logging.getLogger("tightfit.quality")

# One step of CRF is worth about so much VMAF between 60 and 95: measured on nine clips, 1.6 … 3.1.
_VMAF_PER_CRF = 2.2
# Moments foretold the mean VMAF of seven clips to within -6.6 … +4.6: only what is further off is refused unseen.
_MARGIN = 8.0
_LOOKS, _FIRST_CRF, _BEST = 6, 26.0, 100.0
# Near the top a step is worth less; and what looks this little better than asked is near enough.
_LEAST_STEP, _CLOSE = 2.0, 2.0
# Shorter moments are mostly keyframe, and look worse than what comes after them.
_FRAMES, _EVERY = 48, 3
# What is named as enough has to be enough, on a clip whose moments looked a little better than the rest of it.
_ROOM = 1.1


async def with_prediction(prepared: Prepared, ffmpeg: Ffmpeg, job: Job, cache: Path) -> Prepared:
    """The same, its plan saying what time, bytes and, with libvmaf, mean VMAF to expect, as earlier runs correct them.

    Raises EncoderError.
    """
    forecast = prepared.forecast
    if ffmpeg.quality_metric == "vmaf":
        forecast = replace(forecast, vmaf=await _expected_vmaf(prepared, ffmpeg, job))
    plan = corrected(prepared.plan, forecast, pairs.known(cache))
    return replace(prepared, plan=plan, forecast=forecast)


async def _expected_vmaf(prepared: Prepared, ffmpeg: Ffmpeg, job: Job) -> float:
    plan, clip, scale = prepared.plan, prepared.clip, float(prepared.plan.choice.scale)
    seen, vmaf = await _seen_at(ffmpeg, prepared, plan.size, plan.choice.crf, job.work)
    # The plan's quality is a guess from how x264's quick look at the clip came out; these moments know better.
    learned = prepared.model.learn(*(Observation.of(part, scale) for part in seen))
    crf = learned.solve([(0, clip.frames)], scale, plan.budget.video * FIRST_AIM)
    vmaf = min(_BEST, max(0.0, vmaf + (plan.choice.crf - crf) * _VMAF_PER_CRF))
    log.debug("expected VMAF %.1f, at CRF %.1f instead of %.1f", vmaf, crf, plan.choice.crf)
    return vmaf


def keep_outcome(prepared: Prepared, result: Result, request: CompressRequest, job: Job, cache: Path) -> None:
    """Keep what was foretold beside what came out, for the plans to come."""
    measures_more = request.report is not None or request.min_quality > 0
    took_s = None if measures_more else max(0.0, job.elapsed_s - prepared.analysed_s)
    quality = result.quality
    vmaf = quality.mean if quality and quality.metric == "vmaf" else None
    pairs.keep(cache, Pair(prepared.forecast, took_s, result.bytes or 0, vmaf))


async def require_quality(prepared: Prepared, least: float, ffmpeg: Ffmpeg, job: Job) -> None:
    """Raise Infeasible where the plan is clearly going to look worse than ``least`` (mean VMAF)."""
    expected = prepared.plan.predicted_vmaf
    if expected is not None and expected < least - _MARGIN:
        raise await too_poor(prepared, expected, least, ffmpeg, job)


def require_metric(least: float, ffmpeg: Ffmpeg) -> None:
    """Raise UsageError where this ffmpeg can't tell what ``least`` asks for."""
    if least and ffmpeg.quality_metric != "vmaf":
        raise UsageError(
            f"--min-quality is in VMAF, and {ffmpeg.path} can't measure it.",
            hint="Unset TIGHTFIT_FFMPEG to use the bundled ffmpeg, which can.",
        )


async def too_poor(prepared: Prepared, vmaf: float, least: float, ffmpeg: Ffmpeg, job: Job) -> Infeasible:
    """What to raise where ``vmaf`` is all that the limit gives, with a size that would do, if any does."""
    plan, clip = prepared.plan, prepared.clip
    size = await _bytes_for(prepared, least, ffmpeg, job.work)
    said = (
        f"{format_bytes(plan.limit_bytes)} give this clip about VMAF {vmaf:.0f}, less than the {least:g} that is asked."
    )
    if size is None:
        options: tuple[Option, ...] = (Option("a lower --min-quality", None, round(vmaf, 1)),)
        return Infeasible(said, clip.info.size, options)
    return Infeasible(
        said,
        size,
        (
            Option(f"{format_bytes(size)} for VMAF {least:g}", size, least),
            Option(f"--min-quality {vmaf:.0f}", None, vmaf),
        ),
    )


async def _bytes_for(prepared: Prepared, least: float, ffmpeg: Ffmpeg, work: Path) -> int | None:
    """Bytes of a file at full size whose moments look so good; None where no quality does."""
    plan, clip, model, crf = prepared.plan, prepared.clip, prepared.model, _FIRST_CRF
    enough: float | None = None
    for _ in range(_LOOKS):
        parts, seen = await _seen_at(ffmpeg, prepared, plan.full, crf, work)
        if seen >= least:
            enough, model = crf, prepared.model.learn(*(Observation.of(part, 1.0) for part in parts))
        if enough is not None and (seen < least + _CLOSE or crf >= CRF_MAX):
            break
        if enough is None and crf <= CRF_MIN:
            return None
        step = (seen - least) / _VMAF_PER_CRF
        crf = min(CRF_MAX, max(CRF_MIN, crf + (step if step > 0 else min(step, -_LEAST_STEP))))
    if enough is None:
        return None
    video = model.predict(0, clip.frames, 1.0, enough)
    return max(plan.limit_bytes + 1, round(_ROOM * (video + plan.budget.limit - plan.budget.video)))


async def _seen_at(ffmpeg: Ffmpeg, prepared: Prepared, size: Size, crf: float, work: Path) -> tuple[list[Part], float]:
    """A few moments encoded at this quality, and their mean VMAF. Raises EncoderError."""
    parts, found, clip, codec = [], [], prepared.clip, prepared.plan.codec
    # What more or less effort changes are the bytes, not how a quality looks.
    preset, _ = codec.presets[Effort.BALANCED]
    setting = Setting(size, codec.nearest(crf), 2, preset, codec=codec)
    for first, last in windows(prepared.model.content, clip, _FRAMES):
        out = work / f"moment-{first}-{size.height}.nut"
        parts.append(await encode(ffmpeg, clip, first, last, setting, out, on_frames=lambda _: None))
        found.append(await measure(ffmpeg, clip, out, first, last, subsample=_EVERY, threads=2, work=work))
        out.unlink(missing_ok=True)
    mean = sum(quality.mean for quality in found) / len(found)
    log.debug("VMAF %.1f at %s CRF %.1f", mean, size, crf)
    return parts, mean
