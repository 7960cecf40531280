"""The edits of a request, brought to the clip at hand: refused where they leave nothing of it, said in sentences."""

from __future__ import annotations

from tightfit.domain.edits import Crop
from tightfit.domain.layout import Layout, lay_out
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.request import CompressRequest
from tightfit.domain.shape import LEAST_SIDE, Shape, shape_of
from tightfit.errors import UsageError
from tightfit.media.sound import is_untouched

# H.264 needs up to twice the bytes of a newer codec for the same picture.
_MOST_INFLATION = 2


def layout_of(request: CompressRequest, info: MediaInfo, video: VideoStream) -> Layout:
    """The clip's timeline after the request's edits. Raises UsageError where they leave too little of it."""
    edits, layout = request.edits, lay_out(video, request.edits)
    if not layout.runs:
        raise UsageError(
            f"Nothing is left of {info.path}, which lasts {video.duration_s:.3f} s, after {_named(request)}.",
            hint=f"Write --trim 0-{video.duration_s / 2:.3f}.",
        )
    fades = max((fade.in_s + fade.out_s for fade in edits.fades), default=0.0)
    if fades > layout.duration_s:
        half = layout.duration_s / 2
        raise UsageError(
            f"{fades:g} s of fading don't fit in a clip of {layout.duration_s:.3f} s.",
            hint=f"Write --fade {half:.2f},{half:.2f} or less.",
        )
    return layout


def _named(request: CompressRequest) -> str:
    edits = request.edits
    return " and ".join(name for name, used in (("the trim", edits.trim), ("the cuts", edits.cuts)) if used)


def shape_for(request: CompressRequest, info: MediaInfo, video: VideoStream) -> Shape:
    """How the picture is cut and turned. Raises UsageError where its crop is not inside it."""
    width, height = display = video.display_size
    try:
        return shape_of(display, request.edits)
    except ValueError:
        crop = request.edits.crop or Crop(*display)
        x, y = min(crop.x, width - LEAST_SIDE), min(crop.y, height - LEAST_SIDE)
        wide, high = min(crop.width, width - x), min(crop.height, height - y)
        fitting = Crop(max(LEAST_SIDE, wide), max(LEAST_SIDE, high), x, y)
        raise UsageError(
            f"--crop {crop} is not inside the picture of {info.path}, which is {width}x{height}.",
            hint=f"Write --crop {fitting}.",
        ) from None


def is_edited(request: CompressRequest, info: MediaInfo, video: VideoStream) -> bool:
    """Whether the edits change anything of this clip. Raises UsageError as ``layout_of`` and ``shape_for``."""
    layout, shape = layout_of(request, info, video), shape_for(request, info, video)
    changes_sound = info.main_audio is not None and not is_untouched(layout)
    faded = any(fade.picture for fade in request.edits.fades)
    return not (layout.is_whole and shape.is_plain) or changes_sound or faded


def kept_bytes(info: MediaInfo, video: VideoStream, layout: Layout) -> int:
    """What the source spends on that part of it which the edited clip shows, each from the keyframe before it."""
    picture = 0
    for run in layout.runs:
        begin = video.keyframe_at_or_before(run.start)
        ends = run.end if run.end is not None else video.pts[-1] + 1
        picture += video.bytes_between(run.start if begin is None else begin, ends)
    kept_s = layout.end * float(video.time_base)
    return min(info.size, picture + round((info.size - video.bytes) * min(1.0, kept_s / video.duration_s)))


def worth_filling(limit: int, kept: int, request: CompressRequest) -> int:
    """``limit``, or what is worth spending of it: what takes less already is not inflated to fill it."""
    if request.keeps_rate:
        return min(limit, kept)
    return min(limit, _MOST_INFLATION * kept) if kept <= limit else limit


def reasons(layout: Layout, shape: Shape, video: VideoStream) -> tuple[str, ...]:
    """What is done to the clip beside making it smaller, in sentences."""
    return (*_of_time(layout, video), *_of_picture(layout, shape), *_of_sound(layout))


def _of_time(layout: Layout, video: VideoStream) -> list[str]:
    edits, said = layout.edits, []
    kept = [f"{a:.2f} to {b:.2f} s" for a, b in layout.kept_s()]
    if not layout.all_kept:
        said.append(f"Of {video.duration_s:.2f} s it keeps {', '.join(kept)}.")
    if layout.speed != 1:
        said.append(f"It runs at {float(layout.speed):g} times its speed, its pitch kept: {layout.duration_s:.2f} s.")
    if layout.slots:
        bound = edits.fps or float(video.fps)
        said.append(f"Frames that come sooner than {bound:g} a second allow are left out: {len(layout.shown)} stay.")
    return said


def _of_picture(layout: Layout, shape: Shape) -> list[str]:
    edits, said = layout.edits, []
    if shape.part:
        said.append(f"Of the picture {shape.part} is shown.")
    if shape.rotate:
        said.append(f"It is turned by {shape.rotate} degrees clockwise.")
    if edits.aspect:
        how = "with black beside the picture" if shape.inner != shape.canvas else "which the picture fills"
        said.append(f"Its shape is {edits.aspect.width:g}:{edits.aspect.height:g}, {how}.")
    return said


def _of_sound(layout: Layout) -> list[str]:
    edits, said = layout.edits, []
    if edits.volume != 1:
        said.append(f"The sound is played at {edits.volume:g} times its volume.")
    if edits.mutes:
        said.append(f"The sound is silent in {len(edits.mutes)} stretch{'es' if len(edits.mutes) > 1 else ''} of time.")
    for fade in edits.fades:
        what = "Picture and sound" if fade.picture and fade.sound else "The picture" if fade.picture else "The sound"
        said.append(f"{what} fade in for {fade.in_s:g} s and out for {fade.out_s:g} s.")
    return said
