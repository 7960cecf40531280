"""Small clips made by the bundled ffmpeg, and what can be read back from a clip without trusting anyone."""

from __future__ import annotations

import subprocess
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg

# A frame's number is drawn as eight black or white bars: bar i is white where bit i is set.
WIDTH, HEIGHT, BITS = 160, 90, 8
NUMBERED_FRAMES = 120
_BAR = WIDTH // BITS

_SCENES = (
    *("testsrc2=%", "mandelbrot=%", "smptebars=%", "rgbtestsrc=%", "testsrc=%", "yuvtestsrc=%"),
    *("life=%:mold=10:ratio=0.1:seed=1", "smptehdbars=%", "testsrc2=%"),
)


def make(*options: object) -> None:
    """Run the bundled ffmpeg; the last option is the output's path."""
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, options)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def lavfi(graph: str) -> list[str]:
    return ["-f", "lavfi", "-i", graph]


def make_numbered(path: Path) -> Path:
    """An uncompressed clip of ``NUMBERED_FRAMES`` frames that each show their own number."""
    bit = f"mod(floor(N/pow(2,floor(X/{_BAR}))),2)"
    source = lavfi(f"color=black:s={WIDTH}x{HEIGHT}:r=25:d={NUMBERED_FRAMES / 25},format=gray,geq=lum='16+219*{bit}'")
    make(*source, "-pix_fmt", "yuv420p", "-c:v", "rawvideo", "-f", "nut", path)
    return path


def numbers_in(path: Path) -> list[int]:
    """The numbers that the frames of a numbered clip show, in the order in which they are shown."""
    return [number for _, number in timed_numbers_in(path)]


def timed_numbers_in(path: Path) -> list[tuple[int, int]]:
    """The timestamps of a numbered clip's frames, in ticks of their stream, and the numbers that they show."""
    with av.open(str(path)) as container:
        return [(frame.pts or 0, _number(frame)) for frame in container.decode(video=0)]


def _number(frame: av.VideoFrame) -> int:
    luma = frame.planes[0]
    row = bytes(luma)[frame.height // 2 * luma.line_size :][: frame.width]
    bar = frame.width / BITS
    return sum(1 << i for i in range(BITS) if row[round((i + 0.5) * bar)] > 127)


def times_in(path: Path, stream: int = 0) -> list[Fraction]:
    """The timestamps of a video stream's packets in seconds, ascending."""
    with av.open(str(path)) as container:
        video = container.streams.video[stream]
        assert video.time_base is not None
        return sorted(p.pts * video.time_base for p in container.demux(video) if p.size and p.pts is not None)


def decode_complaints(path: Path) -> str:
    """What ffmpeg has to say while it decodes the whole file; nothing where it is sound."""
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "warning", "-nostdin", "-xerror", "-i", path]
    as_they_come = ["-fps_mode", "passthrough", "-enc_time_base", "1/1000000", "-f", "null", "-"]
    done = subprocess.run([*argv, *as_they_come], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stderr if done.returncode == 0 else f"return code {done.returncode}: {done.stderr}"


def make_reel(path: Path, scenes: int = len(_SCENES), crf: int = 20) -> Path:
    """Small scenes of 1.6 s (nine of them are six segments), with a tone and with facts about a person."""
    # Twice the least distance of two of x264's keyframes, so that each cut may become one.
    pictures = [scene.replace("%", "s=192x108:r=24") + ",trim=duration=1.6" for scene in _SCENES[:scenes]]
    inputs = [word for picture in pictures for word in lavfi(picture)]
    n = len(pictures)
    graph = "".join(f"[{i}:v]noise=alls=8:allf=t:all_seed={i},format=yuv420p,setsar=1[v{i}];" for i in range(n))
    graph += "".join(f"[v{i}]" for i in range(n)) + f"concat=n={n}[v]"
    facts = ["-metadata", "title=Our secret", "-metadata", "location=+52.5200+013.4050/"]
    sound = [
        *lavfi(f"sine=frequency=440:duration={14 * scenes // len(_SCENES)}"),
        "-filter_complex",
        graph,
        "-map",
        "[v]",
        "-map",
        f"{n}:a",
    ]
    make(*inputs, *sound, *facts, "-c:v", "libx264", "-preset", "veryfast", "-crf", crf, "-c:a", "aac", path)
    return path
