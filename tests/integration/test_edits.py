"""Edits, as a caller of the package sees them: the frames that stay, when they come, and the sound beside them."""

from __future__ import annotations

import logging
from fractions import Fraction
from pathlib import Path

import av
import pytest
from support.footage import decode_complaints, lavfi, make, make_numbered, numbers_in, times_in
from support.sync import beeps_in, flashes_in, loudness_in, make_flashing

import tightfit
from tightfit.domain.layout import lay_out
from tightfit.domain.result import Status
from tightfit.engine.edit_options import EditOptions, parse_edits
from tightfit.errors import UsageError


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """4.8 s of frames that show their number, with B-frames and a keyframe each 50; and a tone."""
    folder = tmp_path_factory.mktemp("numbered")
    coded = ("-c:v", "libx264", "-g", 50, "-crf", 12, "-c:a", "aac", "-b:a", "64k", "-shortest")
    tone = lavfi("sine=440:sample_rate=48000:d=4.8")
    make("-i", make_numbered(folder / "raw.nut"), *tone, *coded, folder / "numbered.mp4")
    return folder / "numbered.mp4"


@pytest.mark.parametrize(
    ("trim", "first", "last"),
    [("1.01-3", 26, 75), ("-0:02", 0, 50), ("2.6-", 65, 120)],
    ids=["inside", "begin", "end"],
)
def test_a_trim_is_exact_to_the_frame(numbered: Path, trim: str, first: int, last: int, tmp_path: Path):
    output = tmp_path / "out.mp4"
    result = tightfit.compress(numbered, to="60KB", trim=trim, output=output)
    assert (result.status, result.frames) == (Status.MET, last - first)
    assert output.stat().st_size <= 60_000
    assert numbers_in(output) == list(range(first, last))
    assert times_in(output) == [t - times_in(numbered)[first] for t in times_in(numbered)[first:last]]
    assert result.duration_s == pytest.approx((last - first) / 25)
    assert decode_complaints(output) == ""


def test_a_trim_that_leaves_nothing_is_refused(numbered: Path, tmp_path: Path):
    with pytest.raises(UsageError, match=r"4\.800 s") as refused:
        tightfit.compress(numbered, to="60KB", trim="5-6", output=tmp_path / "out.mp4")
    assert "--trim 0-2.4" in refused.value.hint
    assert list(tmp_path.iterdir()) == []


TIMED: dict[str, EditOptions] = {
    "cut": {"cut": ["1-2", "3.2-4"]},
    "fewer frames": {"fps": 10},
    "faster": {"speed": 1.5, "fps": "source"},
    "all": {"trim": "0.5-4.5", "cut": "2-2.6", "speed": 2, "fps": "30"},
}


@pytest.mark.parametrize("options", TIMED.values(), ids=TIMED.keys())
def test_the_frames_are_those_of_the_layout_when_it_says(numbered: Path, options: EditOptions, tmp_path: Path):
    video = tightfit.probe(numbered).main_video
    assert video is not None
    layout = lay_out(video, parse_edits(options))
    output = tmp_path / "out.mp4"
    result = tightfit.compress(numbered, to="60KB", output=output, **options)
    assert result.frames == len(layout.shown)
    assert numbers_in(output) == [video.pts.index(layout.source_pts(p)) for p in layout.shown]
    assert times_in(output) == [p * layout.shown_base for p in layout.shown]
    assert result.duration_s == pytest.approx(layout.duration_s, abs=0.001)
    assert decode_complaints(output) == ""


def test_what_lies_before_a_trim_is_not_decoded(numbered: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path):
    caplog.set_level(logging.DEBUG, "tightfit")
    tightfit.compress(numbered, to="60KB", trim="4.2-", output=tmp_path / "out.mp4")
    readers = [m for m in caplog.messages if "numbered.mp4" in m and "libx264" in m]
    assert readers
    video = tightfit.probe(numbered).main_video
    assert video is not None
    keyframe = video.keyframe_at_or_before(video.pts[105])
    assert keyframe
    assert all(f" -ss {float(keyframe * video.time_base) + 0.001:.6f}" in message for message in readers)


