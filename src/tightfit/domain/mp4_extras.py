"""What more than one picture and one sound track costs in an MP4 or MOV file: chapters exactly, the rest at most.

As in ``domain.mp4`` the arithmetic follows libavformat's muxer; clause numbers are those of ISO/IEC 14496-12.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tightfit.domain.media_info import Chapter
from tightfit.domain.mp4 import INTERLEAVE_US, AudioFormat, AudioTable, runs, trak_bytes

# The text track with its sample entry, and the head of the chpl box; then a tref (8.3.3) in every other track.
_CHAPTER_TRACK, _TREF = 556, 20
# In chpl: a time and a length. As a sample: a length, and an encd box that says UTF-8.
_CHAPTER_ENTRY, _CHAPTER_SAMPLE = 9, 14
# A track of timed text without its samples: headers, the style in its sample entry, and the largest of each table.
_TEXT_TRACK = 700
# A sample of timed text in stsz, stts, stsc and stco, and the empty one that follows it, with its two bytes.
_TEXT_SAMPLE = 2 * (4 + 8 + 12 + 4) + 2
# QuickTime writes more of every track and less of the file (50 bytes for two tracks); none is known to take more.
_QUICKTIME, _QUICKTIME_TRACK = 60, 100
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Sound:
    """One more sound track: its packets, how long they last, and all their bytes; ``steady`` without pauses."""

    packets: int
    duration_s: float
    bytes: int
    steady: bool = True
    title: str = ""


def chapters_bytes(chapters: Sequence[Chapter], tracks: int) -> int:
    """What chapters add to an MP4 of so many tracks, exactly; ``tracks`` counts no text track of their own."""
    if not chapters:
        return 0
    titles = [len(chapter.title.encode()) for chapter in chapters]
    # The track of chapters begins with the clip: the first one is drawn out to there.
    starts = [0, *(round(chapter.start_s * 1000) for chapter in chapters[1:])]
    ends = [round(chapter.end_s * 1000) for chapter in chapters]
    steps = [b - a for a, b in pairwise(starts)] + [ends[-1] - starts[-1]]
    sizes = 4 * len(titles) if len(set(titles)) > 1 else 0
    fixed = _CHAPTER_TRACK + _TREF * tracks + 8 * (runs(steps) - 1) + sizes
    return fixed + sum(_CHAPTER_ENTRY + _CHAPTER_SAMPLE + 2 * length for length in titles)


def sound_bound(sound: Sound) -> int:
    """What one more sound track adds at most, its payload not counted."""
    by_time = math.ceil(sound.duration_s * 10**6 / INTERLEAVE_US) + 2 * sound.bytes // _CHUNK_BYTES + 12
    chunks = min(sound.packets, by_time) if sound.steady else sound.packets
    table = AudioTable(
        samples=sound.packets,
        stts_runs=3 if sound.steady else sound.packets,
        chunks=chunks,
        stsc_runs=chunks,
        edits=2,
        wide_media=True,
        wide_track=True,
        wide_edits=True,
        format=AudioFormat(extradata_bytes=16, track_tags=_name_bytes(sound.title)),
    )
    return trak_bytes(table, wide_offsets=True)


def _name_bytes(title: str) -> int:
    """A track's title: udta with a box "name" in it and, in MP4, one "titl"; each is counted twice to be sure."""
    return 4 * (30 + len(title.encode())) if title else 0


def text_bound(samples: int, payload: int, title: str = "") -> int:
    """What a track of timed text adds at most, its text and the pauses between its samples included."""
    return _TEXT_TRACK + _TEXT_SAMPLE * (samples + 1) + payload + _name_bytes(title)


def quicktime_bound(tracks: int) -> int:
    """What the same file may take more as a MOV."""
    return _QUICKTIME + _QUICKTIME_TRACK * tracks
