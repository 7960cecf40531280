"""When a file in a watched folder is whole."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tightfit.engine.arrivals import AT_REST_S, Arrivals, is_being_written


def names(paths: list[Path]) -> list[str]:
    return [path.name for path in paths]


def test_a_file_is_whole_when_it_was_at_rest_and_given_once(tmp_path: Path):
    arrivals = Arrivals(tmp_path)
    (tmp_path / "b.mp4").write_bytes(b"1")
    (tmp_path / "a.MOV").write_bytes(b"1")
    assert arrivals.whole(0) == []
    assert arrivals.waits
    assert arrivals.whole(AT_REST_S - 0.1) == []
    (tmp_path / "b.mp4").write_bytes(b"12")
    assert names(arrivals.whole(AT_REST_S)) == ["a.MOV"]
    assert names(arrivals.whole(2 * AT_REST_S)) == ["b.mp4"]
    assert arrivals.whole(9 * AT_REST_S) == []
    assert not arrivals.waits


def test_a_file_that_changes_later_is_given_again(tmp_path: Path):
    arrivals = Arrivals(tmp_path)
    (tmp_path / "a.mp4").write_bytes(b"1")
    arrivals.whole(0)
    assert names(arrivals.whole(AT_REST_S)) == ["a.mp4"]
    (tmp_path / "a.mp4").write_bytes(b"another")
    assert arrivals.whole(10) == []
    assert names(arrivals.whole(10 + AT_REST_S)) == ["a.mp4"]


@pytest.mark.parametrize(
    "there",
    [
        ["a.mp4.part"],
        ["a.mp4", "a.mp4.part"],
        ["a.mp4", "a.mp4.aria2"],
        ["a.mp4.crdownload"],
        ["a.temp.mp4"],
        [".a.mp4"],
        ["a.txt"],
    ],
)
def test_what_is_no_video_or_half_of_one_is_never_whole(tmp_path: Path, there: list[str]):
    for name in there:
        (tmp_path / name).write_bytes(b"1")
    arrivals = Arrivals(tmp_path)
    arrivals.whole(0)
    assert arrivals.whole(100) == []


def test_an_empty_file_and_a_folder_are_not_whole(tmp_path: Path):
    (tmp_path / "a.mp4").touch()
    (tmp_path / "b.mp4").mkdir()
    arrivals = Arrivals(tmp_path)
    arrivals.whole(0)
    assert arrivals.whole(100) == []


@pytest.mark.skipif(not os.path.isdir("/proc/self/fdinfo"), reason="only Linux tells who writes")
def test_a_file_that_somebody_writes_to_is_not_whole_whatever_its_age(tmp_path: Path):
    path = tmp_path / "a.mp4"
    path.write_bytes(b"1")
    arrivals = Arrivals(tmp_path)
    arrivals.whole(0)
    with path.open("ab"):
        assert is_being_written(path)
        assert arrivals.whole(100) == []
        assert arrivals.waits
    with path.open("rb"):
        assert not is_being_written(path)
        assert names(arrivals.whole(101)) == ["a.mp4"]
