"""One real case of the benchmark against other tools, from the command to the row."""

from __future__ import annotations

from benchmarks.cases import Case
from benchmarks.peers.__main__ import run_case
from benchmarks.peers.tools import TOOLS
from tests.support.footage import lavfi, make


def test_a_formula_is_run_and_measured(tmp_path, monkeypatch):
    """The ffmpeg of PATH is the bundled one here, as ``make peers`` has it."""
    import imageio_ffmpeg

    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
    monkeypatch.setattr("benchmarks.peers.__main__.HOME", tmp_path)
    clip = tmp_path / "clip.mp4"
    make(*lavfi("testsrc2=s=128x96:r=25:d=1"), "-c:v", "libx264", "-crf", "10", clip)
    row = run_case(Case(clip, 12_000, 0.12), TOOLS["8mb.local"], "formula", limit_s=100)
    assert row["state"] in ("made", "over"), row.get("said")
    assert 0 < row["bytes"] == round(row["fill"] * 12_000)
    assert (row["frames_lost"], row["size"]) == (0, "128x96")
    assert 0 < row["vmaf_p1"] <= row["vmaf"] <= 100
    assert row["xpsnr"] > 10
    assert row["cpu_s"] > 0
    assert row["peak_mb"] > 1


def test_what_takes_too_long_is_ended(tmp_path):
    clip = tmp_path / "clip.mp4"
    make(*lavfi("testsrc2=s=128x96:r=25:d=1"), "-c:v", "libx264", clip)
    row = run_case(Case(clip, 12_000, 0.12), TOOLS["two-pass-slow"], "formula", limit_s=0.01)
    assert row["state"] == "timed out"
    assert "vmaf" not in row
