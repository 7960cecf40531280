"""Whatever happens to a file or its pieces before it is published is seen: 100 %, not most of it."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import anyio
import av
import pytest
from support.footage import lavfi, make

from tightfit.domain.audio import AudioKind, AudioPlan
from tightfit.domain.geometry import full_size
from tightfit.domain.layout import lay_out
from tightfit.domain.pieces import Part, Variant
from tightfit.domain.plan import Pace
from tightfit.engine.disk import sha256_of
from tightfit.engine.memory import Cover, DurableMemory
from tightfit.errors import EncoderError
from tightfit.media.analyse import analyse
from tightfit.media.audio import make_track
from tightfit.media.cargo import Cargo
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.stitch import Timeline, stitch
from tightfit.media.tools import Ffmpeg
from tightfit.media.verify import Expected, verify

FRAMES, PIECE = 96, 24
BLOCK, PLACES, CUTS = 4096, 200, 99


@dataclass(frozen=True)
class Made:
    """A joined file with all that it was made of."""

    ffmpeg: Ffmpeg
    file: Path
    expected: Expected
    memory: DurableMemory

    def join(self, parts: tuple[Part, ...], out: Path, **other: object) -> Path:
        """Another file of ``parts``, as the engine joins them."""
        line = other.get("line", self.expected.timeline)
        cargo = other.get("cargo", self.expected.cargo)
        assert isinstance(line, Timeline)
        assert isinstance(cargo, Cargo)
        stitch(parts, line, cargo, out)
        return out

    def is_caught(self, path: Path) -> bool:
        """Whether the file would have been published."""
        try:
            anyio.run(verify, self.ffmpeg, path, self.expected)
            self.memory.check(self.expected.parts)
        except EncoderError:
            return True
        return False


@pytest.fixture(scope="module")
def made(bundled: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return anyio.run(_make, bundled, tmp_path_factory.mktemp("verified"))


async def _make(ffmpeg: Ffmpeg, folder: Path) -> Made:
    source = folder / "source.mp4"
    picture = lavfi(f"testsrc2=size=320x180:rate=24:duration={FRAMES / 24},noise=alls=14:allf=t")
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 16, "-pix_fmt", "yuv420p", "-c:a", "aac")
    make(*picture, *lavfi("anoisesrc=d=4:a=0.3"), *coded, "-metadata", "title=A title", source)
    info = await probe(source)
    video, sound = info.main_video, info.main_audio
    assert video is not None
    assert sound is not None
    picture_ = Picture(video, full_size(video.display_size))
    analysis = await analyse(ffmpeg, info, video, picture_, folder, threads=1, on_frames=lambda _: None)
    clip = Clip(info, video, picture_, analysis.pts)
    memory = DurableMemory(folder, clip, "", (), lambda _kind, _data: None)
    parts: list[Part] = []
    for first in range(0, FRAMES, PIECE):
        out = folder / f"{first}.nut"
        setting = Setting(picture_.full, 24.0, 1, "veryfast")
        part = await encode(ffmpeg, clip, first, first + PIECE, setting, out, on_frames=lambda _: None)
        parts += memory.made(Cover(0, Variant((part,)), Fraction(1), Pace.USUAL, True, False, PIECE)).parts
    track = await make_track(ffmpeg, info, sound, AudioPlan(AudioKind.ENCODE, 96, 1, 48000), folder, lay_out(video))
    line = Timeline(clip.pts, video.time_base, video.frame_ticks, 0.0)
    file = folder / "joined.mp4"
    cargo = Cargo(tracks=(track,), tags={"title": "A title"})
    size = stitch(parts, line, cargo, file)
    return Made(ffmpeg, file, Expected(size, line, picture_.full, tuple(parts), cargo), memory)


def test_a_sound_file_passes(made: Made):
    assert not made.is_caught(made.file)


def _missed(made: Made, tmp_path: Path, damaged: list[bytes]) -> list[int]:
    path, missed = tmp_path / "damaged.mp4", []
    for n, content in enumerate(damaged):
        path.write_bytes(content)
        if not made.is_caught(path):
            missed.append(n)
    return missed


def test_a_file_cut_short_anywhere_is_caught(made: Made, tmp_path: Path):
    whole = made.file.read_bytes()
    assert _missed(made, tmp_path, [whole[: len(whole) * n // 100] for n in range(1, CUTS + 1)]) == []


def test_a_block_of_zeros_anywhere_is_caught(made: Made, tmp_path: Path):
    whole, luck = made.file.read_bytes(), random.Random(1)
    assert len(whole) > 10 * BLOCK
    places = [luck.randrange(len(whole) - BLOCK) for _ in range(PLACES)]
    assert _missed(made, tmp_path, [whole[:at] + bytes(BLOCK) + whole[at + BLOCK :] for at in places]) == []


def test_a_single_flipped_bit_of_a_picture_or_a_sound_is_caught(made: Made, tmp_path: Path):
    whole, luck = made.file.read_bytes(), random.Random(2)
    start = whole.index(b"mdat") + 4
    damaged = []
    for _ in range(50):
        changed = bytearray(whole)
        changed[luck.randrange(start, len(whole))] ^= 1 << luck.randrange(8)
        damaged.append(bytes(changed))
    assert _missed(made, tmp_path, damaged) == []


def _dropped(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return parts[:-1]


def _doubled(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return (*parts[:-1], parts[-2])


def _swapped(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return (parts[0], parts[2], parts[1], parts[3])


def _frames_fewer(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    last = parts[-1]
    return (*parts[:-1], last.cut(max(kept for kept in last.closed_prefixes if kept < last.kept)))


@pytest.mark.parametrize("change", [_dropped, _doubled, _swapped, _frames_fewer])
def test_pieces_that_are_not_the_planned_ones_are_caught(
    made: Made, tmp_path: Path, change: Callable[[tuple[Part, ...]], tuple[Part, ...]]
):
    parts = change(made.expected.parts)
    frames = sum(part.kept for part in parts)
    line = replace(made.expected.timeline, pts=made.expected.timeline.pts[:frames])
    assert made.is_caught(made.join(parts, tmp_path / "joined.mp4", line=line))


def test_one_frame_fewer_is_caught(made: Made, tmp_path: Path):
    path = tmp_path / "fewer.mp4"
    make("-i", made.file, "-c", "copy", "-frames:v", FRAMES - 1, path)
    assert made.is_caught(path)


def test_a_piece_of_another_clip_of_the_same_length_is_caught(made: Made, tmp_path: Path):
    _, second, *_ = made.expected.parts
    foreign = tmp_path / "foreign.nut"
    shutil.copy(made.expected.parts[2].path, foreign)
    parts = (made.expected.parts[0], replace(second, path=str(foreign)), *made.expected.parts[2:])
    assert made.is_caught(made.join(parts, tmp_path / "joined.mp4"))


def test_another_frame_rate_is_caught(made: Made, tmp_path: Path):
    line = made.expected.timeline
    slower = replace(line, pts=tuple(p * 24 // 23 for p in line.pts))
    assert made.is_caught(made.join(made.expected.parts, tmp_path / "joined.mp4", line=slower))


@pytest.mark.parametrize("audio", ["noise=3", "none", "late"])
def test_another_sound_is_caught(made: Made, tmp_path: Path, audio: str):
    (track,) = made.expected.cargo.tracks
    if audio == "none":
        path = made.join(made.expected.parts, tmp_path / "joined.mp4", cargo=replace(made.expected.cargo, tracks=()))
    elif audio == "late":
        line = replace(made.expected.timeline, start_s=-0.1)
        path = made.join(made.expected.parts, tmp_path / "joined.mp4", line=line)
    else:
        other = tmp_path / "other.nut"
        with av.open(str(track.path)) as container:
            rate = container.streams.audio[0].sample_rate
        filters = f"asetpts=PTS+3600/TB,aresample={rate}"
        shown = lavfi(f"anoisesrc=d=4:a=0.3:seed=7,{filters}")
        make(*shown, "-c:a", "aac", "-b:a", "96k", "-f", "nut", other)
        cargo = replace(made.expected.cargo, tracks=(replace(track, path=other),))
        path = made.join(made.expected.parts, tmp_path / "joined.mp4", cargo=cargo)
    assert made.is_caught(path)


@pytest.mark.parametrize("place", range(0, 100, 10))
@pytest.mark.parametrize("kind", ["cut", "zeroed", "flipped"])
def test_a_piece_damaged_on_the_disk_before_it_is_joined_is_caught(made: Made, tmp_path: Path, kind: str, place: int):
    kept = Path(made.expected.parts[1].path)
    whole = kept.read_bytes()
    at = len(whole) * place // 100
    damaged = {
        "cut": whole[:at],
        "zeroed": whole[:at] + bytes(BLOCK) + whole[at + BLOCK :],
        "flipped": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
    }[kind]
    try:
        kept.write_bytes(damaged)
        try:
            path = made.join(made.expected.parts, tmp_path / "joined.mp4")
        except EncoderError:
            return
        assert made.is_caught(path)
    finally:
        kept.write_bytes(whole)
        assert sha256_of(kept)
