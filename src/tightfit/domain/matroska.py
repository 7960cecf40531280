"""How many bytes a Matroska file spends on everything that is not payload, at most (RFC 9559; libavformat's muxer)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from tightfit.domain.media_info import Chapter

# EBML head, seek head, info, and what each track says of itself (its codec's own description counted apart).
_HEAD, _TRACK = 700, 260
# A SimpleBlock: id, length (to 2 MiB: three bytes), track, time and flags.
_BLOCK = 8
# A block with a duration, as subtitles have, is a BlockGroup.
_GROUP = 24
# A cluster (id, length, time, void) starts at least every 5 s, at 5 MB and before a keyframe.
_CLUSTER, _CLUSTER_S, _CLUSTER_BYTES = 40, 5.0, 5_000_000
# A cue: time, track, cluster position, relative position.
_CUE = 32
_TAG, _CHAPTER = 40, 90


def matroska_bound(
    blocks: int,
    groups: int,
    keyframes: int,
    duration_s: float,
    *,
    tracks: int,
    payload_bytes: int,
    descriptions: int = 200,
    tags: Mapping[str, str] | None = None,
    titles: Iterable[str] = (),
    chapters: Iterable[Chapter] = (),
) -> int:
    """File size minus ``payload_bytes`` at most, for so many packets without and with a duration of their own.

    ``descriptions`` are the codecs' private data of all tracks, ``titles`` those of tracks.
    """
    clusters = math.ceil(duration_s / _CLUSTER_S) + 1 + keyframes + payload_bytes // _CLUSTER_BYTES
    facts = sum(_TAG + len(key.encode()) + len(value.encode()) for key, value in (tags or {}).items())
    named = sum(_TAG + len(title.encode()) for title in titles)
    marks = sum(_CHAPTER + len(chapter.title.encode()) for chapter in chapters)
    cues = _CUE * (keyframes + groups + 1)
    packets = _BLOCK * blocks + _GROUP * groups
    return _HEAD + _TRACK * tracks + descriptions + packets + _CLUSTER * clusters + cues + facts + named + marks
