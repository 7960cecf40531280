"""Where a clip is cut: only at the encoder's keyframes, without gaps, in pieces worth a process."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.pieces import Segment
from tightfit.domain.segments import cut_into_segments


@st.composite
def clips(draw):
    frames = draw(st.integers(1, 5000))
    idrs = draw(st.sets(st.integers(1, frames), max_size=60)) - {frames}
    fps = draw(st.floats(5, 120))
    return [0, *sorted(idrs)], frames, frames / fps


@given(clips())
def test_segments_cover_the_clip_without_gaps_and_begin_at_keyframes(clip):
    idrs, frames, duration = clip
    segments = cut_into_segments(idrs, frames, duration)
    assert [s.index for s in segments] == list(range(len(segments)))
    assert segments[0].first == 0
    assert segments[-1].last == frames
    assert all(a.last == b.first for a, b in pairwise(segments))
    assert all(s.first in idrs and s.frames > 0 for s in segments)


@given(clips())
def test_no_piece_is_shorter_than_is_worth_a_process_unless_it_is_the_whole_clip(clip):
    idrs, frames, duration = clip
    segments = cut_into_segments(idrs, frames, duration)
    least = max(1.5, min(5, duration / 10)) * frames / duration
    assert len(segments) == 1 or min(s.frames for s in segments) >= least


def test_a_short_remainder_joins_the_piece_before_it():
    assert cut_into_segments([0, 50, 100, 140], 150, 6.0) == [
        Segment(0, 0, 50),
        Segment(1, 50, 100),
        Segment(2, 100, 150),
    ]


def test_a_clip_without_inner_keyframes_is_one_segment():
    assert cut_into_segments([0], 750, 30.0) == [Segment(0, 0, 750)]
