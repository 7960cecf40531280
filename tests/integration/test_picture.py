"""Pictures come out upright, in square pixels and in the colours of the source."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import ffmpeg as graph
import pytest
from support.colours import Rgb, Shown, first_frame, near, nth_frame
from support.footage import lavfi, make
from support.hdr import code, in_sdr

from benchmarks.shown import delta_e, lab
from tightfit.domain.geometry import Size, full_size
from tightfit.domain.media_info import Hdr
from tightfit.domain.request import Resolution
from tightfit.errors import SourceError
from tightfit.media import argv
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.extract import can_travel
from tightfit.media.picture import Picture, require_tone_mapping
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

pytestmark = pytest.mark.anyio

# One colour in each quarter of the picture, so that no turn or flip goes unseen.
TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT = (200, 30, 40), (20, 150, 60), (40, 60, 210), (235, 225, 215)
QUARTERS = {
    (0.25, 0.25): TOP_LEFT,
    (0.75, 0.25): TOP_RIGHT,
    (0.25, 0.75): BOTTOM_LEFT,
    (0.75, 0.75): BOTTOM_RIGHT,
}
NO_BOUND = Resolution()
# A just noticeable difference is 2.3 (CIE 1976).
MOST_DELTA_E = 2.0
NEAR_LOSSLESS = ("-c:v", "libx264", "-preset", "ultrafast", "-crf", 4)


def _patches(width: int = 160, height: int = 120) -> str:
    """Four solid patches in exact RGB."""

    def quarter(rgb: Rgb) -> str:
        r, g, b = rgb
        return f"color=0x{r:02x}{g:02x}{b:02x}:s={width - width // 2}x{height - height // 2}:r=5:d=1,format=gbrp"

    a, b, c, d = (quarter(rgb) for rgb in QUARTERS.values())
    joined = f"{a}[a];{b}[b];{c}[c];{d}[d];[a][b]hstack[t];[c][d]hstack[u];[t][u]vstack"
    return f"{joined},crop={width}:{height}:0:0:exact=1"


@dataclass(frozen=True)
class Coding:
    """One way to store RGB: pixel format, matrix, range and whether the file says so."""

    pix_fmt: str = "yuv420p"
    matrix: str = "bt709"
    full_range: bool = False
    tagged: bool = True
    options: tuple[object, ...] = NEAR_LOSSLESS
    suffix: str = ".mp4"

    def make(self, path: Path, *, size: tuple[int, int] = (160, 120), then: str = "null") -> Path:
        span = "pc" if self.full_range else "tv"
        tags: tuple[object, ...] = ()
        if self.tagged:
            name = {"bt709": "bt709", "bt601": "smpte170m"}[self.matrix]
            named = f"setparams=color_primaries={name}:color_trc={name}:colorspace={name}:range={span}"
            tags = ("-color_primaries", name, "-color_trc", name, "-colorspace", name, "-color_range", span)
            then = f"{named},{then}"
        convert = f"scale=out_color_matrix={self.matrix}:out_range={span}:flags=accurate_rnd,format={self.pix_fmt}"
        make(*lavfi(f"{_patches(*size)},{convert},{then}"), *self.options, *tags, path.with_suffix(self.suffix))
        return path.with_suffix(self.suffix)


async def _encoded(
    ffmpeg: Ffmpeg, source: Path, work: Path, bound: Resolution = NO_BOUND, scale: Size | None = None
) -> Shown:
    info = await probe(source)
    video = info.main_video
    assert video is not None
    picture = Picture(video, full_size(video.display_size, bound))
    clip = Clip(info, video, picture, tuple(p - video.pts[0] for p in video.pts))
    out = work / "encoded.nut"
    setting = Setting(scale or picture.full, 8.0, 1, "veryfast")
    await encode(ffmpeg, clip, 0, clip.frames, setting, out, on_frames=lambda _: None)
    return first_frame(out)


def _assert_quarters(shown: Shown, expected: dict[tuple[float, float], Rgb] = QUARTERS) -> None:
    seen = {at: shown.at(*at) for at in expected}
    assert all(near(seen[at], expected[at]) for at in expected), f"{seen} instead of {expected}"
    off = [delta_e(lab(bytes(seen[at])), lab(bytes(expected[at]))) for at in expected]
    assert max(off, default=0.0) <= MOST_DELTA_E, f"{seen} instead of {expected}"


CODINGS = {
    "709": Coding(),
    "601": Coding(matrix="bt601"),
    "709-full-range": Coding(full_range=True),
    "601-full-range": Coding(matrix="bt601", full_range=True),
    "untagged": Coding(matrix="bt601", tagged=False),
    "4:4:4": Coding("yuv444p"),
    "4:2:2": Coding("yuv422p"),
    "10-bit": Coding("yuv420p10le"),
    "4:2:2, 601, full range": Coding("yuv422p", "bt601", full_range=True),
    "4:4:4, full range": Coding("yuv444p", full_range=True),
    "4:4:4, 601, 10-bit": Coding("yuv444p10le", "bt601"),
    "mpeg4": Coding(matrix="bt601", tagged=False, options=("-c:v", "mpeg4", "-q:v", 1), suffix=".avi"),
    "mjpeg": Coding("yuvj420p", "bt601", True, False, ("-c:v", "mjpeg", "-q:v", 1), ".mkv"),
    "vp9": Coding(options=("-c:v", "libvpx-vp9", "-crf", 4, "-b:v", 0, "-cpu-used", 8), suffix=".webm"),
}


@pytest.mark.parametrize("coding", CODINGS.values(), ids=CODINGS.keys())
async def test_colours_survive_however_they_are_stored(ffmpeg: Ffmpeg, coding: Coding, tmp_path: Path) -> None:
    source = coding.make(tmp_path / "source")
    _assert_quarters(await _encoded(ffmpeg, source, tmp_path))


async def test_the_version_of_an_x264_that_had_its_own_way_is_told_wherever_reading_begins(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    new, old = tmp_path / "new.mp4", tmp_path / "old.mp4"
    coded = ("-c:v", "libx264", "-g", 10, "-pix_fmt", "yuv444p")
    make(*lavfi("testsrc2=s=160x120:r=10:d=3"), *coded, new)
    said = re.search(rb"x264 - core (\d{3})", new.read_bytes())
    assert said is not None
    old.write_bytes(new.read_bytes().replace(said[0], b"x264 - core 142"))
    info = await probe(old)
    source = argv.source_input(info, ffmpeg.policy, threads=1, seek_s=2.0)
    command = argv.command(ffmpeg.path, graph.output(source, "-", f="null"))
    assert command[command.index("-x264_build") + 1] == "142"
    assert info.main_video is not None
    picture = Picture(info.main_video, Size(160, 120))
    assert not can_travel(Clip(info, info.main_video, picture, info.main_video.pts)), "a piece alone could not tell it"


async def test_a_piece_of_what_an_old_x264_made_looks_as_it_does_in_the_whole(
    ffmpeg: Ffmpeg, real_clip: Callable[[str], Path], tmp_path: Path
) -> None:
    """Version 142 of x264 coded 4:4:4 in its own way and says its version in the first packet alone."""
    source = real_clip("a50_yuv444p_mono16k_mp3.mp4")
    info = await probe(source)
    video = info.main_video
    assert video is not None
    first = video.pts.index(video.keyframe_pts[1])
    picture = Picture(video, full_size(video.display_size, NO_BOUND))
    clip, out = Clip(info, video, picture, tuple(p - video.pts[0] for p in video.pts)), tmp_path / "encoded.nut"
    setting = Setting(picture.full, 8.0, 1, "veryfast")
    await encode(ffmpeg, clip, first, first + 5, setting, out, on_frames=lambda _: None)
    grid = [(x / 8, y / 8) for x in range(1, 8) for y in range(1, 8)]
    # Untagged and of 720 lines: the piece is tagged as the whole is guessed.
    piece, whole = nth_frame(out, 4), replace(nth_frame(source, first + 4), guessed=1)
    off = [delta_e(lab(bytes(piece.at(*at))), lab(bytes(whole.at(*at)))) for at in grid]
    assert sum(off) / len(off) <= MOST_DELTA_E


async def test_colours_survive_a_smaller_picture(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = Coding().make(tmp_path / "source", size=(320, 240))
    shown = await _encoded(ffmpeg, source, tmp_path, scale=Size(106, 80))
    assert shown.size == (106, 80)
    _assert_quarters(shown)


async def test_an_untagged_hd_picture_says_what_players_guessed_when_it_gets_small(
    ffmpeg: Ffmpeg, tmp_path: Path
) -> None:
    source = Coding(matrix="bt709", tagged=False).make(tmp_path / "source", size=(960, 720))
    shown = await _encoded(ffmpeg, source, tmp_path, scale=Size(320, 240))
    assert int(shown.frame.colorspace) == 1
    _assert_quarters(shown)


async def test_a_gif_gets_its_colours_without_a_matrix_to_go_by(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = tmp_path / "patches.gif"
    palette = "split[a][b];[a]palettegen=reserve_transparent=0[p];[b][p]paletteuse=dither=none"
    make(*lavfi(f"{_patches()},{palette}"), source)
    _assert_quarters(await _encoded(ffmpeg, source, tmp_path))


@pytest.mark.parametrize(
    ("codec", "pix_fmt"), [("libx264rgb", "rgb24"), ("ffv1", "gbrp"), ("png", "rgb24"), ("rawvideo", "bgr24")]
)
async def test_rgb_pictures_keep_their_colours(ffmpeg: Ffmpeg, codec: str, pix_fmt: str, tmp_path: Path) -> None:
    source = tmp_path / "rgb.nut"
    make(*lavfi(f"{_patches()},format={pix_fmt}"), "-c:v", codec, source)
    _assert_quarters(await _encoded(ffmpeg, source, tmp_path))


TRANSPARENT = {
    "rgba": ("png", "rgba", "bt709", "tv"),
    "gbrap": ("ffv1", "gbrap", "bt709", "tv"),
    "4:4:4": ("ffv1", "yuva444p", "bt709", "tv"),
    "4:2:0": ("ffv1", "yuva420p", "bt709", "tv"),
    "4:2:2, 601": ("ffv1", "yuva422p", "smpte170m", "tv"),
    "4:4:4, full range": ("ffv1", "yuva444p", "bt709", "pc"),
    "4:4:4, untagged": ("ffv1", "yuva444p", "", "tv"),
    "4:4:4, 10 bits": ("prores_ks", "yuva444p10le", "bt709", "tv"),
}


@pytest.mark.parametrize(("codec", "pix_fmt", "matrix", "span"), TRANSPARENT.values(), ids=TRANSPARENT.keys())
async def test_transparent_pictures_come_out_on_black(
    ffmpeg: Ffmpeg, codec: str, pix_fmt: str, matrix: str, span: str, tmp_path: Path
) -> None:
    source = tmp_path / "clear.mkv"
    stored, tags = "null", ()
    if pix_fmt.startswith("yuv"):
        named = {"bt709": "bt709", "smpte170m": "bt601", "": "bt601"}[matrix]
        stored = f"scale=out_color_matrix={named}:out_range={span}:flags=accurate_rnd"
        unknown = matrix or "unknown"
        stored += f",format={pix_fmt},setparams=color_primaries={unknown}:color_trc={unknown}:colorspace={unknown}"
        stored += f":range={span}"
    if pix_fmt.startswith("yuv") and matrix:
        tags = ("-color_primaries", matrix, "-color_trc", matrix, "-colorspace", matrix, "-color_range", span)
    clear = f"format=gbrap,colorchannelmixer=aa=0.5,{stored},format={pix_fmt}"
    make(*lavfi(f"{_patches()},{clear}"), "-c:v", codec, *tags, source)
    video = (await probe(source)).main_video
    assert video is not None
    assert "a" in str(video.pix_fmt), "nothing in it is transparent"
    half = {at: tuple(round(c / 2) for c in rgb) for at, rgb in QUARTERS.items()}
    _assert_quarters(await _encoded(ffmpeg, source, tmp_path), half)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("-display_hflip", [TOP_RIGHT, TOP_LEFT, BOTTOM_RIGHT, BOTTOM_LEFT]),
        ("-display_vflip", [BOTTOM_LEFT, BOTTOM_RIGHT, TOP_LEFT, TOP_RIGHT]),
    ],
)
async def test_a_mirrored_picture_comes_out_as_it_is_shown(
    ffmpeg: Ffmpeg, option: str, expected: list[Rgb], tmp_path: Path
) -> None:
    flat, source = Coding().make(tmp_path / "flat"), tmp_path / "mirrored.mp4"
    make(option, "-i", flat, "-c", "copy", source)
    shown = await _encoded(ffmpeg, source, tmp_path)
    _assert_quarters(shown, dict(zip(QUARTERS, expected, strict=True)))


@pytest.mark.parametrize(
    ("counterclockwise", "expected"),
    [
        (0, [TOP_LEFT, TOP_RIGHT, BOTTOM_LEFT, BOTTOM_RIGHT]),
        (90, [TOP_RIGHT, BOTTOM_RIGHT, TOP_LEFT, BOTTOM_LEFT]),
        (180, [BOTTOM_RIGHT, BOTTOM_LEFT, TOP_RIGHT, TOP_LEFT]),
        (270, [BOTTOM_LEFT, TOP_LEFT, BOTTOM_RIGHT, TOP_RIGHT]),
    ],
)
async def test_a_turned_picture_comes_out_upright(
    ffmpeg: Ffmpeg, counterclockwise: int, expected: list[Rgb], tmp_path: Path
) -> None:
    flat, source = Coding().make(tmp_path / "flat"), tmp_path / "turned.mp4"
    make("-display_rotation", counterclockwise, "-i", flat, "-c", "copy", source)
    shown = await _encoded(ffmpeg, source, tmp_path)
    assert shown.size == ((160, 120) if counterclockwise in (0, 180) else (120, 160))
    _assert_quarters(shown, dict(zip(QUARTERS, expected, strict=True)))


@pytest.mark.parametrize(
    ("sar", "turned", "size"),
    [("4/3", 0, (212, 120)), ("8/9", 0, (160, 134)), ("4/3", 90, (120, 212)), ("1/2", 270, (240, 160))],
)
async def test_pixels_come_out_square(
    ffmpeg: Ffmpeg, sar: str, turned: int, size: tuple[int, int], tmp_path: Path
) -> None:
    flat, source = Coding().make(tmp_path / "flat", then=f"setsar={sar}"), tmp_path / "turned.mp4"
    make("-display_rotation", turned, "-i", flat, "-c", "copy", source)
    shown = await _encoded(ffmpeg, source, tmp_path)
    assert shown.size == size
    _assert_quarters(shown, {} if turned else QUARTERS)


@pytest.mark.parametrize("turned", [0, 90])
@pytest.mark.parametrize("size", [(161, 121), (160, 121), (161, 120)])
async def test_an_odd_picture_loses_a_row_or_a_column_and_nothing_else(
    ffmpeg: Ffmpeg, size: tuple[int, int], turned: int, tmp_path: Path
) -> None:
    flat, source = tmp_path / "flat.mkv", tmp_path / "turned.mp4"
    coding = Coding("yuv444p")
    coding.make(flat.with_suffix(".mp4"), size=size)
    make("-display_rotation", turned, "-i", flat.with_suffix(".mp4"), "-c", "copy", source)
    shown = await _encoded(ffmpeg, source, tmp_path)
    assert sorted(shown.size) == [120, 160]
    if not turned:
        _assert_quarters(shown)


async def test_a_bound_is_kept_to_and_the_shape_with_it(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    source = Coding().make(tmp_path / "source", size=(320, 240))
    shown = await _encoded(ffmpeg, source, tmp_path, Resolution(height=120))
    assert shown.size == (160, 120)
    _assert_quarters(shown)


# Luma code values (10 bit, limited range) of light levels: black, 18 % grey and reference white at 203 cd/m²
# of ITU-R BT.2408, and of 1000 cd/m², in PQ (SMPTE ST 2084) and HLG (ARIB STD-B67).
PQ = {"black": 64, "grey": 397, "white": 573, "bright": 723}
HLG = {"black": 64, "grey": 397, "white": 721, "bright": 940}


def _make_hdr(path: Path, transfer: str, levels: dict[str, int]) -> Path:
    strips = "+".join(f"between(X,{40 * n},{40 * n + 39})*{code}" for n, code in enumerate(levels.values()))
    tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range=tv"
    graph = f"color=black:s=160x120:r=5:d=1,format=yuv420p10le,geq=lum='{strips}':cb=512:cr=512,{tags}"
    said = (
        "-color_primaries",
        "bt2020",
        "-color_trc",
        transfer,
        "-colorspace",
        "bt2020nc",
        "-color_range",
        "tv",
    )
    make(
        *lavfi(graph),
        "-c:v",
        "libx265",
        "-x265-params",
        "log-level=error:lossless=1",
        *said,
        "-tag:v",
        "hvc1",
        path,
    )
    return path


@pytest.mark.parametrize(("transfer", "levels"), [("smpte2084", PQ), ("arib-std-b67", HLG)])
async def test_hdr_is_tone_mapped_and_not_washed_out(
    ffmpeg: Ffmpeg, transfer: str, levels: dict[str, int], tmp_path: Path
) -> None:
    source = _make_hdr(tmp_path / "hdr.mp4", transfer, levels)
    if not ffmpeg.can_tone_map:
        video = (await probe(source)).main_video
        assert video is not None
        with pytest.raises(SourceError, match="HDR"):
            require_tone_mapping(video, ffmpeg, str(source))
        pytest.skip(f"{ffmpeg.path} has no zscale: HDR is refused, as it should be")
    shown = await _encoded(ffmpeg, source, tmp_path)
    black, grey, white, bright = (shown.at((n + 0.5) / 4, 0.5) for n in range(4))
    assert max(black) <= 3
    assert 60 < grey[1] < 150
    assert 150 < white[1] <= bright[1]
    assert all(max(rgb) - min(rgb) <= 3 for rgb in (black, grey, white, bright)), "grey has taken on a tint"
    assert int(shown.frame.colorspace) == 1


# Light in multiples of reference white: what is below a third of it has to stay as it is, whatever the curve.
CHART = {
    "black": (0.0, 0.0, 0.0),
    "dark": (0.02, 0.02, 0.02),
    "grey": (0.18, 0.18, 0.18),
    "skin": (0.29, 0.15, 0.09),
    "foliage": (0.07, 0.12, 0.03),
    "sky": (0.09, 0.16, 0.29),
    "red": (0.28, 0.01, 0.01),
    "green": (0.02, 0.28, 0.03),
    "blue": (0.02, 0.02, 0.28),
    "yellow": (0.29, 0.24, 0.02),
    "white": (1.0, 1.0, 1.0),
    "bright": (3.0, 3.0, 3.0),
    "sun": (3.5, 2.4, 1.0),
}


@pytest.mark.parametrize("full_range", [False, True], ids=["limited", "full"])
@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
async def test_tone_mapped_colours_are_those_that_the_standards_say(
    ffmpeg: Ffmpeg, transfer: str, full_range: bool, tmp_path: Path
) -> None:
    if not ffmpeg.can_tone_map:
        pytest.skip(f"{ffmpeg.path} has no zscale")
    codes = [code(light, transfer) for light in CHART.values()]
    shown = await _encoded(ffmpeg, _make_chart(tmp_path / "a.mp4", transfer, codes, full_range), tmp_path)
    off = {}
    for n, (name, light) in enumerate(CHART.items()):
        seen, wanted = shown.at((n + 0.5) / len(CHART), 0.5), in_sdr(light)
        off[name] = (round(delta_e(lab(bytes(seen)), lab(bytes(wanted))), 2), seen, wanted)
    assert max(d for d, _, _ in off.values()) <= MOST_DELTA_E, off


LYING = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(20000,1):max-cll=1,1"


@pytest.mark.parametrize("said", ["nothing", "a peak below its white"])
async def test_pq_without_tags_is_known_by_its_mastering_display_whatever_that_says_of_its_peak(
    bundled: Ffmpeg, said: str, tmp_path: Path
) -> None:
    codes = [code(light, "smpte2084") for light in CHART.values()]
    source = _make_chart(tmp_path / "a.mp4", "", codes, along=LYING if said != "nothing" else "")
    video = (await probe(source)).main_video
    assert video is not None
    assert video.colour.hdr is (Hdr.NONE if said == "nothing" else Hdr.PQ)
    if said == "nothing":
        return
    shown = await _encoded(bundled, source, tmp_path)
    for n, light in enumerate(CHART.values()):
        seen, wanted = shown.at((n + 0.5) / len(CHART), 0.5), in_sdr(light)
        assert delta_e(lab(bytes(seen)), lab(bytes(wanted))) <= MOST_DELTA_E, (seen, wanted)


async def test_dolby_vision_is_its_base_layer_or_refused(
    bundled: Ffmpeg, real_clip: Callable[[str], Path], tmp_path: Path
) -> None:
    source, bare = real_clip("a01_iphone_hlg10_rot90_editlist_hevc.mp4"), tmp_path / "bare.ts"
    video = (await probe(source)).main_video
    assert video is not None
    assert video.dolby_vision
    assert video.colour.hdr is Hdr.HLG
    require_tone_mapping(video, bundled, str(source))
    unsaid = "hevc_metadata=colour_primaries=2:transfer_characteristics=2:matrix_coefficients=2"
    make("-i", source, "-map", "0:v:0", "-c", "copy", "-bsf:v", unsaid, bare)
    video = (await probe(bare)).main_video
    assert video is not None
    with pytest.raises(SourceError, match="Dolby Vision"):
        require_tone_mapping(video, bundled, str(bare))


def _make_chart(
    path: Path, transfer: str, codes: list[tuple[int, int, int]], full_range: bool = False, along: str = ""
) -> Path:
    """Strips of the code values ``codes``; tagged by ``transfer`` if any; ``along`` is for x265."""

    def strips(plane: int, wide: int) -> str:
        return "+".join(f"between(X,{wide * n},{wide * n + wide - 1})*{c[plane]}" for n, c in enumerate(codes))

    span = "pc" if full_range else "tv"
    convert = "scale=in_range=tv:out_range=pc:flags=accurate_rnd," if full_range else ""
    drawn = f"geq=lum='{strips(0, 32)}':cb='{strips(1, 16)}':cr='{strips(2, 16)}'"
    tags, said = "null", ("-color_range", span)
    if transfer:
        tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc:range={span}"
        said += ("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc")
    graph = f"color=black:s={32 * len(codes)}x64:r=5:d=0.4,format=yuv420p10le,{drawn},{convert}{tags}"
    params = ":".join(filter(None, ("log-level=error:lossless=1", along)))
    coded = ("-c:v", "libx265", "-x265-params", params, *said, "-tag:v", "hvc1")
    make(*lavfi(graph), *coded, path)
    return path


async def test_an_hdr_picture_keeps_its_hue(ffmpeg: Ffmpeg, tmp_path: Path) -> None:
    if not ffmpeg.can_tone_map:
        pytest.skip(f"{ffmpeg.path} has no zscale")
    source = tmp_path / "red.mp4"
    tags = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc:range=tv"
    # A BT.2020 red of about 100 cd/m²: Y', Cb', Cr' of a PQ signal (0.50, 0.10, 0.08).
    graph = f"color=black:s=160x120:r=5:d=1,format=yuv420p10le,geq=lum=243:cb=459:cr=707,{tags}"
    said = ("-color_primaries", "bt2020", "-color_trc", "smpte2084", "-colorspace", "bt2020nc")
    make(*lavfi(graph), "-c:v", "libx265", "-x265-params", "log-level=error", *said, "-tag:v", "hvc1", source)
    r, g, b = (await _encoded(ffmpeg, source, tmp_path)).at(0.5, 0.5)
    assert r > 120
    assert r > 3 * max(g, b)
