"""What goes along with the picture and its main sound: more tracks, subtitles, chapters, facts; and what they cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TypeVar

from tightfit.domain.audio import AudioPlan, Loudness, SoundRules, plan_audio
from tightfit.domain.cargo import carried_chapters, carried_tags, fitting_cues, language_of
from tightfit.domain.containers import Container
from tightfit.domain.matroska import matroska_bound
from tightfit.domain.media_info import AudioStream, MediaInfo, OtherStream
from tightfit.domain.mp4 import metadata_bytes, predict_overhead, runs
from tightfit.domain.mp4_extras import Sound, chapters_bytes, quicktime_bound, sound_bound, text_bound
from tightfit.domain.request import CompressRequest
from tightfit.domain.subtitles import TextTrack, packets_of
from tightfit.domain.tracks import Shares, share_sound
from tightfit.engine.job import Job
from tightfit.errors import SourceError
from tightfit.media.audio import AudioTrack, make_track, measure_loudness
from tightfit.media.cargo import Cargo, DrawnTrack
from tightfit.media.encode import Clip
from tightfit.media.stitch import Timeline
from tightfit.media.subtitles import TEXT, drawn_of, text_of
from tightfit.media.tools import Ffmpeg

# Subtitles that take more than this of a file are not what it is about.
_MOST_OF_FILE = 0.1
_USUAL_GOP_FRAMES = 100
_LATE_S = 0.005
# From a frame this long on, the muxer's interleaving is another (see domain.mp4).
_LONG_PAUSE_S = 8
# What a decoder of these needs to know before the first packet, at most; AAC takes two bytes.
_LARGE_DESCRIPTIONS = {"vorbis": 8_000, "flac": 300, "opus": 40}


def shares_of(request: CompressRequest, info: MediaInfo, limit: int, duration_s: float) -> Shares:
    """Which sound tracks stay. The main one always does, where there is any."""
    main, rules = info.main_audio, request.destination
    if main is None or request.audio == "none":
        return Shares((), 1.0)
    others = [stream for stream in info.audios if stream.packets > 0 and stream is not main]
    return share_sound(main, others, limit, duration_s, rules.max_audio_tracks if rules else None)


def rules_of(request: CompressRequest, shares: Shares) -> SoundRules:
    to, container = request.destination, request.writes
    copyable = container.sound
    if to is not None and to.audio_codecs:
        copyable &= frozenset(to.audio_codecs)
    if to is None:
        return SoundRules(copyable, share=shares.share)
    return SoundRules(copyable, to.max_channels, to.max_audio_rate, to.max_audio_kbps, shares.share)


async def more_sound(
    request: CompressRequest, info: MediaInfo, shares: Shares, limit: int, ffmpeg: Ffmpeg, job: Job
) -> list[tuple[AudioStream, AudioPlan, AudioTrack]]:
    """The sound tracks beside the main one; what can't be read or finds no room is said."""
    video = info.main_video
    assert video is not None, "checked by the caller"
    found = []
    for stream in shares.kept[1:]:
        loudness = Loudness(-20.0, -20.0)
        if request.audio != "copy":
            loudness = await measure_loudness(ffmpeg, info, stream)
        rules = rules_of(request, shares)
        choice = request.audio if rules.allow(stream) or request.audio != "copy" else "auto"
        plan = plan_audio(stream, choice, limit, video.duration_s, loudness, rules)
        try:
            track = await make_track(ffmpeg, info, stream, plan, job.work, f"audio-{stream.index}")
            found.append((stream, plan, track))
        except SourceError:
            job.warn(f"Sound track {stream.index} can't be decoded and is left out.")
    return found


def tell_of_tracks(info: MediaInfo, shares: Shares, job: Job) -> None:
    """Say which sound tracks find no room."""
    playing = [stream for stream in info.audios if stream.packets > 0]
    lost = [str(stream.index) for stream in playing if stream not in shares.kept]
    if lost and shares.kept:
        job.warn(
            f"Of {len(playing)} sound tracks {len(shares.kept)} {'are' if len(shares.kept) > 1 else 'is'} kept; "
            f"{'streams' if len(lost) > 1 else 'stream'} {', '.join(lost)} would take too much of this size."
        )
    empty = [str(stream.index) for stream in info.audios if stream.packets == 0]
    if empty:
        job.warn(f"Sound track {', '.join(empty)} is empty and is left out.")


@dataclass(frozen=True)
class Subtitles:
    """Cues on the source's clock, with the stream they are of; drawn tracks as copied."""

    texts: tuple[tuple[OtherStream, TextTrack], ...] = ()
    drawn: tuple[DrawnTrack, ...] = ()


