"""What goes along with the picture and its main sound: more tracks, subtitles, chapters, facts; and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from tightfit.domain.audio import (
    MOST_OF_FILE,
    AudioKind,
    AudioPlan,
    Loudness,
    SoundRules,
    broken,
    drop,
    over_early,
    plan_audio,
)
from tightfit.domain.cargo import carried_chapters, carried_tags, fitting_cues
from tightfit.domain.codec import CODECS, H264, Codec
from tightfit.domain.containers import Container
from tightfit.domain.layout import Layout
from tightfit.domain.light import Light
from tightfit.domain.matroska import matroska_bound
from tightfit.domain.media_info import AudioStream, MediaInfo
from tightfit.domain.mp4 import VideoFormat, metadata_bytes, predict_overhead, runs
from tightfit.domain.mp4_extras import Sound, chapters_bytes, quicktime_bound, sound_bound, text_bound
from tightfit.domain.plan import Budget, choose
from tightfit.domain.rate import RateModel
from tightfit.domain.request import CompressRequest
from tightfit.domain.subtitles import BitmapTrack, TextTrack, packets_of
from tightfit.domain.tracks import Shares, share_sound
from tightfit.domain.updates import Phase
from tightfit.engine import measured
from tightfit.engine.durable import content_of
from tightfit.engine.job import Job
from tightfit.engine.subtitles import Subtitles, subtitles, why_not_drawn
from tightfit.errors import SourceError, SourceUnreadable, UsageError
from tightfit.media.audio import AudioTrack, make_track
from tightfit.media.cargo import Cargo
from tightfit.media.encode import Clip
from tightfit.media.sound import ends_s, is_untouched
from tightfit.media.stitch import Timeline
from tightfit.media.tools import Ffmpeg
from tightfit.settings import Settings

# Where a level can't be measured both sides are taken to differ.
_UNKNOWN = Loudness(-20.0, -20.0)
# Sound that ends this much too early was not only cut at a packet.
_MUCH_LESS_SOUND_S = 0.5
_USUAL_GOP_FRAMES = 100
_LATE_S = 0.005
# From a frame this long on, the muxer's interleaving is another (see domain.mp4).
_LONG_PAUSE_S = 8
# What a decoder of these needs to know before the first packet, at most; AAC takes two bytes.
_LARGE_DESCRIPTIONS = {"vorbis": 8_000, "flac": 300, "opus": 40}


def heard(info: MediaInfo, layout: Layout) -> list[AudioStream]:
    """The sound tracks of which anything is left in the edited clip."""
    playing = [stream for stream in info.audios if stream.packets > 0]
    return playing if is_untouched(layout) else [stream for stream in playing if ends_s(stream, layout) > 0]


def shares_of(request: CompressRequest, info: MediaInfo, limit: int, layout: Layout) -> Shares:
    """Which sound tracks stay. The main one always does, where anything of it is heard; else the first that is."""
    playing, rules = heard(info, layout), request.destination
    if not playing or request.audio == "none":
        return Shares((), 1.0)
    main = info.main_audio if info.main_audio in playing else playing[0]
    others = [stream for stream in playing if stream is not main]
    return share_sound(main, others, limit, layout.duration_s, rules.max_audio_tracks if rules else None)


def rules_of(request: CompressRequest, shares: Shares) -> SoundRules:
    to, container = request.destination, request.writes
    copyable = container.sound
    if to is not None and to.audio_codecs:
        copyable &= frozenset(to.audio_codecs)
    if to is None:
        return SoundRules(copyable, share=shares.share, codec=container.own_sound)
    most = (to.max_channels, to.max_audio_rate, to.max_audio_kbps)
    return SoundRules(copyable, *most, shares.share, container.own_sound)


@dataclass
class Load:
    """Sound and subtitles as they were made: the main track with its plan, and what else there is."""

    shares: Shares
    main: AudioPlan = field(default_factory=lambda: AudioPlan(AudioKind.NONE))
    track: AudioTrack | None = None
    more: list[tuple[AudioStream, AudioPlan, AudioTrack]] = field(default_factory=list)
    spoken: Subtitles = field(default_factory=Subtitles)


async def load_up(
    request: CompressRequest,
    info: MediaInfo,
    layout: Layout,
    limit: int,
    ffmpeg: Ffmpeg,
    settings: Settings,
    job: Job,
    load: Load,
) -> None:
    """Make all sound and read all subtitles that go along. Raises UsageError, EncoderError."""
    usable = await _without_silence(request, info, layout, limit, ffmpeg, settings, job)
    while True:
        load.shares = shares_of(request, usable, limit, layout)
        load.main, load.track = await _main_sound(request, usable, layout, limit, ffmpeg, settings, job, load.shares)
        lost = load.shares.kept[:1]
        if load.track or not load.main.unreadable or len(heard(usable, layout)) == 1:
            break
        job.warn(f"Sound track {lost[0].index} can't be decoded and is left out.")
        usable = _without(usable, lost[0])
    tell_of_tracks(usable, layout, load.shares, job)
    if load.main.kind is not AudioKind.NONE:
        load.more = await _more_sound(request, info, layout, load.shares, limit, ffmpeg, settings, job)
    if not keeps_step(layout):
        _tell_of_lost_times(info, job)
    else:
        load.spoken = await subtitles(info, limit, ffmpeg, job, why_not_drawn(request, info, layout))


def leave_out_ended(load: Load, line: Timeline) -> None:
    """No sound goes along that is over when the first picture that decodes is shown: nothing of it would be heard."""
    load.more = [found for found in load.more if found[2].end_s > line.start_s + _LATE_S]
    if load.track and load.track.end_s <= line.start_s + _LATE_S:
        load.main, load.track, load.more = over_early(), None, []


async def _without_silence(
    request: CompressRequest, info: MediaInfo, layout: Layout, limit: int, ffmpeg: Ffmpeg, settings: Settings, job: Job
) -> MediaInfo:
    """The source without the silent tracks that would be kept while one with something to hear finds no room."""
    usable = info
    while True:
        shares = shares_of(request, usable, limit, layout)
        if not shares.kept or len(shares.kept) == len(heard(usable, layout)):
            return usable
        main = shares.kept[0]
        loudness = await measured.loudness_of(settings.cache, info, main, layout, ffmpeg)
        if not loudness.silent or loudness.damaged:
            return usable
        job.warn(f"Sound track {main.index} is silent and is left out: there is no room for all of them.")
        usable = _without(usable, main)


def _without(info: MediaInfo, lost: AudioStream) -> MediaInfo:
    return replace(info, audios=tuple(stream for stream in info.audios if stream is not lost))


async def _main_sound(
    request: CompressRequest,
    info: MediaInfo,
    layout: Layout,
    limit: int,
    ffmpeg: Ffmpeg,
    settings: Settings,
    job: Job,
    shares: Shares,
) -> tuple[AudioPlan, AudioTrack | None]:
    untouched, rules = is_untouched(layout), rules_of(request, shares)
    stream = shares.kept[0] if shares.kept else None
    if request.audio == "none" and heard(info, layout):
        stream = heard(info, layout)[0]
    loudness = _UNKNOWN
    if request.audio == "copy" and stream:
        _require_copyable(request, stream, rules, untouched=untouched)
    if stream and request.audio != "none":
        job.tell(Phase.AUDIO)
        loudness = await measured.loudness_of(settings.cache, info, stream, layout, ffmpeg)
    if request.audio == "copy" and loudness.damaged:
        raise SourceError(
            f"--audio copy can't be done: the sound of {info.path} is damaged.",
            hint="Use --audio auto, which keeps what can be heard of it.",
        )
    plan = plan_audio(stream, request.audio, limit, layout.duration_s, loudness, rules, may_copy=untouched)
    if stream is None or plan.kind is AudioKind.NONE:
        return plan, None
    if plan.expected_bytes(layout.duration_s) > MOST_OF_FILE * limit and request.audio == "auto":
        return drop(plan), None
    try:
        track = await make_track(ffmpeg, info, stream, plan, job.work, layout)
    except SourceUnreadable:
        raise
    except SourceError as exc:
        # Where the disk is at fault this says so; a track that is damaged by itself costs the sound, not the file.
        await content_of(Path(info.path))
        return broken(str(exc)), None
    if track.end_s < ends_s(stream, layout) - _MUCH_LESS_SOUND_S:
        await content_of(Path(info.path))
    return plan, track


def _require_copyable(request: CompressRequest, stream: AudioStream, rules: SoundRules, *, untouched: bool) -> None:
    if not rules.allow(stream):
        raise UsageError(
            f"--audio copy can't be done: players don't expect {stream.codec} sound in {request.writes.upper()}.",
            hint="Use --audio auto.",
        )
    if not untouched:
        raise UsageError("--audio copy can't be done: this sound has to be cut.", hint="Use --audio auto.")


async def _more_sound(
    request: CompressRequest,
    info: MediaInfo,
    layout: Layout,
    shares: Shares,
    limit: int,
    ffmpeg: Ffmpeg,
    settings: Settings,
    job: Job,
) -> list[tuple[AudioStream, AudioPlan, AudioTrack]]:
    """The sound tracks beside the main one; what can't be read or finds no room is said."""
    found, untouched, rules = [], is_untouched(layout), rules_of(request, shares)
    for stream in shares.kept[1:]:
        loudness = await measured.loudness_of(settings.cache, info, stream, layout, ffmpeg)
        is_copyable = rules.allow(stream) and not loudness.damaged
        choice = request.audio if is_copyable or request.audio != "copy" else "auto"
        plan = plan_audio(stream, choice, limit, layout.duration_s, loudness, rules, may_copy=untouched)
        try:
            track = await make_track(ffmpeg, info, stream, plan, job.work, layout, f"audio-{stream.index}")
            found.append((stream, plan, track))
        except SourceUnreadable:
            raise
        except SourceError:
            job.warn(f"Sound track {stream.index} can't be decoded and is left out.")
    return found


