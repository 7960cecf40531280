"""Interlaced pictures are found by a look at them, and come out whole, the same wherever reading begins."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from support.footage import lavfi, make, times_in

import tightfit
from tightfit.domain.geometry import Size
from tightfit.domain.interlacing import may_be_interlaced
from tightfit.domain.media_info import FieldOrder
from tightfit.domain.plan import Plan
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.interlace import field_order_of
from tightfit.media.measure import measure
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

pytestmark = pytest.mark.anyio

MPEG2 = ("-c:v", "mpeg2video", "-q:v", 3, "-flags", "+ildct+ilme")
MANDEL, TEST = "mandelbrot=s=360x288:r={}:end_scale=0.1,trim=duration=1.6", "testsrc2=s=360x288:r={}:d=1.6"
PAN = "smptehdbars=s=720x288:r=50:d=1.6,crop=360:288:n*3:0"
SOFT = "noise=alls=8:allf=t"
TOP, BOTTOM = "tinterlace=interleave_top,setfield=tff", "tinterlace=interleave_bottom,setfield=bff"
# Fields are of two moments: fifty pictures a second become twenty-five pairs.
KINDS = {
    "top first": (f"{MANDEL.format(50)},{TOP}", FieldOrder.TOP_FIRST),
    "bottom first": (f"{TEST.format(50)},{BOTTOM}", FieldOrder.BOTTOM_FIRST),
    "panned": (f"{PAN},{TOP}", FieldOrder.TOP_FIRST),
    "noisy": (f"{TEST.format(50)},{SOFT},{TOP}", FieldOrder.TOP_FIRST),
    "filtered": (f"{MANDEL.format(50)},interlace=scan=tff:lowpass=complex", FieldOrder.TOP_FIRST),
    "with another flag": (f"{TEST.format(50)},tinterlace=interleave_top,setfield=bff", FieldOrder.TOP_FIRST),
    "half of it": (
        f"{MANDEL.format(50)},{TOP},setsar=1[a];{TEST.format(25)},setfield=tff,setsar=1[b];[a][b]concat",
        FieldOrder.TOP_FIRST,
    ),
    "only flagged": (f"{TEST.format(25)},{SOFT},setfield=tff", FieldOrder.PROGRESSIVE),
    "only flagged, smooth": (f"{MANDEL.format(25)},setfield=tff", FieldOrder.PROGRESSIVE),
    "scrolling": ("testsrc2=s=360x600:r=25:d=1.6,crop=360:288:0:n*3,setfield=tff", FieldOrder.PROGRESSIVE),
    "telecine": (f"{TEST.format('24000/1001')},{SOFT},telecine=pattern=23,setfield=tff", FieldOrder.PROGRESSIVE),
    "telecine, bottom first": (
        f"{MANDEL.format('24000/1001')},telecine=first_field=bottom:pattern=23,setfield=bff",
        FieldOrder.PROGRESSIVE,
    ),
    "still": ("smptehdbars=s=360x288:r=25:d=1.6,setfield=tff", FieldOrder.UNKNOWN),
    "nothing but noise": ("color=gray:s=360x288:r=25:d=1.6,noise=alls=60:allf=t,setfield=tff", FieldOrder.UNKNOWN),
}


def _make(kind: str, path: Path, keyframes: int = 12) -> Path:
    make(*lavfi(f"{KINDS[kind][0]},format=yuv420p"), *MPEG2, "-g", keyframes, path)
    return path


async def _looked_at(ffmpeg: Ffmpeg, source: Path, work: Path) -> FieldOrder:
    info = await probe(source)
    assert info.main_video is not None
    assert may_be_interlaced(info.main_video)
    return await field_order_of(ffmpeg, info, info.main_video, work)


@pytest.mark.parametrize("kind", KINDS)
async def test_interlaced_is_what_looks_so_and_not_what_says_so(bundled: Ffmpeg, kind: str, tmp_path: Path) -> None:
    # With one keyframe there is one place to look at; one that is half interlaced needs more.
    source = _make(kind, tmp_path / "a.mkv", 12 if kind == "half of it" else 300)
    assert await _looked_at(bundled, source, tmp_path) is KINDS[kind][1]
    assert not list(tmp_path.glob("*.log")), "its notes are left"


async def test_what_is_interlaced_without_a_flag_is_found_by_its_lines(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = tmp_path / "a.mp4"
    graph = f"{MANDEL.format(50)},tinterlace=interleave_top,setfield=prog,format=yuv420p"
    make(*lavfi(graph), "-c:v", "libx264", "-crf", 20, "-preset", "veryfast", source)
    assert await _looked_at(ffmpeg, source, tmp_path) is FieldOrder.TOP_FIRST


def _luma(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        planes = [(frame.planes[0], frame.width) for frame in container.decode(video=0)]
        return [b"".join(bytes(p)[y * p.line_size :][:w] for y in range(p.height)) for p, w in planes]


def _off(one: bytes, other: bytes) -> float:
    """The mean difference of two pictures, in levels of 255."""
    return sum(abs(a - b) for a, b in zip(one, other, strict=True)) / len(one)


async def test_a_piece_has_the_same_pictures_as_the_whole_and_so_has_what_it_is_measured_by(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    """How the fields of a picture become one depends on the pictures beside it, which lie in other pieces."""
    info = await probe(_make("top first", tmp_path / "a.mkv"))
    video = info.main_video
    assert video is not None
    picture = Picture(video, Size(360, 288), fields=FieldOrder.TOP_FIRST)
    clip = Clip(info, video, picture, tuple(p - video.pts[0] for p in video.pts))
    first = video.pts.index(video.keyframe_pts[2])
    setting, whole, piece = Setting(picture.full, 2.0, 1, "ultrafast"), tmp_path / "whole.nut", tmp_path / "piece.nut"
    await encode(ffmpeg, clip, 0, clip.frames, setting, whole, on_frames=lambda _: None)
    await encode(ffmpeg, clip, first, first + 6, setting, piece, on_frames=lambda _: None)
    pairs = zip(_luma(whole)[first : first + 6], _luma(piece), strict=True)
    assert max(_off(a, b) for a, b in pairs) < 0.7
    if ffmpeg.quality_metric == "vmaf":
        seen = await measure(ffmpeg, clip, piece, first, first + 6, subsample=1, threads=1, work=tmp_path)
        assert seen.p1 > 97


async def test_an_interlaced_film_comes_out_whole_at_its_own_times(bundled: Ffmpeg, tmp_path: Path) -> None:
    source, output, full = tmp_path / "a.mkv", tmp_path / "out.mp4", tmp_path / "full.mkv"
    _make("panned", source)
    make(*lavfi(f"{PAN},format=yuv420p"), "-c:v", "ffv1", full)
    planned = await tightfit.aplan(source, to="90%")
    assert isinstance(planned, Plan)
    assert any("deinterlaced" in reason for reason in planned.reasons)
    result = await tightfit.acompress(source, to="90%", output=output, resolution="source")
    assert result.decisions is not None
    assert result.decisions.deinterlace == "top_first"
    start = times_in(source)[0]
    ticks = [round((t - start) * 1000) for t in times_in(source)]
    assert [round(t * 1000) for t in times_in(output)] == ticks
    assert result.frames == 40
    # The pictures of the first field's moments, as they were before they were interlaced.
    wanted, woven, made = _luma(full)[::2], _luma(source), _luma(output)
    middle = slice(5, 35)
    as_made = [_off(a, b) for a, b in zip(wanted[middle], made[middle], strict=True)]
    as_woven = [_off(a, b) for a, b in zip(wanted[middle], woven[middle], strict=True)]
    assert sum(as_made) < 0.3 * sum(as_woven), "no better than with combs"
    made_info = await probe(output)
    assert made_info.main_video is not None
    assert await field_order_of(bundled, made_info, made_info.main_video, tmp_path) is FieldOrder.PROGRESSIVE


def test_a_source_that_is_only_flagged_is_told_so_and_stays(tmp_path: Path) -> None:
    planned = tightfit.plan(_make("only flagged", tmp_path / "a.mkv"), to="30%")
    assert isinstance(planned, Plan)
    assert planned.decisions.deinterlace is None
    assert any("it stays" in reason for reason in planned.reasons)
