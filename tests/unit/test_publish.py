"""Where a file goes and what may stand there: the exact names, refusals and words."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path

import pytest
from support.disks import FaultyDisk

from tightfit.domain.request import CompressRequest
from tightfit.engine import publish
from tightfit.engine.disk import Disk
from tightfit.engine.requests import make_request
from tightfit.errors import OutputError, OutputExists, TightfitError, UsageError

MP4 = (".mp4",)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "clip.mov"
    path.write_bytes(b"source")
    os.utime(path, ns=(10**18, 10**18))
    return path


def request(source: Path, output: Path | None = None, *, overwrite: bool = False) -> CompressRequest:
    return make_request(source, to="5MB", preset=None, output=output, overwrite=overwrite)


def test_a_file_without_a_name_stands_beside_its_source(source: Path):
    assert publish.output_path(request(source), ".mp4") == source.with_name("clip-5MB.mp4")
    assert publish.output_path(request(source), ".mov") == source.with_name("clip-5MB.mov")


def test_a_folder_takes_it_under_the_same_name_and_a_name_is_the_name(source: Path, tmp_path: Path):
    folder = tmp_path / "out"
    folder.mkdir()
    assert publish.output_path(request(source, folder), ".mp4") == folder / "clip-5MB.mp4"
    assert publish.output_path(request(source, folder / "x.mp4"), ".mp4") == folder / "x.mp4"


@pytest.mark.parametrize("letter", ["x", "é", "\U0001f600"])
def test_a_long_name_gives_up_no_more_of_its_end_than_it_must(source: Path, letter: str):
    long = source.with_name(letter * 300)
    name = publish.output_path(request(long), ".mp4").name
    assert name.endswith("-5MB.mp4")
    assert 255 - len(letter.encode()) < len(os.fsencode(name)) <= 255
    assert set(name.removesuffix("-5MB.mp4")) == {letter}
    exact = source.with_name("y" * (255 - len("-5MB.mp4")))
    assert publish.output_path(request(exact), ".mp4").name == exact.name + "-5MB.mp4"


def test_a_part_is_a_hidden_neighbour_named_after_its_job(source: Path):
    output = source.with_name("out.mp4")
    assert publish.part_path(output, "ID") == source.with_name(".tightfit-ID.part")


def test_the_parts_of_a_request_are_all_that_a_run_may_have_left(source: Path, tmp_path: Path):
    assert publish.parts_of(request(source), "ID") == [tmp_path / ".tightfit-ID.part"]
    folder = tmp_path / "out"
    folder.mkdir()
    assert publish.parts_of(request(source, folder), "ID") == [folder / ".tightfit-ID.part"]


def refused(kind: type[TightfitError], words: str, path: Path, asked: CompressRequest, *, copied: bool = False) -> None:
    part = publish.part_path(path, "ID")
    before = sorted(path.parent.iterdir()) if path.parent.is_dir() else None
    with pytest.raises(kind, match=f"^{words}$") as caught:
        publish.check_writable(path, part, asked, None if copied else MP4, Disk())
    assert type(caught.value) is kind
    assert (sorted(path.parent.iterdir()) if path.parent.is_dir() else None) == before


def test_what_can_be_written_is_and_nothing_is_left_of_the_trial(source: Path, tmp_path: Path):
    output = tmp_path / "out.MP4"
    part = publish.part_path(output, "ID")
    part.write_text("what a killed run left")
    publish.check_writable(output, part, request(source), MP4, Disk())
    assert list(tmp_path.iterdir()) == [source]


def test_another_container_is_refused_unless_it_is_a_copy(source: Path, tmp_path: Path):
    output = tmp_path / "out.avi"
    words = f"{re.escape(str(output))} does not end in .mp4: those can be made of this file. Name it .mp4."
    refused(UsageError, words, output, request(source))
    publish.check_writable(output, publish.part_path(output, "ID"), request(source), None, Disk())


def test_the_source_is_never_the_output(source: Path):
    words = ".*clip.mov is the source itself. Name another output: the source is never overwritten."
    refused(OutputError, words, source, request(source, overwrite=True), copied=True)


def test_a_folder_is_no_output(source: Path, tmp_path: Path):
    (tmp_path / "out.mp4").mkdir()
    words = ".*out.mp4 is not a regular file. Name another output."
    refused(OutputError, words, tmp_path / "out.mp4", request(source, overwrite=True))


def test_what_is_there_stays_unless_it_may_be_replaced(source: Path, tmp_path: Path):
    output = tmp_path / "out.mp4"
    output.write_text("mine")
    words = ".*out.mp4 is already there. Use --overwrite to replace it, or -o to name another."
    refused(OutputExists, words, output, request(source))
    publish.check_writable(output, publish.part_path(output, "ID"), request(source, overwrite=True), MP4, Disk())
    output.chmod(0o444)
    words = ".*out.mp4 is read-only. Name another output with -o."
    refused(OutputError, words, output, request(source, overwrite=True))
    output.chmod(0o464)
    publish.check_writable(output, publish.part_path(output, "ID"), request(source, overwrite=True), MP4, Disk())


def test_a_folder_that_is_not_there_is_named(source: Path, tmp_path: Path):
    words = "The folder .*nowhere does not exist. Create it, or name another output with -o."
    refused(OutputError, words, tmp_path / "nowhere" / "out.mp4", request(source))


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "The disk that holds /out is full. Free some space, or name another output with -o."),
        (errno.EACCES, r"/out can't be written to \(Permission denied\). Name another output with -o."),
        (errno.EPERM, r"/out can't be written to \(Operation not permitted\). Name another output with -o."),
        (errno.EROFS, r"/out can't be written to \(Read-only file system\). Name another output with -o."),
        (errno.EIO, "/out/x.mp4 can't be written: Input/output error. Name another output with -o."),
        (errno.ENOENT, "The folder /out does not exist. Create it, or name another output with -o."),
    ],
)
def test_what_the_system_says_is_told_to_people(number: int, words: str):
    told = publish.explained(OSError(number, os.strerror(number)), Path("/out/x.mp4"))
    assert type(told) is OutputError
    assert re.fullmatch(words, str(told))


def test_an_error_without_words_is_told_all_the_same():
    assert str(publish.explained(OSError("odd"), Path("/out/x.mp4"))).startswith("/out/x.mp4 can't be written: odd.")


def test_a_copy_has_the_sources_bytes_and_times_and_can_be_removed(source: Path, tmp_path: Path):
    source.chmod(0o444)
    part = tmp_path / "part"
    publish.copy_to_part(source, part)
    assert part.read_bytes() == b"source"
    assert part.stat().st_mtime_ns == 10**18
    assert part.stat().st_mode & 0o777 == 0o644


def test_a_copy_that_fails_leaves_nothing(source: Path, tmp_path: Path):
    with pytest.raises(OutputError, match=r"The folder .*nowhere does not exist"):
        publish.copy_to_part(source, tmp_path / "nowhere" / "part")
    (tmp_path / "part").mkdir()
    with pytest.raises(OutputError, match="part can't be written"):
        publish.copy_to_part(tmp_path, tmp_path / "part")


def steps_of(disk: FaultyDisk) -> list[str]:
    return [point.partition(".")[2] for point in disk.points]


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP, errno.EMLINK])
def test_a_disk_without_links_gets_it_by_renaming_and_still_replaces_nothing(tmp_path: Path, number: int):
    part, output = tmp_path / "part", tmp_path / "out.mp4"
    part.write_bytes(b"new")
    disk = FaultyDisk(fails_at=1, error=number)
    publish.publish(part, output, overwrite=False, disk=disk)
    assert steps_of(disk) == ["sync", "link", "replace", "sync_folder"]
    assert (output.read_bytes(), part.exists()) == (b"new", False)
    part.write_bytes(b"newer")
    words = ".*out.mp4 appeared meanwhile and was left alone. Use --overwrite to replace it."
    with pytest.raises(OutputExists, match=f"^{words}$"):
        publish.publish(part, output, overwrite=False, disk=FaultyDisk(fails_at=1, error=number))
    assert output.read_bytes() == b"new"


def test_each_way_into_place_syncs_first_and_last(tmp_path: Path):
    part, output = tmp_path / "part", tmp_path / "out.mp4"
    for overwrite, steps in ((False, ["link", "unlink"]), (True, ["replace"])):
        part.write_bytes(b"new")
        disk = FaultyDisk()
        publish.publish(part, output, overwrite=overwrite, disk=disk)
        assert steps_of(disk) == ["sync", *steps, "sync_folder"]
        assert not part.exists()