def tell_of_tracks(info: MediaInfo, layout: Layout, shares: Shares, job: Job) -> None:
    """Say which sound tracks find no room."""
    playing = heard(info, layout)
    lost = [str(stream.index) for stream in playing if stream not in shares.kept]
    if lost and shares.kept:
        job.warn(
            f"Of {len(playing)} sound tracks {len(shares.kept)} {'are' if len(shares.kept) > 1 else 'is'} kept; "
            f"{'streams' if len(lost) > 1 else 'stream'} {', '.join(lost)} would take too much of this size."
        )
    empty = [str(stream.index) for stream in info.audios if stream.packets == 0]
    if empty:
        job.warn(f"Sound track {', '.join(empty)} is empty and is left out.")
    unheard = [str(stream.index) for stream in info.audios if stream.packets > 0 and stream not in playing]
    if unheard and shares.kept:
        job.warn(f"Sound track {', '.join(unheard)} has nothing in what is kept of the clip, and is left out.")


def keeps_step(layout: Layout) -> bool:
    """Whether times of the source are times of the clip, but for one shift of all of them."""
    return len(layout.runs) == 1 and layout.speed == 1


def _tell_of_lost_times(info: MediaInfo, job: Job) -> None:
    said = ["subtitles"] if any(o.kind == "subtitle" and o.packets for o in info.others) else []
    said += ["chapters"] if info.chapter_marks else []
    if said:
        what = " and ".join(said)
        job.warn(f"The {what} are left out: they would no longer fit what is cut out of the clip, or its speed.")


