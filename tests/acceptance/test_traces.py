"""What a run leaves and shows of its surroundings: no secret, no more disk than was said, nothing afterwards."""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from pathlib import Path

import imageio_ffmpeg
import psutil
import pytest
from support.command import Tool
from support.faulty import faulty_ffmpeg

from tightfit.domain.job import Kind
from tightfit.engine.journal import Journal

SECRETS = {
    "NEMO_TOKEN": "nmv_usr_canary0123456789",
    "AWS_SECRET_ACCESS_KEY": "canary/aws/0123456789",
    "HTTPS_PROXY": "http://canary:proxy@127.0.0.1:9",
    "MY_PASSWORD": "canary-password",
}


def _told_of(process: subprocess.Popen[bytes]) -> list[str]:
    """The command lines and environments of all that ran below ``process`` until it ended."""
    told, root = set(), psutil.Process(process.pid)
    while process.poll() is None:
        for child in _children(root):
            try:
                # One that was only just forked is a copy of ours, and has not become anything yet.
                if child.cmdline() == root.cmdline():
                    continue
                told.add("\0".join([*child.cmdline(), *(f"{k}={v}" for k, v in child.environ().items())]))
            except psutil.Error:
                continue
        time.sleep(0.01)
    return sorted(told)


def _children(root: psutil.Process) -> list[psutil.Process]:
    try:
        return root.children(recursive=True)
    except psutil.Error:
        return []


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("fault", [None, "crash"])
def test_no_secret_of_the_environment_is_seen_anywhere(tool: Tool, tmp_path: Path, fault: str | None):
    named = {}
    if fault:
        program = faulty_ffmpeg(tool.home / "faulty", imageio_ffmpeg.get_ffmpeg_exe(), fault, times=1000)
        named = {"TIGHTFIT_FFMPEG": str(program)}
    messages = [tmp_path / "out", tmp_path / "err"]
    with messages[0].open("wb") as out, messages[1].open("wb") as err:
        words = ("clip.mp4", "200KB", "-o", "out.mp4", "-v", "--json")
        process = tool.start(*words, stdout=out.fileno(), stderr=err.fileno(), **SECRETS, **named)
        told = _told_of(process)
    assert process.returncode == (1 if fault else 0)
    assert any("libx264" in words for words in told), "no encoder was seen at work"
    assert any("_probe_child" in words for words in told)
    assert (list((tool.home / "logs").glob("*")) != []) == bool(fault)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert tool.home / "journal.db" in written
    for secret in SECRETS.values():
        assert not [words for words in told if secret in words]
        assert not [path for path in written if secret.encode() in path.read_bytes()]


def _bytes_in(folder: Path) -> int:
    size = 0
    for path in folder.rglob("*"):
        try:
            size += path.lstat().st_blocks * 512
        except FileNotFoundError:
            continue
    return size


@pytest.mark.parametrize("limit", ["260KB"])
def test_no_more_disk_is_taken_than_was_asked_for(tool: Tool, made_scenes: Path, limit: str):
    shutil.copy(made_scenes, tool.folder / "scenes.mp4")
    messages, peak, part = tool.folder.parent / "messages", 0, 0
    with messages.open("w") as stderr:
        process = tool.start("scenes.mp4", limit, "-o", "out.mp4", "-v", stderr=stderr.fileno())
        while process.poll() is None:
            peak = max(peak, _bytes_in(tool.home / "work"))
            part = max(part, sum(path.stat().st_size for path in tool.folder.glob(".tightfit-*") if path.exists()))
            time.sleep(0.005)
    assert process.returncode == 0, messages.read_text()
    found = re.search(r"room: (\d+) bytes of work, (\d+) of output, (\d+) of pictures", messages.read_text())
    assert found is not None
    # Pictures are kept between passes where there is plenty of room.
    work, output = int(found[1]) + int(found[3]), int(found[2])
    print(f"{limit}: {peak} of {work} bytes of work, {part} of {output} of output")
    assert 0 < peak <= 1.05 * work
    # What came out too large is written as well before it is made smaller.
    assert 0 < part <= 1.2 * output
    assert list((tool.home / "work").iterdir()) == []
    assert tool.files == {"scenes.mp4", "out.mp4"}


@pytest.mark.parametrize(("fault", "first"), [("full", 3)])
def test_after_a_failure_nothing_is_left_beyond_the_finished_pieces(
    tool: Tool, made_scenes: Path, fault: str, first: int
):
    shutil.copy(made_scenes, tool.folder / "scenes.mp4")
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    program = faulty_ffmpeg(tool.home / "faulty", ffmpeg, fault, times=1000, first=first)
    ran = tool("scenes.mp4", "220KB", TIGHTFIT_FFMPEG=str(program))
    assert ran.code in (1, 6)
    assert tool.files == {"scenes.mp4"}
    [record] = Journal(tool.home / "journal.db").records()
    kept = {part["file"] for event in record.work if event.kind is Kind.MADE for part in event.data["parts"]}
    assert kept
    assert {path.name for path in (tool.home / "work" / record.id).iterdir()} - {"lock"} == kept
