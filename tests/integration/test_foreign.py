"""What somebody else made of a clip is taken over where it is the clip, and seen where it is not."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.footage import lavfi, make, make_reel
from support.plain_cloud import LIES, rendered

from tightfit.domain.geometry import full_size
from tightfit.domain.timeline import is_whole
from tightfit.media import packets
from tightfit.media.encode import Clip
from tightfit.media.foreign import Unlike, Wanted, taken_over
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

pytestmark = pytest.mark.anyio
SEEN = {
    "another size": "pictures of 96x54 instead of 192x108",
    "frames dropped": "pictures instead of",
    "times stretched": "pictures at other times",
    "times shifted": "pictures that begin at",
    "upside down": "another picture than the source's",
    "another colour": "another picture than the source's",
    "another video": "another picture than the source's",
    "cut short": "file that can't be read|pictures instead of|don't decode|that can't be decoded",
    "no video": "without a picture",
}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source")
    reel = make_reel(folder / "reel.mp4", scenes=2)
    make("-i", reel, "-an", "-c", "copy", folder / "source.mp4")
    return folder / "source.mp4"


async def _clip(source: Path) -> Clip:
    info = await probe(source)
    video = info.main_video
    assert video is not None
    return Clip(info, video, Picture(video, full_size(video.display_size)), tuple(p - video.pts[0] for p in video.pts))


async def _taken(ffmpeg: Ffmpeg, source: Path, made: bytes, folder: Path):
    path, clip = folder / "made.mp4", await _clip(source)
    path.write_bytes(made)
    wanted = Wanted(0, clip.frames, clip.picture.full)
    return clip, await taken_over(ffmpeg, clip, wanted, path, folder / "piece.nut", threads=1)


@pytest.mark.parametrize("quality", ["high", "low"])
async def test_an_honest_render_is_taken_over_packet_by_packet(
    bundled: Ffmpeg, source: Path, tmp_path: Path, quality: str
):
    clip, part = await _taken(bundled, source, rendered(source.read_bytes(), {"quality": quality}, ""), tmp_path)
    assert part.kept == clip.frames
    assert part.keys[0]
    assert is_whole(part.ranks)
    table = packets.table(tmp_path / "piece.nut", clip.video.time_base)
    assert tuple(sorted(table.pts)) == clip.pts
    assert sum(table.sizes) <= (tmp_path / "made.mp4").stat().st_size


@pytest.mark.parametrize("lie", [lie for lie in LIES if lie in SEEN])
async def test_every_lie_is_seen(bundled: Ffmpeg, source: Path, tmp_path: Path, lie: str):
    made = rendered(source.read_bytes(), {"quality": "high"}, lie)
    with pytest.raises(Unlike, match=SEEN[lie]):
        await _taken(bundled, source, made, tmp_path)


async def test_what_is_no_h264_is_not_taken(bundled: Ffmpeg, source: Path, tmp_path: Path):
    make("-i", source, "-c:v", "mpeg4", "-q:v", 2, tmp_path / "other.mp4")
    with pytest.raises(Unlike, match="mpeg4"):
        await _taken(bundled, source, (tmp_path / "other.mp4").read_bytes(), tmp_path)


async def test_the_right_pictures_with_a_wrong_scene_among_them_are_seen(bundled: Ffmpeg, source: Path, tmp_path: Path):
    # A tenth of the clip is another picture: the mean alone would let it pass.
    other = [
        *lavfi("mandelbrot=s=192x108:r=24"),
        "-filter_complex",
        "[0][1]overlay=enable='between(n,30,37)':shortest=1",
    ]
    make("-i", source, *other, "-c:v", "libx264", "-crf", 20, "-pix_fmt", "yuv420p", tmp_path / "mixed.mp4")
    with pytest.raises(Unlike, match="another picture"):
        await _taken(bundled, source, (tmp_path / "mixed.mp4").read_bytes(), tmp_path)
