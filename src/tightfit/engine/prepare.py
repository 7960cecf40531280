"""Everything `compress` decides before the final encode; `plan` stops where this returns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import anyio

from tightfit.domain import plan as planning
from tightfit.domain.audio import AudioKind, AudioPlan
from tightfit.domain.calibration import Forecast, foretold
from tightfit.domain.codec import CODECS, H264
from tightfit.domain.geometry import full_size
from tightfit.domain.interlacing import says_so
from tightfit.domain.layout import Layout
from tightfit.domain.media_info import Hdr, MediaInfo, VideoStream
from tightfit.domain.plan import Budget, Crossings, Plan
from tightfit.domain.rate import RateModel
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Decisions, Option
from tightfit.domain.segments import cut_into_segments
from tightfit.domain.updates import Phase
from tightfit.engine import measured
from tightfit.engine.codecs import decided, keeps_hdr
from tightfit.engine.durable import content_of
from tightfit.engine.editing import kept_bytes, layout_of, reasons, shape_for, worth_filling
from tightfit.engine.job import Job
from tightfit.engine.pairs import machine_name
from tightfit.engine.quality import measure_crossings
from tightfit.engine.streams import Load, cargo_of, fit_load, leave_out_ended, load_up, overhead_bound, shares_of
from tightfit.engine.subtitles import Subtitles
from tightfit.errors import InfeasibleError, SourceError, told_singly
from tightfit.media.analyse import Analysis, analyse
from tightfit.media.cargo import Cargo
from tightfit.media.encode import Clip
from tightfit.media.encoders import encoder_of
from tightfit.media.picture import Picture, require_tone_mapping
from tightfit.media.sound import is_untouched
from tightfit.media.stitch import Timeline
from tightfit.media.tools import Ffmpeg
from tightfit.settings import Settings

# A source that loses this share of its pictures on the way to the encoder is damaged, not merely cut badly.
_MOST_LOST = 0.5
_OF_SCREENS = "It shows lines and letters, as on a screen: they get the bytes that made-up grain would take."


class Infeasible(InfeasibleError):
    """Carries what the result object says about it."""

    def __init__(self, message: str, smallest: int, options: tuple[Option, ...]) -> None:
        super().__init__(
            message, hint="; ".join(f"or {o.change}" for o in options).removeprefix("or ").capitalize() + "."
        )
        self.smallest_bytes = smallest
        self.options = options


@dataclass(frozen=True)
class Prepared:
    """A planned job: all that the encode needs. ``suits_screen``: it shows one, and is encoded as suits that.

    ``forecast`` is what is to be expected of it, uncorrected; the analysis took ``analysed_s`` of this run's seconds,
    which are next to none where it was remembered.
    """

    plan: Plan
    clip: Clip
    model: RateModel
    cargo: Cargo
    timeline: Timeline
    crossings: Crossings
    suits_screen: bool
    forecast: Forecast
    analysed_s: float


async def prepare(
    request: CompressRequest, info: MediaInfo, ffmpeg: Ffmpeg, settings: Settings, job: Job, *, keeps: bool = False
) -> Prepared:
    """Measure and decide; ``keeps``: decoded pictures are kept for the encode that follows.

    Raises SourceError, Infeasible, EncoderError, ToolError.
    """
    decision = decided(request, ffmpeg)
    codec, request = decision.codec, replace(request, codec=decision.codec.name)
    video = info.main_video
    if video is None:
        raise SourceError(f"{info.path} holds no video.", hint="Name a video file.")
    require_tone_mapping(video, ffmpeg, info.path)
    layout, shape = layout_of(request, info, video), shape_for(request, info, video)
    fields = await measured.fields_of(settings.cache, info, video, ffmpeg, job.work)
    picture = Picture(
        video, full_size(shape.canvas, request.resolution), layout, fields, keeps_hdr(request, codec, video)
    )
    asked = request.limit_for(info.size)
    limit = worth_filling(asked, kept_bytes(info, video, layout), request)
    load = Load(shares_of(request, info, limit, layout))
    # Only in H.264 does a piece not tell where its chroma lies, which is not kept.
    keeps = keeps and codec.name == H264.name
    begun = job.elapsed_s
    with told_singly():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(load_up, request, info, layout, limit, ffmpeg, settings, job, load)
            analysis = await analysis_of(info, video, picture, layout, ffmpeg, settings, job, keeps=keeps)
            analysed_s = job.elapsed_s - begun
    _warn_of_losses(info, layout, analysis, job)
    job.tell(Phase.PLAN)
    clip = Clip(info, video, picture, analysis.pts, layout, analysis.pictures)
    model = RateModel(analysis.content, steepness=codec.steepness, bytes_ratio=codec.bytes_ratio, grain=codec.grain)
    line = timeline_of(clip)
    leave_out_ended(load, line)
    fitted = fit_load(request, limit, clip, line, model, load)
    if limit < asked and planning.choose(model, fitted[2].video, picture.full) is None:
        # What is worth spending is a guess: a few pictures may need a keyframe that they had no use for in the source.
        limit, fitted = asked, fit_load(request, asked, clip, line, model, load)
    audio, cargo, budget = fitted
    _tell_of_sound(load, audio, cargo, job)
    crossings = await _crossings(request, clip, model, budget, ffmpeg, job)
    choice = planning.choose(model, budget.video, picture.full, crossings)
    if choice is None:
        raise _infeasible(limit, clip, model, budget, audio, info)
    duration = line.duration_s
    suits_screen = planning.is_screen(crossings) and bool(encoder_of(codec).SCREEN)
    segments = cut_into_segments(analysis.content.idrs, clip.frames, duration, clip.joints)
    plan = Plan(
        limit_bytes=asked,
        budget=budget,
        full=picture.full,
        choice=choice,
        segments=tuple(segments),
        audio=audio,
        more_audio=tuple(plan for _, plan, track in load.more if track.path in {t.path for t in cargo.tracks}),
        reasons=planning.explain(choice, picture.full, budget, duration, audio, len(segments), codec)
        + (() if not decision.why else (decision.why,))
        + _picture_reasons(picture)
        + ((_OF_SCREENS,) if suits_screen else ())
        + reasons(layout, shape, video),
        warnings=tuple(job.warnings),
        decisions=_decisions(picture),
        fps=layout.fps,
        codec=codec,
    )
    forecast = foretold(plan, request.effort, analysis.seconds, machine_name(request.jobs))
    return Prepared(plan, clip, model, cargo, line, crossings, suits_screen, forecast, analysed_s)


async def _crossings(
    request: CompressRequest, clip: Clip, model: RateModel, budget: Budget, ffmpeg: Ffmpeg, job: Job
) -> Crossings:
    """At which quality a size gives way to the next one, measured where that may decide. Raises EncoderError."""
    if request.resolution.source:
        return planning.ONLY_FULL_SIZE
    scales = planning.contested(model, budget.video, clip.picture.full)
    if len(scales) < 2:
        return planning.USUAL_CROSSINGS
    return await measure_crossings(ffmpeg, clip, model.content, scales, job.work)


async def analysis_of(
    info: MediaInfo,
    video: VideoStream,
    picture: Picture,
    layout: Layout,
    ffmpeg: Ffmpeg,
    settings: Settings,
    job: Job,
    *,
    keeps: bool = False,
) -> Analysis:
    """The analysis of the clip, as it is remembered or made now, and then with its pictures where that ``keeps`` them.

    Raises SourceError, EncoderError.
    """
    if known := measured.recall(settings.cache, info, video, picture, layout, ffmpeg):
        return known
    job.tell(Phase.ANALYSE)
    threads = 2  # one small encode gains nothing from more, and the sound is being encoded beside it
    analysis = await analyse(
        ffmpeg,
        info,
        video,
        picture,
        job.work,
        threads=threads,
        on_frames=lambda n: job.tell(Phase.ANALYSE, n / len(layout.shown)),
        edited=layout,
        keeps=keeps,
    )
    if len(analysis.pts) < len(layout.shown):
        # ffmpeg ends a file at the first block that the disk does not give, without a word.
        await content_of(Path(info.path))
    measured.remember(settings.cache, info, video, picture, layout, ffmpeg, analysis)
    return analysis


def budget_of(limit: int, clip: Clip, request: CompressRequest) -> Budget:
    """Where the limit's bytes go without any sound or subtitles."""
    line = timeline_of(clip)
    cargo = cargo_of(request, clip, line, (), Subtitles())
    return Budget(limit, 0, overhead_bound(clip, line, cargo, limit, CODECS[request.codec]))


