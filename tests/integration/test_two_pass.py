"""A piece made to a size comes out at that size, whatever the size and the ffmpeg."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tightfit.domain.codec import H264, HEVC, Codec
from tightfit.domain.geometry import full_size, scaled
from tightfit.media import packets
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg
from tightfit.media.two_pass import first_pass, second_pass

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("codec", [H264, HEVC], ids=str)]

# Of 132 frames; longer pieces come nearer. x265 has no option for how soon it answers.
WITHIN = {H264: 0.02, HEVC: 0.15}
PRESETS = {H264: "medium", HEVC: "superfast"}
SCALES = {H264: Fraction(1, 2), HEVC: Fraction(1, 4)}


async def _clip(path: Path) -> Clip:
    info = await probe(path)
    video = info.main_video
    assert video is not None
    return Clip(info, video, Picture(video, full_size(video.display_size)), tuple(p - video.pts[0] for p in video.pts))


async def test_a_piece_comes_out_at_the_size_asked_for(
    ffmpeg: Ffmpeg, bunny: Path, tmp_path: Path, codec: Codec
) -> None:
    clip = await _clip(bunny)
    setting = Setting(scaled(clip.picture.full, SCALES[codec]), 28.0, 2, PRESETS[codec], codec=codec)
    looked_at = tmp_path / "look.nut"
    measured = await first_pass(ffmpeg, clip, 0, clip.frames, setting, looked_at, on_frames=lambda _: None)
    assert not looked_at.exists()
    assert measured.duration_s == pytest.approx(clip.video.duration_s, rel=0.01)
    # Sizes that are no whole number of kilobits per second, and far from what the first pass made.
    for n, share in enumerate((0.37, 0.713, 1.0, 1.531)):
        wanted = share * measured.part.bytes
        part = await second_pass(
            ffmpeg, clip, measured, wanted, setting, tmp_path / f"{n}.nut", on_frames=lambda _: None
        )
        assert part.kept == clip.frames
        assert part.bytes == pytest.approx(wanted, rel=WITHIN[codec]), share


async def test_a_size_that_nothing_fits_into_is_approached_and_does_not_fail(
    ffmpeg: Ffmpeg, bunny: Path, tmp_path: Path, codec: Codec
) -> None:
    clip = await _clip(bunny)
    setting = Setting(scaled(clip.picture.full, Fraction(1, 4)), 40.0, 2, PRESETS[codec], codec=codec)
    measured = await first_pass(ffmpeg, clip, 0, 50, setting, tmp_path / "look.nut", on_frames=lambda _: None)
    part = await second_pass(ffmpeg, clip, measured, 1.0, setting, tmp_path / "tiny.nut", on_frames=lambda _: None)
    assert part.kept == 50
    assert part.bytes < measured.part.bytes


async def test_a_piece_made_to_a_size_joins_one_made_at_a_quality(
    ffmpeg: Ffmpeg, bunny: Path, tmp_path: Path, codec: Codec
) -> None:
    clip = await _clip(bunny)
    setting = Setting(scaled(clip.picture.full, Fraction(1, 3)), 30.0, 2, PRESETS[codec], codec=codec)
    await encode(ffmpeg, clip, 0, 40, setting, tmp_path / "quality.nut", on_frames=lambda _: None)
    measured = await first_pass(ffmpeg, clip, 40, 90, setting, tmp_path / "look.nut", on_frames=lambda _: None)
    # A rate that is another level where the encoder chooses it.
    await second_pass(ffmpeg, clip, measured, 900_000, setting, tmp_path / "size.nut", on_frames=lambda _: None)
    made = [tmp_path / "quality.nut", tmp_path / "size.nut"]
    assert packets.description_of(made) == packets.description_of(made[1:])
