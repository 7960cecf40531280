"""What a file is by its first bytes, and what a sound becomes in so many bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.images import ImageFacts, format_for, format_of
from tightfit.domain.media_info import AudioStream
from tightfit.domain.sound_file import FORMATS, format_named, natural_format, shape_for, wav_bytes, wav_shape

STEREO = AudioStream(0, "aac", 48_000, 2, 1_000_000, 1000, 0.0, 60.0)


@pytest.mark.parametrize(
    ("head", "name"),
    [
        (b"\xff\xd8\xff\xe1", "jpeg"),
        (b"\x89PNG\r\n\x1a\n", "png"),
        (b"GIF89a", "gif"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "webp"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "avif"),
        (b"\0\0\0\x20ftypmif1\0\0\0\0mif1avifmiaf", "avif"),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b"\0\0\0\x20ftypisom\0\0\0\0isommp41", None),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", None),
        (b"", None),
    ],
)
def test_a_picture_is_known_by_its_signature(head: bytes, name: str | None):
    found = format_of(head)
    assert (found.name if found else None) == name


@settings(deadline=None)
@given(st.binary(max_size=64))
def test_no_beginning_of_a_file_upsets_it(head: bytes):
    format_of(head)


def test_extensions_name_formats_in_any_case():
    assert format_for(".JPEG") is format_for(".jpg")
    assert format_for(".mp4") is None
    assert format_named(".OPUS") is FORMATS["opus"]


def test_a_frame_without_a_time_is_shown_as_long_as_browsers_show_it():
    assert ImageFacts("gif", "P", alpha=False, durations_ms=(0, 10, 20, 500)).shown_ms == (100, 100, 20, 500)


@pytest.mark.parametrize(
    ("extension", "codec", "name"), [(".mp3", "mp3", "mp3"), (".flac", "flac", "m4a"), (".mka", "opus", "opus")]
)
def test_a_sound_stays_what_it_is_where_we_can_write_that(extension: str, codec: str, name: str):
    assert natural_format(extension, codec).name == name


@settings(deadline=None)
@given(st.sampled_from(["mp3", "m4a", "aac", "opus"]), st.floats(6_000, 500_000), st.integers(1, 8))
def test_a_shape_is_never_more_than_the_source_nor_than_the_format_takes(name: str, rate: float, channels: int):
    stream = AudioStream(0, "flac", 44_100, channels, 1, 1, 0.0, 1.0)
    form = FORMATS[name]
    shape = shape_for(form, stream, rate, same_both_sides=False)
    assert 1 <= shape.channels <= min(channels, form.most_channels)
    assert shape.sample_rate <= (48_000 if name == "opus" else 44_100)
    if name == "mp3" and rate < 32_000:
        assert shape.sample_rate <= 24_000, "MPEG-1 has no such bit rate"


def test_both_sides_alike_are_one_channel():
    assert shape_for(FORMATS["m4a"], STEREO, 128_000, same_both_sides=True).channels == 1


@settings(deadline=None)
@given(st.integers(10_000, 12_000_000))
def test_a_wav_is_under_its_limit_by_arithmetic_and_the_best_that_is(limit: int):
    tags = (("title", "Ein Titel"),)
    shape = wav_shape(STEREO, limit, tags, same_both_sides=False, deep=False)
    if shape is None:
        assert limit < 60 * 8_000 + 1000
        return
    assert wav_bytes(shape, 60.0, tags) <= limit
    if limit >= 60 * 48_000 * 4 + 1000:
        assert (shape.channels, shape.sample_rate, shape.bits) == (2, 48_000, 16)