@pytest.fixture(scope="module")
def flashing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_flashing(tmp_path_factory.mktemp("flashing") / "flashing.mp4", 8)


SYNC: dict[str, tuple[EditOptions, int]] = {
    "trim": ({"trim": "2.5-7"}, 4),
    "cut": ({"cut": ["1.5-2.52", "4.3-5.3"]}, 6),
    "faster": ({"speed": 1.5, "fps": "source"}, 8),
    "slower, cut": ({"speed": 0.5, "trim": "1.5-5", "cut": "2.6-3.4"}, 2),
}


@pytest.mark.parametrize(("options", "flashes"), SYNC.values(), ids=SYNC.keys())
def test_sound_stays_with_its_picture(flashing: Path, options: EditOptions, flashes: int, tmp_path: Path):
    output = tmp_path / "out.mp4"
    tightfit.compress(flashing, to="60KB", audio=64, output=output, **options)
    seen, heard = flashes_in(output), beeps_in(output)
    assert len(seen) == flashes
    assert all(min(abs(beep - flash) for beep in heard) <= 0.020 for flash in seen)
    assert len(heard) == flashes
    with av.open(str(output)) as container:
        ends = [stream.duration * stream.time_base for stream in container.streams]
    assert abs(ends[0] - ends[1]) <= Fraction(1, 10)


def test_silence_volume_and_fades_are_heard_where_they_were_asked_for(flashing: Path, tmp_path: Path):
    output = tmp_path / "out.mp4"
    tightfit.compress(flashing, to="60KB", audio=64, mute="2.5-4.5", volume=0.5, fade="0,2", output=output)

    def level(second: int) -> int:
        return max(value for time, value in loudness_in(output) if second - 0.05 < time < second + 0.1)

    full = 0.8 * 0.5 * 32767
    assert [level(second) for second in (1, 2, 5)] == pytest.approx([full] * 3, rel=0.2)
    assert max(level(3), level(4)) < 100
    assert level(7) == pytest.approx(full / 2, rel=0.25)
    assert len(flashes_in(output)) == 8


CORNERS = {"red": (81, 90, 240), "green": (145, 54, 34), "blue": (41, 240, 110), "white": (235, 128, 128)}
BLACK = (16, 128, 128)


@pytest.fixture(scope="module")
def cornered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Half a second of 128x64: red and green above, blue and white below."""
    boxes = [
        f"drawbox=c={colour}:t=fill:w=64:h=32:x={x}:y={y}"
        for colour, (x, y) in zip(("red", "lime", "blue", "white"), ((0, 0), (64, 0), (0, 32), (64, 32)), strict=True)
    ]
    path = tmp_path_factory.mktemp("cornered") / "cornered.mp4"
    picture = lavfi(f"color=black:s=128x64:r=20:d=0.5,format=yuv444p,{','.join(boxes)},format=yuv420p")
    make(*picture, "-c:v", "libx264", "-crf", 1, path)
    return path


def colours_at(path: Path, places: list[tuple[float, float]]) -> tuple[tuple[int, int], list[str]]:
    """The size of a clip's pictures, and what colours are at these shares of width and height in the last one."""
    with av.open(str(path)) as container:
        frame = list(container.decode(video=0))[-1]
    planes = [bytes(plane) for plane in frame.planes]
    found = []
    for x, y in places:
        shown = tuple(
            planes[n][int(y * frame.height / half) * frame.planes[n].line_size + int(x * frame.width / half)]
            for n, half in enumerate((1, 2, 2))
        )
        named = {**CORNERS, "black": BLACK}
        found.append(min(named, key=lambda name: sum(abs(a - b) for a, b in zip(shown, named[name], strict=True))))
    return (frame.width, frame.height), found


