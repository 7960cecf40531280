"""The byte arithmetic of tightfit.domain.mp4 against files that libavformat really writes.

A real encode gives the templates and the order of its B-frames; that order is then repeated
with dummy payloads, so that an hour of video takes a second to mux.
"""

from __future__ import annotations

import heapq
import math
import random
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import imageio_ffmpeg
import pytest

from tightfit.domain.mp4 import (
    INTERLEAVE_US,
    AudioFormat,
    Sample,
    Track,
    VideoFormat,
    metadata_bytes,
    mp4_overhead,
    predict_overhead,
    runs,
    tables_from_packets,
)

RATE = 48_000
PACKET = 1024
CHUNKS = {"chunk_duration": str(INTERLEAVE_US)}
FASTSTART = {"movflags": "+faststart", **CHUNKS}
MUXER = "Lavf" + ".".join(map(str, av.library_versions["libavformat"]))
UNTAGGED = metadata_bytes({}, MUXER)


@dataclass(frozen=True)
class Clip:
    """A real encode: ``ranks`` are its frames' places in presentation order, listed in decode order."""

    path: Path
    video: VideoFormat
    audio: AudioFormat | None
    ranks: tuple[int, ...]
    rate: int = RATE


def encode(path: Path, *options: str, seconds: float = 3, codec: str = "h264", fiel: bool = False) -> Clip:
    source = ["-f", "lavfi", "-i", "testsrc2=size=128x72:rate=30", "-f", "lavfi", "-i", "sine=440:r=48000"]
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-threads", "1", *source, "-t", str(seconds)]
    subprocess.run([*argv, *options, "-threads", "1", str(path)], check=True)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        context = video.codec_context
        unknown = 2
        form = VideoFormat(
            len(context.extradata or b""),
            codec=codec,  # type: ignore[arg-type]
            colour_tagged=unknown not in (context.color_primaries, context.color_trc, context.colorspace),
            has_pasp=bool(video.sample_aspect_ratio),
            other_boxes=10 if fiel else 0,
        )
        audio = next(iter(container.streams.audio), None)
        heard = audio and AudioFormat(
            len(audio.codec_context.extradata or b""), has_roll=audio.codec_context.name == "aac"
        )
        times = [packet.pts for packet in container.demux(video) if packet.size]
    order = sorted(times)
    ranks = tuple(order.index(pts) for pts in times)
    return Clip(path, form, heard, ranks, audio.sample_rate if audio else RATE)


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Clip:
    return encode(tmp_path_factory.mktemp("clip") / "a.mp4", "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac")


