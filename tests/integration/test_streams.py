"""Everything that a file holds beside its picture arrives, is counted to the byte, and says what became of it."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest
from support.footage import decode_complaints, lavfi, make, times_in
from support.sync import beeps_in, flashes_in, make_flashing

import tightfit
from tightfit.domain.audio import AudioKind, AudioPlan
from tightfit.domain.codec import AV1, H264, Codec
from tightfit.domain.containers import Container
from tightfit.domain.geometry import full_size
from tightfit.domain.media_info import Chapter, MediaInfo
from tightfit.domain.mp4_extras import chapters_bytes
from tightfit.domain.subtitles import BitmapTrack, TextTrack
from tightfit.engine.conformity import checks_of
from tightfit.engine.requests import make_request
from tightfit.engine.streams import cargo_of, overhead_bound
from tightfit.engine.subtitles import subtitles
from tightfit.errors import UsageError
from tightfit.media.audio import AudioTrack, make_track
from tightfit.media.cargo import Cargo
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.stitch import Timeline, stitch
from tightfit.media.tools import Ffmpeg
from tightfit.media.verify import Expected, verify
from tightfit.presets import load

pytestmark = pytest.mark.anyio

PLACE, CANARY = "+54.1843-002.7189/", "CanaryCam"
SRT = "1\n00:00:00,500 --> 00:00:01,000\n<i>Hello</i>\n\n2\n00:00:01,200 --> 00:00:01,800\nthere\n"
FACTS = (
    ";FFMETADATA1\ntitle=A day out\ncreation_time=2024-01-24T14:50:14.000000Z\n"
    f"location={PLACE}\nmake={CANARY}\nmodel={CANARY} 2\ncomment={CANARY} at home\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=One\n"
    "[CHAPTER]\nTIMEBASE=1/1000\nSTART=900\nEND=2000\ntitle=Two, später\n"
)


@pytest.fixture(scope="module")
def rich(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with two languages, subtitles, chapters and facts; an x264 remark inside the picture."""
    folder = tmp_path_factory.mktemp("rich")
    words, facts, out = folder / "a.srt", folder / "facts.txt", folder / "rich.mkv"
    words.write_text(SRT)
    facts.write_text(FACTS)
    streams = ("-map", "0:v", "-map", "1:a", "-map", "2:a", "-map", "3:s", "-map_metadata", 4, "-map_chapters", 4)
    named = ("-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fre", "-metadata:s:s:0", "language=eng")
    coded = ("-c:v", "libx264", "-crf", 8, "-preset", "veryfast", "-pix_fmt", "yuv420p", "-c:a", "flac")
    canary = ("-bsf:v", f"h264_metadata=sei_user_data=086f3693-b7b3-4f2c-9653-21492feee5b8+{CANARY}")
    make(
        *lavfi("testsrc2=s=320x180:r=25:d=2,noise=alls=20:allf=t"),
        *lavfi("sine=440:d=2"),
        *lavfi("sine=880:d=2"),
        *("-i", words, "-i", facts),
        *(*streams, *named, *coded, *canary, "-disposition:a:1", "default", "-disposition:a:0", "0", out),
    )
    os.utime(out, (1_600_000_000, 1_600_000_000))
    return out


def _tags(path: Path) -> dict[str, str]:
    with av.open(str(path)) as container:
        return {key.lower(): value for key, value in container.metadata.items()}


@pytest.mark.parametrize("container", list(Container))
def test_everything_arrives_in_every_container(rich: Path, container: Container, tmp_path: Path):
    output, is_webm = tmp_path / f"out.{container}", container is Container.WEBM
    limit, form = (200_000, {}) if not is_webm else (60_000, {"codec": "av1", "effort": "fast", "resolution": "160x90"})
    result = tightfit.compress(rich, to=f"{limit}B", output=output, **form)  # type: ignore[arg-type]
    assert 0.97 * limit <= output.stat().st_size <= limit
    # One segment made by steps of quality may stay a little further below.
    assert [said for said in result.warnings if not (is_webm and "file fills 9" in said)] == []
    assert [a.codec for a in result.audio] == ["opus" if is_webm else "aac"] * 2
    with av.open(str(output)) as made:
        sounds, texts = made.streams.audio, made.streams.subtitles
        assert [s.language for s in sounds] == ["eng", "fra" if container is Container.MOV else "fre"]
        assert [bool(s.disposition & av.stream.Disposition.default) for s in sounds] == [False, True]
        assert [s.language for s in texts] == ["eng"]
        assert [c["metadata"]["title"] for c in made.chapters()] == ["One", "Two, später"]
        said = b"".join(bytes(p) for p in made.demux(texts[0]) if p.size)
    assert b"Hello" in said
    assert b"there" in said
    tags = _tags(output)
    assert (tags["title"], tags["location"], tags["make"]) == ("A day out", PLACE, CANARY)
    assert tags["creation_time"].startswith("2024-01-24T14:50:14")
    assert decode_complaints(output) == ""
    assert times_in(output)[:3] == times_in(rich)[:3]
    assert output.stat().st_mtime == rich.stat().st_mtime
    if is_webm:
        assert output.read_bytes()[:64].count(b"webm") == 1, "it does not say what it is"
    elif container is not Container.MKV:
        content = output.read_bytes()
        assert content.index(b"moov") < content.index(b"mdat")


