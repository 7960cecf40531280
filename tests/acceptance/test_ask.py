"""The door for sentences, as a process."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from support.command import Tool, ended_with_the_test
from support.patience import patience

from tightfit.intent.model import Intent

KEYS = set(Intent().wire)


def test_a_sentence_is_done_within_its_limit(tool: Tool, clip: Path):
    ran = tool("mach clip.mp4 kleiner als 300 KB, ohne Ton", "--json", "-q")
    assert ran.code == 0, ran.err
    (result,) = ran.results
    assert result["status"] == "met"
    assert result["output"] == "clip-300KB.mp4"
    assert result["audio"] == []
    assert (tool.folder / "clip-300KB.mp4").stat().st_size <= 300_000 < clip.stat().st_size


def test_it_says_in_one_line_what_it_understood_and_assumed(tool: Tool):
    ran = tool("ask", "8 MB for discord, 720p, no sound", "--dry-run")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == (
        "Understood: compress to under 8MB, 720p, no sound. "
        "Assumed: the size counts, not the limit of discord, 720p is an upper bound."
    )


def test_what_was_understood_is_one_object_for_scripts(tool: Tool, clip: Path):
    ran = tool("ask", "压到５兆，声音不要", clip.name, "--dry-run", "--json")
    assert (ran.code, len(ran.lines)) == (0, 1)
    (intent,) = ran.lines
    assert set(intent) == KEYS
    assert intent["type"] == "intent"
    assert (intent["language"], intent["files"], intent["audio"]) == ("zh", ["clip.mp4"], "none")
    assert intent["target"] == {"bytes": 5_000_000, "percent": None, "preset": None}


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("compress clip.mp4", "To what size?"),
        ("clip.mp4 auf 20MB; rm -rf /", "verstehe ich nicht"),
        ("20 MB", "Which file?"),
        ("compress clip.mp4 to 1MB with vp9", "not in this version: the codec vp9"),
        ('write "Hello" on clip.mp4, 1MB', "only an editing service"),
        ("export clip.mp4 as mkv", "can't be done in this version"),
        ("hello there, $(reboot)", "understand"),
    ],
)
def test_what_is_unclear_or_not_there_yet_ends_in_one_sentence(tool: Tool, clip: Path, sentence: str, said: str):
    ran = tool("ask", sentence)
    assert ran.code == 2
    assert said in ran.complaint
    assert tool.files == {clip.name}


def test_on_a_terminal_the_question_can_be_answered(tool: Tool, clip: Path):
    ours, theirs = pty.openpty()
    process = ended_with_the_test(
        subprocess.Popen(
            [sys.executable, "-m", "tightfit", "ask", "compress clip.mp4, no sound", "--json"],
            cwd=tool.folder,
            env={**os.environ, "TIGHTFIT_HOME": str(tool.home)},
            stdin=theirs,
            stderr=theirs,
            stdout=subprocess.PIPE,
        )
    )
    os.close(theirs)
    os.write(ours, b"300KB\n")
    out, _ = process.communicate(timeout=patience(60))
    os.close(ours)
    assert process.returncode == 0
    assert b'"limit_bytes": 300000' in out
    assert (tool.folder / "clip-300KB.mp4").stat().st_size <= 300_000 < clip.stat().st_size
