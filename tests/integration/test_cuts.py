"""Pieces hold exactly the frames they were asked for, and joined they show them at the source's own times."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.footage import NUMBERED_FRAMES, make, make_numbered, numbers_in, times_in

from tightfit.domain.geometry import full_size
from tightfit.media.analyse import analyse
from tightfit.media.cargo import Cargo
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.stitch import Timeline, stitch
from tightfit.media.tools import Ffmpeg
from tightfit.media.verify import Expected, verify

pytestmark = pytest.mark.anyio

_NO_LIMIT = 10**9
_JITTER = "settb=1/90000,setpts='(N+0.45*sin(N*2.3))/(25*TB)'"
_TWO_RATES = "settb=1/90000,setpts='if(lt(N,40),N/24,40/24+(N-40)/60)/TB'"


@dataclass(frozen=True)
class Timing:
    """How a clip's frames stand in time: options before and behind its input."""

    rate: str = "25"
    filters: str = "null"
    output: tuple[str, ...] = ()


TIMINGS = {
    "23.976": Timing("24000/1001"),
    "25-open-gop": Timing("25", output=("-x264-params", "open-gop=1")),
    "29.97": Timing("30000/1001"),
    "59.94": Timing("60000/1001"),
    "jitter": Timing(filters=_JITTER, output=("-enc_time_base", "1/90000")),
    "two-rates": Timing(filters=_TWO_RATES, output=("-enc_time_base", "1/90000")),
    "starts-late": Timing("25", output=("-output_ts_offset", "10.04")),
}


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_numbered(tmp_path_factory.mktemp("numbered") / "numbered.nut")


@pytest.fixture(scope="module", params=["mp4", "mkv", "ts"])
def container(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module", params=TIMINGS)
def source(
    request: pytest.FixtureRequest, container: str, numbered: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    timing = TIMINGS[request.param]
    path = tmp_path_factory.mktemp("source") / f"{request.param}.{container}"
    gops = ("-g", 15, "-sc_threshold", 0, "-bf", 3, "-b_strategy", 0)
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 18, *gops, "-fps_mode", "passthrough")
    make("-r", timing.rate, "-i", numbered, "-vf", timing.filters, *coded, *timing.output, path)
    return path


async def test_pieces_hold_their_frames_and_join_at_the_sources_times(
    ffmpeg: Ffmpeg, source: Path, tmp_path: Path
) -> None:
    clip = await _clip(ffmpeg, source, tmp_path)
    setting = Setting(clip.picture.full, 26.0, 1, "veryfast")
    parts = []
    for first, last in _random_partition(clip.frames, f"{source.name} {ffmpeg.origin}"):
        out = tmp_path / f"{first}.nut"
        part = await encode(ffmpeg, clip, first, last, setting, out, on_frames=lambda _: None)
        assert (part.first, part.last, sorted(part.ranks)) == (first, last, list(range(last - first)))
        assert numbers_in(out) == list(range(first, last))
        parts.append(part)

    line = Timeline(clip.pts, clip.video.time_base, clip.video.frame_ticks, 0.0)
    joined = tmp_path / "joined.mp4"
    size = stitch(parts, line, Cargo(), joined)

    assert size == joined.stat().st_size
    await verify(ffmpeg, joined, Expected(_NO_LIMIT, line, clip.picture.full, tuple(parts), Cargo()))
    assert numbers_in(joined) == list(range(NUMBERED_FRAMES))
    start = times_in(source)[0]
    assert times_in(joined) == [t - start for t in times_in(source)]


async def _clip(ffmpeg: Ffmpeg, source: Path, work: Path) -> Clip:
    info = await probe(source)
    video = info.main_video
    assert video is not None
    assert video.frames == NUMBERED_FRAMES
    picture = Picture(video, full_size(video.display_size))
    analysis = await analyse(ffmpeg, info, video, picture, work, threads=1, on_frames=lambda _: None)
    assert analysis.pts == tuple(p - video.pts[0] for p in video.pts)
    return Clip(info, video, picture, analysis.pts)


def _random_partition(frames: int, seed: str) -> list[tuple[int, int]]:
    cuts = sorted(random.Random(seed).sample(range(1, frames), 2))
    return list(zip([0, *cuts], [*cuts, frames], strict=True))