async def subtitles(request: CompressRequest, info: MediaInfo, limit: int, ffmpeg: Ffmpeg, job: Job) -> Subtitles:
    """All subtitles that the container can hold and that can be read; the others are said."""
    texts, drawn = [], []
    for stream in info.others:
        if stream.kind != "subtitle" or not stream.packets:
            continue
        where = f"The {stream.language or 'untitled'} subtitles (stream {stream.index})"
        if stream.bytes > _MOST_OF_FILE * limit:
            job.warn(f"{where} would take too much of this size and are left out.")
        elif stream.codec in TEXT:
            cues = await text_of(ffmpeg, info, stream, job.work)
            if cues is None:
                job.warn(f"{where} can't be read and are left out.")
            else:
                facts = (language_of(stream.language), stream.default, stream.forced, stream.title)
                texts.append((stream, TextTrack(tuple(cues), *facts)))
        elif stream.codec in request.writes.bitmap_subtitles:
            copied = await drawn_of(ffmpeg, info, stream, job.work)
            if copied is None:
                job.warn(f"{where} can't be read and are left out.")
            else:
                drawn.append(copied)
        else:
            job.warn(f"{where} are drawn pictures ({stream.codec}), which are not carried over.")
    return Subtitles(tuple(texts), tuple(drawn))


def cargo_of(
    request: CompressRequest, info: MediaInfo, line: Timeline, tracks: Sequence[AudioTrack], spoken: Subtitles
) -> Cargo:
    """Everything beside the picture, on the clock of ``line``."""
    texts = []
    for _, track in spoken.texts:
        cues = fitting_cues(track.cues, line.start_s, line.duration_s)
        if cues:
            texts.append(_told(replace(track, cues=cues), request))
    refused = request.destination is not None and not request.destination.edit_lists
    # A track that begins later than the picture is held back by nothing else.
    late = any(track.start_s - line.start_s > _LATE_S for track in tracks)
    return Cargo(
        container=request.writes,
        edit_lists=not refused or late or request.writes is Container.MKV,
        tracks=tuple(_told(track, request) for track in tracks),
        texts=tuple(texts),
        drawn=tuple(_told(track, request) for track in spoken.drawn),
        chapters=carried_chapters(info, line.start_s, line.duration_s),
        tags=carried_tags(info, private=request.private),
    )


_Named = TypeVar("_Named", AudioTrack, TextTrack, DrawnTrack)


def _told(track: _Named, request: CompressRequest) -> _Named:
    """A track with what the file says of it."""
    language = request.writes.language(track.language)
    return replace(track, language=language, title=None if request.private else track.title)


def in_order(info: MediaInfo, made: Sequence[tuple[AudioStream, AudioTrack]]) -> list[AudioTrack]:
    """Tracks in the source's order of streams."""
    place = {stream.index: n for n, stream in enumerate(info.audios)}
    return [track for _, track in sorted(made, key=lambda pair: place[pair[0].index])]


def overhead_bound(clip: Clip, line: Timeline, cargo: Cargo, limit: int) -> int:
    """What everything but picture and sound takes of the file at most, subtitles included."""
    if cargo.container is Container.MKV:
        return _matroska(clip, line, cargo, limit)
    steps = [b - a for a, b in pairwise(clip.pts)]
    first = cargo.tracks[0] if cargo.tracks else None
    bound = predict_overhead(
        clip.frames,
        clip.video.fps,
        variable_rate=max(steps, default=0) * clip.video.time_base >= _LONG_PAUSE_S,
        b_frames=True,
        keyframe_interval_frames=_USUAL_GOP_FRAMES,
        audio_packets=first.packets if first else 0,
        audio_rate=first.sample_rate if first else 48_000,
        packet_samples=first.packet_samples if first else 1024,
        stts_runs=runs(steps),
        audio_start_s=first.start_s - line.start_s if first and not first.has_gaps else None,
        payload_bytes=limit,
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


def _matroska(clip: Clip, line: Timeline, cargo: Cargo, limit: int) -> int:
    tracks: list[AudioTrack | TextTrack | DrawnTrack] = [*cargo.tracks, *cargo.texts, *cargo.drawn]
    samples = [s for text in cargo.texts for s in packets_of(text.cues, cargo.container.text_subtitles)]
    return (
        matroska_bound(
            clip.frames + sum(track.packets for track in cargo.tracks),
            len(samples) + sum(track.packets for track in cargo.drawn),
            1 + clip.frames // _USUAL_GOP_FRAMES,
            line.duration_s,
            tracks=1 + len(tracks),
            payload_bytes=limit,
            descriptions=100 + sum(_LARGE_DESCRIPTIONS.get(track.codec, 20) for track in cargo.tracks),
            tags=cargo.tags,
            titles=[track.title for track in tracks if track.title],
            chapters=cargo.chapters,
        )
        + sum(len(s.data) for s in samples)
        + sum(track.bytes for track in cargo.drawn)
    )
