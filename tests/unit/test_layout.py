"""Which frames an edited clip shows, and when."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.edits import Edits, Stretch
from tightfit.domain.layout import Layout, lay_out
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


@pytest.mark.parametrize(("pts", "end"), [((0, 40, 80, 120), 120), ((0, 40, 80, 500, 540), 100)], ids=["usual", "long"])
def test_a_usual_frame_is_shown_to_its_end_and_a_long_one_is_cut_short(pts: tuple[int, ...], end: int):
    layout = lay_out(video_of(pts), Edits(trim=Stretch(None, 0.1)))
    assert (layout.shown, layout.end) == ((0, 40, 80), end)


def test_the_last_seconds():
    layout = lay_out(video_of(tuple(range(1000, 2000, 40))), Edits(trim=Stretch(last_s=0.2)))
    assert [layout.source_pts(p) for p in layout.shown] == [1800, 1840, 1880, 1920, 1960]


def test_more_than_the_last_seconds_there_are_is_everything():
    assert lay_out(video_of((0, 40)), Edits(trim=Stretch(last_s=9))).is_whole


CFR = video_of(tuple(range(0, 4000, 40)))
CUTS = {
    "from the middle": ((Stretch(1, 2),), [*range(0, 1000, 40), *range(2000, 4000, 40)]),
    "two, the later first": (
        (Stretch(3, 3.5), Stretch(1, 2)),
        [*range(0, 1000, 40), *range(2000, 3000, 40), *range(3520, 4000, 40)],
    ),
    "overlapping": ((Stretch(1, 2), Stretch(1.5, 3)), [*range(0, 1000, 40), *range(3000, 4000, 40)]),
    "at the beginning": ((Stretch(None, 1),), [*range(1000, 4000, 40)]),
    "at the end": ((Stretch(3),), [*range(0, 3000, 40)]),
    "the last second": ((Stretch(last_s=1),), [*range(0, 3000, 40)]),
    "beyond the end": ((Stretch(9, 10),), [*range(0, 4000, 40)]),
    "between two frames": ((Stretch(1.01, 1.02),), [*range(0, 4000, 40)]),
    "everything": ((Stretch(0, 9),), []),
}


@pytest.mark.parametrize(("cuts", "kept"), CUTS.values(), ids=CUTS.keys())
def test_what_is_cut_out_is_gone_and_the_rest_follows_on(cuts: tuple[Stretch, ...], kept: list[int]):
    layout = lay_out(CFR, Edits(cuts=cuts))
    assert [layout.source_pts(p) for p in layout.shown] == kept
    assert list(layout.shown) == [40 * n for n in range(len(kept))]
    assert layout.end == 40 * len(kept)
    assert layout.is_whole == (len(kept) == CFR.frames)


def test_a_cut_of_the_last_seconds_counts_from_the_end_of_the_trim():
    edits = Edits(trim=Stretch(0, 2), cuts=(Stretch(last_s=0.4),))
    assert lay_out(CFR, edits).shown[-1] == 1560


@given(streams(), st.lists(st.builds(Stretch, seconds, seconds), max_size=3), trims)
def test_whatever_is_cut_each_frame_keeps_its_moment(video: VideoStream, cuts: list[Stretch], edits: Edits):
    layout = lay_out(video, Edits(trim=edits.trim, cuts=tuple(cuts)))
    kept = [layout.source_pts(p) for p in layout.shown]
    assert set(kept) <= set(video.pts)
    assert kept == sorted(set(kept))
    for run, (begin, end) in zip(layout.runs, layout.stretches_s(), strict=True):
        first, last = layout.frames_of(run)
        assert first < last
        assert kept[first] == run.start
        # Sound is cut where the picture is: each run lasts until its last frame has begun, at the least.
        assert begin == pytest.approx(float(kept[first] * video.time_base))
        assert end > float(kept[last - 1] * video.time_base) - 1e-9
    assert layout.duration_s == pytest.approx(sum(b - a for a, b in layout.stretches_s()))


RATES = {
    "60 to 30": (60, 30),
    "50 to 25": (50, 25),
    "50 to 30": (50, 30),
    "240 to 30": (240, 30),
    "120 to 24": (120, 24),
}


@pytest.mark.parametrize(("rate", "bound"), RATES.values(), ids=RATES.keys())
def test_frames_are_left_out_evenly_and_none_is_doubled(rate: int, bound: int):
    video = video_of(tuple(range(0, 90_000 * 4, 90_000 // rate)), Fraction(1, 90_000))
    layout = lay_out(video, Edits(fps=bound))
    steps = [b - a for a, b in zip(layout.shown, layout.shown[1:], strict=False)]
    assert len(layout.shown) == pytest.approx(bound * 4, abs=1)
    assert max(steps) - min(steps) <= (0 if rate % bound == 0 else 90_000 // rate)
    assert layout.fps == pytest.approx(bound, rel=0.01)
    assert layout.shown[-1] + layout.tick <= layout.end, "the last frame outlasts the clip"


@pytest.mark.parametrize("milliseconds", [False, True], ids=["exact", "in milliseconds"])
@pytest.mark.parametrize("rate", [30, Fraction(30000, 1001), 24])
def test_a_rate_within_the_bound_is_left_alone(rate: Fraction, milliseconds: bool):
    base = Fraction(1, 1000) if milliseconds else 1 / Fraction(rate)
    pts = tuple(round(n / rate / base) for n in range(300))
    assert lay_out(video_of(pts, base), Edits(fps=30)).is_whole


@given(streams(), st.floats(1, 120), st.floats(0.1, 16))
def test_a_bound_of_the_rate_holds_whatever_the_stream(video: VideoStream, fps: float, speed: float):
    layout = lay_out(video, Edits(fps=round(fps, 3), speed=round(speed, 2)))
    if layout.slots is None:
        return
    slots = [layout.slots.of(p) for p in layout.shown]
    assert slots == sorted(set(slots)), "two frames in one slot"
    everything = lay_out(video, Edits(speed=round(speed, 2), every_frame=True))
    assert set(layout.shown) <= set(everything.shown)
    assert {layout.slots.of(p) for p in everything.shown} == set(slots), "a slot has lost its frame"


@pytest.mark.parametrize("speed", [0.4, 1.25, 1.5, 2, 3])
def test_speed_changes_what_a_tick_lasts_and_no_timestamp(speed: float):
    layout = lay_out(CFR, Edits(speed=speed, every_frame=True))
    assert layout.shown == lay_out(CFR).shown
    assert layout.shown_base == CFR.time_base / Fraction(str(speed))
    assert layout.duration_s == pytest.approx(4 / speed)


def test_what_is_sped_up_keeps_the_rate_of_the_source():
    layout = lay_out(CFR, Edits(speed=2))
    assert (len(layout.shown), layout.fps) == (50, 25)


def silences(layout: Layout) -> list[tuple[float, float]]:
    return [(round(a, 3), round(b, 3)) for a, b in layout.muted_s()]


def test_silence_is_told_on_the_clock_of_the_source():
    late = video_of(tuple(range(1400, 5400, 40)))
    mutes = (Stretch(1, 2), Stretch(None, 0.5), Stretch(last_s=0.5))
    assert silences(lay_out(late, Edits(mutes=mutes))) == [(2.4, 3.4), (1.4, 1.9), (4.9, 5.4)]