def _tell_of_sound(load: Load, audio: AudioPlan, cargo: Cargo, job: Job) -> None:
    if audio.warning:
        job.warn(audio.warning)
    if load.more and audio.kind is not AudioKind.NONE and len(cargo.tracks) == 1:
        job.warn("Only the main sound track is kept: beside more of them no picture fits.")


def _infeasible(
    limit: int, clip: Clip, model: RateModel, budget: Budget, audio: AudioPlan, info: MediaInfo
) -> Infeasible:
    duration = timeline_of(clip).duration_s
    rest = budget.container + budget.audio
    smallest = rest + planning.smallest_video_bytes(model, clip.picture.full)
    fair = rest + planning.fair_video_bytes(model, clip.picture.full)
    options = planning.infeasible_options(
        limit, smallest, fair, duration, budget.audio, audio.kind is not AudioKind.NONE
    )
    return Infeasible(
        f"{info.path} can't be made into {limit} bytes: "
        f"{duration:.1f} s of this picture surely fit in {smallest} bytes.",
        smallest,
        options,
    )


def timeline_of(clip: Clip) -> Timeline:
    layout = clip.layout
    # Edited sound is on the clip's clock already.
    start = clip.source_pts(0) if is_untouched(layout) else clip.pts[0]
    pts, base = tuple(p - clip.pts[0] for p in clip.pts), layout.shown_base
    return Timeline(pts, base, layout.tick, float(start * base), layout.time_base)


