"""Which codec a request comes to on this machine."""

from __future__ import annotations

from dataclasses import replace

from tightfit.domain.codec import AV1, CODECS, Codec
from tightfit.domain.request import CompressRequest
from tightfit.errors import ToolError
from tightfit.media.tools import Ffmpeg

# SVT-AV1 4 knows quarters of a step (50.25 takes 1.2 % less than 50); 1.4 doesn't.
_FINE_STEP = 0.25
# A little more for dark pictures: 1 % and 1.6 % more bytes where a step takes 1.5 % (a cartoon at CRF 39.5).
_SHADES = ("luminance-qp-bias=2", "luminance-qp-bias=5")


def codec_for(request: CompressRequest, ffmpeg: Ffmpeg) -> Codec:
    """The codec asked for. Raises ToolError where this ffmpeg has no encoder for it."""
    codec = CODECS[request.codec]
    if codec.encoder not in ffmpeg.encoders:
        raise ToolError(
            f"--codec {codec.name} needs {codec.encoder}, and the ffmpeg at {ffmpeg.path} has none.",
            hint="Write --codec h264, or name another ffmpeg with TIGHTFIT_FFMPEG.",
        )
    if codec is AV1 and ffmpeg.fine_av1:
        return replace(codec, own_step=_FINE_STEP, shades=_SHADES)
    return codec
