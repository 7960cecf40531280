"""`--report`: one page about one file, written whole or not at all."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageStat
from support.command import Ran, Tool

SCENES = "scenes.mp4"


@pytest.fixture
def scenes(tool: Tool, made_small_scenes: Path) -> Path:
    return Path(shutil.copy(made_small_scenes, tool.folder / SCENES))


def pictures_in(page: str) -> list[Image.Image]:
    return [
        Image.open(io.BytesIO(base64.b64decode(data)))
        for data in re.findall(r'src="data:image/jpeg;base64,([^"]+)"', page)
    ]


@pytest.mark.parametrize("which", ["bundled", "system"])
@pytest.mark.usefixtures("scenes")
def test_the_page_shows_the_source_and_the_file_and_the_result_has_its_quality(tool: Tool, which: str):
    system = shutil.which("ffmpeg")
    if which == "system" and system is None:
        pytest.skip("no ffmpeg on the PATH: only the bundled one is tested")
    env = {"TIGHTFIT_FFMPEG": system} if which == "system" and system else {}
    ran = tool("compress", SCENES, "45KB", "-o", "out.mp4", "--report", "out.html", "--json", "-v", **env)
    assert ran.code == 0, ran.err
    [result] = ran.results
    quality, page = result["quality"], (tool.folder / "out.html").read_text()
    assert quality["p1"] <= quality["harmonic_mean"] <= quality["mean"]
    assert f"{result['bytes']:,}".replace(",", " ") in page
    assert page.count("<tr>") == 1 + result["segments"]["total"]
    told = re.findall(rf"^segment \d+, from .*: {quality['metric'].upper()} [\d.]+, first percentile", ran.err, re.M)
    assert len(told) == result["segments"]["total"]
    before, after, *others = pictures_in(page)
    assert len(others) in (0, 2)
    assert before.size == after.size == (128, 72)
    means = [ImageStat.Stat(picture.convert("RGB")).mean for picture in (before, after)]
    assert all(abs(a - b) < 12 for a, b in zip(*means, strict=True)), "another picture, or other colours"
    assert tool.files == {SCENES, "out.mp4", "out.html"}


def refused(ran: Ran, code: int, word: str) -> None:
    assert ran.code == code, ran
    assert word in ran.complaint


@pytest.mark.usefixtures("scenes")
def test_a_page_that_is_there_stays_as_it_is_and_nothing_is_begun(tool: Tool):
    (tool.folder / "out.html").write_text("mine")
    refused(tool("compress", SCENES, "45KB", "-o", "out.mp4", "--report", "out.html"), 6, "already there")
    assert (tool.folder / "out.html").read_text() == "mine"
    assert "out.mp4" not in tool.files


@pytest.mark.usefixtures("scenes")
@pytest.mark.parametrize(
    ("name", "code", "word"), [("out.mp4", 2, ".html"), ("no/where.html", 6, "does not exist"), (".", 2, ".html")]
)
def test_a_page_that_can_not_be_written_is_refused_before_any_work(tool: Tool, name: str, code: int, word: str):
    refused(tool("compress", SCENES, "45KB", "-o", "out.mp4", "--report", name), code, word)
    assert tool.files == {SCENES}


@pytest.mark.usefixtures("scenes")
def test_several_files_have_no_one_page(tool: Tool):
    shutil.copy(tool.folder / SCENES, tool.folder / "two.mp4")
    refused(tool("compress", SCENES, "two.mp4", "45KB", "--report", "out.html"), 2, "--report tells of one file")


@pytest.mark.usefixtures("scenes")
def test_a_copy_says_that_there_is_nothing_to_report(tool: Tool):
    ran = tool("compress", SCENES, "5MB", "-o", "out.mp4", "--report", "out.html", "--json")
    assert ran.code == 0
    assert any("nothing to report" in warning for warning in ran.results[0]["warnings"])
    assert "out.html" not in tool.files