def fit_load(
    request: CompressRequest, limit: int, clip: Clip, line: Timeline, model: RateModel, load: Load
) -> tuple[AudioPlan, Cargo, Budget]:
    """Sound and subtitles as made; without the further tracks, or without any, where only so a picture fits."""
    main = [(load.shares.kept[0], load.track)] if load.track else []
    more = [(stream, track) for stream, _, track in load.more]
    sets = [[*main, *more]]
    if load.main.kind is AudioKind.ENCODE:
        sets += ([main] if more else []) + ([[]] if main else [])
    first: tuple[AudioPlan, Cargo, Budget] | None = None
    for made in sets:
        cargo = cargo_of(request, clip, line, in_order(clip.info, made), load.spoken)
        sound = sum(track.bytes for track in cargo.tracks)
        budget = Budget(limit, sound, overhead_bound(clip, line, cargo, limit, CODECS[request.codec]))
        audio = load.main if made or not main else drop(load.main)
        first = first or (audio, cargo, budget)
        if choose(model, budget.video, clip.picture.full) is not None:
            return audio, cargo, budget
    assert first is not None, "there is one set at least"
    return first


def cargo_of(
    request: CompressRequest, clip: Clip, line: Timeline, tracks: Sequence[AudioTrack], spoken: Subtitles
) -> Cargo:
    """Everything beside the picture, on the clock of ``line``."""
    # Edited sound is on the clip's clock already; subtitles and chapters are on the source's.
    start_s = float(clip.source_pts(0) * clip.video.time_base)
    texts = []
    for _, track in spoken.texts:
        cues = fitting_cues(track.cues, start_s, line.duration_s)
        if cues:
            texts.append(_told(replace(track, cues=cues), request))
    drawn = [track.fitted(start_s, line.duration_s) for track in spoken.bitmaps]
    refused = request.destination is not None and not request.destination.edit_lists
    # A track that begins later than the picture is held back by nothing else.
    late = any(track.start_s - line.start_s > _LATE_S for track in tracks)
    return Cargo(
        container=request.writes,
        edit_lists=not refused or late or request.writes.is_matroska,
        tracks=tuple(_told(track, request) for track in tracks),
        texts=tuple(texts),
        bitmaps=tuple(_told(track, request) for track in drawn if track.samples),
        chapters=carried_chapters(clip.info, start_s, line.duration_s) if keeps_step(clip.layout) else (),
        tags=carried_tags(clip.info, private=request.private),
        light=clip.picture.light,
    )


