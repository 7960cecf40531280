"""Names and numbers made fit for a terminal."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

from tightfit.units import format_seconds

# Emoji families and several scripts are written with these joiners; they move nothing on the screen.
_JOINERS = "\u200c\u200d"
_BLOCKS = "▁▂▃▄▅▆▇█"


def printable(text: str) -> str:
    """``text`` on one line and harmless: what would move, colour or reorder it becomes an escape."""
    return "".join(c if _harmless(c) else c.encode("unicode_escape").decode("ascii") for c in text)


def _harmless(char: str) -> bool:
    return char.isprintable() or char in _JOINERS or unicodedata.category(char) == "Zs"


def percent(share: float) -> str:
    """A share with one decimal, rounded down: only a full file is "100.0 %"."""
    return f"{math.floor(share * 1000) / 10:.1f} %"


def took(seconds: float) -> str:
    """How long something took; tenths matter only below a minute."""
    return f"{seconds:.1f} s" if seconds < 59.95 else format_seconds(seconds)


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def sparkline(values: Sequence[int], width: int = 40) -> str:
    """The values as at most ``width`` blocks; each block stands for the mean of its share of them."""
    if not values:
        return ""
    blocks = min(width, len(values))
    edges = [i * len(values) // blocks for i in range(blocks + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    top = max(means) or 1
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(mean / top * len(_BLOCKS)))] for mean in means)
