"""What a file holds is counted, not believed."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from support.footage import lavfi, make

from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.errors import SourceError
from tightfit.media.probe import probe

pytestmark = pytest.mark.anyio

SECONDS, RATE, GOP = 3, 25, 25
PICTURE = lavfi(f"testsrc2=s=160x90:r={RATE}:d={SECONDS}")
CODED = ("-c:v", "libx264", "-preset", "veryfast", "-g", GOP, "-sc_threshold", 0)
FRAGMENTED = ("-movflags", "frag_keyframe+empty_moov")


async def _main_video(path: Path) -> tuple[MediaInfo, VideoStream]:
    info = await probe(path)
    assert info.main_video is not None
    return info, info.main_video


def _overwrite(path: Path, marker: bytes, offset: int, value: bytes) -> None:
    """Put ``value`` where it stands ``offset`` bytes behind the first ``marker``."""
    content = bytearray(path.read_bytes())
    at = content.index(marker) + len(marker) + offset
    content[at : at + len(value)] = value
    path.write_bytes(content)


def _lie_in_mvhd(path: Path) -> None:
    make(*PICTURE, *CODED, "-f", "mp4", path)
    _overwrite(path, b"mvhd", 16, struct.pack(">I", 0xFFFFFFF0))


def _lie_in_fragmented_mdhd(path: Path) -> None:
    make(*PICTURE, *CODED, *FRAGMENTED, "-f", "mp4", path)
    _overwrite(path, b"mdhd", 16, struct.pack(">I", 0x0FFFFFFF))


def _lie_in_matroska(path: Path) -> None:
    make(*PICTURE, *CODED, "-f", "matroska", path)
    _overwrite(path, b"\x44\x89\x88", 0, struct.pack(">d", 3_600_000.0))


def _lie_in_flv(path: Path) -> None:
    make(*PICTURE, *CODED, "-f", "flv", path)
    _overwrite(path, b"duration", 1, struct.pack(">d", 86_400.0))


@pytest.mark.parametrize("lie", [_lie_in_mvhd, _lie_in_fragmented_mdhd, _lie_in_matroska, _lie_in_flv])
async def test_a_lie_about_the_duration_changes_nothing_that_is_counted(
    lie: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "liar"
    lie(path)
    info, video = await _main_video(path)
    assert video.frames == SECONDS * RATE
    assert video.duration_s == pytest.approx(SECONDS)
    believed = info.header_duration_s is not None and abs(info.header_duration_s - SECONDS) > 1
    assert any("claims" in doubt for doubt in info.doubts) == believed


def _no_duration_in_matroska(path: Path) -> None:
    make(*PICTURE, *CODED, "-f", "matroska", "-live", 1, path)


def _no_duration_in_mp4(path: Path) -> None:
    make(*PICTURE, *CODED, "-f", "mp4", path)
    for box in (b"mvhd", b"mdhd"):
        _overwrite(path, box, 16, bytes(4))


@pytest.mark.parametrize("make_endless", [_no_duration_in_matroska, _no_duration_in_mp4])
async def test_a_missing_duration_is_doubted_and_counted(make_endless: Callable[[Path], None], tmp_path: Path) -> None:
    path = tmp_path / "endless"
    make_endless(path)
    info, video = await _main_video(path)
    assert info.header_duration_s is None
    assert "the header names no duration" in info.doubts
    assert video.frames == SECONDS * RATE
    assert video.duration_s == pytest.approx(SECONDS)


async def test_a_fragmented_mp4_is_read_to_its_last_fragment(tmp_path: Path) -> None:
    path = tmp_path / "fragmented.mp4"
    make(*PICTURE, *CODED, *FRAGMENTED, path)
    _, video = await _main_video(path)
    assert [float((p - video.pts[0]) * video.time_base) for p in video.keyframe_pts] == [0.0, 1.0, 2.0]
    assert video.frames == SECONDS * RATE


async def test_a_variable_rate_is_seen_and_a_rounded_one_is_not(tmp_path: Path) -> None:
    jittery, steady = tmp_path / "jittery.mkv", tmp_path / "steady.mkv"
    uneven = "settb=1/90000,setpts='(N+0.45*sin(N*2.3))/(25*TB)'"
    make(*PICTURE, "-vf", uneven, "-fps_mode", "passthrough", "-enc_time_base", "1/90000", *CODED, jittery)
    make(*lavfi("testsrc2=s=160x90:r=24000/1001:d=3"), *CODED, steady)
    assert (await _main_video(jittery))[1].variable_rate
    _, video = await _main_video(steady)
    assert not video.variable_rate
    assert float(video.fps) == pytest.approx(24000 / 1001, rel=1e-3)


async def test_cover_art_is_not_the_video(tmp_path: Path) -> None:
    path, cover = tmp_path / "song.mp4", tmp_path / "cover.png"
    make(*lavfi("color=red:s=2000x2000:d=1:r=1"), "-frames:v", 1, cover)
    attached = (
        "-map",
        1,
        "-map",
        0,
        "-c:v:0",
        "copy",
        "-disposition:v:0",
        "attached_pic",
        "-c:v:1",
        "libx264",
    )
    make(*PICTURE, "-i", cover, *attached, path)
    info, video = await _main_video(path)
    assert (video.width, video.frames) == (160, SECONDS * RATE)
    assert [v.cover_art for v in sorted(info.videos, key=lambda v: v.width)] == [False, True]


async def test_a_song_with_a_cover_has_no_video(tmp_path: Path) -> None:
    path, cover = tmp_path / "song.m4a", tmp_path / "cover.png"
    make(*lavfi("color=red:s=64x64:d=1:r=1"), "-frames:v", 1, cover)
    copied = (
        "-map",
        0,
        "-map",
        1,
        "-c:v",
        "copy",
        "-disposition:v",
        "attached_pic",
        "-c:a",
        "aac",
        "-f",
        "mp4",
    )
    make(*lavfi("sine=d=2"), "-i", cover, *copied, path)
    info = await probe(path)
    assert info.main_video is None
    assert info.main_audio is not None


async def test_of_two_videos_the_larger_one_is_meant_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "two.mp4"
    larger = lavfi("testsrc=s=320x180:d=2:r=25")
    make(*PICTURE, *larger, "-map", 0, "-map", 1, "-c:v", "libx264", "-preset", "ultrafast", path)
    info, video = await _main_video(path)
    assert len(info.videos) == 2
    assert (video.index, video.width, video.frames) == (1, 320, 50)


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
async def test_keyframes_are_where_the_encoder_put_them(container: str, tmp_path: Path) -> None:
    path = tmp_path / f"gops.{container}"
    make(*PICTURE, *CODED, path)
    _, video = await _main_video(path)
    start = video.pts[0]
    assert [round(float((p - start) * video.time_base) * RATE) for p in video.keyframe_pts] == [0, 25, 50]
    assert video.keyframe_at_or_before(start) == start
    assert video.keyframe_at_or_before(start - 1) is None
    assert video.keyframe_at_or_before(video.pts[-1]) == video.keyframe_pts[-1]


@pytest.mark.parametrize("container", ["mp4", "mkv", "ts"])
async def test_the_bytes_of_all_seconds_are_the_bytes_of_all_packets(container: str, tmp_path: Path) -> None:
    path = tmp_path / f"bytes.{container}"
    make(*PICTURE, *CODED, path)
    _, video = await _main_video(path)
    with av.open(str(path)) as file:
        packets = sum(p.size for p in file.demux(video=0))
    assert len(video.bytes_per_second()) == SECONDS
    assert sum(video.bytes_per_second()) == video.bytes == packets


async def test_sound_is_counted_in_its_packets(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    make(
        *PICTURE,
        *lavfi(f"sine=440:sample_rate=48000:d={SECONDS}"),
        *CODED,
        "-c:a",
        "aac",
        "-b:a",
        "64k",
        path,
    )
    info = await probe(path)
    sound = info.main_audio
    assert sound is not None
    assert (sound.codec, sound.sample_rate, sound.channels) == ("aac", 48_000, 1)
    assert sound.duration_s == pytest.approx(SECONDS, abs=0.1)
    assert sound.kbps == pytest.approx(64, rel=0.3)


async def test_pixel_shape_and_rotation_are_part_of_the_displayed_size(tmp_path: Path) -> None:
    plain, turned = tmp_path / "plain.mp4", tmp_path / "turned.mp4"
    make(*PICTURE, "-vf", "setsar=4/3", *CODED, plain)
    make("-display_rotation", 90, "-i", plain, "-c", "copy", turned)
    _, video = await _main_video(turned)
    assert (video.sar, video.rotation) == (Fraction(4, 3), 270)
    assert video.display_size == (90, 213)


@pytest.mark.parametrize("name", ["-i.mp4", "a:b.mp4", "lit%03d.mp4", "two words 'n' \"quotes\".mp4", "影片.mp4"])
async def test_a_name_stays_a_name(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    make(*PICTURE, *CODED, f"file:{tmp_path}/plain.mp4")
    (tmp_path / "plain.mp4").rename(path)
    assert (await _main_video(path))[1].frames == SECONDS * RATE


@pytest.mark.parametrize(
    "playlist",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:3,\nsecret.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile secret.ts\n",
    ],
)
async def test_a_file_that_names_other_files_is_refused(playlist: str, tmp_path: Path) -> None:
    make(*PICTURE, *CODED, tmp_path / "secret.ts")
    path = tmp_path / "innocent.mp4"
    path.write_text(playlist)
    with pytest.raises(SourceError):
        await probe(path)


async def test_what_is_no_media_is_said_in_a_sentence(tmp_path: Path) -> None:
    text, empty = tmp_path / "notes.mp4", tmp_path / "empty.mp4"
    text.write_text("Dear diary, " * 500)
    empty.touch()
    for path, reason in (
        (text, "not a media file"),
        (empty, "empty"),
        (tmp_path, "folder"),
        (tmp_path / "x", "exist"),
    ):
        with pytest.raises(SourceError, match=reason) as caught:
            await probe(path)
        assert str(path) in caught.value.message
        assert caught.value.hint


async def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "cut.ts"
    make(*PICTURE, *CODED, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    _, video = await _main_video(path)
    assert 10 < video.frames < SECONDS * RATE


async def test_real_clips_are_read_as_they_are_described(real_clip: Callable[[str], Path]) -> None:
    _, turned = await _main_video(real_clip("a32_phone_rot180_vfr10.mp4"))
    assert (turned.rotation, turned.variable_rate) == (180, True)
    two, _ = await _main_video(real_clip("a24_two_video_two_audio_two_subs_nasa.mp4"))
    assert (len(two.videos), len(two.audios), len(two.others)) == (2, 2, 2)
    late, video = await _main_video(real_clip("a16_starts_at_pts_10s_sar.mp4"))
    assert late.start_s == pytest.approx(10, abs=0.2)
    assert video.sar == Fraction(1137, 800)