_Named = TypeVar("_Named", AudioTrack, TextTrack, BitmapTrack)


def _told(track: _Named, request: CompressRequest) -> _Named:
    """A track with what the file says of it."""
    language = request.writes.language(track.language)
    return replace(track, language=language, title=None if request.private else track.title)


def in_order(info: MediaInfo, made: Sequence[tuple[AudioStream, AudioTrack]]) -> list[AudioTrack]:
    """Tracks in the source's order of streams."""
    place = {stream.index: n for n, stream in enumerate(info.audios)}
    return [track for _, track in sorted(made, key=lambda pair: place[pair[0].index])]


def overhead_bound(clip: Clip, line: Timeline, cargo: Cargo, limit: int, codec: Codec) -> int:
    """What everything but picture and sound takes of the file at most, subtitles included."""
    if cargo.container.is_matroska:
        return _matroska(clip, line, cargo, limit, codec)
    steps = [b - a for a, b in pairwise(clip.pts)]
    first = cargo.tracks[0] if cargo.tracks else None
    bound = predict_overhead(
        clip.frames,
        clip.layout.fps,
        variable_rate=max(steps, default=0) * clip.video.time_base >= _LONG_PAUSE_S,
        b_frames=codec.reorders,
        keyframe_interval_frames=_USUAL_GOP_FRAMES,
        audio_packets=first.packets if first else 0,
        audio_rate=first.sample_rate if first else 48_000,
        packet_samples=first.packet_samples if first else 1024,
        stts_runs=runs(steps),
        audio_start_s=first.start_s - line.start_s if first and not first.has_gaps else None,
        payload_bytes=limit,
        video_format=_format(codec, cargo.light),
        metadata_bytes=metadata_bytes(cargo.muxer_tags),
    )
    streams = 1 + len(cargo.tracks) + len(cargo.texts)
    bound += sum(len(boxes) for boxes in cargo.own_boxes) + chapters_bytes(cargo.chapters, streams)
    for track in cargo.tracks[1:]:
        sound = Sound(track.packets, track.end_s - track.start_s, track.bytes, not track.has_gaps, track.title or "")
        bound += sound_bound(sound)
    for text in cargo.texts:
        samples = list(packets_of(text.cues, cargo.container.text_subtitles))
        bound += text_bound(len(samples), sum(len(s.data) for s in samples), text.title or "")
    return bound + (quicktime_bound(streams) if cargo.container is Container.MOV else 0)


def _format(codec: Codec, light: Light | None) -> VideoFormat:
    """The most that is said of pictures of this codec; others than H.264 may have their field order named."""
    size, others = codec.description_bytes, 0 if codec is H264 else 10
    if light:
        size, others = size + _LIGHT_DESCRIBED, others + _LIGHT_BOXES
    return VideoFormat(size, codec.name, colour_tagged=True, has_pasp=True, other_boxes=others)


# What H.265's own description has of the light of HDR pictures, the boxes that say it again, and what Matroska writes.
_LIGHT_DESCRIBED, _LIGHT_BOXES, _LIGHT_ELEMENTS = 70, 32 + 12, 170


def _matroska(clip: Clip, line: Timeline, cargo: Cargo, limit: int, codec: Codec) -> int:
    tracks: list[AudioTrack | TextTrack | BitmapTrack] = [*cargo.tracks, *cargo.texts, *cargo.bitmaps]
    samples = [s for text in cargo.texts for s in packets_of(text.cues, cargo.container.text_subtitles)]
    bound = matroska_bound(
        clip.frames + sum(track.packets for track in cargo.tracks),
        len(samples) + sum(len(track.samples) for track in cargo.bitmaps),
        1 + clip.frames // _USUAL_GOP_FRAMES,
        line.duration_s,
        tracks=1 + len(tracks),
        payload_bytes=limit,
        descriptions=20
        + codec.description_bytes
        + (_LIGHT_DESCRIBED + _LIGHT_ELEMENTS if cargo.light else 0)
        + sum(_LARGE_DESCRIPTIONS.get(track.codec, 20) for track in cargo.tracks)
        + sum(track.description_bytes for track in cargo.bitmaps),
        tags=cargo.tags,
        titles=[track.title for track in tracks if track.title],
        chapters=cargo.chapters,
    ) + sum(len(s.data) for s in samples)
    return bound + sum(track.bytes for track in cargo.bitmaps)
