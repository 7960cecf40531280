"""Many files on one command line: folders, patterns, destinations; each gets what can be done for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from support.command import Tool


def test_a_folder_becomes_a_folder_like_it_and_a_bad_file_stops_nothing(tool: Tool, made_tiny_clip: Path):
    for name in ("in/a.mp4", "in/day one/b.mp4", "in/day one/b.mov", "in/.hidden.mp4"):
        (tool.folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(made_tiny_clip, tool.folder / name)
    (tool.folder / "in/bad.mp4").write_text("no video at all")
    (tool.folder / "in/notes.txt").write_text("nor this")
    (tool.folder / "in/day one/loop").symlink_to("..")
    ran = tool("-r", "in", "1MB", "-o", "out")
    assert ran.code == 3
    made = {name for name in tool.files if name.startswith("out/") and name.endswith((".mp4", ".mov"))}
    assert made == {"out/a-1MB.mp4", "out/day one/b-1MB.mov", "out/day one/b-mp4-1MB.mp4"}
    assert len(ran.out.splitlines()) == 3
    said = ran.said
    assert said[0] == "Skipped: 1 hidden, 1 not a video by its name, 1 a link to a folder. -v names them."
    assert [line.split()[0] for line in said[-5:-1]] == ["a.mp4", "bad.mp4", "b.mov", "b.mp4"]
    assert "failed (3)" in said[-4]
    assert said[-1].startswith("4 outputs: 3 fitted already, 1 failed; ")


def test_json_says_what_became_of_each_input_and_what_was_skipped(tool: Tool, made_tiny_clip: Path):
    (tool.folder / "in").mkdir()
    shutil.copy(made_tiny_clip, tool.folder / "in/a.mp4")
    (tool.folder / "in/notes.txt").write_text("no video")
    ran = tool("in/*", "missing.mp4", "1MB", "--json", "-o", "out")
    assert [(result["input"], result["status"]) for result in ran.results] == [
        ("in/a.mp4", "already_fits"),
        ("missing.mp4", "failed"),
    ]
    assert ran.code == ran.results[1]["error"]["code"] == 3
    [first] = [line["message"] for line in ran.lines if line["type"] == "update" and line["job_id"] is None]
    assert first == "skipped in/notes.txt: not a video by its name"


def test_a_second_run_in_the_same_folder_makes_nothing_of_what_the_first_one_made(tool: Tool, made_tiny_clip: Path):
    shutil.copy(made_tiny_clip, tool.folder / "a.mp4")
    assert tool("-r", ".", "1MB", "-q").code == 0
    before = tool.files
    assert tool("-r", ".", "1MB", "-q", "--overwrite").code == 0
    assert tool("a.mp4", "a-1MB.mp4", "2MB", "-q").code == 0
    assert tool.files == before | {"a-2MB.mp4"}


def test_folders_for_outputs_are_made_and_go_again_where_nothing_came_of_it(tool: Tool):
    (tool.folder / "in").mkdir()
    (tool.folder / "in/bad.mp4").write_text("no video")
    assert tool("-r", "in", "1MB", "-o", "new/out").code == 3
    assert not (tool.folder / "new").exists()
    (tool.folder / "file").write_text("")
    ran = tool("-r", "in", "1MB", "-o", "file")
    assert ran.code == 2
    assert "-o file is no folder" in ran.complaint


def test_a_folder_without_r_is_refused_and_the_rest_is_done(tool: Tool, made_tiny_clip: Path):
    shutil.copy(made_tiny_clip, tool.folder / "a.mp4")
    (tool.folder / "in").mkdir()
    ran = tool("in", "a.mp4", "1MB")
    assert ran.code == 3
    assert any("in is a folder" in line and "-r" in line for line in ran.said)
    assert "a-1MB.mp4" in tool.files


def test_a_plan_takes_folders_too(tool: Tool, made_tiny_clip: Path):
    (tool.folder / "in").mkdir()
    os.link(made_tiny_clip, tool.folder / "in/a.mp4")
    ran = tool("plan", "-r", "in", "1MB", "--json")
    assert [plan["input"] for plan in ran.lines] == ["in/a.mp4"]
