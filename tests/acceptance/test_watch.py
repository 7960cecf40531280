"""A watched folder: what becomes whole in it is compressed elsewhere, once, whoever starts again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import Tool
from support.patience import patience


def until(true: Callable[[], object], seconds: float = 30) -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + patience(seconds)
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.1)


def stopped(process: subprocess.Popen[bytes]) -> str:
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=patience(30))
    assert process.returncode == 130
    assert b"Traceback" not in err
    return err.decode()


@pytest.fixture
def inbox(tool: Tool) -> Path:
    folder = tool.folder / "inbox"
    folder.mkdir()
    return folder


def test_what_is_whole_is_made_once_and_what_is_bad_is_told_once(tool: Tool, inbox: Path, made_tiny_clip: Path):
    out = tool.folder / "small/ones"
    shutil.copy(made_tiny_clip, inbox / "first.mp4")
    (inbox / "bad.mp4").write_text("no video")
    (inbox / "notes.txt").write_text("no video by its name")
    shutil.copy(made_tiny_clip, inbox / "half.mp4")
    (inbox / "half.mp4.part").write_text("a download goes on")
    watching = tool.start("watch", "inbox", "1MB", "-o", "small/ones", "-q")
    until((out / "first-1MB.mp4").exists)
    # One that a program still writes to, with pauses; then one that is renamed into place.
    with open(inbox / "slow.mp4", "wb") as slow:
        slow.write(made_tiny_clip.read_bytes()[:1000])
        slow.flush()
        shutil.copy(made_tiny_clip, inbox / ".moved.mp4")
        os.rename(inbox / ".moved.mp4", inbox / "moved.mp4")
        until((out / "moved-1MB.mp4").exists)
        assert not (out / "slow-1MB.mp4").exists()
        slow.write(made_tiny_clip.read_bytes()[1000:])
    until((out / "slow-1MB.mp4").exists)
    said = stopped(watching)
    assert said.count("bad.mp4") == 1
    made = {path.name: path.stat().st_mtime_ns for path in out.iterdir()}
    assert set(made) == {"first-1MB.mp4", "moved-1MB.mp4", "slow-1MB.mp4"}

    # The next start remembers all of it, and takes the file that became whole meanwhile.
    (inbox / "half.mp4.part").unlink()
    (out / "first-1MB.mp4").unlink()
    watching = tool.start("watch", "inbox", "1MB", "-o", "small/ones", "-q")
    until((out / "half-1MB.mp4").exists)
    assert "bad.mp4" not in stopped(watching)
    assert {path.name for path in out.iterdir()} == {"half-1MB.mp4", "moved-1MB.mp4", "slow-1MB.mp4"}


def test_a_watch_that_is_stopped_in_the_middle_of_a_file_goes_on_with_it(tool: Tool, inbox: Path, made_scenes: Path):
    shutil.copy(made_scenes, inbox / "scenes.mp4")
    watching = tool.start("watch", "inbox", "200KB", "-o", "small", "--json")
    assert watching.stdout is not None
    until(lambda: b'"phase": "encode"' in watching.stdout.readline())
    stopped(watching)
    assert list((tool.folder / "small").glob("*.mp4")) == []
    again = tool.start("watch", "inbox", "200KB", "-o", "small", "--json", "-q")
    assert again.stdout is not None
    assert b'"status": "met"' in again.stdout.readline()
    stopped(again)
    assert [job["state"] for job in tool("jobs", "--json").lines[0]["jobs"]] == ["done"]
