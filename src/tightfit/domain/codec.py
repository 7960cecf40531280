"""The formats that pictures are coded in, and what of them decisions hang on. Pure.

Quality has one scale for all of them, that of x264's CRF: what looks alike has the same number. So what was measured
of crossings, steps and floors (``domain.plan``, ``domain.control``) holds for each, and only an encoder's command line
has its own numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tightfit.domain.containers import Container
from tightfit.domain.mp4 import CodedAs


class Effort(StrEnum):
    """How much time may be taken for a better picture in the same bytes."""

    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"


def _steps(fast: str, balanced: str, best: str, quick: str | None = None) -> Mapping[Effort, tuple[str, str]]:
    return {
        Effort.FAST: (fast, fast),
        Effort.BALANCED: (balanced, quick or balanced),
        Effort.BEST: (best, best),
    }


@dataclass(frozen=True)
class Codec:
    """One format, coded by one encoder.

    ``name`` is what requests, results and the journal call it, ``title`` what people do; ``encoder`` is ffmpeg's name.
    ``presets`` are the encoder's for each effort: at the usual pace, and at the quick one (``domain.plan.Pace``), which
    is taken where the slower one buys nothing that is seen. ``bytes_ratio`` is what
    it takes over x264 for the same quality, ``first_pass_ratio`` what a first pass comes out at over the encode behind
    it. Its own CRF is ``crf_at_0`` + ``crf_per_step`` times the quality, up to ``most_crf``, in steps of ``own_step``
    (0: any), each ``steepness`` times as much as x264's; ``shades`` are tunings that take a little more each, less than
    a step. ``two_passes``: it can be told a size. ``reorders``: pictures are stored in another order than shown.
    Containers keep about ``description_bytes`` of it. ``deep``: it has 10 bits where players expect them, for HDR.
    """

    name: CodedAs
    title: str
    encoder: str
    presets: Mapping[Effort, tuple[str, str]] = field(hash=False)
    containers: frozenset[Container]
    bytes_ratio: float = 1.0
    first_pass_ratio: float = 1.0
    crf_at_0: float = 0.0
    crf_per_step: float = 1.0
    most_crf: float = 51.0
    own_step: float = 0.0
    steepness: float = 1.0
    shades: tuple[str, ...] = ()
    two_passes: bool = True
    reorders: bool = True
    description_bytes: int = 80
    deep: bool = False

    def __str__(self) -> str:
        return self.name

    def own_crf(self, quality: float) -> float:
        """What its encoder calls this quality."""
        own = self.crf_at_0 + self.crf_per_step * quality
        if self.own_step:
            own = round(own / self.own_step) * self.own_step
        return min(self.most_crf, max(0.0, own))

    @property
    def grain(self) -> float:
        """One step of its own, on the scale of all; 0 where there are none."""
        return self.own_step / self.crf_per_step

    def nearest(self, quality: float) -> float:
        """The quality nearest to this one that its encoder knows."""
        return (self.own_crf(quality) - self.crf_at_0) / self.crf_per_step if self.own_step else quality

    @property
    def tool(self) -> str:
        """The encoder, as people call it."""
        return self.encoder.removeprefix("lib")


# WebM holds VP8, VP9 and AV1 (webmproject.org/docs/container).
_ALL_BUT_WEBM = frozenset(Container) - {Container.WEBM}

# What the steps of effort buy: docs/codecs.md. What x264's first pass tells is in ``domain.control``.
H264 = Codec(
    "h264",
    "H.264",
    "libx264",
    _steps("veryfast", "medium", "slow", quick="faster"),
    _ALL_BUT_WEBM,
)
# x265 fast at a CRF looks as x264 medium at the same one (VMAF within 1.2 steps at CRF 26 and 34, two clips), for 0.58
# … 1.0 of the bytes; its first pass comes out at 0.96 of it, superfast's at 1.02 (a cartoon, 120 frames).
HEVC = Codec(
    "hevc",
    "H.265",
    "libx265",
    _steps("superfast", "fast", "medium"),
    _ALL_BUT_WEBM,
    bytes_ratio=0.75,
    first_pass_ratio=0.97,
    description_bytes=140,
    deep=True,
)
# SVT-AV1 preset 10 at 48 and 60 looks as x264 medium at 27 … 28.9 and 33 … 34.7 (VMAF, two clips), for 0.40 … 0.73 of
# the bytes; a step of its own takes 0.12 … 0.14 log2, two of which are one of x264's, of 0.17.
AV1 = Codec(
    "av1",
    "AV1",
    "libsvtav1",
    _steps("12", "10", "8"),
    frozenset({Container.MP4, Container.MKV, Container.WEBM}),
    bytes_ratio=0.57,
    crf_at_0=-8.0,
    crf_per_step=2.0,
    most_crf=63.0,
    own_step=1.0,
    steepness=1.45,
    two_passes=False,
    reorders=False,
    description_bytes=30,
    deep=True,
)
CODECS: dict[str, Codec] = {codec.name: codec for codec in (H264, HEVC, AV1)}
