"""Which files a command line means: folders, patterns, and what is left out of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tightfit.domain.request import CompressRequest
from tightfit.engine.inputs import Found, find, reasons
from tightfit.engine.several import gather
from tightfit.errors import SourceError
from tightfit.units import parse_target


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return root


def taken(found: Found, root: Path) -> list[str]:
    return [str(one.path.relative_to(root)) for one in found.inputs]


def left_out(found: Found, root: Path) -> dict[str, str]:
    return {str(one.path.relative_to(root)): one.why for one in found.skipped}


def test_a_folder_is_what_is_below_it_in_order_and_the_rest_is_said(tmp_path: Path):
    tree(tmp_path, "b.mp4", "a.MOV", "sub/deep/c.mkv", "notes.txt", ".h.mp4", ".cache/x.mp4", "noname")
    found = find([tmp_path], recursive=True)
    assert taken(found, tmp_path) == ["a.MOV", "b.mp4", "sub/deep/c.mkv"]
    assert [str(one.below) for one in found.inputs] == [".", ".", "sub/deep"]
    assert left_out(found, tmp_path) == {
        ".cache": "hidden",
        ".h.mp4": "hidden",
        "noname": "not media by its name",
        "notes.txt": "not media by its name",
    }
    assert reasons(found.skipped) == "2 hidden, 2 not media by its name"


def test_two_folders_keep_their_names_in_the_output(tmp_path: Path):
    tree(tmp_path, "x/a.mp4", "y/z/a.mp4")
    found = find([tmp_path / "x", tmp_path / "y"], recursive=True, output=tmp_path / "out")
    assert [str(one.below) for one in found.inputs] == ["x", "y/z"]


def test_without_r_a_folder_stays_for_whoever_opens_it_to_refuse(tmp_path: Path):
    tree(tmp_path, "a.mp4")
    assert [one.path for one in find([tmp_path]).inputs] == [tmp_path]


def test_links_make_no_loop_and_a_file_counts_once(tmp_path: Path):
    tree(tmp_path, "sub/a.mp4")
    (tmp_path / "sub/loop").symlink_to("..")
    (tmp_path / "sub/b.mp4").symlink_to("a.mp4")
    os.link(tmp_path / "sub/a.mp4", tmp_path / "sub/c.mp4")
    (tmp_path / "sub/nowhere.mp4").symlink_to("gone.mp4")
    found = find([tmp_path], recursive=True)
    assert taken(found, tmp_path) == ["sub/a.mp4"]
    assert left_out(found, tmp_path) == {
        "sub/b.mp4": "the same file once more",
        "sub/c.mp4": "the same file once more",
        "sub/loop": "a link to a folder",
        "sub/nowhere.mp4": "a link to nothing",
    }


def test_a_linked_folder_that_is_named_is_gone_into(tmp_path: Path):
    tree(tmp_path, "real/a.mp4")
    (tmp_path / "link").symlink_to("real")
    assert len(find([tmp_path / "link"], recursive=True).inputs) == 1


@pytest.mark.parametrize("name", ["clip-5MB.mp4", "clip-25pct.mp4", "clip-discord.mp4", "clip-1.5GB-part02.mp4"])
def test_what_was_made_of_another_input_is_left_out(tmp_path: Path, name: str):
    tree(tmp_path, "clip.mov", name)
    by_folder = find([tmp_path], recursive=True)
    by_name = find([tmp_path / "clip.mov", tmp_path / name])
    assert taken(by_folder, tmp_path) == taken(by_name, tmp_path) == ["clip.mov"]
    assert left_out(by_folder, tmp_path) == {name: "made by tightfit, by its name"}


@pytest.mark.parametrize("name", ["clip-2.mp4", "clip-beach.mp4", "clip-720p.mp4", "clip-.mp4", "other-5MB.mp4"])
def test_a_name_that_only_looks_like_one_of_ours_is_taken(tmp_path: Path, name: str):
    tree(tmp_path, "clip.mov", name)
    assert len(find([tmp_path], recursive=True).inputs) == 2


def test_an_output_whose_source_is_gone_is_left_out_of_a_folder_but_not_where_it_is_named(tmp_path: Path):
    tree(tmp_path, "a.mp4", "gone-5MB.mp4", "gone-5MB-part03.mp4")
    assert taken(find([tmp_path], recursive=True, slugs=["5MB"]), tmp_path) == ["a.mp4"]
    assert len(find([tmp_path / "gone-5MB.mp4"], slugs=["5MB"]).inputs) == 1


def test_the_output_folder_is_not_gone_into(tmp_path: Path):
    tree(tmp_path, "a.mp4", "small/b.mp4")
    found = find([tmp_path], recursive=True, output=tmp_path / "small")
    assert taken(found, tmp_path) == ["a.mp4"]
    assert left_out(found, tmp_path) == {"small": "the output folder"}


def test_a_pattern_is_what_matches_it_unless_a_file_has_that_name(tmp_path: Path):
    tree(tmp_path, "b.mp4", "a.mp4", "a.txt", "[a].mp4", "sub/c.mp4")
    assert taken(find([tmp_path / "[ab].mp4"]), tmp_path) == ["a.mp4", "b.mp4"]
    assert taken(find([tmp_path / "[a].mp4"]), tmp_path) == ["[a].mp4"]
    assert taken(find([tmp_path / "**/*.mp4"]), tmp_path) == ["[a].mp4", "a.mp4", "b.mp4", "sub/c.mp4"]
    found = find([tmp_path / "*"])
    assert left_out(found, tmp_path) == {
        "a.txt": "not media by its name",
        "sub": "a folder (-r takes what is in it)",
    }


def test_a_pattern_that_nothing_matches_is_kept_for_whoever_opens_it(tmp_path: Path):
    assert [one.path for one in find([tmp_path / "*.mp4"]).inputs] == [tmp_path / "*.mp4"]


def test_outputs_that_would_have_one_name_get_two(tmp_path: Path):
    tree(tmp_path, "x/a.mov", "x/A.mp4", "x/a.avi", "y/a.avi")
    beside = find([tmp_path / name for name in ("x/a.mov", "x/A.mp4", "x/a.avi", "y/a.avi")])
    assert [one.stem for one in beside.inputs] == ["", "A-mp4", "a-avi", ""]
    together = find([tmp_path / name for name in ("x/a.avi", "y/a.avi", "x/a.mov")], output=tmp_path / "out")
    assert [one.stem for one in together.inputs] == ["", "a-avi", "a-mov"]


def test_a_folder_with_nothing_to_work_on_says_what_is_there(tmp_path: Path):
    tree(tmp_path, "a.txt", "b.txt", ".c.mp4")
    with pytest.raises(SourceError, match="1 hidden, 2 not media by its name"):
        find([tmp_path], recursive=True)


def test_a_folder_that_can_t_be_read_is_said_and_the_others_are_still_taken(tmp_path: Path):
    tree(tmp_path, "a.mp4")
    # Named twice and gone when it is walked: as where another process removes it meanwhile.
    (tmp_path / "sub").mkdir(mode=0)
    found = find([tmp_path], recursive=True)
    assert taken(found, tmp_path) == ["a.mp4"]
    if os.geteuid() != 0:
        assert left_out(found, tmp_path) == {"sub": "can't be read"}


@pytest.mark.parametrize(
    ("output", "split", "folder"),
    [
        ("parts", True, "parts"),
        ("parts", 3, "parts"),
        ("parts/", False, "parts"),
        ("parts/", True, "parts"),
        ("parts.of/", False, "parts.of"),
        ("cut.mp4", True, None),
        ("cut.mp4", False, None),
        ("cut", False, None),
        (None, True, None),
    ],
)
def test_an_output_is_a_folder_where_parts_go_there_or_a_slash_says_so(
    output: str | None, split: bool | int, folder: str | None, tmp_path: Path
):
    source = tree(tmp_path, "a.mp4") / "a.mp4"
    asked = str(tmp_path / output) + ("/" if output.endswith("/") else "") if output else None

    def request(path: Path, _: int, place: str | None) -> CompressRequest:
        return CompressRequest(path, parse_target("5MB"), output=Path(place) if place else None)

    found = gather([source], ["5MB"], request, recursive=False, output=asked, split=split)
    assert found.folders == ({tmp_path / folder} if folder else set())
    assert [one.output for one in found.requests] == [Path(asked) if asked else None]
