"""Which codec a request comes to on this machine."""

from __future__ import annotations

from tightfit.domain.codec import CODECS, Codec
from tightfit.domain.request import CompressRequest
from tightfit.errors import ToolError
from tightfit.media.tools import Ffmpeg


def codec_for(request: CompressRequest, ffmpeg: Ffmpeg) -> Codec:
    """The codec asked for. Raises ToolError where this ffmpeg has no encoder for it."""
    codec = CODECS[request.codec]
    if codec.encoder not in ffmpeg.encoders:
        raise ToolError(
            f"--codec {codec.name} needs {codec.encoder}, and the ffmpeg at {ffmpeg.path} has none.",
            hint="Write --codec h264, or name another ffmpeg with TIGHTFIT_FFMPEG.",
        )
    return codec
