"""Timestamps of the joined video: the source's own, with decode times rebuilt over the whole clip."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate


def presentation_order(part_ranks: Sequence[Sequence[int]]) -> list[int]:
    """The clip-wide presentation rank of every packet in decode order, from each part's own ranks."""
    order: list[int] = []
    for ranks in part_ranks:
        base = len(order)
        order.extend(base + rank for rank in ranks)
    return order


def decode_times(pts: Sequence[int], order: Sequence[int], tick: int) -> list[int]:
    """Decode timestamps, strictly ascending and never after their own frame's presentation.

    The k-th packet decodes when the frame ``delay`` places before it is shown, ``delay`` being the deepest
    reordering anywhere in the clip; the first ``delay`` packets stand ``tick`` apart before the first frame.
    ``pts`` ascends and belongs to rank 0, 1, 2 …
    """
    delay = reorder_delay(order)
    return [pts[k - delay] if k >= delay else pts[0] - (delay - k) * tick for k in range(len(order))]


def reorder_delay(order: Sequence[int]) -> int:
    """How many frames decoding must run ahead of showing."""
    return max((k - rank for k, rank in enumerate(order)), default=0)


def is_whole(order: Sequence[int]) -> bool:
    """True where every rank from 0 on is there exactly once and no part reaches into another's."""
    highest = list(accumulate(order, max))
    return sorted(order) == list(range(len(order))) and (not highest or highest[-1] == len(order) - 1)
