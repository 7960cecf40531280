"""Counting the runs and chunks of an MP4's tables, and bounding them before there are any packets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.mp4 import (
    UNTAGGED,
    AudioFormat,
    Sample,
    Track,
    VideoFormat,
    interleaved,
    metadata_bytes,
    mp4_overhead,
    predict_overhead,
    runs,
    tables_from_packets,
)

PICTURE = VideoFormat(44, colour_tagged=True, has_pasp=True)
SOUND = AudioFormat(5)


def frames(times, *, delays=(0,), sizes=(10, 11), duration=1):
    return [
        Sample(dts, dts + delays[n % len(delays)], duration, sizes[n % len(sizes)], key=n == 0)
        for n, dts in enumerate(times)
    ]


def tables(video, audio=None, scale=1000, audio_scale=1000):
    sound = Track(SOUND, audio_scale, audio) if audio else None
    return tables_from_packets(Track(PICTURE, scale, video), sound)


def overhead(video, audio=(), scale=1000, audio_scale=1000):
    payload = sum(s.size for s in (*video, *audio))
    return mp4_overhead(*tables(video, audio, scale, audio_scale), payload_bytes=payload)


@pytest.mark.parametrize(("values", "count"), [("", 0), ("a", 1), ("aab", 2), ("abab", 4), ("aaaa", 1)])
def test_runs(values, count):
    assert runs(values) == count


@given(st.lists(st.integers(0, 3)))
def test_runs_are_one_more_than_the_changes(values):
    changes = sum(values[n] != values[n - 1] for n in range(1, len(values)))
    assert runs(values) == (changes + 1 if values else 0)


def test_the_last_duration_is_part_of_the_time_table():
    even = frames([0, 40, 80], duration=40)
    assert tables(even)[0].stts_runs == 1
    assert tables([*even[:2], even[2]._replace(duration=39)])[0].stts_runs == 2


def test_delays_count_only_where_a_frame_is_shown_late():
    assert tables(frames(range(6)))[0].ctts_runs == 0
    assert tables(frames(range(6), delays=(0, 2)))[0].ctts_runs == 6
    assert tables(frames(range(6), delays=(1, 1, 1, 0, 0, 0)))[0].ctts_runs == 2
    assert tables(frames(range(6), delays=(3,)))[0].ctts_runs == 1


def test_key_frames_sizes_and_marks():
    table = tables(frames(range(4), sizes=(7,)))[0]
    assert (table.keyframes, table.uniform_size, table.disposable) == (1, True, False)
    marked = [Sample(n, n, 1, 5 + n, key=n % 2 == 0, disposable=n == 3) for n in range(4)]
    assert (tables(marked)[0].keyframes, tables(marked)[0].disposable) == (2, True)


def test_empty_packets_are_dropped():
    video = frames(range(0, 100, 10))
    assert tables([*video[:4], video[4]._replace(size=0), *video[5:]])[0].samples == 9


@pytest.mark.parametrize(
    "video", [[], [Sample(0, 0, 1, 0)], frames([0, 5, 5]), frames([0, 5, 4]), [Sample(5, 4, 1, 1)]]
)
def test_packets_the_muxer_refuses(video):
    with pytest.raises(ValueError, match=r"packet|frame"):
        tables(video)


def test_equal_times_put_the_lower_track_first():
    video, audio = frames([0, 3]), frames([0, 2, 3])
    assert [track for track, _ in interleaved([video, audio], [10, 10])] == [0, 1, 1, 0, 1]


def test_times_are_compared_across_time_scales():
    video, audio = frames([0, 1, 2]), frames([999, 2000, 2001])
    assert [track for track, _ in interleaved([video, audio], [1, 1000])] == [0, 1, 0, 0, 1, 1]


def test_neighbours_share_a_chunk():
    video, audio = tables(frames([0, 1, 4, 7]), frames([2, 3, 5, 6]))
    assert (video.chunks, video.stsc_runs) == (3, 2)  # 2, 1, 1
    assert (audio.chunks, audio.stsc_runs) == (2, 1)  # 2, 2
    assert (video.payload_before_last, audio.payload_before_last) == (31 + 42, 31 + 31)


def test_a_chunk_stays_below_a_mebibyte():
    assert tables(frames(range(4), sizes=(1 << 19,)))[0].chunks == 4
    assert tables(frames(range(4), sizes=((1 << 19) - 1, 1 << 19)))[0].chunks == 2
    assert tables(frames(range(2), sizes=(1 << 21,)))[0].chunks == 2


@pytest.mark.parametrize(
    ("first", "delay", "edits"),
    [(0, 0, 1), (-2, 2, 1), (-1, 0, 1), (-2, 1, 1), (0, 1, 2), (1, 0, 2), (-1, 2, 2)],
)
def test_a_late_start_takes_a_second_edit(first, delay, edits):
    assert tables(frames(range(first, 9), delays=(delay,)))[0].edits == edits


def test_the_least_delay_before_time_zero_is_the_start():
    assert tables(frames([-2, -1, 0, 1], delays=(5, 4, 2, 0)))[0].edits == 1 + (0 - 2 + 2 > 0)
    assert tables(frames([-2, -1, 0, 1], delays=(5, 4, 3, 0)))[0].edits == 2


def test_a_start_below_a_movie_tick_is_none():
    assert tables(frames([90, 180]), scale=90_000)[0].edits == 2
    assert tables(frames([89, 180]), scale=90_000)[0].edits == 1


def test_offsets_take_eight_bytes_when_the_index_pushes_the_last_sample_over_four_gibibytes():
    video, _ = tables(frames(range(100)))
    size = mp4_overhead(video, payload_bytes=0)
    last_that_fits = 2**32 - 1 - size
    narrow = mp4_overhead(replace(video, payload_before_last=last_that_fits), payload_bytes=2**32)
    wide = mp4_overhead(replace(video, payload_before_last=last_that_fits + 1), payload_bytes=2**32)
    assert (narrow, wide) == (size, size + 4 * video.chunks)
    assert mp4_overhead(replace(video, payload_before_last=None), payload_bytes=2**32) == wide


def test_metadata_that_mp4_has_no_place_for_is_free():
    assert metadata_bytes({"creation_time": "2026-08-22", "make": "x"}) == UNTAGGED
    assert metadata_bytes({"title": "ö"}) == UNTAGGED + 26
    assert metadata_bytes({"title": ""}, encoder="") == 61


RATES = [Fraction(24000, 1001), 24, 25, Fraction(30000, 1001), 30, Fraction(375, 8), 48, 50, 60, 120, 7]


@st.composite
def steady_files(draw):
    """A constant frame rate, any phase between the tracks, either of which may be the longer one."""
    fps = Fraction(draw(st.sampled_from(RATES)))
    scale = fps.numerator * 100
    count, packets = draw(st.integers(1, 400)), draw(st.integers(0, 400))
    rate = draw(st.sampled_from([22_050, 44_100, 48_000]))
    shift, late = draw(st.integers(-3 * scale, 3 * scale)), draw(st.integers(-rate, rate))
    delays = draw(st.sampled_from([(0,), (2, 4, 1, 0, 1), (2, 2, 0)]))
    step = scale // fps
    most = draw(st.sampled_from([5, 5_000, 900_000]))
    sizes = [1, 2, *draw(st.lists(st.integers(1, most), max_size=30))]
    video = frames(
        [shift + n * step for n in range(count)],
        delays=[d * step for d in delays],
        sizes=sizes,
        duration=step,
    )
    audio = frames([late + n * 1024 for n in range(packets)], sizes=sizes[::-1], duration=1024)
    return fps, scale, video, rate, audio


@settings(max_examples=150, deadline=None)
@given(steady_files())
def test_prediction_at_a_constant_rate(file):
    fps, scale, video, rate, audio = file
    real = overhead(video, audio, scale, rate)
    reordered = any(s.pts != s.dts for s in video)
    payload = sum(s.size for s in (*video, *audio))
    spacing = len(video)  # one key frame
    predicted = predict_overhead(
        len(video), fps, False, reordered, spacing, len(audio), rate, payload_bytes=payload
    )
    assert predicted >= real
    if not audio:
        unused = len(video) - tables(video, scale=scale)[0].ctts_runs if reordered else 0
        assert predicted <= real + 700 + 8 * unused + 80 * payload / 2**20


@st.composite
def ragged_files(draw):
    gaps = st.lists(st.integers(1, draw(st.sampled_from([2, 50, 4000]))), min_size=1, max_size=300)

    def times(gap_list):
        at, all_times = draw(st.integers(-500, 500)), []
        for gap in gap_list:
            at += gap
            all_times.append(at)
        return all_times

    sizes = draw(st.lists(st.integers(1, draw(st.sampled_from([5, 900_000]))), min_size=1, max_size=30))
    delays = draw(st.sampled_from([(0,), (3, 9, 5)]))
    return frames(times(draw(gaps)), delays=delays, sizes=sizes), frames(times(draw(gaps)), sizes=sizes)


@settings(max_examples=150, deadline=None)
@given(ragged_files(), st.integers(1, 100))
def test_prediction_at_a_variable_rate(file, spacing):
    video, audio = file
    video = [s._replace(key=n % spacing == 0) for n, s in enumerate(video)]
    payload = sum(s.size for s in (*video, *audio))
    reordered = any(s.pts != s.dts for s in video)
    predicted = predict_overhead(len(video), 30, True, reordered, spacing, len(audio), payload_bytes=payload)
    video_table, audio_table = tables(video, audio)
    # Sound has no gaps, whatever order the two tracks come in.
    real = mp4_overhead(video_table, replace(audio_table, stts_runs=2), payload_bytes=payload)
    assert predicted >= real


def test_the_costliest_interleaving_is_covered():
    """One and two frames, two and three packets in turn: no two neighbouring chunks are alike."""
    video_times, audio_times, at = [], [], 0
    for turn in range(400):
        video_times += range(at, at + 1 + turn % 2)
        audio_times += range(at + 10, at + 12 + turn % 2)
        at += 20
    video, audio = frames(video_times), frames(audio_times, duration=1)
    video_table, audio_table = tables(video, audio)
    assert video_table.stsc_runs == video_table.chunks == audio_table.stsc_runs == audio_table.chunks == 400
    payload = sum(s.size for s in (*video, *audio))
    predicted = predict_overhead(len(video), 30, True, False, 10**6, len(audio), payload_bytes=payload)
    real = mp4_overhead(video_table, replace(audio_table, stts_runs=2), payload_bytes=payload)
    assert real <= predicted <= real + 600
