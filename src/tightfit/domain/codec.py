"""The formats that pictures are coded in, and what of them decisions hang on. Pure.

Quality has one scale for all of them, that of x264's CRF: what looks alike has the same number. So what was measured
of crossings, steps and floors (``domain.plan``, ``domain.control``) holds for each, and only an encoder's command line
has its own numbers.
"""

from __future__ import annotations

from dataclasses import dataclass

from tightfit.domain.containers import Container
from tightfit.domain.mp4 import CodedAs


@dataclass(frozen=True)
class Codec:
    """One format, coded by one encoder.

    ``name`` is what requests, results and the journal call it, ``title`` what people do; ``encoder`` is ffmpeg's name.
    ``presets`` are the encoder's, for the usual pace and the quick one (``domain.plan.Pace``). ``bytes_ratio`` is what
    it takes over x264 for the same quality, ``first_pass_ratio`` what a first pass comes out at over the encode behind
    it. Its own CRF is ``crf_at_0`` + ``crf_per_step`` times the quality, up to ``most_crf``. Containers keep about
    ``description_bytes`` of it.
    """

    name: CodedAs
    title: str
    encoder: str
    presets: tuple[str, str]
    containers: frozenset[Container]
    bytes_ratio: float = 1.0
    first_pass_ratio: float = 1.0
    crf_at_0: float = 0.0
    crf_per_step: float = 1.0
    most_crf: float = 51.0
    description_bytes: int = 80

    def __str__(self) -> str:
        return self.name

    def own_crf(self, quality: float) -> float:
        """What its encoder calls this quality."""
        return min(self.most_crf, max(0.0, self.crf_at_0 + self.crf_per_step * quality))

    @property
    def tool(self) -> str:
        """The encoder, as people call it."""
        return self.encoder.removeprefix("lib")


# A first pass of x264 comes out at 0.83 … 0.98 of medium's bytes (four clips).
H264 = Codec("h264", "H.264", "libx264", ("medium", "faster"), frozenset(Container), first_pass_ratio=0.93)
HEVC = Codec("hevc", "H.265", "libx265", ("fast", "superfast"), frozenset(Container), 0.7, 0.93, description_bytes=140)
CODECS: dict[str, Codec] = {codec.name: codec for codec in (H264, HEVC)}
