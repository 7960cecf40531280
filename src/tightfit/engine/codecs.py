"""Which codec a request comes to on this machine, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tightfit.domain.codec import AV1, CODECS, H264, HEVC, Codec, Effort
from tightfit.domain.containers import Container
from tightfit.domain.media_info import Hdr, VideoStream
from tightfit.domain.request import AUTO_CODEC, CompressRequest
from tightfit.errors import ToolError, UsageError
from tightfit.media.tools import Ffmpeg

# SVT-AV1 4 knows quarters of a step (50.25 takes 1.2 % less than 50); 1.4 doesn't.
_FINE_STEP = 0.25
# A little more for dark pictures: 1 % and 1.6 % more bytes where a step takes 1.5 % (a cartoon at CRF 39.5).
_SHADES = ("luminance-qp-bias=2", "luminance-qp-bias=5")
# What looks best in the same bytes, first (docs/codecs.md).
_BEST_FIRST = (AV1, HEVC, H264)
_OPUS = "libopus"


@dataclass(frozen=True)
class Decision:
    """``why`` is a sentence, empty where the codec was named."""

    codec: Codec
    why: str = ""


def decided(request: CompressRequest, ffmpeg: Ffmpeg) -> Decision:
    """The codec asked for, or for ``auto`` the best one that the destination is known to play, within the time asked.

    Raises ToolError where this ffmpeg has no encoder for what was asked, UsageError where what it comes to has no HDR.
    """
    if request.writes is Container.WEBM and request.audio != "none" and _OPUS not in ffmpeg.encoders:
        raise ToolError(
            f"WebM needs {_OPUS} for its sound, and the ffmpeg at {ffmpeg.path} has none.",
            hint="Write --container mp4, or name another ffmpeg with TIGHTFIT_FFMPEG.",
        )
    if request.codec == AUTO_CODEC and request.writes is not Container.WEBM:
        best = _best(request, ffmpeg)
        if request.hdr == "keep" and not best.codec.deep:
            raise UsageError(
                f"--hdr keep needs 10 bits, and --codec auto comes to {best.why.rstrip('.')}.",
                hint="Name --codec hevc or av1 with it, or write --hdr tonemap.",
            )
        return best
    chosen = request.codec == AUTO_CODEC
    codec = AV1 if chosen else CODECS[request.codec]
    if codec.encoder not in ffmpeg.encoders:
        raise ToolError(
            f"--codec {codec.name} needs {codec.encoder}, and the ffmpeg at {ffmpeg.path} has none.",
            hint="Write --codec h264, or name another ffmpeg with TIGHTFIT_FFMPEG.",
        )
    return Decision(_as_there(codec, ffmpeg), "AV1 is what WebM files are written with." if chosen else "")


def keeps_hdr(request: CompressRequest, codec: Codec, video: VideoStream) -> bool:
    """Whether HDR pictures stay what they are: as asked, or where the codec can and nobody is known not to show it."""
    if video.colour.hdr is Hdr.NONE or not codec.deep or request.hdr == "tonemap":
        return False
    return request.hdr == "keep" or request.destination is None or request.destination.hdr


def codec_for(request: CompressRequest, ffmpeg: Ffmpeg) -> Codec:
    """As ``decided``, without why."""
    return decided(request, ffmpeg).codec


def _as_there(codec: Codec, ffmpeg: Ffmpeg) -> Codec:
    if codec is AV1 and ffmpeg.fine_av1:
        return replace(codec, own_step=_FINE_STEP, shades=_SHADES)
    return codec


def _best(request: CompressRequest, ffmpeg: Ffmpeg) -> Decision:
    plays = request.destination.codecs if request.destination else ()
    against = list(_against(request, ffmpeg, plays))
    ruled_out = {codec for codec, _ in against}
    chosen = next(codec for codec in _BEST_FIRST if codec not in ruled_out)
    better = _BEST_FIRST[: _BEST_FIRST.index(chosen)]
    said = [f"no {codec.title}, {why}" for codec, why in against if codec in better]
    if not plays:
        return Decision(chosen, f"{chosen.title}, which plays everywhere: what else would play is not known.")
    why = f"{chosen.title} is the best codec that the destination plays"
    return Decision(_as_there(chosen, ffmpeg), f"{why}; {'; '.join(said)}." if said else f"{why}.")


def _against(request: CompressRequest, ffmpeg: Ffmpeg, plays: tuple[str, ...]) -> Iterator[tuple[Codec, str]]:
    """The codecs that won't do, and why; never H.264, which is what is left."""
    for codec in (AV1, HEVC):
        if codec.name not in plays:
            yield codec, "which it is not known to play"
        elif request.writes not in codec.containers:
            yield codec, f"which no player expects in a .{request.writes} file"
        elif codec.encoder not in ffmpeg.encoders:
            yield codec, f"for which this ffmpeg has no {codec.encoder}"
        elif codec is HEVC and request.effort is Effort.FAST:
            yield codec, "which takes more time than --effort fast gives"
