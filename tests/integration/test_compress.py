"""The whole way, as a caller of the package sees it: under the limit, close to it, nothing lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import pytest
from support.footage import decode_complaints, lavfi, make, times_in

import tightfit
from tightfit.domain.result import Result, Status
from tightfit.domain.updates import Phase, Update
from tightfit.errors import ExitCode, InfeasibleError, OutputExists, SourceError

# From this limit on there is enough to steer with; below it a single frame may be a percent of the file.
STEERABLE_BYTES, CLOSE = 50_000, 0.99
# Made pictures answer to CRF unlike real ones: where settling stops short on them it is shown, not failed,
# down to here.
HARDLY_CLOSE = 0.6


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four seconds of things that move, with a tone; a third of a megabyte."""
    return _make_clip(tmp_path_factory.mktemp("clip") / "two words.mp4", "testsrc2=s=320x180:r=25:d=4")


# Content whose bytes answer to CRF unlike that of most clips.
UNUSUAL = {
    "a scene cut": "testsrc2=s=320x180:r=25:d=2[a];mandelbrot=s=320x180:r=25,trim=duration=2[b];[a][b]concat",
    "noise": "testsrc2=s=320x180:r=25:d=4,noise=alls=8:allf=t",
}


def _make_clip(path: Path, picture: str) -> Path:
    coded = ("-c:v", "libx264", "-preset", "veryfast", "-crf", 8, "-c:a", "aac", "-b:a", "96k")
    make(*lavfi(f"{picture},format=yuv420p"), *lavfi("sine=440:sample_rate=48000:d=4"), *coded, path)
    return path


def _assert_kept_its_promise(result: Result, source: Path, output: Path, limit: int) -> None:
    size = output.stat().st_size
    assert (result.status, result.bytes, result.limit_bytes) == (Status.MET, size, limit)
    assert size <= limit
    start = times_in(source)[0]
    assert times_in(output) == [t - start for t in times_in(source)]
    assert result.frames == len(times_in(source))
    assert decode_complaints(output) == ""
    assert list(output.parent.glob(".*")) == [], "something of ours was left beside the output"


def _is_close(result: Result) -> bool:
    assert result.fill is not None
    assert result.limit_bytes is not None
    return result.fill >= CLOSE or result.limit_bytes < STEERABLE_BYTES


def _show_unless_close(result: Result) -> None:
    if not _is_close(result):
        assert result.fill is not None
        assert result.fill >= HARDLY_CLOSE
        pytest.xfail(f"settling stops at {result.fill:.1%}")