QUARTERS = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)]
SHAPED: dict[str, tuple[EditOptions, tuple[int, int], list[str]]] = {
    "turned once": ({"rotate": 90}, (64, 128), ["blue", "red", "white", "green"]),
    "turned twice": ({"rotate": 180}, (128, 64), ["white", "blue", "green", "red"]),
    "turned three times": ({"rotate": 270}, (64, 128), ["green", "white", "red", "blue"]),
    "a part": ({"crop": "96x48+32+16"}, (96, 48), ["red", "green", "blue", "white"]),
    "a corner, turned": ({"crop": "64x48+0+16", "rotate": 90}, (48, 64), ["blue", "red", "blue", "red"]),
    "cut to a square": ({"aspect": "1:1", "fit": "cover"}, (64, 64), ["red", "green", "blue", "white"]),
    "turned, then wide again": ({"rotate": 90, "aspect": "2:1"}, (128, 64), ["black", "black", "black", "black"]),
}


@pytest.mark.parametrize(("options", "size", "colours"), SHAPED.values(), ids=SHAPED.keys())
def test_the_picture_is_cut_turned_and_shaped(
    cornered: Path, options: EditOptions, size: tuple[int, int], colours: list[str], tmp_path: Path
):
    output = tmp_path / "out.mp4"
    tightfit.compress(cornered, to="20KB", output=output, **options)
    assert colours_at(output, QUARTERS) == (size, colours)


def test_a_contained_picture_stands_in_the_middle_of_black(cornered: Path, tmp_path: Path):
    output = tmp_path / "out.mp4"
    tightfit.compress(cornered, to="20KB", output=output, aspect="1:2")
    places = [(0.5, 0.1), (0.25, 0.45), (0.75, 0.45), (0.25, 0.55), (0.75, 0.55), (0.5, 0.9)]
    assert colours_at(output, places) == ((64, 128), ["black", "red", "green", "blue", "white", "black"])


def test_a_picture_fades_from_black_and_to_it(cornered: Path, tmp_path: Path):
    output = tmp_path / "out.mp4"
    tightfit.compress(cornered, to="20KB", output=output, fade="0.2,0.25")
    with av.open(str(output)) as container:
        lights = [sum(bytes(frame.planes[0])) / (128 * 64) for frame in container.decode(video=0)]
    assert lights[0] == pytest.approx(16, abs=2)
    assert lights[0] < lights[2] < lights[4]
    assert lights[4] == pytest.approx(lights[5], abs=3)
    assert lights[-1] < lights[-2] < lights[-3]


WRONG: dict[str, tuple[EditOptions, str]] = {
    "a crop beside it": ({"crop": "128x64+64+0"}, "--crop 64x64+64+0"),
    "too long a fade": ({"fade": "1,1"}, "--fade 0.25,0.25"),
    "all cut out": ({"cut": "0-9"}, "--trim"),
}


@pytest.mark.parametrize(("options", "instead"), WRONG.values(), ids=WRONG.keys())
def test_what_can_not_be_done_with_this_clip_is_refused_with_what_can(
    cornered: Path, options: EditOptions, instead: str, tmp_path: Path
):
    with pytest.raises(UsageError) as refused:
        tightfit.compress(cornered, to="20KB", output=tmp_path / "out.mp4", **options)
    assert instead in refused.value.hint
    assert list(tmp_path.iterdir()) == []


def test_edits_that_change_nothing_leave_a_file_that_fits_as_it_is(cornered: Path, tmp_path: Path):
    nothing: EditOptions = {"trim": "0-", "fps": 60, "aspect": "2:1", "volume": 1, "mute": "0-1"}
    result = tightfit.compress(cornered, to="1MB", output=tmp_path / "out.mp4", **nothing)
    assert result.status is Status.ALREADY_FITS
    plan = tightfit.plan(cornered, to="1MB", rotate=90)
    assert any("90 degrees" in reason for reason in plan.reasons)
