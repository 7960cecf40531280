"""Pictures that the analysis kept make the very pieces that the source makes, and are never needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support.footage import lavfi, make, make_numbered, numbers_in
from support.kept import HARMS, coded_in, spoil

from tightfit.domain.geometry import full_size, scaled
from tightfit.domain.media_info import FieldOrder
from tightfit.media import packets
from tightfit.media.analyse import Analysis, analyse
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

pytestmark = pytest.mark.anyio

NOTHING = {"on_frames": lambda _: None}
JITTER = "settb=1/90000,setpts='(N+0.45*sin(N*2.3))/(25*TB)'"
# Container, frame rate, filter and options behind the encoder.
SOURCES = {
    "59.94 in MP4": ("mp4", "60000/1001", "null", ()),
    "a variable rate in Matroska": ("mkv", "25", JITTER, ("-enc_time_base", "1/90000")),
    "a transport stream that starts late": ("ts", "25", "null", ("-output_ts_offset", "10.04")),
}


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_numbered(tmp_path_factory.mktemp("numbered") / "numbered.nut")


@pytest.fixture(params=SOURCES.values(), ids=SOURCES.keys())
def source(request: pytest.FixtureRequest, numbered: Path, tmp_path: Path) -> Path:
    container, rate, filters, behind = request.param
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 18, "-g", 15, "-bf", 3, "-fps_mode", "passthrough")
    path = tmp_path / f"source.{container}"
    make("-r", rate, "-i", numbered, "-vf", filters, *coded, *behind, path)
    return path


async def _analysed(ffmpeg: Ffmpeg, source: Path, work: Path, picture: Picture | None = None) -> tuple[Clip, Analysis]:
    """The clip, with its pictures where they were kept, and what was found."""
    info = await probe(source)
    video = info.main_video
    assert video is not None
    picture = picture or Picture(video, full_size(video.display_size))
    analysis = await analyse(ffmpeg, info, video, picture, work, threads=2, keeps=True, **NOTHING)
    return Clip(info, video, picture, analysis.pts, pictures=analysis.pictures), analysis


async def test_pieces_of_kept_pictures_are_those_of_the_source(ffmpeg: Ffmpeg, source: Path, tmp_path: Path) -> None:
    clip, _ = await _analysed(ffmpeg, source, tmp_path)
    assert clip.pictures is not None
    third = clip.frames // 3
    for first, last, scale in ((0, third, 1), (third, 2 * third, 1), (2 * third - 7, clip.frames, 2)):
        # One thread, since x264 with several never makes a piece twice alike.
        setting = Setting(scaled(clip.picture.full, 1 / scale), 26.0, 1, "veryfast")
        plain = replace(clip, pictures=None)
        await encode(ffmpeg, plain, first, last, setting, tmp_path / "plain.nut", **NOTHING)
        await encode(ffmpeg, clip, first, last, setting, tmp_path / "kept.nut", **NOTHING)
        assert clip.pictures.exists(), "they were of no use"
        assert coded_in(tmp_path / "kept.nut") == coded_in(tmp_path / "plain.nut")
        assert numbers_in(tmp_path / "kept.nut") == list(range(first, last))
        sets = {packets.parameter_sets_of(tmp_path / name) for name in ("plain.nut", "kept.nut")}
        assert len(sets) == 1


@pytest.mark.parametrize("harm", HARMS)
async def test_pictures_that_can_not_be_read_are_taken_from_the_source(
    bundled: Ffmpeg, bunny: Path, tmp_path: Path, harm: str
) -> None:
    clip, _ = await _analysed(bundled, bunny, tmp_path)
    assert clip.pictures is not None
    spoil(clip.pictures, harm)
    setting = Setting(scaled(clip.picture.full, 1 / 4), 30.0, 2, "veryfast")
    part = await encode(bundled, clip, 40, 110, setting, tmp_path / "made.nut", **NOTHING)
    assert part.kept == 70
    assert not clip.pictures.exists()


async def test_a_source_that_changes_its_size_has_pictures_of_one_size(bundled: Ffmpeg, tmp_path: Path) -> None:
    for name, size in (("a", "320x180"), ("b", "160x90")):
        make(*lavfi(f"testsrc2=s={size}:r=25:d=1"), "-c:v", "libx264", "-pix_fmt", "yuv420p", tmp_path / f"{name}.ts")
    joined = tmp_path / "joined.ts"
    joined.write_bytes(b"".join((tmp_path / f"{name}.ts").read_bytes() for name in "ab"))
    make("-i", joined, "-c", "copy", tmp_path / "source.ts")
    clip, _ = await _analysed(bundled, tmp_path / "source.ts", tmp_path)
    setting = Setting(clip.picture.full, 26.0, 1, "veryfast")
    part = await encode(bundled, clip, 0, clip.frames, setting, tmp_path / "made.nut", **NOTHING)
    assert part.kept == clip.frames


@pytest.mark.parametrize("kind", ["full range", "4:4:4", "interlaced"])
async def test_pictures_that_need_more_than_their_size_are_not_kept(bundled: Ffmpeg, tmp_path: Path, kind: str) -> None:
    formed = {"full range": ("-pix_fmt", "yuv420p", "-color_range", "pc"), "4:4:4": ("-pix_fmt", "yuv444p")}
    made = formed.get(kind, ("-pix_fmt", "yuv420p"))
    make(*lavfi("testsrc2=s=160x120:r=25:d=1"), "-c:v", "libx264", *made, tmp_path / "source.mp4")
    info = await probe(tmp_path / "source.mp4")
    assert info.main_video is not None
    picture = Picture(info.main_video, full_size(info.main_video.display_size))
    if kind == "interlaced":
        picture = replace(picture, fields=FieldOrder.TOP_FIRST)
    _, analysis = await _analysed(bundled, tmp_path / "source.mp4", tmp_path, picture)
    assert analysis.pictures is None
    assert not (tmp_path / "decoded.nut").exists()
