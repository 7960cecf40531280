"""Power cuts and failing disks at every step: a name either holds the whole content or is as it was."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

import pytest
from support.disks import FragileDisk, PowerCut

from tightfit.engine import publish
from tightfit.engine.disk import keep, sha256_of
from tightfit.errors import OutputError, OutputExists

NEW, OLD = b"new" * 1000, b"old" * 500
STEPS = 8


@pytest.mark.parametrize("dies_at", range(STEPS))
@pytest.mark.parametrize("overwrite", [False, True])
def test_after_a_power_cut_the_output_is_whole_or_as_before(tmp_path: Path, dies_at: int, overwrite: bool):
    part, output = tmp_path / "part", tmp_path / "out.mp4"
    part.write_bytes(NEW)
    disk = FragileDisk(dies_at=dies_at)
    if overwrite:
        output.write_bytes(OLD)
        disk.trust(output)
    try:
        publish.publish(part, output, overwrite=overwrite, disk=disk)
        finished = True
    except PowerCut:
        finished = False
    disk.cut_power()
    found = output.read_bytes() if output.exists() else None
    assert found in ((NEW,) if finished else (NEW, OLD if overwrite else None))


@pytest.mark.parametrize("dies_at", range(STEPS))
def test_a_piece_that_was_told_to_be_kept_is_there_after_a_power_cut(tmp_path: Path, dies_at: int):
    made, name = tmp_path / "piece.nut", tmp_path / "key-0.nut"
    made.write_bytes(NEW)
    disk = FragileDisk(dies_at=dies_at)
    try:
        digest = keep(disk, made, name)
    except PowerCut:
        return
    disk.cut_power()
    assert sha256_of(name) == digest


@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EIO, errno.EACCES, errno.EMFILE])
@pytest.mark.parametrize("overwrite", [False, True])
def test_every_failing_operation_is_an_error_for_people_and_leaves_no_half_file(
    tmp_path: Path, error: int, overwrite: bool
):
    for fails_at in range(STEPS):
        folder = tmp_path / str(fails_at)
        folder.mkdir()
        part, output = folder / "part", folder / "out.mp4"
        part.write_bytes(NEW)
        if overwrite:
            output.write_bytes(OLD)
        disk = FragileDisk(fails_at=fails_at, error=error)
        with suppress(OutputError):
            publish.publish(part, output, overwrite=overwrite, disk=disk)
        allowed = [NEW, OLD] if overwrite else [NEW]
        assert not output.exists() or output.read_bytes() in allowed
        if len(disk.operations) <= fails_at:
            return
    raise AssertionError("never got through without a fault")


def test_a_file_that_appeared_meanwhile_is_left_alone(tmp_path: Path):
    part, output = tmp_path / "part", tmp_path / "out.mp4"
    part.write_bytes(NEW)
    output.write_bytes(OLD)
    with pytest.raises(OutputExists):
        publish.publish(part, output, overwrite=False, disk=FragileDisk())
    assert output.read_bytes() == OLD
