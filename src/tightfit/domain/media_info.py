"""What a media file really holds, as far as it can be known without decoding it.

Facts that a file only claims keep their doubt: a missing value is ``None``, and every contradiction
between header and packets is listed in ``MediaInfo.doubts``. Times are integers in the stream's own
time base wherever exactness matters.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from tightfit.domain.images import ImageFacts
from tightfit.domain.light import UNKNOWN, Light

# A video stream that lasts less of the longest one is something else: a preview, a title card.
_LEAST_SHARE = 0.5
# Pixels of the largest picture that is decoded: 8K plus a margin. A larger one is refused before a decoder sees it.
MAX_PIXELS = 8192 * 4608


class Hdr(StrEnum):
    """How the picture's light levels are coded."""

    NONE = "none"
    PQ = "pq"
    HLG = "hlg"


class FieldOrder(StrEnum):
    """Interlacing as flagged by the stream; a flag is a claim, not a measurement."""

    PROGRESSIVE = "progressive"
    TOP_FIRST = "top_first"
    BOTTOM_FIRST = "bottom_first"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Colour:
    """ITU-T H.273 code points as tagged; None where the file does not say."""

    primaries: int | None = None
    transfer: int | None = None
    matrix: int | None = None
    full_range: bool | None = None

    @property
    def hdr(self) -> Hdr:
        """PQ is transfer 16 (SMPTE ST 2084), HLG is 18 (ARIB STD-B67)."""
        return {16: Hdr.PQ, 18: Hdr.HLG}.get(self.transfer or 0, Hdr.NONE)


@dataclass(frozen=True)
class Identity:
    """What makes a file that file: enough to see that it was replaced or edited meanwhile."""

    size: int
    mtime_ns: int
    inode: int
    device: int
    sample_sha256: str


