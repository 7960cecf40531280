"""Is a picture made of two fields of different moments? By what ffmpeg's idet counted, whatever the file claims."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from tightfit.domain.media_info import FieldOrder, VideoStream

_KINDS = re.compile(
    r"Multi frame detection:\s*TFF:\s*(\d+)\s*BFF:\s*(\d+)\s*Progressive:\s*(\d+)\s*Undetermined:\s*(\d+)"
)
_REPEATS = re.compile(r"Repeated Fields:\s*Neither:\s*(\d+)\s*Top:\s*(\d+)\s*Bottom:\s*(\d+)")
# Lines of the systems that have fields; other pictures are interlaced by mistake only.
_FIELD_LINES = {240, 288, 480, 486, 512, 540, 576, 608, 1080, 1088}
_FIELD_CODECS = {"mpeg2video", "dvvideo", "h264", "vc1", "mpeg4", "prores", "dnxhd", "mpeg1video", "rawvideo", "ffv1"}
_FASTEST_FPS = 31
# 3:2 pulldown combs two pictures of five and repeats a field in two of five; material of fields combs nearly all that
# move and repeats none.
_MOST_OF_MOVING, _MOST_REPEATED = 0.7, 0.15
_FEWEST_MOVING = 10


@dataclass(frozen=True)
class Fields:
    """Pictures by kind, and by whether one of their fields repeats the picture before."""

    top_first: int = 0
    bottom_first: int = 0
    progressive: int = 0
    undetermined: int = 0
    fresh: int = 0
    repeated: int = 0

    @property
    def order(self) -> FieldOrder:
        """The order of fields, PROGRESSIVE where pictures are whole (telecine too), UNKNOWN where too little moves."""
        interlaced = self.top_first + self.bottom_first
        moving = interlaced + self.progressive
        if moving < _FEWEST_MOVING:
            return FieldOrder.UNKNOWN
        is_telecine = self.repeated > _MOST_REPEATED * (self.fresh + self.repeated)
        if interlaced < _MOST_OF_MOVING * moving or is_telecine:
            return FieldOrder.PROGRESSIVE
        return FieldOrder.TOP_FIRST if self.top_first >= self.bottom_first else FieldOrder.BOTTOM_FIRST


def counted(messages: str) -> Fields:
    """What idet said at its end, of all its runs in ``messages``."""
    kinds = [tuple(map(int, found)) for found in _KINDS.findall(messages)]
    repeats = [tuple(map(int, found)) for found in _REPEATS.findall(messages)]
    top, bottom, progressive, unknown = (sum(column) for column in zip(*kinds, strict=True)) if kinds else (0, 0, 0, 0)
    neither, tops, bottoms = (sum(column) for column in zip(*repeats, strict=True)) if repeats else (0, 0, 0)
    return Fields(top, bottom, progressive, unknown, neither, tops + bottoms)


def together(samples: Iterable[Fields]) -> Fields:
    """Several samples of one clip."""
    rows = [(f.top_first, f.bottom_first, f.progressive, f.undetermined, f.fresh, f.repeated) for f in samples]
    return Fields(*(sum(column) for column in zip(*rows, strict=True))) if rows else Fields()


def may_be_interlaced(video: VideoStream) -> bool:
    """Whether it is worth a look: it says so, or says nothing and is of a kind that might."""
    if video.field_order in (FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST):
        return True
    of_fields = video.height in _FIELD_LINES and video.codec in _FIELD_CODECS and video.fps < _FASTEST_FPS
    return video.field_order is FieldOrder.UNKNOWN and of_fields
