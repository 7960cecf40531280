"""A command line to run, and small clips for it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Tool
from support.footage import lavfi, make, make_reel


@pytest.fixture
def tool(tmp_path: Path, known_ffmpegs: Path) -> Tool:
    """The command line in an empty folder."""
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    shutil.copytree(known_ffmpegs, home)
    return Tool(folder, home)


@pytest.fixture(scope="session")
def made_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three noisy seconds with a tone, about 0.8 MB."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    picture = lavfi("testsrc2=size=320x180:rate=25:duration=3,noise=alls=12:allf=t")
    sound = lavfi("sine=frequency=440:duration=3")
    h264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", 20, "-pix_fmt", "yuv420p"]
    make(*picture, *sound, *h264, "-c:a", "aac", path)
    return path


@pytest.fixture(scope="session")
def made_tiny_clip(made_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third of a second, silent: what takes longest with it is starting the processes."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.mp4"
    make("-i", made_clip, "-an", "-frames:v", 8, "-vf", "scale=160:90", "-crf", 12, path)
    return path


@pytest.fixture
def clip(tool: Tool, made_clip: Path) -> Iterator[Path]:
    """``clip.mp4`` in the tool's folder; whatever a test does, it is the same afterwards."""
    path = tool.folder / "clip.mp4"
    shutil.copy(made_clip, path)
    yield path
    assert path.read_bytes() == made_clip.read_bytes()


@pytest.fixture(scope="session")
def made_reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reel(tmp_path_factory.mktemp("reel") / "reel.mp4")
