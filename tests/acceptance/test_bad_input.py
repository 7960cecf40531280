"""Whatever is given to it: the right exit code, one paragraph, and nothing written or changed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from support.command import Ran, Tool
from support.footage import lavfi, make

SMALL = "20KB"


def write_without_pictures(path: Path, clip: Path) -> None:
    """A header that promises a stream, and nothing of it: no frame, no duration."""
    make("-i", clip, "-an", "-c:v", "copy", "-movflags", "empty_moov+frag_keyframe", path)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moof") - 4])


def write_unusable(folder: Path, clip: Path) -> list[str]:
    """Files of many kinds, none of which holds anything that could be made smaller."""
    (folder / "folder.mp4").mkdir()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("This is no video.\n" * 5000)
    (folder / "random.mp4").write_bytes(os.urandom(100_000))
    # The index of this clip stands at its end.
    (folder / "cut.mp4").write_bytes(clip.read_bytes()[:500_000])
    (folder / "playlist.mp4").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{clip}\n#EXT-X-ENDLIST\n")
    (folder / "concat.mp4").write_text(f"ffconcat version 1.0\nfile {clip}\n")
    (folder / "dangling.mp4").symlink_to("nowhere.mp4")
    os.mkfifo(folder / "pipe.mp4")
    return [*sorted(path.name for path in folder.iterdir() if path != clip), "missing.mp4"]


def test_each_input_that_holds_nothing_is_named_in_one_paragraph_and_nothing_is_written(tool: Tool, clip: Path):
    names = write_unusable(tool.folder, clip)
    before = tool.files
    ran = tool(*names, SMALL, "--json", "-q")
    assert ran.code == 3
    assert {result["input"]: result["error"]["code"] for result in ran.results} == dict.fromkeys(names, 3)
    for name, paragraph in zip(names, ran.said, strict=True):
        assert name in paragraph
    assert tool.files == before


@pytest.mark.parametrize(("write", "size"), [(write_without_pictures, SMALL)])
def test_a_file_that_holds_nothing_is_refused(tool: Tool, clip: Path, write: Callable[[Path, Path], None], size: str):
    write(tool.folder / "given.mp4", clip)
    ran = tool("given.mp4", size)
    assert ran.code == 3
    assert tool.files == {"clip.mp4", "given.mp4"}


def test_frames_that_come_in_another_order_than_their_times_say_are_refused(tool: Tool, clip: Path):
    ordered, given = tool.folder / "ordered.mkv", tool.folder / "given.mkv"
    make("-i", clip, "-an", "-frames:v", 20, "-vf", "scale=96:64", "-c:v", "mjpeg", ordered)
    with av.open(str(ordered)) as source, av.open(str(given), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        times = [packet.pts for packet in packets]
        times[6], times[7] = times[7], times[6]
        for n, (packet, time) in enumerate(zip(packets, times, strict=True)):
            packet.stream, packet.pts, packet.dts = stream, time, n - len(packets)
            target.mux(packet)
    ordered.unlink()
    ran = tool("given.mkv", "10KB")
    assert ran.code == 3
    assert "another order" in ran.err
    assert tool.files == {"clip.mp4", "given.mkv"}


def test_a_file_cut_short_is_used_as_far_as_it_goes_or_refused(tool: Tool, clip: Path):
    whole, cut = tool.folder / "whole.mp4", tool.folder / "cut.mp4"
    make("-i", clip, "-c", "copy", "-movflags", "+faststart", whole)
    cut.write_bytes(whole.read_bytes()[:400_000])
    before = tool.files
    ran = tool("cut.mp4", SMALL)
    assert ran.code in (0, 3)
    if ran.code == 0:
        assert any("header claims" in line for line in ran.said)
        assert (tool.folder / "cut-20KB.mp4").stat().st_size <= 20_000
    assert tool.files - before == ({"cut-20KB.mp4"} if ran.code == 0 else set())


def test_the_source_is_never_its_own_output_under_any_name(tool: Tool, clip: Path):
    (tool.folder / "soft.mp4").symlink_to("clip.mp4")
    (tool.folder / "hard.mp4").hardlink_to(clip)
    before = tool.files
    for output in ("./clip.mp4", "soft.mp4", "hard.mp4"):
        ran = tool("clip.mp4", SMALL, "-o", output, "--overwrite")
        assert (ran.code, output) == (6, output)
        assert "is the source itself" in ran.complaint
        assert tool.files == before


def refused(ran: Ran, word: str) -> None:
    assert ran.code == 6
    assert word in ran.complaint
    assert ran.out == ""


@pytest.mark.usefixtures("clip")
def test_an_output_in_a_folder_that_is_not_there_is_refused_before_any_work(tool: Tool):
    refused(tool("clip.mp4", SMALL, "-o", "nowhere/out.mp4"), "nowhere")
    assert tool.files == {"clip.mp4"}


@pytest.mark.usefixtures("clip")
def test_an_existing_output_is_left_alone_without_overwrite(tool: Tool):
    output = tool.folder / "clip-20KB.mp4"
    output.write_text("mine")
    refused(tool("clip.mp4", SMALL), "--overwrite")
    assert output.read_text() == "mine"


@pytest.mark.usefixtures("clip")
def test_an_existing_output_is_replaced_with_overwrite(tool: Tool):
    output = tool.folder / "clip-20KB.mp4"
    output.write_text("old")
    assert tool("clip.mp4", SMALL, "--overwrite").code == 0
    assert output.read_bytes()[4:8] == b"ftyp"
    assert tool.files == {"clip.mp4", output.name}


@pytest.mark.usefixtures("clip")
def test_a_read_only_output_is_refused_even_with_overwrite(tool: Tool):
    output = tool.folder / "out.mp4"
    output.write_text("mine")
    output.chmod(0o444)
    refused(tool("clip.mp4", SMALL, "-o", "out.mp4", "--overwrite"), "read-only")
    assert output.read_text() == "mine"


@pytest.mark.usefixtures("clip")
def test_a_folder_of_the_output_s_name_is_not_replaced(tool: Tool):
    (tool.folder / "clip-20KB.mp4").mkdir()
    refused(tool("clip.mp4", SMALL, "--overwrite"), "clip-20KB.mp4")


# What an encoder or a shell could take for something else, and what a terminal or a disk could.
ENCODED = ("-dash.mp4", "a%d%03d.mp4", "quote'\".mp4", "a,b=c;[in].mp4", "new\nline.mp4", "x" * 246 + ".mp4")
COPIED = (
    *("with space.mp4", "[/red].mp4", "a;$(touch pwned)`id`.mp4", "\u0641\u064a\u062f\u064a\u0648.mp4"),
    *("\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}.mp4", "\x1b[31mred.mp4", "abc\N{RIGHT-TO-LEFT OVERRIDE}4pm.mp4"),
)
STRANGE = [
    pytest.param("\N{LATIN SMALL LETTER E WITH ACUTE}" * 123 + ".mp4", id="250 bytes that are fewer letters"),
    pytest.param("12:30 http:x.mp4", id="a colon"),
    pytest.param(os.fsdecode(b"caf\xe9.mp4"), id="not UTF-8"),
]


@pytest.mark.parametrize(("names", "size"), [(ENCODED, "5KB"), (COPIED, "5MB")])
def test_names_of_every_kind_are_names_and_nothing_else(
    tool: Tool, made_tiny_clip: Path, names: tuple[str, ...], size: str
):
    for name in names:
        (tool.folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(made_tiny_clip, tool.folder / name)
    before = tool.files
    ran = tool("--to", size, "--", *names)
    assert ran.code == 0, ran.err
    written = tool.files - before
    assert len(written) == len(names)
    for name, line in zip(names, ran.out.splitlines(), strict=True):
        # Only the longest name has to give up some of its end for the limit in the output's name.
        stem = name.removesuffix(".mp4")[:240]
        assert [file for file in written if file.startswith(stem) and file.endswith(f"-{size}.mp4")]
        assert line.replace("\N{ZERO WIDTH JOINER}", "").isprintable()
    assert "\x1b" not in ran.err + ran.out


@pytest.mark.parametrize("name", STRANGE)
def test_stranger_names_are_names_too(tool: Tool, made_tiny_clip: Path, name: str):
    shutil.copy(made_tiny_clip, tool.folder / name)
    ran = tool("--to", "5KB", "--", name)
    assert ran.code == 0, ran.err
    assert len(tool.files) == 2


def test_a_missing_file_with_an_odd_name_is_told_in_one_line_without_control_characters(tool: Tool):
    ran = tool("compress", "--to", "5MB", "--", "no\n\x1b[2Jsuch\x07.mp4")
    assert ran.code == 3
    assert "no\\n\\x1b[2Jsuch\\x07.mp4" in ran.complaint


@pytest.mark.usefixtures("clip")
def test_what_is_unusable_does_not_keep_the_rest_from_being_done(tool: Tool):
    (tool.folder / "out").mkdir()
    ran = tool("missing.mp4", "clip.mp4", "5MB", "-o", "out", "--json", "-q")
    assert ran.code == 3
    assert [result["status"] for result in ran.results] == ["failed", "already_fits"]
    assert "out/clip-5MB.mp4" in tool.files


def test_two_inputs_never_become_one_output(tool: Tool, clip: Path):
    (tool.folder / "other").mkdir()
    make(*lavfi("testsrc=size=64x64:rate=25:duration=1"), tool.folder / "other" / "clip.mp4")
    (tool.folder / "out").mkdir()
    ran = tool("clip.mp4", "other/clip.mp4", "5MB", "-o", "out", "--overwrite")
    assert ran.code == 0
    assert (tool.folder / "out" / "clip-mp4-5MB.mp4").read_bytes() != clip.read_bytes()
    assert (tool.folder / "out" / "clip-5MB.mp4").read_bytes() == clip.read_bytes()
