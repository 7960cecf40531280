"""The disk fails under each of those who read the source, or write: told as that, and never taken for damage.

strace makes the system calls of real runs fail; which read of a process or thread it is tells the readers apart.
"""

from __future__ import annotations

from pathlib import Path

import imageio_ffmpeg
import pytest
from support.command import Ran, Tool
from support.faulty import encodes_of, faulty_ffmpeg
from support.footage import decode_complaints, lavfi, make, times_in
from support.patience import patience
from support.tracing import require_strace

from tightfit.engine.journal import Journal

WORDS = ("raw.avi", "60KB", "-o", "out.mp4")
# So large that the thread that hashes it has read more often than those who identify it, and the reader of containers
# more often than that: 12 reads of a mebibyte, nine of three samples, and 114.
AT_LEAST_BYTES = 9_500_000
IDENTIFIED, HASHED, PROBED = 1, 10, 40
# ffmpeg begins with a dozen reads of the header and goes on, in another thread, with a hundred.
DEMUXED = 20


@pytest.fixture(scope="module")
def made_raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of pictures as they are, with sound, about 10 MB."""
    path = tmp_path_factory.mktemp("raw") / "raw.avi"
    picture, sound = lavfi("testsrc2=s=480x270:r=25:d=2,noise=alls=10:allf=t"), lavfi("sine=440:d=2")
    make(*picture, *sound, "-pix_fmt", "yuv420p", "-c:v", "rawvideo", "-c:a", "pcm_s16le", path)
    assert path.stat().st_size > AT_LEAST_BYTES
    return path


@pytest.fixture
def raw(tool: Tool, made_raw: Path) -> Path:
    require_strace()
    path = tool.folder / "raw.avi"
    path.hardlink_to(made_raw)
    return path


def failing_from(path: Path, read: int) -> list[str]:
    """A prefix that lets the ``read``-th read of ``path`` fail, and all after it, in each thread of what follows."""
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(path), "-e", "trace=read,pread64"]
    return [*trace, "-e", f"inject=read,pread64:error=EIO:when={read}+"]


@pytest.mark.parametrize("read", [IDENTIFIED, HASHED, PROBED], ids=["identified", "hashed", "probed"])
def test_a_source_that_can_not_be_read_is_told_before_anything_is_made_of_it(tool: Tool, raw: Path, read: int):
    process = tool.start(*WORDS, prefix=failing_from(raw, read))
    out, err = process.communicate(timeout=patience(120))
    ran = Ran(process.returncode, out.decode(), err.decode())
    assert (ran.code, "raw.avi can't be read: Input/output error" in ran.complaint) == (3, True), ran.err
    assert tool.files == {"raw.avi"}
    # Nothing stands in the way of the next run, which may find another disk.
    assert all(not record.pieces for record in Journal(tool.home / "journal.db").records())
    assert tool("jobs", "clean").code == 0
    assert not (tool.home / "work").exists() or list((tool.home / "work").iterdir()) == []


def test_a_reader_that_the_system_kills_is_no_fault_of_the_file(tool: Tool, raw: Path):
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(raw), "-e", "trace=read,pread64"]
    killing = [*trace, "-e", f"inject=read,pread64:signal=KILL:when={PROBED}"]
    process = tool.start(*WORDS, prefix=killing)
    out, err = process.communicate(timeout=patience(120))
    ran = Ran(process.returncode, out.decode(), err.decode())
    assert (ran.code, "The reader of raw.avi was killed twice by the system" in ran.complaint) == (1, True), ran.err
    assert tool.files == {"raw.avi"}


@pytest.mark.parametrize("on", ["veryfast", "medium"], ids=["analysis", "encode"])
def test_a_disk_that_does_not_take_what_ffmpeg_writes_is_told_as_that(tool: Tool, raw: Path, on: str):
    assert raw.exists()
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", "OUTPUT", "-e", "trace=write,pwrite64"]
    plan = {"times": 1000, "on": on, "command": [*trace, "-e", "inject=write,pwrite64:error=EIO:when=2+"]}
    program = faulty_ffmpeg(tool.home / "faulty", imageio_ffmpeg.get_ffmpeg_exe(), "traced", **plan)
    ran = tool(*WORDS, TIGHTFIT_FFMPEG=str(program))
    assert (ran.code, "fails: Input/output error" in ran.complaint) == (6, True), ran.err
    assert tool.files == {"raw.avi"}


def ffmpeg_that_fails(tool: Tool, raw: Path, on: str, *, times: int) -> dict[str, str]:
    plan = {"times": times, "on": on, "command": failing_from(raw, DEMUXED)}
    program = faulty_ffmpeg(tool.home / "faulty", imageio_ffmpeg.get_ffmpeg_exe(), "traced", **plan)
    return {"TIGHTFIT_FFMPEG": str(program)}


@pytest.mark.parametrize("on", ["veryfast", "aac", "medium"], ids=["analysis", "sound", "encode"])
def test_what_ffmpeg_can_not_read_to_its_end_is_not_called_damaged_nor_made_shorter(tool: Tool, raw: Path, on: str):
    if on == "medium":
        # Of pictures in this form none are kept from the analysis, so that encodes have to read them again.
        raw.unlink()
        made = lavfi("testsrc2=s=480x270:r=25:d=2,noise=alls=10:allf=t")
        make(*made, "-pix_fmt", "yuv422p", "-c:v", "rawvideo", raw)
    ran = tool(*WORDS, **ffmpeg_that_fails(tool, raw, on, times=1000))
    assert (ran.code, "raw.avi can't be read to its end: Input/output error" in ran.complaint) == (3, True), ran.err
    assert tool.files == {"raw.avi"}


def test_an_encode_of_kept_pictures_does_not_need_the_source(tool: Tool, raw: Path):
    ran = tool(*WORDS, **ffmpeg_that_fails(tool, raw, "medium", times=1000))
    assert ran.code == 0, ran.err
    assert len(times_in(tool.folder / "out.mp4")) == len(times_in(raw))


@pytest.mark.parametrize("on", ["veryfast", "aac"], ids=["analysis", "sound"])
def test_what_ffmpeg_could_not_read_once_is_read_again(tool: Tool, raw: Path, on: str):
    ran = tool(*WORDS, **ffmpeg_that_fails(tool, raw, on, times=1))
    assert ran.code == 0, ran.err
    assert len(encodes_of(tool.home / "faulty")) == 2
    assert len(times_in(tool.folder / "out.mp4")) == len(times_in(raw))
    assert decode_complaints(tool.folder / "out.mp4") == ""