def _heard_to(output: Path) -> list[float]:
    """When the last packet of each sound track begins, in seconds."""
    last: dict[int, float] = {}
    with av.open(str(output)) as made:
        for packet in made.demux(*made.streams.audio):
            if packet.size:
                last[packet.stream_index] = float(packet.pts * packet.time_base)
    return [last[index] for index in sorted(last)]


def test_a_trim_moves_every_sound_track_subtitles_and_chapters(rich: Path, tmp_path: Path):
    output = tmp_path / "out.mkv"
    result = tightfit.compress(rich, to="200KB", output=output, trim="0.6-")
    assert result.warnings == ()
    assert (result.frames, len(result.audio)) == (35, 2)
    with av.open(str(output)) as made:
        chapters = [(float(c["start"] * c["time_base"]), c["metadata"]["title"]) for c in made.chapters()]
        said = [(p.pts, p.duration) for p in made.demux(made.streams.subtitles[0]) if p.size]
    assert chapters == [(0, "One"), (pytest.approx(0.3), "Two, später")]
    assert said == [(0, 400), (600, 600)]
    assert _heard_to(output) == pytest.approx([1.4, 1.4], abs=0.05)


def test_what_a_cut_would_put_out_of_step_is_left_out_and_said(rich: Path, tmp_path: Path):
    output = tmp_path / "out.mkv"
    result = tightfit.compress(rich, to="200KB", output=output, cut="0.4-0.8")
    why = "they would no longer fit what is cut out of the clip, or its speed."
    assert result.warnings == (f"The subtitles and chapters are left out: {why}",)
    assert (result.frames, len(result.audio)) == (40, 2)
    with av.open(str(output)) as made:
        assert (len(made.chapters()), len(made.streams.subtitles)) == (0, 0)
    assert _heard_to(output) == pytest.approx([1.6, 1.6], abs=0.05)


def test_private_leaves_no_byte_of_place_or_device(rich: Path, tmp_path: Path):
    assert CANARY.encode() in rich.read_bytes()
    output = tmp_path / "out.mp4"
    # It would fit as it is, and is made anew all the same.
    tightfit.compress(rich, to="9MB", output=output, private=True)
    content = output.read_bytes()
    assert CANARY.encode() not in content
    assert PLACE.encode() not in content
    assert _tags(output)["title"] == "A day out"


async def _made(
    ffmpeg: Ffmpeg, rich: Path, work: Path, codec: Codec = H264
) -> tuple[MediaInfo, Clip, Timeline, list[AudioTrack], Expected]:
    info = await probe(rich)
    video = info.main_video
    assert video is not None
    picture = Picture(video, full_size(video.display_size))
    clip = Clip(info, video, picture, tuple(p - video.pts[0] for p in video.pts))
    setting = Setting(picture.full, codec.nearest(30.0), 1, "veryfast" if codec is H264 else "12", codec=codec)
    part = await encode(ffmpeg, clip, 0, clip.frames, setting, work / "a.nut", on_frames=lambda _: None)
    plan = AudioPlan(AudioKind.ENCODE, 64, 1, 48_000, codec="aac" if codec is H264 else "opus")
    tracks = [await make_track(ffmpeg, info, s, plan, work, name=f"audio-{s.index}") for s in info.audios]
    line = Timeline(clip.pts, video.time_base, video.frame_ticks, 0.0)
    return info, clip, line, tracks, Expected(10**9, line, picture.full, (part,), Cargo())


async def test_the_bytes_of_everything_are_bounded_and_those_of_chapters_exact(
    ffmpeg: Ffmpeg, rich: Path, tmp_path: Path
):
    out = tmp_path / "out"
    for container in Container:
        codec = AV1 if container is Container.WEBM else H264
        info, clip, line, tracks, expected = await _made(ffmpeg, rich, tmp_path, codec)
        request = make_request(rich, to="5MB", container=container, codec=codec.name)
        spoken = await subtitles(info, 10**6, ffmpeg, _Quiet(tmp_path), "")  # type: ignore[arg-type]
        cargo = cargo_of(request, clip, line, tracks, spoken)
        assert len(cargo.texts) == 1
        size = stitch(expected.parts, line, cargo, out)
        await verify(ffmpeg, out, replace(expected, cargo=cargo))
        payload = sum(p.bytes for p in expected.parts) + sum(t.bytes for t in tracks)
        bound = overhead_bound(clip, line, cargo, size, codec)
        assert size - payload <= bound <= size - payload + 4_000, container
        if container is Container.MP4:
            without = stitch(expected.parts, line, replace(cargo, chapters=()), out)
            assert size - without == chapters_bytes(cargo.chapters, 4)


