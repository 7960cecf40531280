"""An encoder without a video: bytes follow a known law, with noise, so that steering can be tried often.

Each segment has its own slope (log2 of the bytes lost per CRF step), each encode its own luck, and each
encode begins with an IDR picture that costs several times its share, of which the frames behind it pay
some back.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tightfit.domain.pieces import Part, Segment
from tightfit.domain.rate import Content

REFERENCE_CRF = 25.0
# Twice the width and height costs this many times two as much.
BYTES_LOG2_PER_OCTAVE = 1.55
# Seconds that cost r times the mean cost about r to the power of 1.25 in an analysis.
EXAGGERATION = 0.25
# x264's usual order of a mini-GOP with two B-frames: the last one is decoded first.
_MINI_GOP = 3


@dataclass(frozen=True)
class Footage:
    """Bytes per frame at ``REFERENCE_CRF``, segments, how each of them answers to CRF, and how noisily."""

    frame_bytes: tuple[float, ...]
    segments: tuple[Segment, ...]
    slopes: tuple[float, ...]
    idr_share: float
    idr_paid_back: float
    noise: float

    @property
    def frames(self) -> int:
        return len(self.frame_bytes)

    def encode(self, first: int, last: int, crf: float, luck: random.Random, scale: float = 1.0) -> Part:
        """Frames ``[first, last)`` of one segment as one part, a little dearer or cheaper every time."""
        segment = next(s for s in self.segments if s.first <= first < s.last)
        factor = 2.0 ** (-self.slopes[segment.index] * (crf - REFERENCE_CRF))
        factor *= luck.uniform(1 - self.noise, 1 + self.noise) * scale**BYTES_LOG2_PER_OCTAVE
        head, *rest = (self.frame_bytes[n] * factor for n in range(first, last))
        dearer = head * (self.idr_share - 1)
        cheaper = 1 - min(0.5, self.idr_paid_back * dearer / sum(rest)) if rest else 1.0
        shown = [max(1, round(b)) for b in (head + dearer, *(b * cheaper for b in rest))]
        ranks = decode_order(last - first)
        return part(tuple(shown[r] for r in ranks), first=first, crf=crf, ranks=ranks)

    def encode_to(self, first: int, last: int, wanted: float, crf: float, luck: random.Random) -> Part:
        """The same frames in about ``wanted`` bytes, missed by as much as encodes are noisy."""
        asked = wanted * luck.uniform(1 - self.noise, 1 + self.noise)
        usual = self.encode(first, last, crf, luck)
        sizes = [max(1, round(size * asked / usual.bytes)) for size in usual.sizes]
        return part(sizes, first=first, crf=crf, ranks=usual.ranks)

    def analysed(self, luck: random.Random) -> Content:
        """What an analysis would say of it: the right proportions give or take, busy segments exaggerated."""
        mean = sum(self.frame_bytes) / self.frames
        seen: list[int] = []
        for segment in self.segments:
            own = self.frame_bytes[segment.first : segment.last]
            level = 0.2 * luck.uniform(0.85, 1.2) * (sum(own) / len(own) / mean) ** EXAGGERATION
            head, *rest = (max(1, round(b * level * luck.uniform(0.7, 1.4))) for b in own)
            seen += [round(head * self.idr_share), *rest]
        return Content(tuple(seen), tuple(s.first for s in self.segments), 1 / 3)


def part(sizes: Sequence[int], *, first: int = 0, crf: float = 25.0, ranks: Sequence[int] | None = None) -> Part:
    """A finished encode of these frames, the first its only IDR picture, in x264's order unless told."""
    ordered = tuple(ranks if ranks is not None else decode_order(len(sizes)))
    keys = (True, *[False] * (len(sizes) - 1))
    return Part(f"{first}@{crf:.3f}", first, crf, tuple(sizes), ordered, keys, len(sizes))


def decode_order(frames: int) -> tuple[int, ...]:
    """Presentation ranks in decode order: an IDR picture, then mini-GOPs, the last picture of each first."""
    ranks = [0]
    while len(ranks) < frames:
        start, stop = len(ranks), min(len(ranks) + _MINI_GOP, frames)
        ranks += [stop - 1, *range(start, stop - 1)]
    return tuple(ranks)


def random_footage(
    luck: random.Random,
    *,
    segments: tuple[int, int] = (1, 12),
    frames: tuple[int, int] = (40, 150),
    slopes: tuple[float, float] = (0.05, 0.5),
    idr_share: tuple[float, float] = (1.5, 12.0),
    idr_paid_back: tuple[float, float] = (0.0, 0.5),
    noise: float = 0.05,
    spread: Callable[[random.Random], float] = lambda luck: math.exp(luck.gauss(0, 0.6)),
) -> Footage:
    """Footage drawn from these ranges; ``spread`` is how much dearer a segment is than the others."""
    cut, lengths = [], [luck.randint(*frames) for _ in range(luck.randint(*segments))]
    at = 0
    for index, length in enumerate(lengths):
        cut.append(Segment(index, at, at + length))
        at += length
    frame_bytes: list[float] = []
    for length in lengths:
        level = luck.uniform(400, 4000) * spread(luck)
        frame_bytes += [level * luck.uniform(0.5, 1.6) for _ in range(length)]
    own = tuple(luck.uniform(*slopes) for _ in lengths)
    return Footage(tuple(frame_bytes), tuple(cut), own, luck.uniform(*idr_share), luck.uniform(*idr_paid_back), noise)
