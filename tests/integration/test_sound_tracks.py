"""Of several sound tracks those are kept that can be heard, whatever the file says is the one to hear."""

from __future__ import annotations

from array import array
from itertools import pairwise
from pathlib import Path

import av
import pytest
from support.footage import decode_complaints, lavfi, make

import tightfit
from tightfit.domain.audio import AudioKind, Loudness, plan_audio
from tightfit.media.audio import make_track
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

PICTURE = lavfi("testsrc2=s=160x90:r=10:d=2,noise=alls=30:allf=t")
CODED = ("-c:v", "libx264", "-crf", 6, "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "flac")
# The French track is the one to hear.
NAMED = ("-metadata:s:a:0", "language=fre", "-metadata:s:a:1", "language=eng", "-disposition:a:0", "default")


def _two_tracks(path: Path, first: str, second: str) -> Path:
    maps = ("-map", "0:v", "-map", "1:a", "-map", "2:a")
    make(*PICTURE, *lavfi(first), *lavfi(second), *maps, *CODED, *NAMED, "-disposition:a:1", 0, path)
    return path


def _with_junk_in(stream: int, source: Path, path: Path, until_s: float = 99.0) -> Path:
    """Every packet of a stream up to that second is zeros."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as out:
        streams = [out.add_stream_from_template(s) for s in whole.streams]
        for made_of, there in zip(whole.streams, streams, strict=True):
            there.metadata["language"] = made_of.language or "und"
            there.disposition = made_of.disposition
        for packet in (p for p in whole.demux() if p.size):
            made = packet
            if packet.stream.index == stream and float(packet.pts * packet.time_base) < until_s:
                made = av.Packet(bytes(packet.size))
                made.pts, made.dts, made.time_base = packet.pts, packet.dts, packet.time_base
            made.stream = streams[packet.stream.index]
            out.mux(made)
    return path


def _languages(path: Path) -> list[str | None]:
    with av.open(str(path)) as made:
        return [stream.language for stream in made.streams.audio]


@pytest.mark.parametrize(("broken", "kept"), [(1, "eng"), (2, "fre")])
def test_a_track_that_can_not_be_decoded_makes_way_for_one_that_can(broken: int, kept: str, tmp_path: Path) -> None:
    whole = _two_tracks(tmp_path / "whole.mkv", "anoisesrc=d=2", "sine=880:d=2")
    source, output = _with_junk_in(broken, whole, tmp_path / "a.mkv"), tmp_path / "out.mp4"
    result = tightfit.compress(source, to="120KB", output=output)
    assert (_languages(output), len(result.audio)) == ([kept], 1)
    assert result.warnings == (f"Sound track {broken} can't be decoded and is left out.",)
    assert decode_complaints(output) == ""


def test_sound_that_is_over_before_the_first_good_picture_is_left_out_and_said(tmp_path: Path) -> None:
    make(*PICTURE, *lavfi("sine=440:d=0.4"), *CODED, "-g", 8, tmp_path / "whole.mkv")
    source = _with_junk_in(0, tmp_path / "whole.mkv", tmp_path / "a.mkv", until_s=0.75)
    result = tightfit.compress(source, to="60KB", output=tmp_path / "out.mp4")
    assert (result.frames, result.audio) == (12, ())
    assert "The sound was left out: it is over before the first picture that can be decoded." in result.warnings


def test_a_silent_track_makes_way_where_there_is_room_for_one(tmp_path: Path) -> None:
    source = _two_tracks(tmp_path / "a.mkv", "anullsrc=r=48000:cl=mono,atrim=end=2", "sine=880:d=2")
    planned = [tightfit.plan(source, to=size, resolution="64x36") for size in ("9KB", "200KB")]
    assert [len(getattr(plan, "more_audio", ())) for plan in planned] == [0, 1]
    said = "Sound track 1 is silent and is left out: there is no room for all of them."
    assert [said in plan.warnings for plan in planned] == [True, False]


@pytest.mark.parametrize("rate", [7350, 13_370, 96_000])
@pytest.mark.anyio
async def test_sound_of_an_odd_rate_is_as_long_and_as_high_as_it_was(
    bundled: Ffmpeg, rate: int, tmp_path: Path
) -> None:
    source = tmp_path / "a.mkv"
    make(*PICTURE, *lavfi(f"sine=440:d=2:sample_rate={rate}"), *CODED[:-1], "pcm_s16le", "-ar", rate, source)
    info = await probe(source)
    (stream,) = info.audios
    assert stream.sample_rate == rate
    plan = plan_audio(stream, "auto", 200_000, 2.0, Loudness(-20, -90))
    assert plan.kind is AudioKind.ENCODE
    track = await make_track(bundled, info, stream, plan, tmp_path)
    assert track.sample_rate == plan.sample_rate
    assert track.end_s == pytest.approx(2.0, abs=track.packet_samples / track.sample_rate + 0.02)
    with av.open(str(track.path)) as made:
        samples = array("f", b"".join(bytes(f.planes[0])[: 4 * f.samples] for f in made.decode(audio=0)))
    second = samples[track.sample_rate // 2 : track.sample_rate * 3 // 2]
    assert sum(a < 0 <= b for a, b in pairwise(second)) == pytest.approx(440, abs=2)
