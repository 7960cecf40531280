"""Which frames an edited clip shows, and when."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.edits import Edits, Stretch
from tightfit.domain.layout import lay_out
from tightfit.domain.media_info import VideoStream


def video_of(pts: tuple[int, ...], base: Fraction = Fraction(1, 1000)) -> VideoStream:
    return VideoStream(0, "h264", 64, 64, base, pts, (1,) * len(pts), pts[:1])


@st.composite
def streams(draw: st.DrawFn) -> VideoStream:
    """Any stream: constant or variable rate, wherever it begins, whatever its ticks."""
    steps = draw(st.lists(st.integers(1, 4000), min_size=0, max_size=60))
    pts = [draw(st.integers(-5000, 5000))]
    for step in steps:
        pts.append(pts[-1] + step)
    base = draw(st.sampled_from([Fraction(1, 1000), Fraction(1, 90_000), Fraction(1001, 30_000), Fraction(1, 15_360)]))
    return video_of(tuple(pts), base)


seconds = st.one_of(st.none(), st.floats(0, 30).map(lambda s: round(s, 3)))
trims = st.builds(Edits, trim=st.builds(Stretch, seconds, seconds))


def test_without_edits_all_is_shown_from_zero():
    layout = lay_out(video_of((40, 80, 120)))
    assert layout.shown == (0, 40, 80)
    assert (layout.is_whole, layout.end, layout.runs[0].end) == (True, 120, None)


@given(streams())
def test_without_edits_nothing_is_changed(video: VideoStream):
    layout = lay_out(video)
    assert layout.is_whole
    assert [layout.source_pts(p) for p in layout.shown] == list(video.pts)
    assert (layout.fps, layout.tick) == (video.fps, video.frame_ticks)
    assert layout.duration_s == pytest.approx(video.duration_s)


@given(streams(), trims)
def test_a_trim_keeps_the_frames_that_begin_in_it_and_their_distances(video: VideoStream, edits: Edits):
    layout, trim = lay_out(video, edits), edits.trim

    def begins_in_it(pts: int) -> bool:
        at = (pts - video.pts[0]) * video.time_base
        lowest, highest = trim.start_s or 0, float("inf") if trim.end_s is None else trim.end_s
        return at >= Fraction(str(lowest)) - Fraction(1, 10**6) and (
            highest == float("inf") or at < Fraction(str(highest)) - Fraction(1, 10**6)
        )

    kept = [p for p in video.pts if begins_in_it(p)]
    assert list(layout.shown) == [p - kept[0] for p in kept]
    assert [layout.source_pts(p) for p in layout.shown] == kept
    assert bool(layout.runs) == bool(kept)
    if kept:
        assert layout.shown[-1] < layout.end


@pytest.mark.parametrize(("start_s", "first"), [(0.066667, 2), (0.0667, 3), (0.0666, 2), (0, 0), (None, 0)])
def test_a_time_in_six_decimals_means_the_frame_there(start_s: float | None, first: int):
    video = video_of(tuple(range(0, 5120, 512)), Fraction(1, 15_360))
    assert lay_out(video, Edits(trim=Stretch(start_s))).runs[0].start == first * 512


def test_the_end_is_where_it_was_asked_for_in_the_middle_of_a_frame():
    layout = lay_out(video_of((0, 40, 80, 120)), Edits(trim=Stretch(None, 0.1)))
    assert (layout.shown, layout.end) == ((0, 40, 80), 100)


def test_the_last_seconds():
    layout = lay_out(video_of(tuple(range(1000, 2000, 40))), Edits(last_s=0.2))
    assert [layout.source_pts(p) for p in layout.shown] == [1800, 1840, 1880, 1920, 1960]


def test_more_than_the_last_seconds_there_are_is_everything():
    assert lay_out(video_of((0, 40)), Edits(last_s=9)).is_whole
