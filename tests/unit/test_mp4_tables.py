"""Counting the runs and chunks of an MP4's tables, and bounding them before there are any packets."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import accumulate, pairwise

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
from tightfit.domain.timeline import decode_times

PICTURE = VideoFormat(44, colour_tagged=True, has_pasp=True)
SOUND = AudioFormat(5)
LONG = 10**6  # longer than a chunk, so that each packet starts one and the order is that of decode times


def frames(times, *, delays=(0,), sizes=(10, 11), duration=1):
    return [
        Sample(dts, dts + delays[n % len(delays)], duration, sizes[n % len(sizes)], key=n == 0)
        for n, dts in enumerate(times)
    ]


def tables(video, audio=None, scale=1000, audio_scale=1000):
    sound = Track(SOUND, audio_scale, audio) if audio else None
    return tables_from_packets(Track(PICTURE, scale, video), sound)


def payload_of(*tracks):
    return sum(s.size for track in tracks for s in track)


def overhead(video, audio=(), scale=1000, audio_scale=1000):
    payload = payload_of(video, audio)
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


def order_of(video, audio, *scales):
    return "".join("VA"[track] for track, _ in interleaved([video, audio], scales))


def test_equal_times_put_the_lower_track_first():
    assert order_of(frames([0, 3], duration=LONG), frames([0, 2, 3], duration=LONG), 10, 10) == "VAAVA"


def test_times_are_compared_across_time_scales():
    video, audio = frames([0, 1, 2], duration=LONG), frames([999, 2000, 2001], duration=LONG)
    assert order_of(video, audio, 1, 1000) == "VAVVAA"


def test_one_track_waits_until_the_other_starts_a_chunk():
    """The third frame and the second and third packet end more than a second after the last start."""
    video, audio = frames(range(0, 20, 4), duration=4), frames(range(0, 20, 7), duration=7)
    assert order_of(video, audio, 10, 10) == "AVVAVVVA"
    assert order_of(video, audio[:2], 10, 10) == "AVVAVVV"


def test_a_queue_of_more_than_ten_seconds_is_let_go():
    video, audio = frames([0, 5, 10, 11, 12]), frames([11, 12])
    assert order_of(video, audio, 1, 1) == "VAVVVVA"
    assert order_of([video[0]._replace(dts=1), *video[1:]], audio, 1, 1) == "AVVVVVA"


@pytest.mark.parametrize(("late", "lengths"), [(0, [20, 20, 20]), (40, [19, 19, 19]), (80, [20, 20, 21])])
def test_starts_approach_the_grid(late, lengths):
    """Twenty packets make a second; sound that starts 0.4 s after a whole one has shorter chunks at first."""
    video, audio = frames(range(900), duration=1), frames(range(late, 900, 5), duration=5)
    chunks = [len(chunk) for chunk in order_of(video, audio, 100, 100).split("V") if chunk]
    assert chunks[1:4] == lengths


def test_tracks_that_both_start_far_from_the_grid_take_turns_by_the_packet():
    video = frames(range(900), duration=1)
    close, far = (frames(range(start, 900, 2), duration=2) for start in (10, 60))
    assert tables(video, close, 100, 100)[0].chunks < 10
    assert order_of(video, far, 100, 100).endswith("VAV" * 300)


def test_neighbours_share_a_chunk():
    video, audio = tables(frames([0, 1, 4, 7], duration=LONG), frames([2, 3, 5, 6], duration=LONG))
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
    payload = payload_of(video, audio)
    spacing = len(video)  # one key frame
    facts = len(video), fps, False, reordered, spacing, len(audio), rate
    start = audio[0].dts / rate if audio else None
    predicted = predict_overhead(*facts, payload_bytes=payload, audio_start_s=start)
    assert real <= predicted
    assert real <= predict_overhead(*facts, payload_bytes=payload)
    late = (start or 0) % 1
    if not 0.49 < late < 0.86:
        unused = len(video) - tables(video, scale=scale)[0].ctts_runs if reordered else 0
        rest = 24 * len(audio) * 1024 / rate + 8 * unused + 80 * payload / 2**20
        assert predicted <= real + 700 + rest


@pytest.mark.parametrize("packets", [0, 150])
def test_prediction_for_frames_too_large_to_share_a_chunk(packets):
    """Two frames, then one, in a chunk: without sound each chunk differs from the one before it."""
    video = frames(range(300), sizes=(400_000, 400_000, 700_000))
    audio = frames([n * 1024 for n in range(packets)], duration=1024)
    predicted = predict_overhead(
        *(300, 100, False, False, 300, packets, 51_200),
        payload_bytes=payload_of(video, audio),
        audio_start_s=0,
    )
    assert overhead(video, audio, 100, 51_200) <= predicted


def test_prediction_for_sound_that_video_did_not_wait_for():
    """The queue gives a frame away for each that comes, while packets pass until one starts a chunk."""
    video = frames(range(0, 15_000, 32), duration=32)
    audio = frames([576_000 + n * 1024 for n in range(48)], duration=1024)
    assert tables(video, audio, 1000, 48_000)[0].chunks > 25
    predicted = predict_overhead(
        *(len(video), Fraction(125, 4), False, False, len(video), len(audio)),
        payload_bytes=payload_of(video, audio),
        audio_start_s=12.0,
    )
    real = overhead(video, audio, 1000, 48_000)
    assert real <= predicted <= real + 1500


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
    durations = st.sampled_from([1, 400, LONG])
    return tuple(
        frames(times(draw(gaps)), delays=each, sizes=sizes, duration=draw(durations)) for each in (delays, (0,))
    )


@settings(max_examples=150, deadline=None)
@given(ragged_files(), st.integers(1, 100))
def test_prediction_at_a_variable_rate(file, spacing):
    video, audio = file
    video = [s._replace(key=n % spacing == 0) for n, s in enumerate(video)]
    payload = payload_of(video, audio)
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
    video, audio = frames(video_times, duration=LONG), frames(audio_times, duration=LONG)
    video_table, audio_table = tables(video, audio)
    assert video_table.stsc_runs == video_table.chunks == audio_table.stsc_runs == audio_table.chunks == 400
    payload = payload_of(video, audio)
    predicted = predict_overhead(len(video), 30, True, False, 10**6, len(audio), payload_bytes=payload)
    real = mp4_overhead(video_table, replace(audio_table, stts_runs=2), payload_bytes=payload)
    assert real <= predicted <= real + 600


@st.composite
def recordings(draw):
    """Frames at any time, decoded as a joined file has them, and sound without gaps."""
    scale, rate = (
        draw(st.sampled_from([16_000, 90_000])),
        draw(st.sampled_from([8_000, 24_000, 44_100, 48_000])),
    )
    usual = st.integers(1, draw(st.sampled_from([scale // 60, scale // 5])))
    pause = st.integers(1, draw(st.sampled_from([scale, 8 * scale - 1, 20 * scale])))
    gaps = draw(st.lists(st.one_of(*[usual] * 9, pause), min_size=4, max_size=300))
    pts, delay = list(accumulate(gaps, initial=0)), draw(st.integers(0, 3))
    order = [*range(1, delay + 1), 0, *range(delay + 1, len(pts))]
    dts = [*decode_times(pts, order, scale // 60), pts[-1]]
    video = [Sample(dts[k], pts[rank], dts[k + 1] - dts[k] or 1, 9 + k % 2) for k, rank in enumerate(order)]
    start = draw(st.one_of(st.integers(-rate // 7, rate // 2), st.integers(-20 * rate, 20 * rate)))
    audio = frames([start + n * 1024 for n in range(draw(st.integers(1, 900)))], duration=1024)
    return pts, scale, video, rate, audio


@settings(max_examples=150, deadline=None)
@given(recordings())
def test_prediction_for_known_frame_times(recording):
    pts, scale, video, rate, audio = recording
    steps = [b - a for a, b in pairwise(pts)]
    predicted = predict_overhead(
        *(len(video), Fraction(len(steps) * scale, sum(steps)), max(steps) >= 8 * scale),
        *(any(s.pts > s.dts for s in video), 10**6, len(audio), rate),
        payload_bytes=payload_of(video, audio),
        stts_runs=runs(steps),
        audio_start_s=audio[0].dts / rate,
    )
    assert overhead(video, audio, scale, rate) <= predicted
    assert tables(video, scale=scale)[0].stts_runs <= runs(steps) + 2
