"""Sounds, the whole way: each format under its limit and close to it, with its words and, where it fits, its cover."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from support.footage import lavfi, make

import tightfit
from tightfit.domain.result import Result, Status
from tightfit.errors import InfeasibleError

SECONDS = 8
# Tones that wander, and noise on one side: neither silence nor both sides alike.
HEARD = (
    f"aevalsrc='0.4*sin(2*PI*(300+40*t)*t)|0.3*sin(2*PI*500*t)+0.1*(random(0)-0.5)':s=44100:d={SECONDS}",
    "-metadata",
    "title=A title",
    "-metadata",
    "artist=Somebody",
)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    graph, *words = HEARD
    make(*lavfi(graph), *words, folder / "a.wav")
    cover = folder / "cover.jpg"
    make(*lavfi("color=red:s=32x32:d=1:r=1"), "-frames:v", 1, "-c:v", "mjpeg", "-f", "image2", cover)
    attached = ("-map", 0, "-map", 1, "-c:v", "copy", "-disposition:v", "attached_pic")
    for name, rate in (("a.mp3", "256k"), ("a.m4a", "256k")):
        make("-i", folder / "a.wav", "-i", cover, *attached, "-b:a", rate, folder / name)
    for name, rate in (("a.aac", "192k"), ("a.opus", "192k"), ("a.flac", "0")):
        make("-i", folder / "a.wav", *(("-b:a", rate) if rate != "0" else ()), folder / name)
    return folder


def kept(result: Result, output: Path, limit: int) -> av.container.InputContainer:
    assert result.status is Status.MET
    assert output.stat().st_size == result.bytes
    assert result.bytes <= limit
    assert (result.video, result.frames) == (None, None)
    assert result.duration_s == pytest.approx(SECONDS, abs=0.15)
    return av.open(str(output))


@pytest.mark.parametrize(
    ("name", "limit", "least"),
    [
        ("a.mp3", 100_000, 0.98),
        ("a.mp3", 30_000, 0.9),
        ("a.m4a", 60_000, 0.98),
        ("a.aac", 60_000, 0.98),
        ("a.opus", 50_000, 0.97),
        ("a.wav", 300_000, 0.5),
    ],
)
def test_each_format_fits_closely_and_stays_what_it_is(
    sounds: Path, name: str, limit: int, least: float, tmp_path: Path
):
    output = tmp_path / f"out{Path(name).suffix}"
    result = tightfit.compress(sounds / name, to=f"{limit}B", output=output)
    with kept(result, output, limit) as container:
        stream = container.streams.audio[0]
        if name != "a.aac":
            words = {**container.metadata, **stream.metadata}
            assert {key.lower(): value for key, value in words.items()}["title"] == "A title"
        assert bool(container.streams.video) == (name in ("a.mp3", "a.m4a"))
    assert result.bytes is not None
    assert result.bytes >= least * limit
    assert result.encoded_frames_ratio <= 6


def test_a_flac_becomes_an_m4a_and_a_wav_whatever_its_new_name_says(sounds: Path, tmp_path: Path):
    source = tmp_path / "song.flac"
    source.write_bytes((sounds / "a.flac").read_bytes())
    result = tightfit.compress(source, to="60KB")
    assert Path(str(result.output)).name == "song-60KB.m4a"
    kept(result, tmp_path / "song-60KB.m4a", 60_000).close()
    opus = tightfit.compress(sounds / "a.wav", to="20KB", output=tmp_path / "out.opus")
    assert [track.codec for track in opus.audio] == ["opus"]


def test_a_sound_that_fits_is_copied(sounds: Path, tmp_path: Path):
    result = tightfit.compress(sounds / "a.mp3", to="5MB", output=tmp_path / "same.mp3")
    assert (result.status, result.video) == (Status.ALREADY_FITS, None)
    assert (tmp_path / "same.mp3").read_bytes() == (sounds / "a.mp3").read_bytes()


@pytest.mark.parametrize("name", ["a.mp3", "a.wav"])
def test_too_small_a_limit_names_a_size_that_then_works(sounds: Path, name: str, tmp_path: Path):
    output = tmp_path / f"out{Path(name).suffix}"
    with pytest.raises(InfeasibleError) as caught:
        tightfit.compress(sounds / name, to="3KB", output=output)
    assert list(tmp_path.iterdir()) == []
    smallest = caught.value.smallest_bytes  # type: ignore[attr-defined]  # the engine's own kind carries it
    kept(tightfit.compress(sounds / name, to=f"{smallest}B", output=output), output, smallest).close()


def test_the_sound_of_a_clip_is_a_file_of_its_own_where_it_is_named_one(sounds: Path, tmp_path: Path):
    clip, output = tmp_path / "clip.mp4", tmp_path / "out.m4a"
    make(*lavfi(f"testsrc2=s=96x64:r=10:d={SECONDS}"), "-i", sounds / "a.wav", "-c:v", "libx264", clip)
    result = tightfit.compress(clip, to="50KB", output=output)
    with kept(result, output, 50_000) as container:
        assert not container.streams.video


def test_a_plan_says_what_would_be_made(sounds: Path):
    plan = tightfit.plan(sounds / "a.mp3", to="60KB")
    assert plan.limit_bytes == 60_000
    assert plan.predicted_bytes[1] <= 60_000  # type: ignore[union-attr]  # it does not fit already
