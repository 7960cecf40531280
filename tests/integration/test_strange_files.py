"""Files that phones, recorders and cuts make: what comes out are the frames that ffmpeg shows, at their times."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import av
import pytest
from support.footage import make, make_numbered, numbers_in

import tightfit
from tightfit.domain.geometry import full_size
from tightfit.domain.plan import Plan
from tightfit.domain.request import Resolution
from tightfit.media.analyse import analyse
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

pytestmark = pytest.mark.anyio

CODED = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 12, "-g", 24, "-sc_threshold", 0)


def _fragmented(numbered: Path, folder: Path) -> Path:
    path = folder / "a.mp4"
    make("-i", numbered, *CODED, "-movflags", "frag_keyframe+empty_moov+default_base_moof", path)
    return path


def _edited(numbered: Path, folder: Path) -> Path:
    """Cut without encoding: an edit list hides the frames between the keyframe and the cut."""
    whole, path = folder / "whole.mp4", folder / "a.mp4"
    make("-i", numbered, *CODED, whole)
    make("-ss", "1.4", "-i", whole, "-c", "copy", path)
    return path


def _without_a_keyframe(numbered: Path, folder: Path) -> Path:
    """Recorded from the middle of a broadcast: the first 20 frames refer to one that is not there."""
    whole, path = folder / "whole.ts", folder / "a.ts"
    make("-i", numbered, *CODED, "-bf", 0, "-x264-params", "repeat-headers=1", whole)
    with av.open(str(whole)) as source, av.open(str(path), "w") as out:
        stream = out.add_stream_from_template(source.streams.video[0])
        for packet in [p for p in source.demux(video=0) if p.size][4:]:
            packet.stream = stream
            out.mux(packet)
    return path


def _with_an_absurd_time_base(numbered: Path, folder: Path) -> Path:
    path = folder / "a.mp4"
    make("-i", numbered, *CODED, "-video_track_timescale", 1_000_003, path)
    return path


def _late_and_negative(numbered: Path, folder: Path) -> Path:
    """Decoding times below zero, and a first picture at a quarter of an hour."""
    path = folder / "a.mkv"
    make("-i", numbered, *CODED, "-bf", 3, "-output_ts_offset", "900.04", path)
    return path


def _of_two_sizes(numbered: Path, folder: Path) -> Path:
    """A broadcast that changes its picture size, to one of the same shape."""
    parts = [folder / "0.ts", folder / "1.ts"]
    for part, size, frames in zip(parts, ("160:90", "320:180"), ("lt(n,48)", "gte(n,48)"), strict=True):
        chosen = f"select='{frames}',scale={size}:flags=neighbor"
        make("-i", numbered, "-vf", chosen, *CODED, "-bf", 0, "-fps_mode", "passthrough", "-copyts", part)
    path = folder / "a.ts"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def _beside_a_preview(numbered: Path, folder: Path) -> Path:
    """A smaller preview and a larger still stand before the film."""
    path = folder / "a.mkv"
    other = ("-f", "lavfi", "-i", "color=red:s=80x60:d=5", "-f", "lavfi", "-i", "color=red:s=640x480:d=0.04")
    make(*other, "-i", numbered, "-map", 0, "-map", 1, "-map", 2, *CODED, path)
    return path


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_numbered(tmp_path_factory.mktemp("numbered") / "numbered.nut")


KINDS: dict[str, tuple[Callable[[Path, Path], Path], int, list[int]]] = {
    "fragmented": (_fragmented, 0, list(range(120))),
    "edited": (_edited, 0, list(range(35, 120))),
    "no first keyframe": (_without_a_keyframe, 0, list(range(24, 120))),
    "absurd time base": (_with_an_absurd_time_base, 0, list(range(120))),
    "late": (_late_and_negative, 0, list(range(120))),
    "two sizes": (_of_two_sizes, 0, list(range(120))),
    "two videos": (_beside_a_preview, 2, list(range(120))),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_every_frame_of_a_strange_file_comes_out_at_its_time(
    bundled: Ffmpeg, kind: str, numbered: Path, tmp_path: Path
) -> None:
    prepare, stream, numbers = KINDS[kind]
    source = prepare(numbered, tmp_path)
    info = await probe(source)
    video = info.main_video
    assert video is not None
    picture = Picture(video, full_size(video.display_size, Resolution()))
    seen = await analyse(bundled, info, video, picture, tmp_path, threads=1, on_frames=lambda _: None)
    clip, found = Clip(info, video, picture, seen.pts), []
    # In three pieces: each has to find its first frame.
    bounds = [len(numbers) * n // 3 for n in range(4)]
    for first, last in pairwise(bounds):
        piece, setting = tmp_path / f"{first}.nut", Setting(picture.full, 18.0, 1, "ultrafast")
        await encode(bundled, clip, first, last, setting, piece, on_frames=lambda _: None)
        found += numbers_in(piece)
    assert found == numbers
    shown = _times(source, stream)
    assert len(seen.pts) == len(shown) == len(numbers)
    assert [round(float(p * video.time_base), 3) for p in seen.pts] == pytest.approx(
        [t - shown[0] + float(seen.pts[0] * video.time_base) for t in shown], abs=0.001
    )


def test_what_comes_before_the_first_keyframe_is_said_to_be_lost(numbered: Path, tmp_path: Path) -> None:
    planned = tightfit.plan(_without_a_keyframe(numbered, tmp_path), to="70%")
    assert isinstance(planned, Plan)
    assert any("20 of the source's 116 pictures can't be decoded" in warning for warning in planned.warnings)


def _times(path: Path, stream: int = 0) -> list[float]:
    """When ffmpeg shows the frames of a video stream, in seconds."""
    with av.open(str(path)) as container:
        return [float(frame.time) for frame in container.decode(video=stream) if frame.time is not None]
