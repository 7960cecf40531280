"""Are pictures made of two fields of different moments? By how far their fields are apart, whatever the file claims.

Of two pictures in a row three distances tell: between the two fields of the first, from its bottom field to the
second's top field, and from its top field to the second's bottom field. In whole pictures the first is the least, and
the other two, both a picture apart, are equal. Where the top field comes first, the second distance is as short as the
first, half a picture, and the third, one and a half, is the longest; where the bottom field does, it is the other way
round. Film that was spread over fields (telecine) leans to one side in three pictures of five and to none in the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tightfit.domain.media_info import FieldOrder, Hdr, VideoStream

# A pair moves where its distances differ by this many levels of 255, and by this share: noise makes them differ by 1 %.
_LEAST_MOTION, _LEAST_SHARE = 0.1, 0.02
# How far a pair leans to one side: whole pictures up to 0.17 in 97 % of the pairs, interlaced ones from 0.5 on, and
# from 0.33 where they are filtered and compressed hard (24 kinds of generated clips).
_LEANS = 0.25
# Of telecine 60 % of the pairs lean, of interlaced pictures all that move; a cut between scenes leans to no side.
_MOST_OF_MOVING, _FEWEST_MOVING = 0.85, 8
# From a quarter of a clip on combs are worse than what softening costs the rest.
_PLACES_PER_INTERLACED = 4
# Looked at without being asked to: the lines of the systems that have fields, at their rates.
_FIELD_LINES = {240, 288, 480, 486, 512, 540, 576, 608, 1080, 1088}
_FIELD_FPS = (24.5, 31)
# Codecs that came after interlacing, or never had it.
_WHOLE_CODECS = {"vp8", "vp9", "av1", "gif", "hevc", "vvc", "theora", "prores_raw", "webp", "png", "apng"}


@dataclass(frozen=True)
class FieldPair:
    """Two pictures in a row: mean differences of their fields, in levels of 255.

    ``within`` the first picture, from its bottom field to the ``next_top`` and from its top field to the
    ``next_bottom``.
    """

    within: float
    next_top: float
    next_bottom: float

    @property
    def motion(self) -> float:
        return max(self.next_top, self.next_bottom) - min(self.within, self.next_top, self.next_bottom)

    @property
    def moves(self) -> bool:
        return self.motion >= max(_LEAST_MOTION, _LEAST_SHARE * max(self.next_top, self.next_bottom))

    @property
    def lean(self) -> float:
        """From -1, the bottom field surely first, to 1, the top field; about 0 for whole pictures."""
        return (self.next_bottom - self.next_top) / self.motion


def order_at(pairs: Sequence[FieldPair]) -> FieldOrder:
    """What the pairs of one place show: UNKNOWN where too little moves, PROGRESSIVE for telecine too."""
    leans = [pair.lean for pair in pairs if pair.moves]
    if len(leans) < _FEWEST_MOVING:
        return FieldOrder.UNKNOWN
    needed = _MOST_OF_MOVING * len(leans)
    if sum(lean >= _LEANS for lean in leans) >= needed:
        return FieldOrder.TOP_FIRST
    if sum(lean <= -_LEANS for lean in leans) >= needed:
        return FieldOrder.BOTTOM_FIRST
    return FieldOrder.PROGRESSIVE


def order_of(places: Iterable[FieldOrder]) -> FieldOrder:
    """What the clip is, by its places: interlaced where a quarter of those that move is."""
    known = [place for place in places if place is not FieldOrder.UNKNOWN]
    if not known:
        return FieldOrder.UNKNOWN
    top, bottom = known.count(FieldOrder.TOP_FIRST), known.count(FieldOrder.BOTTOM_FIRST)
    if _PLACES_PER_INTERLACED * (top + bottom) < len(known):
        return FieldOrder.PROGRESSIVE
    return FieldOrder.TOP_FIRST if top >= bottom else FieldOrder.BOTTOM_FIRST


def says_so(video: VideoStream) -> bool:
    return video.field_order in (FieldOrder.TOP_FIRST, FieldOrder.BOTTOM_FIRST)


def may_be_interlaced(video: VideoStream) -> bool:
    """Whether it is worth a look: it says so, or it is of a kind that might be and says nothing or the contrary."""
    if video.colour.hdr is not Hdr.NONE or video.frames <= _FEWEST_MOVING:
        return False
    if says_so(video):
        return True
    lines = video.width if video.rotation in (90, 270) else video.height
    low, high = _FIELD_FPS
    return video.codec not in _WHOLE_CODECS and lines in _FIELD_LINES and low <= video.fps <= high
