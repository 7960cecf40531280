"""What ffmpeg 5.1.9 and 9.0.2 said when strace let their reads and writes fail: which disk it was about."""

from __future__ import annotations

import pytest

from tightfit.media.process import Finished

EIO, FULL = "Input/output error", "No space left on device"
READING = [
    "[in#0/avi @ 0x55ace5f0fe00] [error] Error during demuxing: Input/output error",
    "[in#0 @ 0x564646752e00] [error] Error opening input: Input/output error",
    "[error] file:/clips/a.avi: Input/output error",
]
WRITING = [
    ("[error] av_interleaved_write_frame(): Input/output error", EIO),
    ("[error] Error writing trailer of /somewhere/o.nut: Input/output error", EIO),
    ("[aost#0:1/libx264 @ 0x56] [error] Error submitting a packet to the muxer: Input/output error", EIO),
    ("[out#0/nut @ 0x56018a03eec0] [error] Error closing file: Input/output error", EIO),
    ("[error] av_interleaved_write_frame(): No space left on device", FULL),
    ("[error] file:/somewhere/o.nut: No space left on device", FULL),
]
# A decoder may call what it can't make sense of by the same names.
DECODING = [
    "[dec:h264 @ 0x5] [error] Error submitting packet to decoder: Input/output error",
    "[dec:h264 @ 0x5] [error] Error submitting packet to decoder: No space left on device",
    "[out#0/nut @ 0x5] [error] Terminating thread with return code -5 (Input/output error)",
]


def ended(line: str, code: int = 1) -> Finished:
    return Finished(code, b"", f"[warning] something before\n{line}\n[warning] something after\n")


@pytest.mark.parametrize("line", READING)
def test_an_input_that_could_not_be_read_is_told_from_its_sentence(line: str):
    assert (ended(line, 0).could_not_read, ended(line, 0).could_not_write) == (True, "")


@pytest.mark.parametrize(("line", "why"), WRITING)
def test_an_output_that_could_not_be_written_is_told_from_its_sentence(line: str, why: str):
    assert (ended(line).could_not_read, ended(line).could_not_write) == (False, why)


@pytest.mark.parametrize("line", DECODING)
def test_what_a_decoder_says_is_about_no_disk(line: str):
    assert (ended(line).could_not_read, ended(line).could_not_write) == (False, "")


@pytest.mark.parametrize(("code", "name"), [(-11, "SIGSEGV"), (-6, "SIGABRT"), (-9, ""), (-25, ""), (1, ""), (0, "")])
def test_a_crash_is_told_from_other_ends(code: int, name: str):
    assert Finished(code, b"", "").crashed == name
    assert (f"the program that reads it crashed ({name})" == Finished(code, b"", "odd").last_message) == bool(name)