@dataclass(frozen=True)
class VideoStream:
    """One video stream. ``pts`` are the shown frames' timestamps, ascending, in ``time_base`` units.

    ``packet_bytes`` stands in the same order as ``pts``; ``keyframe_pts`` is ascending.
    ``rotation`` is the clockwise turn in degrees that a player applies. ``x264_build`` is the version of the encoder
    where a decoder has to know it, though it is told in the first packet alone. ``dolby_vision`` pictures have
    instructions along with them, which only some players follow. ``light`` is what HDR pictures say of theirs.
    """

    index: int
    codec: str
    width: int
    height: int
    time_base: Fraction
    pts: tuple[int, ...]
    packet_bytes: tuple[int, ...]
    keyframe_pts: tuple[int, ...]
    pix_fmt: str | None = None
    bit_depth: int = 8
    sar: Fraction = Fraction(1)
    rotation: int = 0
    colour: Colour = field(default_factory=Colour)
    field_order: FieldOrder = FieldOrder.UNKNOWN
    profile: str | None = None
    language: str | None = None
    default: bool = False
    cover_art: bool = False
    reorder_depth: int = 0
    x264_build: int | None = None
    dolby_vision: bool = False
    light: Light = UNKNOWN

    @property
    def frames(self) -> int:
        return len(self.pts)

    @property
    def pixels(self) -> int:
        """Of one picture."""
        return self.width * self.height

    @property
    def duration_s(self) -> float:
        """From the first frame's start to the last frame's end, the last one lasting as long as the median."""
        if not self.pts:
            return 0.0
        return float((self.pts[-1] - self.pts[0] + self.frame_ticks) * self.time_base)

    @property
    def frame_ticks(self) -> int:
        """The median distance between frames, in ticks; 1/25 s where there is only one frame."""
        steps = sorted(b - a for a, b in zip(self.pts, self.pts[1:], strict=False))
        if not steps:
            return max(1, round(Fraction(1, 25) / self.time_base))
        return max(1, steps[len(steps) // 2])

    @property
    def fps(self) -> Fraction:
        """Frames per second over the whole stream (the mean for variable rate)."""
        if len(self.pts) < 2 or self.pts[-1] == self.pts[0]:
            return 1 / (self.frame_ticks * self.time_base)
        return Fraction(len(self.pts) - 1) / ((self.pts[-1] - self.pts[0]) * self.time_base)

    @property
    def variable_rate(self) -> bool:
        """True where steps differ by more than the time base's own rounding (two ticks)."""
        steps = [b - a for a, b in zip(self.pts, self.pts[1:], strict=False)]
        return bool(steps) and max(steps) - min(steps) > 2

    @property
    def bytes(self) -> int:
        return sum(self.packet_bytes)

    @property
    def display_size(self) -> tuple[int, int]:
        """Width and height in square pixels after rotation, as a player shows it."""
        width, height = self.width, self.height
        if self.sar > 1:
            width = round(width * self.sar)
        elif self.sar < 1:
            height = round(height / self.sar)
        return (height, width) if self.rotation in (90, 270) else (width, height)

    def bytes_per_second(self) -> list[int]:
        """Bytes of each second of the timeline, first second first."""
        if not self.pts:
            return []
        seconds = [0] * (int((self.pts[-1] - self.pts[0]) * self.time_base) + 1)
        for pts, size in zip(self.pts, self.packet_bytes, strict=True):
            seconds[int((pts - self.pts[0]) * self.time_base)] += size
        return seconds

    def bytes_between(self, start: int, end: int) -> int:
        """Bytes of the frames with ``start <= pts < end``."""
        return sum(self.packet_bytes[bisect_left(self.pts, start) : bisect_left(self.pts, end)])

    def keyframe_at_or_before(self, pts: int) -> int | None:
        position = bisect_right(self.keyframe_pts, pts)
        return self.keyframe_pts[position - 1] if position else None


@dataclass(frozen=True)
class AudioStream:
    """One audio stream; ``bytes`` is the sum of its packets, ``start_s`` on the container's clock."""

    index: int
    codec: str
    sample_rate: int
    channels: int
    bytes: int
    packets: int
    start_s: float
    duration_s: float
    profile: str | None = None
    language: str | None = None
    default: bool = False
    title: str | None = None

    @property
    def kbps(self) -> float:
        return self.bytes * 8 / 1000 / self.duration_s if self.duration_s > 0 else 0.0


@dataclass(frozen=True)
class OtherStream:
    """A stream that is neither video nor audio: subtitles, data, attachments."""

    index: int
    kind: str
    codec: str | None
    language: str | None = None
    default: bool = False
    forced: bool = False
    title: str | None = None
    packets: int = 0
    bytes: int = 0


@dataclass(frozen=True)
class Chapter:
    """A named stretch of the timeline, in seconds."""

    start_s: float
    end_s: float
    title: str


# How the reader's doubt about a container that ends in the middle begins.
STOPS_EARLY = "reading stopped early"


@dataclass(frozen=True)
class MediaInfo:
    """Everything the probe found. ``start_s`` is the container's first timestamp, in seconds.

    ``alias`` is another path to the same file, for tools that can't take its name. ``index_first`` and ``edit_lists``
    are of MP4 and MOV: whether the index stands before the media (None for other files), and whether a track is edited.
    ``image`` is there where the file is a picture, whose frames then stand in ``videos``.
    """

    path: str
    identity: Identity
    container: str
    start_s: float
    header_duration_s: float | None
    videos: tuple[VideoStream, ...]
    audios: tuple[AudioStream, ...]
    others: tuple[OtherStream, ...]
    chapters: int
    metadata: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...] = ()
    alias: str | None = None
    chapter_marks: tuple[Chapter, ...] = ()
    index_first: bool | None = None
    edit_lists: bool = False
    image: ImageFacts | None = None

    @property
    def size(self) -> int:
        return self.identity.size

    @property
    def stops_early(self) -> bool:
        """True where the container could not be read to its end, though the file can."""
        return any(doubt.startswith(STOPS_EARLY) for doubt in self.doubts)

    @property
    def main_video(self) -> VideoStream | None:
        """The video a person means: not cover art, nor a still or a preview beside a film; the largest of the rest."""
        real = [v for v in self.videos if not v.cover_art and v.frames > 0]
        if not real:
            return None
        longest = max(v.duration_s for v in real if v.frames > 1) if any(v.frames > 1 for v in real) else 0.0
        real = [v for v in real if not longest or (v.frames > 1 and v.duration_s >= _LEAST_SHARE * longest)]
        return max(real, key=lambda v: (v.width * v.height, v.default, v.frames, -v.index))

    @property
    def main_audio(self) -> AudioStream | None:
        """The default audio track that holds something, else the one with the most channels."""
        real = [a for a in self.audios if a.packets > 0]
        if not real:
            return None
        return max(real, key=lambda a: (a.default, a.channels, a.sample_rate, -a.index))
