"""What a file says of its tracks and when it shows subtitles is looked at once more before it is published."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import anyio
import av
import pytest
from support.footage import lavfi, make

from tightfit.domain.audio import AudioKind, AudioPlan
from tightfit.domain.cargo import Cue
from tightfit.domain.codec import AV1, H264
from tightfit.domain.containers import Container
from tightfit.domain.geometry import full_size
from tightfit.domain.subtitles import TextTrack
from tightfit.errors import EncoderError
from tightfit.media.audio import make_track
from tightfit.media.cargo import Cargo
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.stitch import Timeline, stitch
from tightfit.media.tools import Ffmpeg
from tightfit.media.verify import Expected, verify

# Two are said at once for a tenth of a second.
SAID = (Cue(0.3, 0.9, "one"), Cue(0.8, 1.6, "two"))


@pytest.fixture(scope="module", params=["mp4", "webm"])
def made(request: pytest.FixtureRequest, bundled: Ffmpeg, tmp_path_factory: pytest.TempPathFactory) -> Expected:
    return anyio.run(_make, bundled, tmp_path_factory.mktemp("tracks"), request.param == "webm")


async def _make(ffmpeg: Ffmpeg, folder: Path, is_webm: bool) -> Expected:
    """Pieces of two seconds of picture and sound, not yet joined."""
    source, codec = folder / "source.mkv", AV1 if is_webm else H264
    make(*lavfi("testsrc2=s=64x64:r=10:d=2"), *lavfi("sine=440:d=2"), "-c:v", "libx264", "-c:a", "flac", source)
    info = await probe(source)
    video = info.main_video
    assert video is not None
    picture = Picture(video, full_size(video.display_size))
    clip = Clip(info, video, picture, tuple(p - video.pts[0] for p in video.pts))
    setting = Setting(picture.full, codec.nearest(30.0), 1, "12" if is_webm else "veryfast", codec=codec)
    part = await encode(ffmpeg, clip, 0, clip.frames, setting, folder / "a.nut", on_frames=lambda _: None)
    plan = AudioPlan(AudioKind.ENCODE, 32, 1, 48_000, codec="opus" if is_webm else "aac")
    track = replace(await make_track(ffmpeg, info, info.audios[0], plan, folder), language="eng", default=True)
    line = Timeline(clip.pts, video.time_base, video.frame_ticks, 0.0)
    return Expected(10**9, line, picture.full, (part,), Cargo(tracks=(track,)))


def _containers(made: Expected) -> list[Container]:
    is_webm = made.cargo.tracks[0].codec == "opus"
    return [Container.WEBM] if is_webm else [Container.MP4, Container.MOV, Container.MKV]


def _is_caught(ffmpeg: Ffmpeg, path: Path, expected: Expected) -> bool:
    try:
        anyio.run(verify, ffmpeg, path, expected)
    except EncoderError:
        return True
    return False


def test_text_subtitles_at_another_time_or_in_another_language_are_caught(
    bundled: Ffmpeg, made: Expected, tmp_path: Path
) -> None:
    text, out = TextTrack(SAID, "fre"), tmp_path / "out"
    earlier = replace(text, cues=(SAID[0], replace(SAID[1], start_s=0.7)))
    longer = replace(text, cues=(SAID[0], replace(SAID[1], end_s=1.7)))
    all_later = replace(text, cues=tuple(Cue(c.start_s + 0.04, c.end_s + 0.04, c.text) for c in SAID))
    for container in _containers(made):
        spoken = replace(text, language=container.language("fre"))
        full = replace(made.cargo, container=container, texts=(spoken, replace(spoken, default=True)))
        stitch(made.parts, made.timeline, full, out)
        anyio.run(verify, bundled, out, replace(made, cargo=full))
        for other in (earlier, longer, all_later, replace(text, language="eng"), replace(text, default=True)):
            less = replace(full, texts=(other, full.texts[1]))
            stitch(made.parts, made.timeline, less, out)
            assert _is_caught(bundled, out, replace(made, cargo=full)), (container, other)


def test_a_sound_track_of_another_language_or_flag_is_caught(bundled: Ffmpeg, made: Expected, tmp_path: Path) -> None:
    (one,), out = made.cargo.tracks, tmp_path / "out"
    for container in _containers(made):
        two = replace(one, language=container.language("fre"), default=False)
        full = replace(made.cargo, container=container, tracks=(one, two))
        stitch(made.parts, made.timeline, full, out)
        anyio.run(verify, bundled, out, replace(made, cargo=full))
        for tracks in ((one, one), (two, two), (replace(one, default=False), replace(two, default=True))):
            stitch(made.parts, made.timeline, replace(full, tracks=tracks), out)
            assert _is_caught(bundled, out, replace(made, cargo=full)), (container, tracks)


def test_subtitles_that_are_shown_unasked_are_those_that_were(bundled: Ffmpeg, made: Expected, tmp_path: Path) -> None:
    """In MP4 one sound track is always heard, but no subtitles have to be shown."""
    out = tmp_path / "out"
    for container in _containers(made):
        for flags in ((False, False), (False, True), (True, False)):
            texts = tuple(TextTrack(SAID, "eng", default=flag) for flag in flags)
            full = replace(made.cargo, container=container, texts=texts)
            stitch(made.parts, made.timeline, full, out)
            anyio.run(verify, bundled, out, replace(made, cargo=full))
            with av.open(str(out)) as joined:
                shown = [bool(s.disposition & av.stream.Disposition.default) for s in joined.streams.subtitles]
            assert tuple(shown) == flags, container
