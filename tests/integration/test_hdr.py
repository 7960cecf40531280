"""HDR pictures that stay HDR: the same light in 10 bits, said of them in every container, the same in every piece."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import pytest
from support.footage import lavfi, make
from support.hdr import code

from tightfit.domain.codec import AV1, HEVC, Codec
from tightfit.domain.geometry import full_size
from tightfit.domain.light import Light, MasteringDisplay
from tightfit.domain.media_info import Hdr
from tightfit.engine.streams import overhead_bound
from tightfit.errors import EncoderError
from tightfit.media.cargo import Cargo
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.measure import measure
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.stitch import Timeline, stitch
from tightfit.media.tools import Ffmpeg
from tightfit.media.verify import Expected, verify

pytestmark = pytest.mark.anyio

# Linear light, 1 being 203 cd/m²: greys from black to 1000 cd/m², and colours of all hues.
CHART = (
    *((0.0, 0.0, 0.0), (0.02, 0.02, 0.02), (0.18, 0.18, 0.18), (1.0, 1.0, 1.0), (4.5, 4.5, 4.5)),
    *((0.29, 0.15, 0.09), (0.09, 0.16, 0.29), (0.28, 0.01, 0.01), (0.02, 0.28, 0.03), (3.5, 2.4, 1.0)),
)
# Of 1023: a step of 8 bits is four.
MOST_OFF = 3.0
DISPLAY = MasteringDisplay((34000, 16000), (13250, 34500), (7500, 3000), (15635, 16450), 10_000_000, 50)
SAID = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,50):max-cll=1000,400"


def _make_chart(path: Path, transfer: str, *, full_range: bool = False, along: str = "", seconds: float = 0.4) -> Path:
    """Strips of exact light, stored without loss."""
    codes = [code(light, transfer) for light in CHART]

    def strips(plane: int, wide: int) -> str:
        return "+".join(f"between(X,{wide * n},{wide * n + wide - 1})*{c[plane]}" for n, c in enumerate(codes))

    span = "pc" if full_range else "tv"
    drawn = f"geq=lum='{strips(0, 32)}':cb='{strips(1, 16)}':cr='{strips(2, 16)}'"
    convert = "scale=in_range=tv:out_range=pc:flags=accurate_rnd," if full_range else ""
    tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range={span}"
    graph = f"color=black:s={32 * len(codes)}x64:r=5:d={seconds},format=yuv420p10le,{drawn},{convert}{tags}"
    params = ":".join(filter(None, ("log-level=error:lossless=1", along)))
    said = ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc", "-color_range", span)
    make(*lavfi(graph), "-c:v", "libx265", "-x265-params", params, *said, "-tag:v", "hvc1", path)
    return path


async def _clip(source: Path) -> Clip:
    info = await probe(source)
    video = info.main_video
    assert video is not None
    picture = Picture(video, full_size(video.display_size), keeps_hdr=True)
    return Clip(info, video, picture, tuple(p - video.pts[0] for p in video.pts))


def _setting(clip: Clip, codec: Codec) -> Setting:
    preset = "ultrafast" if codec is HEVC else "12"
    return Setting(clip.picture.full, codec.nearest(12.0), 1, preset, codec=codec)


def _require(ffmpeg: Ffmpeg, codec: Codec) -> None:
    if codec.encoder not in ffmpeg.encoders:
        pytest.skip(f"{ffmpeg.path} has no {codec.encoder}")


def _first(path: Path) -> Any:
    with av.open(str(path)) as container:
        return next(container.decode(video=0))


def _codes_at(frame: Any, strip: int) -> tuple[float, ...]:
    """Mean Y', Cb and Cr in the middle of a strip, as they are stored."""
    found = []
    for plane in frame.planes:
        row = memoryview(bytes(plane)).cast("H")[plane.height // 2 * plane.line_size // 2 :]
        wide = plane.width // len(CHART)
        middle = row[strip * wide + wide // 4 : (strip + 1) * wide - wide // 4]
        found.append(sum(middle) / len(middle))
    return tuple(found)


@pytest.mark.parametrize("codec", [HEVC, AV1], ids=str)
@pytest.mark.parametrize(("transfer", "full_range"), [("smpte2084", False), ("arib-std-b67", True)])
async def test_light_that_is_kept_is_the_very_light(
    ffmpeg: Ffmpeg, codec: Codec, transfer: str, full_range: bool, tmp_path: Path
) -> None:
    _require(ffmpeg, codec)
    clip, out = await _clip(_make_chart(tmp_path / "a.mp4", transfer, full_range=full_range)), tmp_path / "a.nut"
    cargo, line = Cargo(light=clip.picture.light), Timeline(clip.pts, clip.video.time_base, clip.video.frame_ticks, 0.0)
    part = await encode(ffmpeg, clip, 0, clip.frames, _setting(clip, codec), out, on_frames=lambda _: None)
    stitch([part], line, cargo, tmp_path / "out.mp4")
    shown = _first(tmp_path / "out.mp4")
    assert shown.format.name == "yuv420p10le"
    assert (shown.color_primaries, shown.color_trc, shown.colorspace, shown.color_range) == (
        *(9, 16 if transfer == "smpte2084" else 18, 9),
        1,
    )
    off = {
        n: [abs(a - b) for a, b in zip(_codes_at(shown, n), code(light, transfer), strict=True)]
        for n, light in enumerate(CHART)
    }
    assert max(map(max, off.values())) <= MOST_OFF, off


@pytest.mark.parametrize("codec", [HEVC, AV1], ids=str)
async def test_pieces_join_and_every_container_says_what_the_source_said(
    bundled: Ffmpeg, codec: Codec, tmp_path: Path
) -> None:
    _require(bundled, codec)
    clip = await _clip(_make_chart(tmp_path / "a.mp4", "smpte2084", along=SAID, seconds=0.8))
    assert clip.video.light == Light(DISPLAY, (1000, 400))
    parts = []
    # The second one begins where the source says nothing of its light beside its pictures.
    for first, last in ((0, 2), (2, clip.frames)):
        out = tmp_path / f"{first}.nut"
        parts.append(await encode(bundled, clip, first, last, _setting(clip, codec), out, on_frames=lambda _: None))
    line = Timeline(clip.pts, clip.video.time_base, clip.video.frame_ticks, 0.0)
    for container in codec.containers:
        cargo, out = Cargo(container, light=clip.picture.light), tmp_path / f"out.{container}"
        size = stitch(parts, line, cargo, out)
        expected = Expected(size, line, clip.picture.full, tuple(parts), cargo)
        await verify(bundled, out, expected)
        video = (await probe(out)).main_video
        assert video is not None
        assert (video.colour.hdr, video.bit_depth, video.light) == (Hdr.PQ, 10, Light(DISPLAY, (1000, 400)))
        assert size - sum(p.bytes for p in parts) <= overhead_bound(clip, line, cargo, size, codec)
        if not container.is_matroska:
            assert {name: out.read_bytes().count(name) for name in (b"mdcv", b"clli")} == {b"mdcv": 1, b"clli": 1}
        else:
            assert b"\x55\xd0" in out.read_bytes(), "no MasteringMetadata (RFC 9559)"
        lied = replace(cargo, light=Light(replace(DISPLAY, most=40_000_000), (1000, 400)))
        with pytest.raises(EncoderError, match="HDR"):
            await verify(bundled, out, replace(expected, cargo=lied))


async def test_what_is_kept_is_measured_after_the_same_tone_mapping_of_both_sides(
    bundled: Ffmpeg, tmp_path: Path
) -> None:
    clip, out = await _clip(_make_chart(tmp_path / "a.mp4", "arib-std-b67")), tmp_path / "a.nut"
    await encode(bundled, clip, 0, clip.frames, _setting(clip, HEVC), out, on_frames=lambda _: None)
    seen = await measure(bundled, clip, out, 0, clip.frames, subsample=1, threads=1, work=tmp_path)
    assert seen.mean > 90
