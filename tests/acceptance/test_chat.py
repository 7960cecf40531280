"""A session: through a pipe, through a real terminal, interrupted, killed and reopened."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pexpect
import pytest
from support.command import Tool
from support.patience import patience


@pytest.fixture
def two(tool: Tool, made_tiny_clip: Path) -> tuple[Path, Path]:
    """Two small clips, of which one has a name that a shell would have to quote."""
    paths = tool.folder / "one.mp4", tool.folder / "my other.mp4"
    for path in paths:
        shutil.copy(made_tiny_clip, path)
    return paths


def test_a_change_of_mind_through_a_pipe(tool: Tool, two: tuple[Path, Path]):
    size = two[0].stat().st_size
    then = "make it a bit smaller\nundo that\nund die andere auch\nwo ist es?\nfoo bar baz"
    lines = f"one.mp4 to {size // 2}B, no sound\n{then}"
    ran = tool.talk(lines, *two)
    assert (ran.code, ran.err) == (0, "")
    said = ran.out.splitlines()
    smaller = next(line for line in said if line.startswith("Undone."))
    assert f"one-{size // 2}B.mp4" in smaller
    assert any("stays where it is" in line for line in said)
    assert f"„my other.mp4“: my other-{size // 2}B.mp4" in ran.out
    assert {path.name for path in tool.folder.glob("*.mp4")} >= {
        *("one.mp4", "my other.mp4", f"one-{size // 2}B.mp4", f"my other-{size // 2}B.mp4"),
    }
    assert len(list(tool.folder.glob("one-*.mp4"))) == 2, "what was undone is kept"


@pytest.mark.usefixtures("two")
def test_what_fails_is_one_paragraph_and_the_exit_code_without_a_terminal(tool: Tool):
    ran = tool.talk("nothere.mp4 to 5MB\none.mp4 to 1KB\nwhere is it?")
    assert ran.code == 3
    assert "“nothere.mp4” was not made" in ran.out
    assert "“one.mp4” was not made" in ran.out
    assert "Traceback" not in ran.out + ran.err
    assert {path.name for path in tool.folder.iterdir()} == {"one.mp4", "my other.mp4"}


def test_names_and_text_can_not_move_the_terminal(tool: Tool, two: tuple[Path, Path]):
    evil = tool.folder / "a\x1b[2J[red]b.mp4"
    two[0].rename(evil)
    ran = tool.talk("do \x1b[31m something \x07 odd\nwhat did you do?", evil)
    assert ran.code == 0
    assert "\x1b" not in ran.out
    assert "\x07" not in ran.out


@pytest.mark.usefixtures("clip")
def test_a_session_that_is_killed_goes_on_where_it_was(tool: Tool):
    process = tool.start("chat", stdin=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"clip.mp4 to 300KB\n")
    process.stdin.flush()
    while b"Understood" not in process.stdout.readline():
        pass
    jobs = tool.home / "work"
    until = time.monotonic() + patience(30)
    while not list(jobs.glob("0*/*")) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    ran = tool.talk("what did you do?", "--resume")
    assert ran.code == 0, ran.err
    said = ran.out.splitlines()
    assert said[0] == f"Back in the session of {tool.folder}: 0 made so far."
    assert said[1] == "Going on with “clip.mp4”."
    assert "Done: clip-300KB.mp4" in ran.out
    assert tool.talk("where is it?", "--resume").out.splitlines()[1].startswith("“clip.mp4”: clip-300KB.mp4")


@contextmanager
def terminal(tool: Tool, *words: object) -> Iterator[Any]:
    """`tightfit chat` on a terminal of its own."""
    environment = {**os.environ, "TIGHTFIT_HOME": str(tool.home), "TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1"}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "tightfit", "chat", *map(str, words)],
        cwd=str(tool.folder),
        env={**environment, "LANG": "C.UTF-8"},
        encoding="utf-8",
        dimensions=(40, 200),
        timeout=patience(60),
    )
    try:
        child.expect("help")
        yield child
    finally:
        if child.isalive():
            child.kill(signal.SIGKILL)
        child.close()


@pytest.mark.usefixtures("clip")
def test_two_files_an_interrupt_and_a_change_of_mind_on_a_terminal(tool: Tool, two: tuple[Path, Path]):
    size = two[0].stat().st_size
    with terminal(tool) as child:
        child.send("clip.mp4 to 300KB\r")
        child.expect("Understood: “clip.mp4”")
        # A dropped path, with its escape, while the first one is being made.
        child.send(f"{tool.folder}/my\\ other.mp4 to {size // 2}B\r")
        child.expect("Queued; 1 before it")
        child.expect("%")
        child.send("\x03")
        child.expect("Stopped; “clip.mp4” is not finished")
        child.expect(f"Done: .*my other-{size // 2}B.mp4")
        child.send("no\x03")  # clears the line
        child.send("one.m\t")
        child.expect("p4")
        child.send(" to half\r")
        child.expect("Understood: “one.mp4”")
        child.expect("Done: one-")
        child.send("undo that\r")
        child.expect("Undone")
        child.send("\x04")
        child.expect("Bye")
        child.expect(pexpect.EOF)
        child.wait()
        assert child.exitstatus == 0
    assert not (tool.folder / "clip-300KB.mp4").exists()
    assert (tool.folder / f"my other-{size // 2}B.mp4").stat().st_size <= size // 2


def test_a_reopened_session_remembers_on_a_terminal(tool: Tool, two: tuple[Path, Path]):
    size = two[0].stat().st_size
    tool.talk(f"one.mp4 to {size // 2}B", *two)
    environment = {"TERM": "xterm", "PROMPT_TOOLKIT_NO_CPR": "1", "LANG": "C.UTF-8", "TIGHTFIT_HOME": str(tool.home)}
    child = pexpect.spawn(
        sys.executable,
        ["-m", "tightfit", "chat", "--resume"],
        cwd=str(tool.folder.parent),
        env={**os.environ, **environment},
        encoding="utf-8",
        timeout=patience(60),
    )
    child.expect("Back in the session of")
    child.send("y la otra también\r")
    child.expect("Listo: ")
    child.send("\x03")
    child.expect("Adiós")
    child.expect(pexpect.EOF)
    child.close()
    assert (tool.folder / f"my other-{size // 2}B.mp4").exists()