@pytest.mark.parametrize(
    "chapters", [(Chapter(0, 1, "a"),), (Chapter(0.25, 1, "a"), Chapter(1, 1.5, ""), Chapter(1.5, 2, "ccc"))]
)
async def test_chapters_cost_what_was_counted(
    ffmpeg: Ffmpeg, rich: Path, chapters: tuple[Chapter, ...], tmp_path: Path
):
    _, _, line, tracks, expected = await _made(ffmpeg, rich, tmp_path)
    out = tmp_path / "out.mp4"
    plain = Cargo(tracks=tuple(tracks))
    with_chapters = stitch(expected.parts, line, replace(plain, chapters=chapters), out)
    assert with_chapters - stitch(expected.parts, line, plain, out) == chapters_bytes(chapters, 3)


class _Quiet:
    """A job that nobody listens to."""

    def __init__(self, work: Path) -> None:
        self.work = work

    def tell(self, *_: object) -> None: ...

    def warn(self, message: str) -> None:
        raise AssertionError(message)


async def test_a_changed_fact_a_lost_subtitle_and_a_lost_chapter_are_caught(ffmpeg: Ffmpeg, rich: Path, tmp_path: Path):
    _, _, line, tracks, expected = await _made(ffmpeg, rich, tmp_path)
    cue = tightfit_cue()
    full = Cargo(tracks=tuple(tracks), texts=(cue,), chapters=(Chapter(0, 1, "a"),), tags={"make": "X", "title": "T"})
    for less in (
        replace(full, tags={"make": "Y", "title": "T"}),
        replace(full, texts=()),
        replace(full, chapters=()),
        replace(full, tracks=full.tracks[::-1]),
    ):
        stitch(expected.parts, line, less, tmp_path / "out.mp4")
        with pytest.raises(tightfit.errors.EncoderError):
            await verify(ffmpeg, tmp_path / "out.mp4", replace(expected, cargo=full))


def _bitmaps(path: Path, payloads: dict[int, bytes]) -> BitmapTrack:
    """Payloads at milliseconds, as they would be copied from a source."""
    with av.open(str(path), "w", format="matroska") as out:
        stream = out.add_mux_stream("dvd_subtitle")
        stream.time_base = Fraction(1, 1000)
        for start_ms, data in payloads.items():
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts, packet.duration = stream, start_ms, start_ms, 300
            packet.time_base = Fraction(1, 1000)
            out.mux(packet)
    times = tuple((start_ms, 300) for start_ms in payloads)
    return BitmapTrack(str(path), "dvd_subtitle", times, sum(map(len, payloads.values())), language="eng")


async def test_changed_drawn_subtitles_are_caught(ffmpeg: Ffmpeg, rich: Path, tmp_path: Path):
    _, _, line, tracks, expected = await _made(ffmpeg, rich, tmp_path)
    good, out = _bitmaps(tmp_path / "good.mkv", {200: b"one" * 9, 900: b"two" * 9}), tmp_path / "out.mkv"
    full = Cargo(Container.MKV, tracks=tuple(tracks), bitmaps=(good,))
    stitch(expected.parts, line, full, out)
    await verify(ffmpeg, out, replace(expected, cargo=full))
    for other in (
        _bitmaps(tmp_path / "payload.mkv", {200: b"one" * 9, 900: b"TWO" * 9}),
        _bitmaps(tmp_path / "time.mkv", {200: b"one" * 9, 940: b"two" * 9}),
        _bitmaps(tmp_path / "short.mkv", {200: b"one" * 9}),
        replace(good, language="fre"),
        replace(good, forced=True),
    ):
        stitch(expected.parts, line, replace(full, bitmaps=(other,)), out)
        with pytest.raises(tightfit.errors.EncoderError):
            await verify(ffmpeg, out, replace(expected, cargo=full))


def tightfit_cue() -> TextTrack:
    from tightfit.domain.cargo import Cue

    return TextTrack((Cue(0.2, 0.9, "said"),), "eng")


async def test_a_file_for_a_host_that_refuses_edit_lists_has_none_and_breaks_no_rule(rich: Path, tmp_path: Path):
    longer, output = tmp_path / "longer.mp4", tmp_path / "out.mp4"
    make("-stream_loop", 1, "-i", rich, "-map", "0:v", "-map", "0:a:0", "-c:v", "copy", "-c:a", "aac", longer)
    await _run(longer, output)
    info = await probe(output)
    assert [c for c in checks_of(load("instagram"), info) if not c.ok] == []
    start = times_in(longer)[0]
    assert times_in(output) == [t - start for t in times_in(longer)]


