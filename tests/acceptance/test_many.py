"""Many files on one command line: folders, patterns, destinations; each gets what can be done for it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from support.command import Tool
from support.footage import decode_complaints, lavfi, make, times_in

import tightfit


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
    assert said[0] == "Skipped: 1 hidden, 1 not media by its name, 1 a link to a folder. -v names them."
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
    assert first == "skipped in/notes.txt: not media by its name"


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


@pytest.fixture(scope="module")
def unlike(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two clips of the same length, one of which hardly moves, and one that is small already."""
    folder = tmp_path_factory.mktemp("unlike")
    h264 = ["-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p"]
    noise = "noise=alls=%d:allf=t+u"
    make(*lavfi(f"testsrc2=s=192x108:r=10:d=4,{noise % 24}"), *h264, "-crf", 8, folder / "busy.mp4")
    make(*lavfi(f"smptebars=s=192x108:r=10:d=4,{noise % 3}"), *h264, "-crf", 2, folder / "still.mp4")
    make(*lavfi("testsrc2=s=192x108:r=10:d=1"), *h264, "-crf", 45, folder / "small.mp4")
    return folder


def test_one_limit_for_all_is_shared_by_what_is_in_them(tool: Tool, unlike: Path):
    shutil.copytree(unlike, tool.folder / "in")
    (tool.folder / "in/bad.mp4").write_text("no video")
    ran = tool("-r", "in", "120KB", "--total", "-o", "out", "--json", "-q")
    assert ran.code == 3
    sizes = {Path(result["input"]).stem: result["bytes"] for result in ran.results}
    assert sizes.pop("bad") is None
    assert 0.99 * 120_000 <= sum(sizes.values()) <= 120_000
    assert sizes["busy"] > 2 * sizes["still"]
    assert sizes["small"] == (unlike / "small.mp4").stat().st_size
    assert {name for name in tool.files if name.startswith("out/")} == {
        "out/busy-120KB.mp4",
        "out/still-120KB.mp4",
        "out/small-120KB.mp4",
    }
    # What is there counts: taken up again, the run can't end above its limit.
    (tool.folder / "out/busy-120KB.mp4").unlink()
    again = tool("-r", "in", "120KB", "--total", "-o", "out", "--json", "-q")
    assert again.code != 0
    made = [(tool.folder / name).stat().st_size for name in tool.files if name.startswith("out/")]
    assert len(made) == 3
    assert sum(made) <= 120_000


def test_what_can_t_fit_together_says_what_would(tool: Tool, unlike: Path):
    shutil.copytree(unlike, tool.folder / "in")
    ran = tool("-r", "in", "6KB", "--total", "--json", "-q")
    assert ran.code == 4
    assert {result["status"] for result in ran.results} == {"infeasible"}
    changes = [option["change"] for option in ran.results[0]["options"]]
    assert changes[0].startswith("leave out busy.mp4")
    assert ran.results[0]["smallest_bytes"] > 6000


def test_python_gets_several_files_as_one_list_of_results(unlike: Path, tmp_path: Path):
    (tmp_path / "bad.mp4").write_text("no video")
    results = tightfit.compress_all([unlike / "*l.mp4", tmp_path / "bad.mp4"], preset=["mms", "email"], output=tmp_path)
    assert [(Path(one.input).name, one.destination, str(one.status)) for one in results] == [
        *((name, preset, "already_fits") for name in ("small.mp4", "still.mp4") for preset in ("mms", "email")),
        *(("bad.mp4", preset, "failed") for preset in ("mms", "email")),
    ]
    assert results[-1].error is not None
    assert results[-1].error.code == 3


