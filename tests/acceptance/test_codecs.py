"""What every codec keeps to: one suite for all of them, with real encoders and small clips."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

import av
import pytest
from support.command import Ran, Tool
from support.footage import decode_complaints, lavfi, make, make_reel, times_in
from support.patience import patience

from tightfit.domain.codec import CODECS
from tightfit.domain.job import JobRecord, State
from tightfit.engine.journal import Journal

LIMIT, FULL = 90_000, 0.99
# The worst frame of these clips at this size; one that lost its reference or shows another frame has 5 to 15 dB.
LEAST_PSNR = 18.0
DECODERS = {"h264": ("h264",), "hevc": ("hevc",), "av1": ("libdav1d", "av1", "libaom-av1")}
TAGS = {"h264": "avc1", "hevc": "hvc1", "av1": "av01"}

every_codec = pytest.mark.parametrize("codec", CODECS)
# What H.264 does after a kill, and with the system's ffmpeg, many other tests see.
newer_codecs = pytest.mark.parametrize("codec", [name for name in CODECS if name != "h264"])


@pytest.fixture(scope="module")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five noisy scenes of 1.6 s with a tone."""
    return make_reel(tmp_path_factory.mktemp("codecs") / "reel.mp4", scenes=5)


@pytest.fixture
def source(tool: Tool, reel: Path) -> Path:
    return Path(shutil.copy(reel, tool.folder / "reel.mp4"))


def assert_kept_its_promise(ran: Ran, source: Path, codec: str, least: float = FULL) -> None:
    assert ran.code == 0, ran.err
    (result,), output = ran.results, source.with_name("out.mp4")
    size, start = output.stat().st_size, times_in(source)[0]
    assert (result["status"], result["bytes"], result["video"]["codec"]) == ("met", size, codec)
    assert least * LIMIT <= size <= LIMIT
    assert times_in(output) == [t - start for t in times_in(source)]
    assert decode_complaints(output) == ""
    with av.open(str(output)) as container:
        coded = container.streams.video[0].codec_context
        assert (coded.name in DECODERS[codec], coded.codec_tag) == (True, TAGS[codec])
    assert min(psnrs(source, output)) >= LEAST_PSNR


def psnrs(source: Path, output: Path) -> list[float]:
    """Of each frame's luma, both at the output's size, the n-th compared with the n-th."""
    log = output.with_suffix(".psnr")
    numbered = "settb=1/1000,setpts=N"
    graph = f"[0:v]{numbered}[a];[1:v][a]scale2ref[b][c];[b]{numbered}[d];[c][d]psnr=stats_file={log}"
    make("-i", output, "-i", source, "-lavfi", graph, "-f", "null", "-")
    found = [float(value) for value in re.findall(r"psnr_y:([\d.]+)", log.read_text().replace("inf", "99"))]
    log.unlink()
    assert len(found) == len(times_in(source))
    return found


@every_codec
def test_a_clip_fills_its_limit_and_plays_to_its_end(tool: Tool, source: Path, codec: str):
    ran = tool("reel.mp4", f"{LIMIT}B", "-o", "out.mp4", "--codec", codec, "--json")
    assert_kept_its_promise(ran, source, codec)
    assert ran.results[0]["segments"]["total"] > 1, "nothing was joined"


@newer_codecs
def test_a_killed_run_goes_on_with_its_pieces(tool: Tool, source: Path, codec: str):
    words = ("reel.mp4", f"{LIMIT}B", "-o", "out.mp4", "--codec", codec, "--json")
    journal, process = Journal(tool.home / "journal.db"), tool.start(*words)
    deadline = time.monotonic() + patience(60)
    while not any(r.pieces and r.state is State.RUNNING for r in _records(tool)) and time.monotonic() < deadline:
        assert process.poll() is None, "it ended before it could be met at work"
        time.sleep(0.02)
    process.kill()
    process.communicate(timeout=patience(5))
    (before,) = journal.records()
    pieces = list((tool.home / "work" / before.id).glob("*-?.nut"))
    ran = tool("jobs", "resume", before.id, "--json")
    assert f"{len(pieces)} finished piece" in ran.out
    # x265's second pass over 38 pictures misses by a third, and there is one piece less to make good for it.
    assert_kept_its_promise(ran, source, codec, least=0.95)


@newer_codecs
def test_the_systems_own_ffmpeg_makes_it_too(tool: Tool, made_cuts: Path, codec: str):
    system = shutil.which("ffmpeg")
    if system is None:
        pytest.skip("no ffmpeg on the PATH: only the bundled one is tested")
    source, output = Path(shutil.copy(made_cuts, tool.folder / "cuts.mp4")), tool.folder / "out.mp4"
    ran = tool("cuts.mp4", "20KB", "-o", "out.mp4", "--codec", codec, "--json", TIGHTFIT_FFMPEG=system)
    if "has none" in ran.out:
        pytest.skip(f"{system} has no encoder for {codec}")
    assert ran.code == 0, ran.err
    assert 0.8 * 20_000 <= output.stat().st_size <= 20_000
    assert times_in(output) == times_in(source)
    assert decode_complaints(output) == ""
    assert min(psnrs(source, output)) >= LEAST_PSNR


def _records(tool: Tool) -> list[JobRecord]:
    return Journal(tool.home / "journal.db").records() if (tool.home / "journal.db").exists() else []


def test_a_source_that_says_where_its_chroma_lies_is_corrected_and_joined(tool: Tool):
    source, output = tool.folder / "left.mp4", tool.folder / "out.mp4"
    noisy = "testsrc2=s=320x180:r=24:d=5,noise=alls=12:allf=t,format=yuv420p"
    make(*lavfi(noisy), "-c:v", "libx264", "-crf", "12", "-x264-params", "chromaloc=2", source)
    ran = tool("left.mp4", "20%", "-o", "out.mp4", "--json")
    assert ran.code == 0, ran.err
    assert ran.results[0]["fill"] >= FULL
    assert times_in(output) == times_in(source)
    assert decode_complaints(output) == ""
