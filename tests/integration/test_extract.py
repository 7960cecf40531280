"""A stretch that is cut without encoding shows exactly the wanted frames, whatever stored them."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import av
import pytest
from support.footage import NUMBERED_FRAMES, lavfi, make, make_numbered, timed_numbers_in

from tightfit.domain.geometry import full_size
from tightfit.errors import SourceError
from tightfit.media.analyse import analyse
from tightfit.media.encode import Clip
from tightfit.media.extract import can_travel, extract
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

pytestmark = pytest.mark.anyio

_X264 = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 18, "-g", 15, "-bf", 3, "-b_strategy", 0)
SOURCES = {
    "h264.mp4": _X264,
    "h264-open-gop.mp4": (*_X264, "-x264-params", "open-gop=1"),
    "h264.mkv": _X264,
    "h264-one-keyframe.mp4": (*_X264, "-g", 1000),
    "h264-starts-late.mp4": (*_X264, "-output_ts_offset", "10.04"),
    "hevc.mp4": ("-c:v", "libx265", "-preset", "ultrafast", "-crf", 18, "-x265-params", "keyint=20:log-level=none"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", 8, "-crf", 18, "-b:v", 0, "-g", 20),
    "mpeg4.mov": ("-c:v", "mpeg4", "-q:v", 2, "-g", 12, "-bf", 2),
    "mjpeg.mov": ("-c:v", "mjpeg", "-q:v", 3, "-pix_fmt", "yuvj420p"),
}


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_numbered(tmp_path_factory.mktemp("numbered") / "numbered.nut")


async def _clip(ffmpeg: Ffmpeg, source: Path, work: Path) -> Clip:
    info = await probe(source)
    video = info.main_video
    assert video is not None
    picture = Picture(video, full_size(video.display_size))
    analysis = await analyse(ffmpeg, info, video, picture, work, threads=1, on_frames=lambda _: None)
    return Clip(info, video, picture, analysis.pts)


@pytest.mark.parametrize("name", SOURCES)
async def test_a_stretch_shows_the_wanted_frames_and_nothing_but_the_picture_travels(
    bundled: Ffmpeg, numbered: Path, tmp_path: Path, name: str
):
    source = tmp_path / name
    sound = [] if name.endswith(".webm") else [*lavfi("sine=frequency=440:duration=5"), "-c:a", "aac"]
    make("-i", numbered, *sound, "-metadata", "title=Our secret", *SOURCES[name], source)
    clip = await _clip(bundled, source, tmp_path)
    assert can_travel(clip)
    luck = random.Random(name)
    cuts = [0, *sorted(luck.sample(range(1, NUMBERED_FRAMES), 3)), NUMBERED_FRAMES]
    for first, last in pairwise(cuts):
        out = tmp_path / f"stretch-{first}.mp4"
        stretch = await extract(bundled, clip, first, last, out)
        wanted = [(pts, number) for pts, number in timed_numbers_in(out) if stretch.start_pts <= pts < stretch.end_pts]
        assert [number for _, number in wanted] == list(range(first, last))
        # On the clip's own timeline they are where the source has them.
        assert tuple(pts - stretch.origin_pts for pts, _ in wanted) == clip.pts[first:last]
        with av.open(str(out)) as container:
            assert [stream.type for stream in container.streams] == ["video"]
        assert b"Our secret" not in out.read_bytes()


async def test_a_stretch_in_the_middle_takes_little_more_than_its_share(
    bundled: Ffmpeg, numbered: Path, tmp_path: Path
):
    source = tmp_path / "clip.mp4"
    make("-i", numbered, *_X264, "-vf", "noise=alls=30:allf=t", source)
    stretch = await extract(bundled, await _clip(bundled, source, tmp_path), 50, 60, tmp_path / "stretch.mp4")
    assert stretch.path.stat().st_size < source.stat().st_size / 2


async def test_packets_that_mp4_can_not_hold_are_a_source_error(bundled: Ffmpeg, numbered: Path, tmp_path: Path):
    source = tmp_path / "raw.nut"
    make("-i", numbered, "-c:v", "rawvideo", "-pix_fmt", "yuv420p", source)
    clip = await _clip(bundled, source, tmp_path)
    with pytest.raises(SourceError, match=r"raw\.nut"):
        await extract(bundled, clip, 10, 20, tmp_path / "stretch.mp4")


async def test_without_an_index_no_stretch_is_trusted(bundled: Ffmpeg, numbered: Path, tmp_path: Path):
    source = tmp_path / "clip.ts"
    make("-i", numbered, *_X264, source)
    clip = await _clip(bundled, source, tmp_path)
    assert not can_travel(clip)
    # Cut all the same, it is the right frames or an error, and never others at the same times.
    for first in (0, 41, 70):
        out = tmp_path / f"stretch-{first}.mp4"
        try:
            stretch = await extract(bundled, clip, first, first + 20, out)
        except SourceError:
            continue
        shown = [number for pts, number in timed_numbers_in(out) if stretch.start_pts <= pts < stretch.end_pts]
        assert shown == list(range(first, first + 20))


async def test_a_clock_that_mp4_can_not_count_does_not_travel(bundled: Ffmpeg, numbered: Path, tmp_path: Path):
    source = tmp_path / "ntsc.avi"
    make("-r", "30000/1001", "-i", numbered, "-c:v", "mpeg4", "-q:v", 2, source)
    assert not can_travel(await _clip(bundled, source, tmp_path))


@pytest.mark.parametrize("name", ["h264.mp4", "h264-starts-late.mp4"])
async def test_between_keyframes_a_stretch_holds_not_one_picture_more(
    bundled: Ffmpeg, numbered: Path, tmp_path: Path, name: str
):
    source = tmp_path / name
    make("-i", numbered, *SOURCES[name], source)
    clip = await _clip(bundled, source, tmp_path)
    keys = [clip.video.pts.index(pts) for pts in clip.video.keyframe_pts]
    out = tmp_path / "stretch.mp4"
    for first, last in [(keys[1], keys[3]), (keys[-1], clip.frames), (0, clip.frames)]:
        await extract(bundled, clip, first, last, out, exactly=True)
        assert [number for _, number in timed_numbers_in(out)] == list(range(first, last))


async def test_only_the_whole_of_what_is_no_mp4_is_cut_exactly(bundled: Ffmpeg, numbered: Path, tmp_path: Path):
    source, out = tmp_path / "clip.mkv", tmp_path / "stretch.mp4"
    make("-i", numbered, *SOURCES["h264.mkv"], source)
    clip = await _clip(bundled, source, tmp_path)
    await extract(bundled, clip, 0, clip.frames, out, exactly=True)
    assert [number for _, number in timed_numbers_in(out)] == list(range(clip.frames))


@pytest.mark.parametrize("name", ["h264-open-gop.mp4", "mpeg4.mov"])
async def test_pictures_that_reach_over_a_keyframe_are_not_cut_there(
    bundled: Ffmpeg, numbered: Path, tmp_path: Path, name: str
):
    source = tmp_path / name
    make("-i", numbered, *SOURCES[name], source)
    clip = await _clip(bundled, source, tmp_path)
    keys = [clip.video.pts.index(pts) for pts in clip.video.keyframe_pts]
    with pytest.raises(SourceError):
        await extract(bundled, clip, keys[1], keys[2], tmp_path / "stretch.mp4", exactly=True)