def test_split_makes_parts_that_play_alone_and_together_show_every_frame_once(tool: Tool, made_scenes: Path):
    shutil.copy(made_scenes, tool.folder / "scenes.mp4")
    results = tool("scenes.mp4", "40KB", "--split", "--json", "-q").results
    parts = [tool.folder / f"scenes-40KB-part{n:02d}.mp4" for n in range(1, len(results) + 1)]
    assert len(parts) > 1
    assert [(result["part"], result["output"], result["status"]) for result in results] == [
        (n, path.name, "met") for n, path in enumerate(parts, 1)
    ]
    assert all(path.stat().st_size <= 40_000 and decode_complaints(path) == "" for path in parts)
    # Each begins at once, and none lacks or repeats a frame.
    lengths = [len(times_in(path)) for path in parts]
    assert all(times_in(path)[0] < 0.1 for path in parts)
    assert sum(lengths) == len(times_in(made_scenes))
    planned = tool("plan", "scenes.mp4", "40KB", "--split", "--json").lines
    assert len(planned) == len(parts)


def test_parts_go_into_a_folder_that_is_made_for_them(tool: Tool, made_scenes: Path):
    shutil.copy(made_scenes, tool.folder / "scenes.mp4")
    ran = tool("ask", "split scenes.mp4 in 2 parts under 60KB each", "-o", "new/parts", "-q")
    assert ran.code == 0, ran.err
    names = ["scenes-60KB-part01.mp4", "scenes-60KB-part02.mp4"]
    assert sorted(path.name for path in (tool.folder / "new" / "parts").iterdir()) == names


def test_a_slash_behind_an_output_means_a_folder_also_for_one_file(tool: Tool, made_tiny_clip: Path):
    shutil.copy(made_tiny_clip, tool.folder / "a.mp4")
    [result] = tool("a.mp4", "1MB", "-o", "small/", "--json", "-q").results
    assert result["output"] == "small/a-1MB.mp4"
    assert (tool.folder / "small" / "a-1MB.mp4").is_file()
    ran = tool("a.mp4", "1MB", "-o", "a.mp4/", "-q")
    assert ran.code == 2
    assert "is no folder" in ran.err


def test_a_sentence_says_how_many_parts(tool: Tool, made_scenes: Path):
    shutil.copy(made_scenes, tool.folder / "scenes.mp4")
    ran = tool("split scenes.mp4 in 2 parts under 60KB each", "-q")
    assert ran.code == 0
    assert {name for name in tool.files if "part" in name} == {"scenes-60KB-part01.mp4", "scenes-60KB-part02.mp4"}


def test_split_leaves_what_fits_as_it_is_and_has_nothing_to_do_with_total(tool: Tool, made_tiny_clip: Path):
    shutil.copy(made_tiny_clip, tool.folder / "a.mp4")
    [result] = tool("a.mp4", "1MB", "--split", "--json", "-q").results
    assert (result["part"], result["output"], result["status"]) == (1, "a-1MB.mp4", "already_fits")
    ran = tool("a.mp4", "1MB", "--split", "--total")
    assert ran.code == 2
    assert "Leave one of them out." in ran.complaint


@pytest.mark.usefixtures("clip")
def test_several_destinations_are_made_from_one_look_at_the_source(tool: Tool):
    ran = tool("clip.mp4", "--for", "mms", "--for", "x", "--audio", "32", "-v", "-o", "out")
    assert ran.code == 0
    assert {name for name in tool.files if name.startswith("out/")} == {"out/clip-mms.mp4", "out/clip-x.mp4"}
    commands = [line for line in ran.err.splitlines() if line.startswith("run: ")]
    assert sum("analysis.nut" in command for command in commands) == 1
    # A smaller picture of the same source is foretold from it too.
    smaller = tool("plan", "clip.mp4", "30%", "--resolution", "90p", "-v")
    assert smaller.code == 0
    assert "analysis.nut" not in smaller.err


@pytest.mark.usefixtures("clip")
def test_results_for_several_destinations_say_which(tool: Tool):
    results = tool("clip.mp4", "--for", "discord", "--for", "email", "--for", "discord", "--json", "-q").results
    assert [(result["destination"], result["output"]) for result in results] == [
        ("discord", "clip-discord.mp4"),
        ("email", "clip-email.mp4"),
    ]