async def _run(source: Path, output: Path) -> None:
    await tightfit.acompress(source, preset="instagram", output=output)


async def test_a_broken_rule_is_named(rich: Path):
    info, preset = await probe(rich), load("instagram")
    broken = {c.rule for c in checks_of(preset, info) if not c.ok}
    # How many bits lossless sound takes is for its encoder to say.
    loud = {f"audio {a.index} bit rate" for a in info.audios if a.kbps > 1.02 * (preset.audio.max_kbps or 0)}
    assert broken == {"container", "duration", "audio 1 codec", "audio 2 codec"} | loud
    assert loud


def test_a_track_that_does_not_decode_costs_the_sound_and_is_said(tmp_path: Path):
    whole, broken, output = tmp_path / "whole.mkv", tmp_path / "broken.mkv", tmp_path / "out.mp4"
    picture = lavfi("testsrc2=s=320x180:r=25:d=2,noise=alls=20:allf=t")
    make(*picture, *lavfi("anoisesrc=d=2"), "-c:v", "libx264", "-crf", 8, "-preset", "veryfast", "-c:a", "flac", whole)
    with av.open(str(whole)) as source, av.open(str(broken), "w") as out:
        streams = [out.add_stream_from_template(s) for s in source.streams]
        for packet in source.demux():
            if packet.size and packet.stream.type == "audio":
                junk = av.Packet(bytes(packet.size))
                junk.pts, junk.dts, junk.time_base = packet.pts, packet.dts, packet.time_base
                junk.stream = streams[1]
                out.mux(junk)
            elif packet.size:
                packet.stream = streams[0]
                out.mux(packet)
    result = tightfit.compress(broken, to="100KB", output=output)
    assert result.audio == ()
    assert any("sound was left out" in warning.lower() for warning in result.warnings)
    assert len(times_in(output)) == 50


def test_sound_stays_with_the_picture_behind_a_gap_in_it(tmp_path: Path):
    """Four packets are missing after 1.3 s: 85 ms, by which all that follows would be too early."""
    whole, gappy, output = make_flashing(tmp_path / "whole.mp4", 4), tmp_path / "gappy.mkv", tmp_path / "out.mp4"
    with av.open(str(whole)) as source, av.open(str(gappy), "w") as out:
        streams = [out.add_stream_from_template(s) for s in source.streams]
        for packet in source.demux():
            if packet.pts is None or packet.time_base is None:
                continue
            if packet.stream.type == "video" or not 1.3 < packet.pts * packet.time_base < 1.385:
                packet.stream = streams[packet.stream.index]
                out.mux(packet)
    tightfit.compress(gappy, to="60KB", output=output, audio=64)
    late = [beep - flash for flash, beep in zip(flashes_in(output), beeps_in(output), strict=True)]
    assert len(late) == 4
    assert max(map(abs, late)) <= 0.02


def test_a_picture_whose_size_changes_comes_out_whole(tmp_path: Path):
    parts = []
    for n, size in enumerate(("320x180", "160x90")):
        parts.append(tmp_path / f"{n}.ts")
        make(*lavfi(f"testsrc2=s={size}:r=25:d=1,noise=alls=20:allf=t"), "-c:v", "libx264", "-crf", 8, parts[n])
    joined, output = tmp_path / "joined.ts", tmp_path / "out.mp4"
    make("-i", f"concat:{parts[0]}|{parts[1]}", "-c", "copy", joined)
    result = tightfit.compress(joined, to="60KB", output=output)
    assert result.frames == len(times_in(output)) == 50
    assert decode_complaints(output) == ""


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_a_codec_that_webm_does_not_hold_is_refused_in_one_sentence(rich: Path, codec: str, tmp_path: Path):
    with pytest.raises(UsageError, match=r"in a .webm file"):
        tightfit.compress(rich, to="100KB", output=tmp_path / "a.webm", codec=codec)


def test_sound_and_picture_of_a_webm_stay_together(tmp_path: Path):
    flat, source, output = (tmp_path / name for name in ("flat.mp4", "flashing.mp4", "out.webm"))
    make_flashing(flat, 2)
    make("-i", flat, "-vf", "noise=alls=24:allf=t", "-c:v", "libx264", "-crf", 10, "-c:a", "copy", source)
    result = tightfit.compress(source, to="40%", output=output, codec="av1", effort="fast")
    assert [a.codec for a in result.audio] == ["opus"]
    flashes, beeps = flashes_in(output), beeps_in(output)
    assert len(flashes) == len(beeps) == 2
    assert max(abs(a - b) for a, b in zip(flashes, beeps, strict=True)) <= 0.02
