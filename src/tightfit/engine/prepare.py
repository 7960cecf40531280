"""Everything `compress` decides before the final encode; `plan` stops where this returns."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import anyio

from tightfit.domain import plan as planning
from tightfit.domain.audio import COPYABLE, MOST_OF_FILE, AudioKind, AudioPlan, Loudness, drop, plan_audio
from tightfit.domain.geometry import full_size
from tightfit.domain.layout import Layout
from tightfit.domain.media_info import Hdr, MediaInfo, VideoStream
from tightfit.domain.mp4 import metadata_bytes, predict_overhead, runs
from tightfit.domain.plan import Budget, Crossings, Plan
from tightfit.domain.rate import RateModel
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Option
from tightfit.domain.segments import cut_into_segments
from tightfit.domain.updates import Phase
from tightfit.engine import measured
from tightfit.engine.durable import content_of
from tightfit.engine.editing import kept_bytes, layout_of, reasons, shape_for, worth_filling
from tightfit.engine.job import Job
from tightfit.engine.quality import measure_crossings
from tightfit.errors import InfeasibleError, SourceError, UsageError, told_singly
from tightfit.media.analyse import Analysis, analyse
from tightfit.media.audio import AudioTrack, make_track
from tightfit.media.encode import Clip
from tightfit.media.picture import Picture, require_tone_mapping
from tightfit.media.sound import ends_s, is_untouched
from tightfit.media.stitch import Timeline, kept_metadata
from tightfit.media.tools import Ffmpeg
from tightfit.settings import Settings

# A source that loses this share of its pictures on the way to the encoder is damaged, not merely cut badly.
_MOST_LOST = 0.5
_USUAL_GOP_FRAMES = 100
# Sound that ends this much too early was not only cut at a packet.
_MUCH_LESS_SOUND_S = 0.5
# From a frame this long on, the muxer's interleaving is another (see domain.mp4).
_LONG_PAUSE_S = 8


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
    """A planned job: all that the encode needs."""

    plan: Plan
    clip: Clip
    model: RateModel
    track: AudioTrack | None
    timeline: Timeline
    crossings: Crossings


async def prepare(request: CompressRequest, info: MediaInfo, ffmpeg: Ffmpeg, settings: Settings, job: Job) -> Prepared:
    """Measure and decide. Raises SourceError, Infeasible, EncoderError."""
    video = info.main_video
    if video is None:
        raise SourceError(f"{info.path} holds no video.", hint="Name a video file.")
    require_tone_mapping(video, ffmpeg, info.path)
    layout, shape = layout_of(request, info, video), shape_for(request, info, video)
    picture = Picture(video, full_size(shape.canvas, request.resolution), layout)
    asked = request.limit_for(info.size)
    limit = worth_filling(asked, kept_bytes(info, video, layout), request)
    sound: list[tuple[AudioPlan, AudioTrack | None]] = []
    with told_singly():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_sound, request, info, layout, limit, ffmpeg, settings, job, sound)
            analysis = await analysis_of(info, video, picture, layout, ffmpeg, settings, job)
    _warn_of_losses(info, layout, analysis, job)
    job.tell(Phase.PLAN)
    clip = Clip(info, video, picture, analysis.pts, layout)
    model = RateModel(analysis.content)
    audio, track = sound[0]
    fitted = _fit_sound(limit, clip, model, audio, track)
    if limit < asked and planning.choose(model, fitted[2].video, picture.full) is None:
        # What is worth spending is a guess: a few pictures may need a keyframe that they had no use for in the source.
        limit, fitted = asked, _fit_sound(asked, clip, model, audio, track)
    audio, track, budget = fitted
    if audio.warning:
        job.warn(audio.warning)
    crossings = await _crossings(request, clip, model, budget, ffmpeg, job)
    choice = planning.choose(model, budget.video, picture.full, crossings)
    if choice is None:
        raise _infeasible(limit, clip, model, budget, audio, info)
    duration = timeline_of(clip).duration_s
    segments = cut_into_segments(analysis.content.idrs, clip.frames, duration, clip.joints)
    plan = Plan(
        limit_bytes=asked,
        budget=budget,
        full=picture.full,
        choice=choice,
        segments=tuple(segments),
        audio=audio,
        reasons=planning.explain(choice, picture.full, budget, duration, audio, len(segments))
        + _picture_reasons(video)
        + reasons(layout, shape, video),
        warnings=tuple(job.warnings),
        fps=layout.fps,
        predicted_seconds=planning.predict_seconds(analysis.seconds, choice.scale),
    )
    return Prepared(plan, clip, model, track, timeline_of(clip), crossings)


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


async def _sound(
    request: CompressRequest,
    info: MediaInfo,
    layout: Layout,
    limit: int,
    ffmpeg: Ffmpeg,
    settings: Settings,
    job: Job,
    into: list[tuple[AudioPlan, AudioTrack | None]],
) -> None:
    stream, untouched = info.main_audio, is_untouched(layout)
    if stream and not untouched and ends_s(stream, layout) <= 0:
        stream = None
    if len(info.audios) > 1 and stream:
        job.warn(f"Of {len(info.audios)} sound tracks only one is kept (stream {stream.index}).")
    loudness = Loudness(-20.0, -20.0)
    if stream and request.audio not in ("none", "copy"):
        job.tell(Phase.AUDIO)
        loudness = await measured.loudness_of(settings.cache, info, stream, layout, ffmpeg)
    if request.audio == "copy" and stream and stream.codec not in COPYABLE:
        raise UsageError(
            f"--audio copy can't be done: players don't expect {stream.codec} sound in an MP4.",
            hint="Use --audio auto.",
        )
    if request.audio == "copy" and stream and not untouched:
        raise UsageError("--audio copy can't be done: this sound has to be cut.", hint="Use --audio auto.")
    plan = plan_audio(stream, request.audio, limit, layout.duration_s, loudness, may_copy=untouched)
    if stream is None or plan.kind is AudioKind.NONE:
        into.append((plan, None))
        return
    if plan.expected_bytes(layout.duration_s) > MOST_OF_FILE * limit and request.audio == "auto":
        into.append((drop(plan), None))
        return
    track = await make_track(ffmpeg, info, stream, plan, job.work, layout)
    if track.end_s < ends_s(stream, layout) - _MUCH_LESS_SOUND_S:
        await content_of(Path(info.path))
    into.append((plan, track))


async def analysis_of(
    info: MediaInfo,
    video: VideoStream,
    picture: Picture,
    layout: Layout,
    ffmpeg: Ffmpeg,
    settings: Settings,
    job: Job,
) -> Analysis:
    """The analysis of the clip, as it is remembered or made now. Raises SourceError, EncoderError."""
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
    )
    if len(analysis.pts) < len(layout.shown):
        # ffmpeg ends a file at the first block that the disk does not give, without a word.
        await content_of(Path(info.path))
    measured.remember(settings.cache, info, video, picture, layout, ffmpeg, analysis)
    return analysis


def _fit_sound(
    limit: int, clip: Clip, model: RateModel, audio: AudioPlan, track: AudioTrack | None
) -> tuple[AudioPlan, AudioTrack | None, Budget]:
    """The sound as encoded, or none where only a silent picture fits."""
    budget = budget_of(limit, clip, track)
    if track and planning.choose(model, budget.video, clip.picture.full) is None and audio.kind is AudioKind.ENCODE:
        silent = budget_of(limit, clip, None)
        if planning.choose(model, silent.video, clip.picture.full):
            return drop(audio), None, silent
    return audio, track, budget


def budget_of(limit: int, clip: Clip, track: AudioTrack | None) -> Budget:
    """Where the limit's bytes go with this sound, or with none."""
    steps = [b - a for a, b in pairwise(clip.pts)]
    timeline = timeline_of(clip)
    container = predict_overhead(
        clip.frames,
        clip.layout.fps,
        variable_rate=max(steps, default=0) * clip.video.time_base >= _LONG_PAUSE_S,
        b_frames=True,
        keyframe_interval_frames=_USUAL_GOP_FRAMES,
        audio_packets=track.packets if track else 0,
        audio_rate=track.sample_rate if track else 48_000,
        packet_samples=track.packet_samples if track else 1024,
        stts_runs=runs(steps),
        audio_start_s=track.start_s - timeline.start_s if track and not track.has_gaps else None,
        payload_bytes=limit,
        metadata_bytes=metadata_bytes(kept_metadata(clip.info)),
    )
    return Budget(limit, track.bytes if track else 0, container)


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
    dropped = sorted({o.kind for o in info.others})
    if dropped:
        job.warn(f"Not carried over: {', '.join(dropped)} streams.")


def _picture_reasons(video: VideoStream) -> tuple[str, ...]:
    if video.colour.hdr is Hdr.NONE:
        return ()
    return (
        f"The {video.colour.hdr.upper()} HDR picture is tone-mapped to SDR (BT.709), which every player shows right.",
    )