def video_samples(clip: Clip, times: Sequence[int], sizes: Sequence[int], *, interval: int = 60) -> list[Sample]:
    """Frames shown at ``times``, coded in the clip's order; decode times are the same times, earlier."""
    whole = len(times) - len(times) % len(clip.ranks)
    base = (start for start in range(0, whole, len(clip.ranks)) for _ in clip.ranks)
    order = [start + rank for start, rank in zip(base, [*clip.ranks] * (whole // len(clip.ranks)), strict=True)]
    order += range(whole, len(times))
    delay = max(at - rank for at, rank in enumerate(order))
    step = times[1] - times[0]
    decode = [times[0] - step * early for early in range(delay, 0, -1)] + list(times)
    return [
        Sample(decode[at], times[rank], step, sizes[at % len(sizes)], key=at % interval == 0)
        for at, rank in enumerate(order)
    ]


def audio_samples(seconds: float, sizes: Sequence[int], start: int = -PACKET, rate: int = RATE) -> list[Sample]:
    """AAC with one packet of priming and a last one that is not full."""
    count = math.ceil(seconds * rate / PACKET) + 1
    rows = [(start + n * PACKET, PACKET if n < count - 1 else 640) for n in range(count)]
    return [Sample(dts, dts, duration, sizes[n % len(sizes)]) for n, (dts, duration) in enumerate(rows)]


def constant(seconds: int, fps: int) -> tuple[int, list[int]]:
    scale = fps * 512 if fps < 30 else 15360
    return scale, [n * (scale // fps) for n in range(seconds * fps)]


def jittered(seconds: int, fps: int) -> tuple[int, list[int]]:
    rng = random.Random(seconds)
    step = 90_000 // fps
    return 90_000, [n * step + rng.randrange(step // 2) for n in range(seconds * fps)]


TIMELINES = {"24": (constant, 24), "30": (constant, 30), "60": (constant, 60), "variable": (jittered, 30)}


def mux(path, clip, video, scale, audio=(), tags=None, options=FASTSTART):
    """Writes the samples in order of decode time and returns what the file has beyond them."""
    target = str(path) if isinstance(path, Path) else path
    with av.open(str(clip.path)) as source, av.open(target, "w", format="mp4", options=options) as output:
        output.metadata.update(tags or {})
        streams = [output.add_stream_from_template(source.streams.video[0], opaque=True)]
        streams[0].time_base = Fraction(1, scale)
        streams += [output.add_stream_from_template(source.streams.audio[0])] if audio else []
        bases = [Fraction(1, scale), Fraction(1, clip.rate)]
        lanes = [
            [(s.dts * base, track, s) for s in row]
            for track, (row, base) in enumerate(zip((video, audio), bases, strict=True))
        ]
        packets = {size: av.Packet(bytes(size)) for size in {s.size for s in (*video, *audio)}}
        for _, track, sample in heapq.merge(*lanes):
            packet = packets[sample.size]
            packet.stream, packet.time_base = streams[track], bases[track]
            packet.dts, packet.pts, packet.duration = sample.dts, sample.pts, sample.duration
            packet.is_keyframe = sample.key
            output.mux_one(packet)
    written = path.stat().st_size if isinstance(path, Path) else path.size
    return written - payload_of(video, audio)


def payload_of(*tracks: Sequence[Sample]) -> int:
    return sum(s.size for track in tracks for s in track)


def computed(clip, video, scale, audio=(), udta=UNTAGGED):
    newer = av.library_versions["libavformat"][0] > 62
    sound = Track(clip.audio, clip.rate, audio) if audio else None
    movie_scale = math.lcm(scale, *([clip.rate] if audio else [])) if newer else 1000
    tables = tables_from_packets(Track(clip.video, scale, video), sound, movie_scale=movie_scale)
    return mp4_overhead(*tables, payload_bytes=payload_of(video, audio), metadata_bytes=udta)


def predicted(times, scale, video, audio, rate=RATE, known=True):
    """For video of these ``times``; ``known`` says whether the sound's are, too."""
    steps = [b - a for a, b in pairwise(times)]
    return predict_overhead(
        *(len(video), Fraction(len(steps) * scale, sum(steps)), max(steps) >= 8 * scale),
        *(any(s.pts > s.dts for s in video), 60, len(audio), rate),
        payload_bytes=payload_of(video, audio),
        stts_runs=runs(steps),
        audio_start_s=audio[0].dts / rate if known and audio else None,
    )


def ctts_runs(video: Sequence[Sample]) -> int:
    return runs(s.pts - s.dts for s in video)


def sizes(seed: int, most: int = 40) -> list[int]:
    return random.Random(seed).choices(range(3, most), k=997)


LENGTHS = [(10, t, a) for t in TIMELINES for a in (True, False)] + [(60, t, True) for t in TIMELINES]
LENGTHS += [(600, "24", True), (600, "60", False), (3600, "30", True), (3600, "variable", False)]


@pytest.mark.parametrize(("seconds", "timeline", "sound"), LENGTHS)
def test_overhead_is_exact_and_the_prediction_just_above_it(tmp_path, clip, seconds, timeline, sound):
    make, fps = TIMELINES[timeline]
    scale, times = make(seconds, fps)
    video = video_samples(clip, times, sizes(1))
    audio = audio_samples(seconds, sizes(2)) if sound else []
    real = mux(tmp_path / "out.mp4", clip, video, scale, audio)
    assert computed(clip, video, scale, audio) == real
    most = predicted(times, scale, video, audio)
    assert real <= most <= real + 700 + 24 * seconds * sound + 8 * (len(video) - ctts_runs(video))


@pytest.mark.parametrize(
    ("video_start", "audio_start"),
    [(0, 0), (7680, -PACKET), (0, 24_000), (7680, 24_000), (-7680, -24_000), (15, 47), (16, 48), (1024, 0)],
)
def test_tracks_that_start_late_or_early(tmp_path, clip, video_start, audio_start):
    scale, times = constant(4, 30)
    video = video_samples(clip, [t + video_start for t in times], sizes(3))
    audio = audio_samples(4, sizes(4), start=audio_start)
    real = mux(tmp_path / "out.mp4", clip, video, scale, audio)
    assert computed(clip, video, scale, audio) == real


@pytest.mark.parametrize(("rate", "start"), [(8_000, 0), (22_050, -2048), (44_100, 20_000), (44_100, 30_000)])
def test_sampling_rates(tmp_path, rate, start):
    made = encode(tmp_path / "a.mp4", "-c:v", "libx264", "-c:a", "aac", "-ar", str(rate), seconds=0.5)
    scale, times = constant(90, 25)
    video, audio = video_samples(made, times, sizes(14)), audio_samples(90, sizes(15), start, rate)
    real = mux(tmp_path / "out.mp4", made, video, scale, audio)
    assert computed(made, video, scale, audio) == real
    assert real <= predicted(times, scale, video, audio, rate) <= real + 22 * len(video)


@pytest.mark.parametrize("ranks", [(0,), None])
@pytest.mark.parametrize("audio_start", [-PACKET, 28_800, 576_000, -576_000])
@pytest.mark.parametrize("pause", [0, 7, 13])
def test_pauses_and_chunks_off_the_beat(tmp_path, clip, ranks, audio_start, pause):
    """Without B-frames video starts its first chunk far off the grid; so does sound that starts at 0.6 s."""
    scale, times = constant(20, 30)
    times = [at + scale * pause * (at >= 9 * scale) for at in times]
    video = video_samples(replace(clip, ranks=ranks or clip.ranks), times, sizes(16))
    audio = audio_samples(20, sizes(17), audio_start)
    audio[500:] = [s._replace(dts=s.dts + RATE * pause, pts=s.pts + RATE * pause) for s in audio[500:]]
    real = mux(tmp_path / "out.mp4", clip, video, scale, audio)
    assert computed(clip, video, scale, audio) == real
    assert real <= predicted(times, scale, video, audio, known=not pause)


@pytest.mark.parametrize("options", [FASTSTART, CHUNKS])
@pytest.mark.parametrize("order", ["no B-frames", "all key frames", "one frame", "equal sizes"])
def test_tables_that_are_left_out(tmp_path, clip, order, options):
    scale, times = constant(2, 24)
    plain = replace(clip, ranks=(0,)) if order != "equal sizes" else clip
    interval = {"all key frames": 1}.get(order, 12)
    video = video_samples(plain, times, [9] if order == "equal sizes" else sizes(5), interval=interval)
    video = video[:1] if order == "one frame" else video
    audio = audio_samples(2, [7] if order == "equal sizes" else sizes(6))
    real = mux(tmp_path / "out.mp4", clip, video, scale, audio, options=options)
    assert computed(clip, video, scale, audio) == real


@pytest.mark.parametrize(
    ("suffix", "options", "facts"),
    [
        (".mp4", ["-c:v", "libx264", "-color_primaries", "1", "-color_trc", "1", "-colorspace", "1"], {}),
        (".mp4", ["-c:v", "libx264", "-vf", "setsar=0", "-c:a", "libmp3lame"], {}),
        (".mp4", ["-c:v", "libx264", "-vf", "setsar=4/3", "-ac", "1", "-ar", "48000"], {}),
        (
            ".mkv",
            ["-c:v", "libx265", "-x265-params", "pools=none:log-level=none", "-c:a", "aac"],
            {"codec": "hevc", "fiel": True},
        ),
        (
            ".mkv",
            ["-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1", "-c:a", "aac"],
            {"codec": "av1", "fiel": True},
        ),
    ],
    ids=["colour", "mp3", "anamorphic", "hevc", "av1"],
)
def test_sample_entries(tmp_path, suffix, options, facts):
    made = encode(tmp_path / f"made{suffix}", *options, seconds=0.5, **facts)
    scale, times = constant(1, 30)
    video = video_samples(made, times, sizes(7))
    audio = audio_samples(1, sizes(8))
    real = mux(tmp_path / "out.mp4", made, video, scale, audio)
    assert computed(made, video, scale, audio) == real


@pytest.mark.parametrize(
    ("options", "facts"),
    [
        (["-c:v", "libx264", "-c:a", "aac"], {}),
        (
            ["-c:v", "libx265", "-x265-params", "pools=none:log-level=none", "-an"],
            {"codec": "hevc", "fiel": True},
        ),
    ],
    ids=["h264", "hevc"],
)
def test_real_packets_remuxed(tmp_path, options, facts):
    """x265 marks frames that nothing refers to; that makes the muxer write a table of dependencies."""
    made = encode(tmp_path / "made.mp4", *options, seconds=1.5, **facts)
    target = tmp_path / "out.mp4"
    with av.open(str(made.path)) as source, av.open(str(target), "w", options=FASTSTART) as output:
        streams = {s.index: output.add_stream_from_template(s, opaque=True) for s in source.streams}
        rows: list[list[Sample]] = [[] for _ in streams]
        packets = [p for p in source.demux() if p.size]
        for packet in sorted(packets, key=lambda p: (p.dts * p.time_base, p.stream.index)):
            times = packet.dts, packet.pts, packet.duration, packet.size
            rows[packet.stream.index].append(Sample(*times, bool(packet.is_keyframe), bool(packet.is_disposable)))
            packet.stream = streams[packet.stream.index]
            output.mux_one(packet)
    assert any(s.disposable for s in rows[0]) == ("libx265" in options)
    assert computed(made, rows[0], 15_360, *rows[1:]) == target.stat().st_size - payload_of(*rows)


@pytest.mark.parametrize(
    "tags",
    [
        {"title": "Ferien in Zürich", "date": "2026-08-22", "comment": "", "encoder": "ignored"},
        {"creation_time": "2026-08-22T13:04:45Z", "unheard_of": "value", "Artist": "Ω", "copyright": "me"},
        {"location": "+47.3769+008.5417+408.000/", "title": "x"},
        {"location": "+47.3769+008.5417/Zürich"},
        {"location": "somewhere", "track": "3/12", "disc": "0", "tmpo": "120", "media_type": "9"},
        {"season_number": "1", "episode_sort": "2", "gapless_playback": "1", "encoding_tool": "tightfit"},
    ],
)
def test_metadata(tmp_path, clip, tags):
    scale, times = constant(1, 30)
    video = video_samples(clip, times, sizes(9))
    real = mux(tmp_path / "out.mp4", clip, video, scale, tags=tags)
    assert computed(clip, video, scale, udta=metadata_bytes(tags, MUXER)) == real


@pytest.mark.parametrize("sound", [True, False])
def test_no_chunk_reaches_a_mebibyte(tmp_path, clip, sound):
    scale, times = constant(3, 60)
    large = [1 << 19, 3, (1 << 19) - 3, (1 << 20) - 1, 1, 1 << 20, 5, 100_000, 2, 200_000, 300_000]
    video = video_samples(clip, times[:40] + times[100:120], large)
    audio = audio_samples(3, sizes(10)) if sound else []
    real = mux(tmp_path / "out.mp4", clip, video, scale, audio)
    assert computed(clip, video, scale, audio) == real
    most = predict_overhead(60, 60, True, True, 60, len(audio), payload_bytes=payload_of(video, audio))
    assert real <= most


class Sink:
    """A file too large to keep: only its length is remembered."""

    size = at = 0

    def write(self, data) -> int:
        self.at += len(data)
        self.size = max(self.size, self.at)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset + (0, self.at, self.size)[whence]
        return self.at

    def tell(self) -> int:
        return self.at


@pytest.mark.parametrize("count", [63, 64])
def test_offsets_and_mdat_beyond_four_gibibytes(clip, count):
    scale, times = constant(4, 24)
    video = video_samples(replace(clip, ranks=(0,)), times[:count], [1 << 26])
    video = [*video, video[-1]._replace(dts=times[count], pts=times[count], size=7)]
    audio = audio_samples(2, sizes(11))
    real = mux(Sink(), clip, video, scale, audio, options=CHUNKS)
    assert computed(clip, video, scale, audio) == real


M = 2**31 - 1  # the muxer's limit for 32-bit times


@pytest.mark.parametrize("ticks", [M - 1, M])
@pytest.mark.parametrize("scale", [16_000, 1_000_000])
def test_headers_grow_with_the_track_duration(tmp_path, clip, ticks, scale):
    video = [Sample(0, 0, 9, 5), Sample(ticks - 9, ticks - 9, 9, 6)]
    real = mux(tmp_path / "out.mp4", clip, video, scale)
    assert computed(clip, video, scale) == real


@pytest.mark.parametrize("end", [M - 1, M, M + 3, M + 14])
@pytest.mark.parametrize(
    ("first", "delay", "leading"), [(0, 0, 0), (-160, 160, 160), (160, 0, 0), (0, 0, 160), (0, 160, 160)]
)
def test_headers_grow_with_the_movie_duration(tmp_path, clip, end, first, delay, leading):
    """``end`` is in milliseconds, which all times up to libavformat 62 turn into; about 25 days."""
    scale, duration = 16_000, 16
    stops = [first + (end * 16 - duration - first) * n // 20 for n in range(21)]
    video = [Sample(dts, dts + (delay if n else leading), duration, 5 + n) for n, dts in enumerate(stops)]
    real = mux(tmp_path / "out.mp4", clip, video, scale)
    assert computed(clip, video, scale) == real


@pytest.mark.parametrize("seconds", [460, 600])
def test_the_movie_scale_decides_about_long_files(tmp_path, clip, seconds):
    """From libavformat 63 on the movie's scale can be so fine that less than an hour needs 64-bit times."""
    step = 3600 * 90_000 // 120
    video = video_samples(clip, [n * step for n in range(120)], sizes(12))
    audio = audio_samples(seconds, sizes(13))
    real = mux(tmp_path / "out.mp4", clip, video, 90_000, audio)
    assert computed(clip, video, 90_000, audio) == real
