"""One clip as several files: how many it takes, and at which frames it is cut."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import accumulate

from tightfit.domain.rate import Content

# More files than this are no answer to anything.
MOST_PARTS = 99
# Parts are cut where the encoder puts keyframes, so that none is exactly an equal share.
_ROOM = 0.95


def parts_needed(limit: int, fair: Callable[[int], float]) -> int:
    """The smallest number of parts at which each looks fair, at most ``MOST_PARTS``.

    ``fair(n)`` are the bytes of the n-th part of the clip at a quality that nobody complains about.
    """
    return next((n for n in range(1, MOST_PARTS) if fair(n) <= limit * (1 if n == 1 else _ROOM)), MOST_PARTS)


def cuts(content: Content, parts: int) -> list[int]:
    """The frames at which all parts but the first begin: each as near as can be to where an equal share of the bytes
    ends, at a keyframe of the analysis, which is where scenes change; anywhere where there are too few of those.
    """
    sums = [0.0, *accumulate(content.frame_bytes)]
    keys = [frame for frame in content.idrs if frame > 0]
    places = keys if len(keys) >= parts - 1 else list(range(1, content.frames))
    parts = min(parts, len(places) + 1)
    found: list[int] = []
    for number in range(1, parts):
        # The later cuts need a place each.
        free = places[len(found) : len(places) - (parts - 1 - number)]
        after = found[-1] if found else 0
        found.append(_nearest(sums, [p for p in free if p > after], sums[-1] * number / parts))
    return found


def _nearest(sums: Sequence[float], places: Sequence[int], wanted: float) -> int:
    """The place before which the bytes are nearest to ``wanted``."""
    at = bisect_left(places, wanted, key=lambda place: sums[place])
    return min(places[max(0, at - 1) : at + 1], key=lambda place: abs(sums[place] - wanted))
