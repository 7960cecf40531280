"""Which of several sound tracks are kept, and how the bytes for sound are shared among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tightfit.domain.audio import fair_kbps
from tightfit.domain.media_info import AudioStream

# Two tracks may take half as much more than one, three twice as much: most people hear only one of them.
_MORE_PER_TRACK = 0.5
# Below this speech is no longer worth a track, and above this share of the file the picture pays too much.
_LEAST_KBPS, _MOST_OF_FILE = 24.0, 0.3
# Beyond this a limit for sound is no longer the reason to leave something out.
_MOST_TRACKS = 16


@dataclass(frozen=True)
class Shares:
    """The tracks that stay, the main one first, and the share of the usual rate for sound that each gets."""

    kept: tuple[AudioStream, ...]
    share: float


def share_sound(
    main: AudioStream, others: Sequence[AudioStream], limit_bytes: int, duration_s: float, most: int | None = None
) -> Shares:
    """As many tracks as fit beside a picture, default ones and those of another language first.

    ``most`` is how many a destination takes.
    """
    fair, total = fair_kbps(limit_bytes, duration_s), limit_bytes * 8 / 1000 / duration_s
    ordered = [main, *sorted(others, key=lambda s: (not s.default, s.language in (None, main.language), s.index))]
    for count in range(min(len(ordered), most or _MOST_TRACKS), 1, -1):
        together = fair * (1 + _MORE_PER_TRACK * (count - 1))
        if together / count >= _LEAST_KBPS and together <= _MOST_OF_FILE * total:
            return Shares(tuple(ordered[:count]), together / count / fair)
    return Shares((main,), 1.0)
