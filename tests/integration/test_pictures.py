"""Pictures, the whole way: under the limit in every format, upright, with their colours, their date and their alpha."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from support.pictures import SIZE, WHEN, camera_exif, frames, scene, srgb_profile, timing, write

import tightfit
from tightfit.domain.result import Result, Status
from tightfit.errors import InfeasibleError, SourceError, UsageError


def kept(result: Result, limit: int) -> Image.Image:
    """The picture that was made, which keeps what was promised of any."""
    assert result.output is not None
    path = Path(result.output)
    assert result.status is Status.MET
    assert path.stat().st_size == result.bytes
    assert result.bytes <= limit
    assert list(path.parent.glob(".*")) == [], "something of ours was left beside the output"
    image = Image.open(path)
    image.load()
    assert result.video is not None
    assert (result.video.width, result.video.height) == image.size
    assert result.video.codec == (image.format or "").lower()
    return image


@pytest.mark.parametrize("share", [0.6, 0.15])
@pytest.mark.parametrize("extension", [".jpg", ".webp", ".avif", ".png", ".gif"])
def test_each_format_fits_and_stays_what_it_is(extension: str, share: float, tmp_path: Path):
    source = write(tmp_path / f"a{extension}", scene())
    limit = int(source.stat().st_size * share)
    result = tightfit.compress(source, to=f"{limit}B", output=tmp_path / f"out{extension}")
    kept(result, limit)
    assert result.frames == 1
    assert result.duration_s is None
    assert result.quality is not None
    assert result.quality.metric == "ssim"
    if extension in (".jpg", ".webp"):
        assert result.bytes >= 0.95 * limit


def test_a_phones_picture_comes_out_upright_with_date_place_and_profile(tmp_path: Path):
    source = write(
        tmp_path / "phone.jpg", scene((640, 480)), exif=camera_exif(orientation=6), icc_profile=srgb_profile()
    )
    image = kept(tightfit.compress(source, to="60KB", output=tmp_path / "out.jpg"), 60_000)
    assert image.height > image.width, "shown upright"
    corner = image.convert("RGB").getpixel((image.width - 8, 8))
    assert corner[0] > 150 > corner[1], "what was left is above now, and to the right"
    exif = image.getexif()
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == WHEN
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[1] == "N"
    assert image.info["icc_profile"] == srgb_profile()


def test_what_takes_too_much_of_a_small_file_is_left_out_and_named(tmp_path: Path):
    source = write(tmp_path / "phone.jpg", scene(), exif=camera_exif(), xmp=b"<x:xmpmeta>" + b" " * 3000)
    result = tightfit.compress(source, to="4KB", output=tmp_path / "out.jpg")
    image = kept(result, 4000)
    assert "xmp" not in image.info
    assert image.getexif().get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == WHEN
    assert any("XMP" in warning for warning in result.warnings)


def test_alpha_is_kept_where_the_format_has_it_and_said_where_not(tmp_path: Path):
    source = write(tmp_path / "a.png", scene(alpha=True))
    webp = kept(tightfit.compress(source, to="6KB", output=tmp_path / "out.webp"), 6000)
    assert webp.mode == "RGBA"
    assert webp.getchannel("A").getextrema()[0] < 40
    result = tightfit.compress(source, to="6KB", output=tmp_path / "out.jpg")
    assert kept(result, 6000).mode == "RGB"
    assert any("transparency" in warning for warning in result.warnings)


def test_a_picture_that_fits_is_copied_and_a_bound_on_its_size_holds(tmp_path: Path):
    source = write(tmp_path / "a.jpg", scene())
    result = tightfit.compress(source, to="5MB", output=tmp_path / "same.jpg")
    assert result.status is Status.ALREADY_FITS
    assert (tmp_path / "same.jpg").read_bytes() == source.read_bytes()
    smaller = kept(tightfit.compress(source, to="5MB", resolution="80p", output=tmp_path / "small.jpg"), 5_000_000)
    assert smaller.size == (120, 80)


@pytest.mark.parametrize("extension", [".jpg", ".png"])
def test_too_small_a_limit_names_a_size_that_then_works(extension: str, tmp_path: Path):
    source, output = write(tmp_path / f"a{extension}", scene()), tmp_path / f"out{extension}"
    with pytest.raises(InfeasibleError) as caught:
        tightfit.compress(source, to="300B", output=output)
    assert list(tmp_path.iterdir()) == [source]
    smallest = caught.value.smallest_bytes  # type: ignore[attr-defined]  # the engine's own kind carries it
    assert smallest > 300
    kept(tightfit.compress(source, to=f"{smallest}B", output=output), smallest)


def test_a_picture_is_what_it_holds_and_not_what_its_name_says(tmp_path: Path):
    source = tmp_path / "b.mp4"
    scene().save(source, "PNG")
    result = tightfit.compress(source, to="20KB")
    assert kept(result, 20_000).format == "PNG"
    assert Path(str(result.output)).name == "b-20KB.png"
    assert any("PNG picture" in warning for warning in result.warnings)
    with pytest.raises(UsageError, match=r"\.jpg"):
        tightfit.compress(source, to="20KB", output=tmp_path / "out.mp4")


def test_damaged_pictures_are_refused_and_nothing_is_written(tmp_path: Path):
    whole = write(tmp_path / "whole.png", scene()).read_bytes()
    bad = {
        "cut.png": whole[: len(whole) // 2],
        "flipped.png": whole[:60] + bytes(200) + whole[260:],
        "head.jpg": b"\xff\xd8\xff\xe0" + b"\0" * 40_000,
        "page.gif": b"GIF89a" + b"<script>alert(1)</script>" * 2000,
        "clip.webp": b"RIFF\xff\xff\xff\xffWEBPVP8X" + b"\xff" * 30_000,
    }
    for name, data in bad.items():
        (tmp_path / name).write_bytes(data)
    before = sorted(path.name for path in tmp_path.iterdir())
    for name in bad:
        with pytest.raises(SourceError, match=name.replace(".", r"\.")):
            tightfit.compress(tmp_path / name, to="5KB")
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_bomb_is_refused_by_its_header(tmp_path: Path):
    source = tmp_path / "bomb.png"
    Image.new("1", (15_000, 15_000)).save(source)
    with pytest.raises(SourceError, match="225,000,000 pixels; at most"):
        tightfit.compress(source, to="1KB")


@pytest.mark.parametrize("name", [b"-o x.jpg", b"a:b %d [1].jpg", b"\xff\xfe.jpg", "字 ’".encode() + b".jpg"])
def test_names_are_names(name: bytes, tmp_path: Path):
    source = write(tmp_path / "plain.jpg", scene()).rename(tmp_path / os.fsdecode(name))
    result = tightfit.compress(source, to="6KB")
    kept(result, 6000)


def test_a_plan_says_what_would_be_made_and_a_probe_what_is_there(tmp_path: Path):
    source = write(tmp_path / "a.jpg", scene(), exif=camera_exif())
    plan = tightfit.plan(source, to="6KB")
    assert plan.limit_bytes == 6000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg"]
    info = tightfit.probe(source)
    assert info.image is not None
    assert (info.image.format, info.image.orientation) == ("jpeg", 6)
    assert info.videos[0].display_size == SIZE[::-1]
    assert dict(info.metadata)["date"] == WHEN


def test_edits_of_a_picture_are_refused_and_never_half_done(tmp_path: Path):
    source = write(tmp_path / "a.jpg", scene())
    with pytest.raises(UsageError, match="edit"):
        tightfit.compress(source, to="6KB", trim="0-1")
    assert [path.name for path in tmp_path.iterdir()] == ["a.jpg"]


def test_holes_of_a_gif_stay_holes(tmp_path: Path):
    image = scene(alpha=True)
    source = write(tmp_path / "a.png", image)
    made = kept(tightfit.compress(source, to="12KB", output=tmp_path / "out.gif"), 12_000).convert("RGBA")
    alpha = made.getchannel("A")
    assert alpha.getpixel((made.width // 2, made.height // 2)) == 0, "the middle was transparent"
    assert alpha.getpixel((2, made.height - 3)) == 255


TIMES = [40, 80, 120, 200, 40, 80, 120, 200, 40, 300]


@pytest.mark.parametrize(("extension", "loops"), [(".gif", 0), (".webp", 3)])
def test_an_animation_keeps_its_frames_and_their_times(extension: str, loops: int, tmp_path: Path):
    first, *rest = frames(len(TIMES))
    source = tmp_path / f"a{extension}"
    options = {"quality": 95} if extension == ".webp" else {}
    first.save(source, save_all=True, append_images=rest, duration=TIMES, loop=loops, **options)
    limit = int(source.stat().st_size * 0.4)
    result = tightfit.compress(source, to=f"{limit}B", output=tmp_path / f"out{extension}")
    assert (result.status, result.frames) == (Status.MET, len(TIMES))
    size = (tmp_path / f"out{extension}").stat().st_size
    assert size == result.bytes
    assert size <= limit
    assert timing(tmp_path / f"out{extension}") == (loops, TIMES)


def test_a_gif_becomes_a_video_and_a_video_a_gif(tmp_path: Path):
    first, *rest = frames(20)
    source, clip, again = tmp_path / "a.gif", tmp_path / "clip.mp4", tmp_path / "again.gif"
    first.save(source, save_all=True, append_images=rest, duration=100, loop=0)
    video = tightfit.compress(source, to="20KB", output=clip)
    assert video.video is not None
    assert (video.video.codec, video.frames) == ("h264", 20)
    limit = 40_000
    gif = tightfit.compress(clip, to=f"{limit}B", output=again)
    assert again.stat().st_size == gif.bytes
    assert gif.bytes <= limit
    times = timing(again)[1]
    assert sum(times) == pytest.approx(2000, abs=150)