def _warn_of_losses(info: MediaInfo, layout: Layout, analysis: Analysis, job: Job) -> None:
    wanted = len(layout.shown)
    lost = wanted - len(analysis.pts)
    if lost > _MOST_LOST * wanted and lost > 25:
        raise SourceError(
            f"{info.path} is damaged: of its {wanted} pictures only {len(analysis.pts)} can be decoded.",
            hint="Get an undamaged copy; what is left of this one is not worth a file.",
        )
    if lost > 0:
        job.warn(f"{lost} of the source's {wanted} pictures can't be decoded and are left out.")
    # Chapters come as a text track too in MP4; they are carried over as chapters.
    dropped = sorted({o.kind for o in info.others if o.kind not in ("subtitle", "data")})
    if dropped:
        job.warn(f"Not carried over: {', '.join(dropped)} streams.")
    data = [o for o in info.others if o.kind == "data"]
    if len(data) > bool(info.chapters):
        job.warn("Not carried over: data streams of the device that made the file.")


def _picture_reasons(picture: Picture) -> tuple[str, ...]:
    said, hdr = [], picture.video.colour.hdr
    if hdr is not Hdr.NONE:
        layer = ", the base layer of Dolby Vision," if picture.video.dolby_vision else ""
        becomes = "is tone-mapped to SDR (BT.709), which every player shows right."
        said.append(f"The {hdr.upper()} HDR picture{layer} {_kept_hdr(picture) if picture.keeps_hdr else becomes}")
    if picture.is_interlaced:
        first = picture.fields.replace("_first", "")
        said.append(f"The picture is interlaced, the {first} field first, as a look at it shows: it is deinterlaced.")
    elif says_so(picture.video):
        said.append("The picture is marked as interlaced, but a look at it shows none that would be mended: it stays.")
    return tuple(said)


def _kept_hdr(picture: Picture) -> str:
    light, said = picture.video.light, "stays what it is, in 10 bits"
    facts = [("the display that it was made on", light.mastering), ("its lightest pixels", light.content)]
    if told := [what for what, known in facts if known]:
        said += f", with what is said of {' and '.join(told)}"
    if light.dynamic:
        said += "; what HDR10+ says of each scene is left out"
    return f"{said}. --hdr tonemap makes SDR of it."


def _decisions(picture: Picture) -> Decisions:
    hdr = picture.video.colour.hdr
    if picture.keeps_hdr:
        kept, hdr = hdr.value, Hdr.NONE
    else:
        kept = None
    return Decisions(
        deinterlace=picture.fields.value if picture.is_interlaced else None,
        tone_map=hdr.value if hdr is not Hdr.NONE else None,
        keep_hdr=kept,
    )
