"""Everything `compress` decides before the final encode; `plan` stops where this returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import anyio

from tightfit.domain import plan as planning
from tightfit.domain.audio import MOST_OF_FILE, AudioKind, AudioPlan, Loudness, broken, drop, plan_audio
from tightfit.domain.geometry import full_size
from tightfit.domain.media_info import AudioStream, FieldOrder, Hdr, MediaInfo, VideoStream
from tightfit.domain.plan import Budget, Crossings, Plan
from tightfit.domain.rate import RateModel
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Option
from tightfit.domain.segments import cut_into_segments
from tightfit.domain.tracks import Shares
from tightfit.domain.updates import Phase
from tightfit.engine import measured
from tightfit.engine.durable import content_of
from tightfit.engine.job import Job
from tightfit.engine.quality import measure_crossings
from tightfit.engine.streams import (
    Subtitles,
    cargo_of,
    in_order,
    more_sound,
    overhead_bound,
    rules_of,
    shares_of,
    subtitles,
    tell_of_tracks,
)
from tightfit.errors import InfeasibleError, SourceError, UsageError, told_singly
from tightfit.media.analyse import Analysis, analyse
from tightfit.media.audio import AudioTrack, make_track, measure_loudness
from tightfit.media.cargo import Cargo
from tightfit.media.encode import Clip
from tightfit.media.interlace import field_order_of
from tightfit.media.picture import Picture, require_tone_mapping
from tightfit.media.stitch import Timeline
from tightfit.media.tools import Ffmpeg
from tightfit.settings import Settings

# A source that loses this share of its pictures on the way to the encoder is damaged, not merely cut badly.
_MOST_LOST = 0.5
# H.264 needs up to twice the bytes of a newer codec for the same picture.
_MOST_INFLATION = 2
# Sound that ends this much too early was not only cut at a packet.
_MUCH_LESS_SOUND_S = 0.5


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
    cargo: Cargo
    timeline: Timeline
    crossings: Crossings


async def prepare(request: CompressRequest, info: MediaInfo, ffmpeg: Ffmpeg, settings: Settings, job: Job) -> Prepared:
    """Measure and decide. Raises SourceError, Infeasible, EncoderError."""
    video = info.main_video
    if video is None:
        raise SourceError(f"{info.path} holds no video.", hint="Name a video file.")
    require_tone_mapping(video, ffmpeg, info.path)
    fields = await field_order_of(ffmpeg, info, video, job.work)
    picture = Picture(video, full_size(video.display_size, request.resolution), fields)
    limit = _worth_filling(request.limit_for(info.size), info.size)
    load = Load(shares_of(request, info, limit, video.duration_s))
    with told_singly():
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_load, request, info, limit, ffmpeg, job, load)
            analysis = await _analysis(info, video, picture, ffmpeg, settings, job)
    _warn_of_losses(info, video, analysis, job)
    job.tell(Phase.PLAN)
    clip = Clip(info, video, picture, analysis.pts)
    model = RateModel(analysis.content)
    audio, cargo, budget = _fit_sound(request, limit, clip, model, load)
    if audio.warning:
        job.warn(audio.warning)
    if load.more and audio.kind is not AudioKind.NONE and len(cargo.tracks) == 1:
        job.warn("Only the main sound track is kept: beside more of them no picture fits.")
    crossings: Crossings = planning.USUAL_CROSSINGS
    if request.resolution.source:
        crossings = planning.ONLY_FULL_SIZE
    elif len(scales := planning.contested(model, budget.video, picture.full)) > 1:
        crossings = await measure_crossings(ffmpeg, clip, analysis.content, scales, job.work)
    choice = planning.choose(model, budget.video, picture.full, crossings)
    if choice is None:
        raise _infeasible(limit, clip, model, budget, audio, info)
    duration = timeline_of(clip).duration_s
    segments = cut_into_segments(analysis.content.idrs, clip.frames, duration)
    plan = Plan(
        limit_bytes=limit,
        budget=budget,
        full=picture.full,
        choice=choice,
        segments=tuple(segments),
        audio=audio,
        more_audio=tuple(plan for _, plan, track in load.more if track.path in {t.path for t in cargo.tracks}),
        reasons=planning.explain(choice, picture.full, budget, duration, audio, len(segments))
        + _picture_reasons(picture),
        warnings=tuple(job.warnings),
        predicted_seconds=planning.predict_seconds(analysis.seconds, choice.scale),
    )
    return Prepared(plan, clip, model, cargo, timeline_of(clip), crossings)


def _worth_filling(limit: int, source_bytes: int) -> int:
    """A source that is under the limit and must change all the same is not inflated to fill it."""
    return min(limit, _MOST_INFLATION * source_bytes) if source_bytes <= limit else limit


@dataclass
class Load:
    """Sound and subtitles as they were made: the main track with its plan, and what else there is."""

    shares: Shares
    main: AudioPlan = field(default_factory=lambda: AudioPlan(AudioKind.NONE))
    track: AudioTrack | None = None
    more: list[tuple[AudioStream, AudioPlan, AudioTrack]] = field(default_factory=list)
    spoken: Subtitles = field(default_factory=Subtitles)


async def _load(request: CompressRequest, info: MediaInfo, limit: int, ffmpeg: Ffmpeg, job: Job, load: Load) -> None:
    load.main, load.track = await _sound(request, info, limit, ffmpeg, job, load.shares)
    if load.main.kind is not AudioKind.NONE:
        load.more = await more_sound(request, info, load.shares, limit, ffmpeg, job)
    load.spoken = await subtitles(request, info, limit, ffmpeg, job)


async def _sound(
    request: CompressRequest, info: MediaInfo, limit: int, ffmpeg: Ffmpeg, job: Job, shares: Shares
) -> tuple[AudioPlan, AudioTrack | None]:
    stream, video, rules = info.main_audio, info.main_video, rules_of(request, shares)
    assert video is not None, "checked by the caller"
    tell_of_tracks(info, shares, job)
    loudness = Loudness(-20.0, -20.0)
    if stream and request.audio not in ("none", "copy"):
        job.tell(Phase.AUDIO)
        loudness = await measure_loudness(ffmpeg, info, stream)
    if request.audio == "copy" and stream and not rules.allow(stream):
        raise UsageError(
            f"--audio copy can't be done: players don't expect {stream.codec} sound in {request.writes.upper()}.",
            hint="Use --audio auto.",
        )
    plan = plan_audio(stream, request.audio, limit, video.duration_s, loudness, rules)
    if stream is None or plan.kind is AudioKind.NONE:
        return plan, None
    if plan.expected_bytes(video.duration_s) > MOST_OF_FILE * limit and request.audio == "auto":
        return drop(plan), None
    try:
        track = await make_track(ffmpeg, info, stream, plan, job.work)
    except SourceError as exc:
        # Where the disk is at fault this says so; a track that is damaged by itself costs the sound, not the file.
        await content_of(Path(info.path))
        return broken(str(exc)), None
    if track.end_s < stream.start_s + stream.duration_s - _MUCH_LESS_SOUND_S:
        await content_of(Path(info.path))
    return plan, track


async def _analysis(
    info: MediaInfo, video: VideoStream, picture: Picture, ffmpeg: Ffmpeg, settings: Settings, job: Job
) -> Analysis:
    if known := measured.recall(settings.cache, info, video, picture, ffmpeg):
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
        on_frames=lambda n: job.tell(Phase.ANALYSE, n / max(1, video.frames)),
    )
    if len(analysis.pts) < video.frames:
        # ffmpeg ends a file at the first block that the disk does not give, without a word.
        await content_of(Path(info.path))
    measured.remember(settings.cache, info, video, picture, ffmpeg, analysis)
    return analysis


def _fit_sound(
    request: CompressRequest, limit: int, clip: Clip, model: RateModel, load: Load
) -> tuple[AudioPlan, Cargo, Budget]:
    """Sound and subtitles as made; without the further tracks, or without any, where only so a picture fits."""
    line = timeline_of(clip)
    main = [(clip.info.main_audio, load.track)] if clip.info.main_audio and load.track else []
    more = [(stream, track) for stream, _, track in load.more]
    may_drop = load.main.kind is AudioKind.ENCODE
    sets = [[*main, *more]]
    if may_drop:
        sets += ([main] if more else []) + ([[]] if main else [])
    first: tuple[AudioPlan, Cargo, Budget] | None = None
    for made in sets:
        cargo = cargo_of(request, clip.info, line, in_order(clip.info, made), load.spoken)
        sound = sum(track.bytes for track in cargo.tracks)
        budget = Budget(limit, sound, overhead_bound(clip, line, cargo, limit))
        audio = load.main if made or not main else drop(load.main)
        first = first or (audio, cargo, budget)
        if planning.choose(model, budget.video, clip.picture.full) is not None:
            return audio, cargo, budget
    assert first is not None, "there is one set at least"
    return first


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
    base = clip.video.time_base
    start = float((clip.video.pts[0] + clip.pts[0]) * base)
    return Timeline(tuple(p - clip.pts[0] for p in clip.pts), base, clip.video.frame_ticks, start)


def _warn_of_losses(info: MediaInfo, video: VideoStream, analysis: Analysis, job: Job) -> None:
    lost = video.frames - len(analysis.pts)
    if lost > _MOST_LOST * video.frames and lost > 25:
        raise SourceError(
            f"{info.path} is damaged: of its {video.frames} pictures only {len(analysis.pts)} can be decoded.",
            hint="Get an undamaged copy; what is left of this one is not worth a file.",
        )
    if lost > 0:
        job.warn(f"{lost} of the source's {video.frames} pictures can't be decoded and are left out.")
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
        said.append(f"The {hdr.upper()} HDR picture is tone-mapped to SDR (BT.709), which every player shows right.")
    if picture.fields in (FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST):
        said.append("The picture is interlaced, as a look at it shows, and is deinterlaced.")
    return tuple(said)
