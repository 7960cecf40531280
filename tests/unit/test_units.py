"""Sizes as people write them."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tightfit.errors import ExitCode, UsageError
from tightfit.units import format_bytes, format_seconds, parse_number, parse_target, whole_number


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("50MB", 50_000_000),
        ("50M", 50_000_000),
        ("50 mb", 50_000_000),
        ("50兆", 50_000_000),
        ("50 megabytes", 50_000_000),
        ("1 megabyte", 1_000_000),
        ("  50MB ", 50_000_000),
        ("50Mb", 50_000_000),
        ("50MiB", 52_428_800),
        ("50 mib", 52_428_800),
        ("50Mi", 52_428_800),
        ("1KiB", 1024),
        ("2GiB", 2 * 2**30),
        ("700KB", 700_000),
        ("1.5GB", 1_500_000_000),
        ("0,5 GB", 500_000_000),
        ("1,500 MB", 1_500_000_000),
        ("1.500 MB", 1_500_000_000),
        ("0.500 MB", 500_000),
        ("1,500,000 B", 1_500_000),
        ("1.234,5 kB", 1_234_500),
        ("1,234.5 kB", 1_234_500),
        ("1,50 MB", 1_500_000),
        ("4983120 bytes", 4_983_120),
        ("1 byte", 1),
        ("1.9999 kB", 1999),
        ("2TB", 2 * 10**12),
    ],
)
def test_a_size_means_these_bytes(written: str, size: int):
    target = parse_target(written)
    assert (target.bytes, target.percent, target.preset) == (size, None, None)
    assert target.resolve(7) == size


@pytest.mark.parametrize(
    ("written", "percent"),
    [("25%", 25), ("half", 50), ("Half", 50), ("12,5 %", Decimal("12.5")), ("30 percent", 30), ("100%", 100)],
)
def test_a_share_is_of_the_source(written: str, percent: Decimal):
    target = parse_target(written)
    assert (target.bytes, target.percent, target.preset) == (None, percent, None)


def test_a_share_is_rounded_down_since_a_limit_is_never_exceeded():
    assert parse_target("50%").resolve(999) == 499
    assert parse_target("33.3%").resolve(1000) == 333


@pytest.mark.parametrize("written", ["discord", "Discord", "discord-nitro", "x"])
def test_a_word_is_a_destination(written: str):
    assert parse_target(written).preset == written.lower()


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("50", "Write 50MB or 50%."),
        ("1,500", "Write 1,500MB or 1,500%."),
        ("0MB", "50MB"),
        ("0.1B", "50MB"),
        ("0%", "25%"),
        ("101%", "25%"),
        ("", "50MB"),
        ("-5MB", "50MB"),
        ("5 mega", "50MB"),
        ("5XB", "50MB"),
        ("1,2,3 MB", "50MB"),
        ("1.2.3,4 MB", "50MB"),
        ("5. MB", "50MB"),
        ("MB", None),
        ("1e6 MB", "50MB"),
        ("vacation.mp4", "50MB"),
        ("5MB please", "50MB"),
        ("∞MB", "50MB"),
    ],
)
def test_what_is_no_size_is_answered_with_one(written: str, hint: str | None):
    if hint is None:
        assert parse_target(written).preset == written.lower()  # whether there is one, the presets say
        return
    with pytest.raises(UsageError) as caught:
        parse_target(written)
    assert hint in caught.value.hint
    assert caught.value.code is ExitCode.USAGE


def test_a_bare_number_is_asked_about():
    with pytest.raises(UsageError, match=r"^50 what\? Write 50MB or 50%\.$"):
        parse_target("50")


@pytest.mark.parametrize(
    ("written", "slug"),
    [
        ("50MB", "50MB"),
        ("50 mb", "50mb"),
        ("25 %", "25pct"),
        ("0,5 GB", "0,5GB"),
        ("half", "half"),
        ("50兆", "50兆"),
    ],
)
def test_a_file_name_carries_the_limit_as_it_was_typed(written: str, slug: str):
    assert parse_target(written).slug == slug


@given(st.text())
@example("५MB")
@example("٥٠MB")
@example("１５ＭＢ")
@example("²MB")
@example("1\u00a0000MB")
@example(".MB")
@example("1,MB")
def test_any_text_is_a_target_or_a_usage_error(text: str):
    try:
        target = parse_target(text)
    except UsageError:
        return
    assert [target.bytes, target.percent, target.preset].count(None) == 2
    assert "/" not in target.slug
    assert target.slug.strip()


@given(st.integers(1, 10**12), st.sampled_from(["B", " b", "bytes", " byte"]))
def test_whole_bytes_are_read_back_exactly(size: int, unit: str):
    assert parse_target(f"{size}{unit}").bytes == size


@given(st.integers(1, 999), st.integers(0, 99), st.sampled_from("KMGTkmgt"), st.sampled_from(".,"))
def test_up_to_two_decimals_are_exact_with_either_mark(whole: int, hundredths: int, letter: str, mark: str):
    factor = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}[letter.lower()]
    written = f"{whole}{mark}{hundredths:02d}{letter}B"
    assert parse_target(written).bytes == (whole * 100 + hundredths) * factor // 100


@given(st.integers(1000, 10**12), st.sampled_from([",", "."]))
def test_thousands_are_grouped_by_either_mark(number: int, mark: str):
    assert parse_number(f"{number:,}".replace(",", mark)) == number


@given(st.decimals(Decimal("0.01"), 100, places=2), st.integers(1, 10**13))
def test_a_share_is_never_more_than_its_part(percent: Decimal, source: int):
    limit = parse_target(f"{percent}%").resolve(source)
    assert limit * 100 <= source * percent < (limit + 1) * 100


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.00 kB"),
        (4_983_120, "4.98 MB"),
        (50_000_000, "50.0 MB"),
        (491_520_000, "492 MB"),
        (1_966_080_000, "1.97 GB"),
    ],
)
def test_sizes_are_shown_with_three_digits(size: int, shown: str):
    assert format_bytes(size) == shown


@pytest.mark.parametrize(("size", "shown"), [(999_950, "1.00 MB"), (9_999_000, "10.0 MB"), (99_990_000, "100 MB")])
def test_a_size_just_below_a_round_one_is_shown_as_it(size: int, shown: str):
    assert format_bytes(size) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(8.6, "9 s"), (59.4, "59 s"), (59.6, "1 min 00 s"), (125, "2 min 05 s"), (3725, "1 h 02 min")],
)
def test_durations_are_for_people(seconds: float, shown: str):
    assert format_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("written", "number"),
    [("0", 0), ("-12", -12), ("9" * 18, 10**18 - 1), ("²", None), ("٣", None), ("9" * 5000, None), ("--1", None)],
)
def test_a_whole_number_is_one_that_others_write_as_such(written: str, number: int | None):
    assert whole_number(written) == number
