"""The edits of a request, brought to the clip at hand: refused where they leave nothing of it."""

from __future__ import annotations

from tightfit.domain.layout import Layout, lay_out
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.request import CompressRequest
from tightfit.errors import UsageError

# H.264 needs up to twice the bytes of a newer codec for the same picture.
_MOST_INFLATION = 2


def layout_of(request: CompressRequest, info: MediaInfo, video: VideoStream) -> Layout:
    """The clip's timeline after the request's edits. Raises UsageError where they leave no frame."""
    layout = lay_out(video, request.edits)
    if not layout.runs:
        raise UsageError(
            f"Nothing is left of {info.path} after the trim: it lasts {video.duration_s:.3f} s.",
            hint=f"Write --trim 0-{video.duration_s / 2:.3f}.",
        )
    return layout


def kept_bytes(info: MediaInfo, video: VideoStream, layout: Layout) -> int:
    """What the source spends on that part of it which the edited clip shows."""
    if layout.is_whole:
        return info.size
    picture = 0
    for run in layout.runs:
        begin = video.keyframe_at_or_before(run.start)
        ends = run.end if run.end is not None else video.pts[-1] + 1
        picture += video.bytes_between(run.start if begin is None else begin, ends)
    rest = info.size - video.bytes
    return picture + round(rest * min(1.0, layout.duration_s / video.duration_s))


def worth_filling(limit: int, kept: int) -> int:
    """``limit``, or what is worth spending of it: what takes less already is not inflated to fill it."""
    return min(limit, _MOST_INFLATION * kept) if kept <= limit else limit
