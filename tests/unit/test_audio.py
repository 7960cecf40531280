"""The sound's share: never what would starve the picture, never more than the source had."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.audio import (
    MONO_KBPS,
    STEREO_KBPS,
    SURROUND_KBPS,
    AudioKind,
    AudioPlan,
    Loudness,
    drop,
    fair_kbps,
    packets_expected,
    plan_audio,
)
from tightfit.domain.media_info import AudioStream

WIDE = Loudness(-20.0, -25.0)
SAME = Loudness(-20.0, float("-inf"))
SILENT = Loudness(-95.0, float("-inf"))
limits = st.integers(20_000, 2_000_000_000)
durations = st.floats(0.5, 10_000)


def stream(kbps=192.0, channels=2, codec="aac", seconds=60.0, rate=48_000):
    size = int(kbps * 1000 / 8 * seconds)
    return AudioStream(1, codec, rate, channels, size, 100, 0.0, seconds)


@given(limits, durations)
def test_sound_takes_between_a_tenth_and_a_fifth(limit, duration):
    total = limit * 8 / 1000 / duration
    assert 0.0999 * total <= fair_kbps(limit, duration) <= 0.2001 * total


@given(limits, limits, durations)
def test_more_room_never_means_less_sound(a, b, duration):
    low, high = sorted((a, b))
    assert fair_kbps(low, duration) <= fair_kbps(high, duration) + 1e-9


@given(limits, durations, st.integers(1, 8), st.floats(8, 640), st.sampled_from([WIDE, SAME, SILENT]))
def test_a_choice_by_itself_is_a_step_of_the_ladder_within_the_fair_share_or_the_source(
    limit, duration, channels, kbps, loudness
):
    source = stream(kbps, channels, "vorbis", duration)
    plan = plan_audio(source, "auto", limit, duration, loudness)
    ladder = {1: MONO_KBPS, 2: STEREO_KBPS}.get(plan.channels, SURROUND_KBPS)
    assert plan.kind is AudioKind.ENCODE
    assert plan.kbps <= max(ladder[0], fair_kbps(limit, duration))
    assert plan.kbps in ladder or plan.kbps == source.kbps
    assert plan.channels <= channels
    assert plan.sample_rate <= 48_000


@pytest.mark.parametrize("loudness", [SAME, SILENT])
def test_what_both_ears_hear_alike_is_encoded_once(loudness):
    assert plan_audio(stream(), "auto", 50_000_000, 60.0, loudness).channels == 1


def test_silence_gets_the_least_there_is():
    assert plan_audio(stream(), "auto", 50_000_000, 60.0, SILENT).kbps == MONO_KBPS[0]


def test_sound_that_is_small_already_is_copied():
    assert plan_audio(stream(64.0), "auto", 50_000_000, 60.0, WIDE).kind is AudioKind.COPY
    assert plan_audio(stream(64.0, codec="vorbis"), "auto", 50_000_000, 60.0, WIDE).kind is AudioKind.ENCODE


def test_damaged_sound_is_not_copied_into_a_file_that_has_to_decode():
    damaged = replace(WIDE, damaged=True)
    assert plan_audio(stream(64.0), "auto", 50_000_000, 60.0, damaged).kind is AudioKind.ENCODE


@pytest.mark.parametrize(
    ("choice", "kind"), [("none", AudioKind.NONE), ("copy", AudioKind.COPY), (96, AudioKind.ENCODE)]
)
def test_a_wish_is_followed(choice, kind):
    assert plan_audio(stream(), choice, 5_000_000, 60.0, WIDE).kind is kind


def test_a_rate_in_numbers_is_kept_even_where_it_is_more_than_fair():
    assert plan_audio(stream(), 160, 500_000, 60.0, WIDE).kbps == 160


def test_a_source_without_sound_gets_none():
    assert plan_audio(None, "auto", 5_000_000, 60.0, WIDE).kind is AudioKind.NONE


@given(st.floats(8, 320), durations)
def test_expected_bytes_are_rate_times_time(kbps, duration):
    plan = AudioPlan(AudioKind.ENCODE, kbps, 2, 48_000)
    assert plan.expected_bytes(duration) == pytest.approx(kbps * 125 * duration, abs=1)
    assert packets_expected(plan, duration) >= duration * 48_000 / 1024


def test_sound_is_left_out_only_aloud():
    dropped = drop(AudioPlan(AudioKind.ENCODE, 16, 1, 24_000))
    assert dropped.kind is AudioKind.NONE
    assert dropped.warning
