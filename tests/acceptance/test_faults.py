"""An encoder that crashes, hangs, is killed, stops short or meets a full disk: made again or told, never published."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import pytest
from support.command import Tool
from support.faulty import encodes_of, faulty_ffmpeg
from support.footage import decode_complaints, lavfi, make
from support.patience import patience

from tightfit.media.watchdog import STALL_S

ARGS = ("clip.mp4", "60%", "-o", "out.mp4")


def faulty(tool: Tool, fault: str, **plan: Any) -> dict[str, str]:
    program = faulty_ffmpeg(tool.home / "faulty", imageio_ffmpeg.get_ffmpeg_exe(), fault, **plan)
    return {"TIGHTFIT_FFMPEG": str(program)}


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("fault", ["crash", "killed", "short"])
def test_an_encode_that_fails_once_is_made_again(tool: Tool, fault: str):
    ran = tool(*ARGS, **faulty(tool, fault, times=1))
    assert ran.code == 0, ran.err
    assert decode_complaints(tool.folder / "out.mp4") == ""
    assert tool.files == {"clip.mp4", "out.mp4"}


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(("fault", "code"), [("crash", 1), ("killed", 1), ("short", 3)])
def test_an_encoder_that_keeps_failing_is_told_and_nothing_is_published(tool: Tool, fault: str, code: int):
    ran = tool(*ARGS, **faulty(tool, fault, times=1000))
    assert ran.code == code
    assert "clip.mp4" in ran.complaint
    assert tool.files == {"clip.mp4"}


# What is done before there are pieces, by a word of its command: all of it is read over, and all of the sound made.
ANALYSIS, SOUND = "veryfast", "-c:a"


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(("on", "fault"), [(ANALYSIS, "killed"), (SOUND, "crash")])
def test_an_analysis_or_a_sound_that_fails_once_is_made_again(tool: Tool, on: str, fault: str):
    ran = tool(*ARGS, **faulty(tool, fault, times=1, on=on))
    assert ran.code == 0, ran.err
    assert len(encodes_of(tool.home / "faulty")) == 2
    assert decode_complaints(tool.folder / "out.mp4") == ""
    with av.open(str(tool.folder / "out.mp4")) as made, av.open(str(tool.folder / "clip.mp4")) as source:
        assert [made.streams.video[0].frames, len(made.streams.audio)] == [source.streams.video[0].frames, 1]


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize(
    ("on", "fault", "code", "said"),
    [
        (ANALYSIS, "killed", 1, "want of memory"),
        (SOUND, "killed", 1, "want of memory"),
        (ANALYSIS, "crash", 3, "ffmpeg crashes when it decodes clip.mp4 (SIGSEGV"),
        (SOUND, "crash", 3, "The sound of clip.mp4 could not be read: the program that reads it crashed (SIGSEGV)"),
        (ANALYSIS, "full", 6, "is full"),
        (SOUND, "full", 6, "is full"),
    ],
)
def test_an_analysis_or_a_sound_that_keeps_failing_is_told_and_the_job_can_be_done_later(
    tool: Tool, on: str, fault: str, code: int, said: str
):
    ran = tool(*ARGS, **faulty(tool, fault, times=1000, on=on))
    assert (ran.code, said in ran.complaint, "clip.mp4" in ran.complaint) == (code, True, code != 6), ran.err
    assert tool.files == {"clip.mp4"}
    assert list((tool.home / "work").iterdir()) == []


@pytest.mark.usefixtures("clip")
def test_an_encode_that_was_killed_for_want_of_memory_is_made_again_with_less_of_it(tool: Tool):
    ran = tool(*ARGS, **faulty(tool, "killed", times=1))
    assert ran.code == 0, ran.err
    threads = [argv[argv.index("-threads", argv.index("-i")) + 1] for argv in encodes_of(tool.home / "faulty")]
    assert threads[1] == "1"


@pytest.mark.usefixtures("clip")
def test_an_encoder_that_is_killed_again_and_again_says_that_memory_is_short(tool: Tool):
    ran = tool(*ARGS, **faulty(tool, "killed", times=1000))
    assert ran.code == 1
    assert "want of memory" in ran.complaint
    assert "--jobs 1" in ran.complaint


def test_a_reader_that_crashes_over_the_comparison_costs_the_numbers_and_not_the_file(tool: Tool):
    still = lavfi("color=gray:s=160x90:r=10:d=1")
    make(*still, "-c:v", "mjpeg", "-q:v", 1, "-pix_fmt", "yuvj444p", tool.folder / "clip.mkv")
    ran = tool("clip.mkv", "90%", "-o", "out.mp4", **faulty(tool, "crash", times=1000, on="libvmaf"))
    assert ran.code == 0, ran.err
    assert "could not be compared with the source's" in ran.err
    assert decode_complaints(tool.folder / "out.mp4") == ""


@pytest.mark.usefixtures("clip")
def test_a_full_disk_stops_the_job_in_a_sentence(tool: Tool):
    ran = tool(*ARGS, **faulty(tool, "full", times=1000))
    assert ran.code == 6
    assert "full" in ran.complaint
    assert tool.files == {"clip.mp4"}


@pytest.mark.usefixtures("clip")
def test_an_encoder_that_hangs_is_ended_and_the_piece_is_made_again(tool: Tool):
    begun = time.monotonic()
    process = tool.start(*ARGS, **faulty(tool, "hang", times=1))
    _, err = process.communicate(timeout=patience(120))
    assert process.returncode == 0, err.decode()
    assert time.monotonic() - begun >= STALL_S
    assert (tool.folder / "out.mp4").exists()


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of four megabytes, where this machine lets us have one."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]).returncode:
        pytest.skip("no small disk: mounting a tmpfs needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.usefixtures("clip")
def test_a_disk_too_small_for_the_work_is_refused_with_the_numbers_before_the_encode(tool: Tool, small_disk: Path):
    (small_disk / "cache").mkdir()
    ran = tool(*ARGS, TIGHTFIT_HOME=str(small_disk))
    assert ran.code == 6
    assert "MB free" in ran.complaint
    assert "needs" in ran.complaint
    assert tool.files == {"clip.mp4"}
