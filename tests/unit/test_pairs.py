"""The kept pairs: what is damaged is passed over, runs side by side lose nothing, and the file stays small."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from tightfit.domain.calibration import Forecast, Pair
from tightfit.engine import pairs

TOLD = Forecast("av1", "best", "medium", "small", "Linux x86_64, 2 cores", 10.0, 9_900, 10_000)
PAIR = Pair(TOLD, 12.5, 9_950, None)


def test_what_is_kept_is_known_the_oldest_first(tmp_path: Path):
    cache = tmp_path / "home" / "cache"
    assert list(pairs.known(cache)) == []
    newer = replace(PAIR, bytes=9_960, vmaf=91.5, forecast=replace(TOLD, vmaf=90.0))
    pairs.keep(cache, PAIR)
    pairs.keep(cache, newer)
    assert list(pairs.known(cache)) == [PAIR, newer]


@pytest.mark.parametrize(
    "harm",
    [
        b'{"forecast": {"codec": "av1", "eff',
        b"\xff\xfe\x00nonsense",
        b"[1, 2]",
        b'"forecast"',
        b'{"forecast": {}, "took_s": 1, "bytes": 1, "vmaf": null}',
        b'{"forecast": null}',
        b"9" * 5000,
        b"[" * 100_000,
    ],
)
def test_damaged_lines_are_passed_over_and_what_is_added_behind_them_is_kept(tmp_path: Path, harm: bytes):
    pairs.keep(tmp_path, PAIR)
    with (tmp_path / "predictions-1.jsonl").open("ab") as file:
        file.write(b"\n" + harm)
    pairs.keep(tmp_path, PAIR)
    assert list(pairs.known(tmp_path)) == [PAIR, PAIR]


@pytest.mark.parametrize(
    "wrong",
    [
        replace(PAIR, took_s=0.0),
        replace(PAIR, took_s=float("nan")),
        replace(PAIR, bytes=10_001),
        replace(PAIR, forecast=replace(TOLD, seconds=float("inf"))),
        replace(PAIR, forecast=replace(TOLD, low=0)),
    ],
)
def test_what_no_run_can_have_left_is_not_kept(tmp_path: Path, wrong: Pair):
    pairs.keep(tmp_path, wrong)
    assert list(pairs.known(tmp_path)) == []


def test_wrong_types_are_damage(tmp_path: Path):
    pairs.keep(tmp_path, PAIR)
    path = tmp_path / "predictions-1.jsonl"
    path.write_text(path.read_text().replace("12.5", '"soon"'))
    assert list(pairs.known(tmp_path)) == []


def test_runs_side_by_side_lose_nothing(tmp_path: Path):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: pairs.keep(tmp_path, replace(PAIR, bytes=n)), range(1, 201)))
    assert sorted(pair.bytes for pair in pairs.known(tmp_path)) == list(range(1, 201))


def test_the_file_stays_small_and_keeps_the_newest(tmp_path: Path):
    for n in range(1, 2501):
        pairs.keep(tmp_path, replace(PAIR, bytes=n))
    kept = [pair.bytes for pair in pairs.known(tmp_path)]
    assert (tmp_path / "predictions-1.jsonl").stat().st_size <= 301_000
    assert len(kept) > 400
    assert kept == list(range(2501 - len(kept), 2501))
    assert [path.name for path in tmp_path.iterdir()] == ["predictions-1.jsonl"]


def test_a_cache_that_can_not_be_written_or_read_costs_nothing_else(tmp_path: Path):
    (tmp_path / "cache").write_text("no folder")
    pairs.keep(tmp_path / "cache", PAIR)
    assert list(pairs.known(tmp_path / "cache")) == []
