"""Paths that were dropped onto a terminal, with whatever it writes around their spaces."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.cli.dropped import taken_out


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("clip.mp4", "my clip.mp4", "it's (1) & co.mov", "旅行 1.mp4", "song.mp3"):
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("line", "text", "files"),
    [
        ("{}/clip.mp4", "", ["{}/clip.mp4"]),
        ("'{}/my clip.mp4' ", "", ["{}/my clip.mp4"]),
        (r"{}/my\ clip.mp4", "", ["{}/my clip.mp4"]),
        (r"{}/it\'s\ \(1\)\ \&\ co.mov", "", ["{}/it's (1) & co.mov"]),
        ('"{}/it\'s (1) & co.mov"', "", ["{}/it's (1) & co.mov"]),
        ("'{}/it'\\''s (1) & co.mov'", "", ["{}/it's (1) & co.mov"]),
        ("file://{}/my%20clip.mp4", "", ["{}/my clip.mp4"]),
        ("file://{}/%E6%97%85%E8%A1%8C%201.mp4", "", ["{}/旅行 1.mp4"]),
        ("'{}/my clip.mp4' {}/clip.mp4", "", ["{}/my clip.mp4", "{}/clip.mp4"]),
        ("my clip.mp4", "", ["my clip.mp4"]),
        ("clip.mp4 'my clip.mp4'", "", ["clip.mp4", "my clip.mp4"]),
        ("'{}/my clip.mp4' to 8MB", "to 8MB", ["{}/my clip.mp4"]),
        (r"compress {}/my\ clip.mp4 to 8MB, please", "compress to 8MB, please", ["{}/my clip.mp4"]),
        ("clip.mp4 to 8MB", "clip.mp4 to 8MB", []),
        ("put 'song.mp3' underneath", "put 'song.mp3' underneath", []),
        ("/etc/nothing.mp4 to 8MB", "/etc/nothing.mp4 to 8MB", []),
        ("don't touch the sound", "don't touch the sound", []),
        ("", "", []),
    ],
)
def test_what_was_dropped_is_taken_out(folder: Path, line: str, text: str, files: list[str]):
    found = taken_out(line.replace("{}", str(folder)))
    assert found == (text, [name.replace("{}", str(folder)) for name in files])


@given(st.text())
def test_any_line_is_taken(line: str):
    text, files = taken_out(line)
    assert text == line or files