@pytest.mark.parametrize("limit", [60_000, 120_000])
def test_a_clip_fills_its_limit_and_keeps_every_frame(clip: Path, limit: int, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    result = tightfit.compress(clip, to=f"{limit}B", output=output)
    _assert_kept_its_promise(result, clip, output, limit)
    assert [a.codec for a in result.audio] == ["aac"]
    assert _sound_begins_with_the_picture(output)
    _show_unless_close(result)


@pytest.mark.parametrize("picture", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_an_unusual_clip_fills_its_limit_and_keeps_every_frame(picture: str, tmp_path: Path) -> None:
    source, output = _make_clip(tmp_path / "unusual.mp4", picture), tmp_path / "out" / "small.mp4"
    output.parent.mkdir()
    result = tightfit.compress(source, to="220KB", output=output)
    _assert_kept_its_promise(result, source, output, 220_000)
    _show_unless_close(result)


@pytest.mark.parametrize("limit", [100_000, 400_000])
def test_a_real_clip_fills_its_limit_and_keeps_every_frame(bunny: Path, limit: int, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    result = tightfit.compress(bunny, to=f"{limit}B", output=output)
    _assert_kept_its_promise(result, bunny, output, limit)
    assert _is_close(result), result.warnings


@pytest.mark.parametrize(
    ("name", "limit"),
    [
        ("a16_starts_at_pts_10s_sar.mp4", 150_000),
        ("a32_phone_rot180_vfr10.mp4", 200_000),
    ],
)
def test_an_awkward_clip_fills_its_limit_and_keeps_every_frame(
    real_clip: Callable[[str], Path], name: str, limit: int, tmp_path: Path
) -> None:
    source, output = real_clip(name), tmp_path / "out.mp4"
    result = tightfit.compress(source, to=f"{limit}B", output=output)
    _assert_kept_its_promise(result, source, output, limit)
    _show_unless_close(result)


def test_sound_that_is_not_wanted_makes_room_for_the_picture(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "silent.mp4"
    result = tightfit.compress(clip, to="80KB", audio="none", output=output)
    _assert_kept_its_promise(result, clip, output, 80_000)
    assert result.audio == ()
    with av.open(str(output)) as container:
        assert not container.streams.audio


def test_copied_sound_is_the_same_to_the_byte(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "copied.mp4"
    result = tightfit.compress(clip, to="160KB", audio="copy", output=output)
    _assert_kept_its_promise(result, clip, output, 160_000)
    assert _sound_hash(output) == _sound_hash(clip)
    assert _sound_begins_with_the_picture(output)


def test_damaged_sound_is_made_anew_and_not_copied(tmp_path: Path) -> None:
    source, output = tmp_path / "mono.mp4", tmp_path / "out.mp4"
    picture, tone = lavfi("testsrc2=s=160x90:r=25:d=2,format=yuv420p"), lavfi("sine=440:sample_rate=48000:d=2")
    make(*picture, *tone, "-c:v", "libx264", "-crf", 8, "-c:a", "aac", "-b:a", "24k", "-ac", 1, source)
    assert tightfit.compress(source, to="50%", output=tmp_path / "whole.mp4").audio[0].kbps == pytest.approx(24, abs=6)
    with av.open(str(source)) as container:
        at = [packet.pos for packet in container.demux(audio=0) if packet.pos][40]
    content = bytearray(source.read_bytes())
    content[at : at + 24] = b"\xff" * 24
    source.write_bytes(content)
    tightfit.compress(source, to="50%", output=output)
    assert decode_complaints(output) == ""
    with pytest.raises(SourceError, match="is damaged"):
        tightfit.compress(source, to="50%", audio="copy", output=tmp_path / "copied.mp4")


@pytest.mark.parametrize(("right", "channels"), [("440", 1), ("660", 2)], ids=["one sound", "two sounds"])
def test_stereo_is_kept_where_both_sides_differ_and_only_there(tmp_path: Path, right: str, channels: int) -> None:
    source = tmp_path / "source.mp4"
    sides = f"sine=440:sample_rate=48000:d=2[l];sine={right}:sample_rate=48000:d=2[r];[l][r]amerge"
    picture = lavfi("testsrc2=s=160x90:r=25:d=2,format=yuv420p")
    make(*picture, *lavfi(sides), "-c:v", "libx264", "-crf", 8, "-c:a", "aac", "-b:a", "192k", source)
    result = tightfit.compress(source, to="60%", output=tmp_path / "out.mp4")
    assert [track.channels for track in result.audio] == [channels]


def test_small_stereo_sound_is_copied(tmp_path: Path) -> None:
    source, output = tmp_path / "source.mp4", tmp_path / "out.mp4"
    picture, sides = lavfi("testsrc2=s=320x180:r=25:d=2,format=yuv420p"), "sine=440:d=2[l];sine=660:d=2[r];[l][r]amerge"
    make(*picture, *lavfi(sides), "-c:v", "libx264", "-crf", 1, "-c:a", "aac", "-b:a", "48k", source)
    tightfit.compress(source, to="60%", output=output)
    assert _sound_hash(output) == _sound_hash(source)


def test_a_file_that_fits_is_copied_untouched(clip: Path, tmp_path: Path) -> None:
    result = tightfit.compress(clip, to="50MB", output=tmp_path / "same.mp4")
    assert result.status is Status.ALREADY_FITS
    assert (tmp_path / "same.mp4").read_bytes() == clip.read_bytes()


def test_too_small_a_limit_names_a_size_that_then_works(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "out.mp4"
    with pytest.raises(InfeasibleError) as caught:
        tightfit.compress(clip, to="4KB", output=output)
    assert caught.value.code is ExitCode.INFEASIBLE
    assert list(tmp_path.iterdir()) == []
    smallest = caught.value.smallest_bytes  # type: ignore[attr-defined]  # the engine's own kind carries it
    assert 4000 < smallest < 60_000
    result = tightfit.compress(clip, to=f"{smallest}B", output=output)
    _assert_kept_its_promise(result, clip, output, smallest)


def test_a_percentage_is_of_the_sources_bytes(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "half.mp4"
    result = tightfit.compress(clip, to="half", output=output)
    _assert_kept_its_promise(result, clip, output, clip.stat().st_size // 2)


def test_an_output_that_is_there_stays_as_it_is_unless_told_otherwise(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "precious.mp4"
    output.write_text("precious")
    with pytest.raises(OutputExists):
        tightfit.compress(clip, to="100KB", output=output)
    assert output.read_text() == "precious"
    tightfit.compress(clip, to="100KB", output=output, overwrite=True)
    assert 50_000 < output.stat().st_size <= 100_000


def test_a_video_that_does_not_decode_is_refused_with_a_reason(clip: Path, tmp_path: Path) -> None:
    source = tmp_path / "damaged.mp4"
    content = bytearray(clip.read_bytes())
    at = content.index(b"avcC") + 4
    content[at : at + 36] = bytes(36)
    source.write_bytes(content)
    with pytest.raises(SourceError, match="decodes"):
        tightfit.compress(source, to="50KB")
    assert list(tmp_path.iterdir()) == [source]


def test_progress_never_falls_and_phases_come_in_order(clip: Path, tmp_path: Path) -> None:
    updates: list[Update] = []
    tightfit.compress(clip, to="90KB", output=tmp_path / "out.mp4", on_update=updates.append)
    percents = [u.percent for u in updates]
    assert percents == sorted(percents)
    assert all(0 <= p <= 100 for p in percents)
    assert {Phase.PROBE, Phase.ENCODE, Phase.VERIFY} <= {u.phase for u in updates}
    assert len({u.job_id for u in updates}) == 1


def test_the_same_file_again_leaves_the_source_and_the_state_folder_clean(
    clip: Path, home: Path, tmp_path: Path
) -> None:
    before = clip.read_bytes()
    tightfit.compress(clip, to="100KB", output=tmp_path / "a.mp4")
    assert clip.read_bytes() == before
    assert list((home / "work").iterdir()) == []


def _packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        sound = container.streams.audio[0]
        assert sound.time_base is not None
        return [(p.pts * sound.time_base, bytes(p)) for p in container.demux(sound) if p.size and p.pts is not None]


def _sound_hash(path: Path) -> str:
    return hashlib.sha256(b"".join(data for _, data in _packets(path))).hexdigest()


def _sound_begins_with_the_picture(path: Path) -> bool:
    """Within one AAC frame, priming included."""
    return abs(_packets(path)[0][0] - times_in(path)[0]) <= Fraction(2 * 1024, 24_000)
