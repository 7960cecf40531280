"""Edits, as a caller of the package sees them: the frames that stay, when they come, and the sound beside them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.footage import decode_complaints, lavfi, make, make_numbered, numbers_in, times_in

import tightfit
from tightfit.domain.result import Status
from tightfit.errors import UsageError


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4.8 s of frames that show their number, with B-frames and a keyframe each 50; and a tone."""
    folder = tmp_path_factory.mktemp("numbered")
    coded = ("-c:v", "libx264", "-g", 50, "-crf", 12, "-c:a", "aac", "-b:a", "64k", "-shortest")
    tone = lavfi("sine=440:sample_rate=48000:d=4.8")
    make("-i", make_numbered(folder / "raw.nut"), *tone, *coded, folder / "numbered.mp4")
    return folder / "numbered.mp4"


@pytest.mark.parametrize(
    ("trim", "first", "last"),
    [("1.01-3", 26, 75), ("-0:02", 0, 50), ("2.6-", 65, 120)],
    ids=["inside", "begin", "end"],
)
def test_a_trim_is_exact_to_the_frame(numbered: Path, trim: str, first: int, last: int, tmp_path: Path):
    output = tmp_path / "out.mp4"
    result = tightfit.compress(numbered, to="60KB", trim=trim, output=output)
    assert (result.status, result.frames) == (Status.MET, last - first)
    assert output.stat().st_size <= 60_000
    assert numbers_in(output) == list(range(first, last))
    assert times_in(output) == [t - times_in(numbered)[first] for t in times_in(numbered)[first:last]]
    assert result.duration_s == pytest.approx((last - first) / 25)
    assert decode_complaints(output) == ""


def test_a_trim_that_leaves_nothing_is_refused(numbered: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=r"4\.800 s") as refused:
        tightfit.compress(numbered, to="60KB", trim="5-6", output=tmp_path / "out.mp4")
    assert "--trim 0-2.4" in refused.value.hint
    assert list(tmp_path.iterdir()) == []
