"""A request that may become several files: the clip is looked at, and each part is a request of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from tightfit.domain import plan as planning
from tightfit.domain.audio import AudioKind, Loudness, plan_audio
from tightfit.domain.edits import Stretch
from tightfit.domain.geometry import full_size
from tightfit.domain.layout import Layout
from tightfit.domain.media_info import VideoStream
from tightfit.domain.rate import RateModel
from tightfit.domain.request import CompressRequest
from tightfit.domain.splitting import MOST_PARTS, cuts, parts_needed
from tightfit.engine import measured
from tightfit.engine.codecs import codec_for
from tightfit.engine.compress import probed
from tightfit.engine.editing import layout_of
from tightfit.engine.job import Job, Listener, scratch_job
from tightfit.engine.prepare import analysis_of, budget_of
from tightfit.engine.staying import may_stay
from tightfit.errors import TightfitError, UsageError
from tightfit.media.encode import Clip
from tightfit.media.picture import Picture
from tightfit.media.tools import Ffmpeg, find_ffmpeg
from tightfit.settings import Settings

_UNKNOWN = Loudness(-20.0, -20.0)


async def split_up(
    requests: Sequence[CompressRequest], parts: int | None, settings: Settings, listener: Listener
) -> list[CompressRequest]:
    """Each request, or the parts it becomes: so many, or as many as a fair quality takes.

    What can't be split stays whole, and whoever compresses it says why. Raises UsageError for a number of parts that
    makes no sense.
    """
    if parts is not None and not 1 <= parts <= MOST_PARTS:
        raise UsageError(f"{parts} parts can't be made.", hint=f"Name a number from 1 to {MOST_PARTS}.")
    for request in requests:
        _require_edits(request)
    ffmpeg = await find_ffmpeg(settings.ffmpeg, settings.cache, settings.limits)
    found: list[CompressRequest] = []
    for request in requests:
        try:
            with scratch_job(settings.work, listener) as job:
                found += await _parts_of(request, parts, ffmpeg, settings, job)
        except TightfitError:
            found.append(request)
    return found


def _require_edits(request: CompressRequest) -> None:
    """What is about the clip's own beginning and end would happen in every part of it."""
    if request.edits.fades or any(mute.last_s is not None for mute in request.edits.mutes):
        raise UsageError(
            "A clip that is split can't be faded, nor silenced by seconds from its end.",
            hint="Edit it first, and split what comes of it.",
        )


async def _parts_of(
    request: CompressRequest, parts: int | None, ffmpeg: Ffmpeg, settings: Settings, job: Job
) -> list[CompressRequest]:
    info = await probed(request, settings, job)
    limit, video = request.limit_for(info.size), info.main_video
    assert video is not None, "checked by probed"
    whole = replace(request, part=1)
    if parts is None and info.size <= limit and may_stay(request, info):
        return [whole]
    layout = layout_of(request, info, video)
    fields = await measured.fields_of(settings.cache, info, video, ffmpeg, job.work)
    picture = Picture(video, full_size(video.display_size, request.resolution), fields=fields)
    analysis = await analysis_of(info, video, picture, layout, ffmpeg, settings, job)
    clip = Clip(info, video, picture, analysis.pts, layout)
    codec = codec_for(request, ffmpeg)
    model = RateModel(analysis.content, steepness=codec.steepness, bytes_ratio=codec.bytes_ratio)
    fair = planning.fair_video_bytes(model, picture.full)
    container = budget_of(limit, clip, replace(request, codec=codec.name)).container

    def fair_part(number: int) -> float:
        seconds = layout.duration_s / number
        sound = plan_audio(info.main_audio, request.audio, limit, seconds, _UNKNOWN)
        audio = 0 if sound.kind is AudioKind.NONE else sound.expected_bytes(seconds)
        return (fair + container) / number + audio

    number = parts or parts_needed(limit, fair_part)
    if number == 1:
        return [whole]
    starts = [analysis.pts[frame] for frame in cuts(analysis.content, number)]
    trim = request.edits.trim
    begin = _seconds(layout, video, analysis.pts[0]) if request.edits.trim.last_s is not None else trim.start_s
    bounds = [begin, *(_seconds(layout, video, pts) for pts in starts), trim.end_s]
    return [
        replace(
            request,
            edits=replace(request.edits, trim=Stretch(start, end)),
            part=n,
            parts=len(bounds) - 1,
        )
        for n, (start, end) in enumerate(pairwise(bounds), 1)
    ]


def _seconds(layout: Layout, video: VideoStream, pts: int) -> float:
    """When a frame of the edited clip is shown, in seconds of the source from its first picture on."""
    return float((layout.source_pts(pts) - video.pts[0]) * video.time_base)
