"""Recordings of screens: lines and letters are told from what a camera sees, and encoded as such."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from support.footage import lavfi, make

import tightfit

FREE_OF_GRAIN = "psy-rd=0.4"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of a page of small letters that is scrolled through."""
    folder = tmp_path_factory.mktemp("page")
    image = Image.new("RGB", (640, 1280), "white")
    pen = ImageDraw.Draw(image)
    for line in range(100):
        text = f"{line:3d}  for word in line.split(): yield word.strip('.,;') or {line * 7919 % 1009:x}"
        pen.text((8, 12 * line + 4), text, fill=("black", "navy", "darkgreen")[line % 3])
    image.save(folder / "page.png")
    moving = "crop=640:360:0:2*n,format=yuv420p"
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 6, "-an")
    make("-loop", 1, "-framerate", 25, "-t", 3, "-i", folder / "page.png", "-vf", moving, *coded, folder / "page.mp4")
    return folder / "page.mp4"


def _encodes(log: pytest.LogCaptureFixture) -> list[str]:
    """The commands that made the picture; the analysis is told by its preset."""
    commands = [r.getMessage() for r in log.records if "x264-params" in r.getMessage()]
    return [command for command in commands if "veryfast" not in command and " lavfi " not in command]


def test_letters_are_encoded_without_made_up_grain_and_the_plan_says_so(
    page: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    plan = tightfit.plan(page, to="110KB")
    assert any("lines and letters" in reason for reason in plan.reasons)
    with caplog.at_level(logging.DEBUG, "tightfit"):
        result = tightfit.compress(page, to="110KB", output=tmp_path / "out.mp4")
    assert _encodes(caplog)
    assert all(FREE_OF_GRAIN in command for command in _encodes(caplog))
    assert 0.95 < result.fill <= 1


def test_a_codec_without_values_for_screens_claims_none(page: Path):
    plan = tightfit.plan(page, to="110KB", codec="hevc", effort="fast")
    assert not any("lines and letters" in reason for reason in plan.reasons)


def test_what_a_camera_may_have_seen_is_encoded_as_usual(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    source = tmp_path / "fractal.mp4"
    soft = "mandelbrot=s=640x360:r=25,trim=duration=2,gblur=2,format=yuv420p"
    make(*lavfi(soft), "-c:v", "libx264", "-crf", 4, source)
    with caplog.at_level(logging.DEBUG, "tightfit"):
        tightfit.compress(source, to="40KB", output=tmp_path / "out.mp4")
    assert _encodes(caplog)
    assert not any(FREE_OF_GRAIN in command for command in _encodes(caplog))
