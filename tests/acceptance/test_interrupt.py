"""Stopped in the middle: children die, nothing half-written stays, and the exit code says so."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support.command import Tool
from support.patience import patience

GONE_WITHIN_S = 1.0


@pytest.fixture
def encoding(tool: Tool, made_clip: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run in the middle of its encode."""
    process = tool.start(made_clip, "60%", "-o", "out.mp4", "--json")
    assert process.stdout is not None
    updates = (json.loads(line) for line in process.stdout)
    assert any(update["phase"] == "encode" and update["fps"] for update in updates), "it ended before it could be met"
    yield process
    process.kill()
    process.wait()


def encoders_of(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Its children, as soon as an encoder is among them: between two passes there is none."""
    deadline = time.monotonic() + patience(5)
    while time.monotonic() < deadline:
        children = psutil.Process(process.pid).children(recursive=True)
        # One that has ended since it was listed has no name any more.
        with suppress(psutil.NoSuchProcess):
            if any("ffmpeg" in child.name() for child in children):
                return children
    raise AssertionError("no encoder is running")


def alive(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_run_ends_with_130_and_can_be_resumed(
    tool: Tool, encoding: subprocess.Popen[bytes], number: signal.Signals
):
    encoders = encoders_of(encoding)
    encoding.send_signal(number)
    out, err = encoding.communicate(timeout=patience(5))
    assert encoding.returncode == 130
    assert b"Traceback" not in err
    assert b"clip.mp4" in err.splitlines()[-1]
    assert json.loads(out.splitlines()[-1])["status"] == "cancelled"
    time.sleep(GONE_WITHIN_S)
    assert alive(encoders) == []
    assert tool.files == set()
    jobs = tool("jobs", "--json").lines[0]["jobs"]
    assert [(job["state"], job["can_resume"]) for job in jobs] == [("interrupted", True)]


def test_no_encoder_outlives_a_run_that_was_killed(tool: Tool, encoding: subprocess.Popen[bytes]):
    encoders = encoders_of(encoding)
    encoding.kill()
    encoding.communicate(timeout=patience(5))
    time.sleep(GONE_WITHIN_S)
    assert alive(encoders) == []
    assert "out.mp4" not in tool.files
