"""`--min-quality`: what would look worse is refused, with a size that does, and what is made looks that good."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.command import Tool
from support.footage import make

BUNNY = "bunny.mp4"


@pytest.fixture(scope="module")
def small_bunny(bunny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of it at a quarter of its size."""
    path = tmp_path_factory.mktemp("bunny") / BUNNY
    make("-i", bunny, "-vf", "scale=320:180", "-t", "2", "-an", "-c:v", "libx264", "-crf", "12", path)
    return path


@pytest.fixture
def clip(tool: Tool, small_bunny: Path) -> Path:
    return Path(shutil.copy(small_bunny, tool.folder / BUNNY))


@pytest.mark.usefixtures("clip")
def test_what_looks_too_poor_is_refused_and_the_size_that_is_named_instead_looks_good_enough(tool: Tool):
    asked = ("--min-quality", "90", "-o", "out.mp4", "--json", "-q")
    ran = tool("compress", BUNNY, "25KB", *asked)
    assert ran.code == 4, ran.err
    [result] = ran.results
    assert result["status"] == "infeasible"
    assert result["smallest_bytes"] > 25_000
    assert result["options"][0]["limit_bytes"] == result["smallest_bytes"]
    assert tool.files == {BUNNY}
    ran = tool("compress", BUNNY, f"{result['smallest_bytes']}B", *asked)
    assert ran.code == 0, ran.err
    [result] = ran.results
    assert result["quality"]["mean"] >= 90
    assert result["bytes"] <= result["limit_bytes"]


@pytest.mark.usefixtures("clip")
def test_a_plan_foretells_what_it_will_look_like(tool: Tool):
    [plan] = tool("plan", BUNNY, "40KB", "--json").lines
    assert 0 < plan["predicted_vmaf"] < 100
    ran = tool("compress", BUNNY, "40KB", "-o", "out.mp4", "--min-quality", "1", "--json", "-q")
    assert ran.results[0]["quality"]["mean"] == pytest.approx(plan["predicted_vmaf"], abs=8)


@pytest.mark.usefixtures("clip")
def test_a_quality_that_no_size_reaches_says_so(tool: Tool):
    [plan] = tool("plan", BUNNY, "40KB", "--min-quality", "100", "--json").lines
    assert plan["status"] == "infeasible"
    assert [option["limit_bytes"] for option in plan["options"]] == [None]


@pytest.mark.usefixtures("clip")
@pytest.mark.parametrize("value", ["101", "-1", "good"])
def test_what_is_no_vmaf_is_refused(tool: Tool, value: str):
    ran = tool("compress", BUNNY, "40KB", "--min-quality", value)
    assert ran.code == 2
    assert "--min-quality" in ran.complaint


@pytest.mark.usefixtures("clip")
def test_an_ffmpeg_that_can_not_measure_it_is_no_help(tool: Tool):
    system = shutil.which("ffmpeg")
    if system is None:
        pytest.skip("no ffmpeg on the PATH: only the bundled one is tested")
    ran = tool("compress", BUNNY, "40KB", "--min-quality", "50", TIGHTFIT_FFMPEG=system)
    if "libvmaf" in tool("doctor", TIGHTFIT_FFMPEG=system).out and ran.code == 0:
        pytest.skip("the ffmpeg on the PATH measures VMAF")
    assert ran.code == 2
    assert "can't measure it" in ran.complaint
