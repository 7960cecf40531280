"""Peak memory of a run over a large folder and over a long file, all processes together.

    python -m benchmarks.memory folder --files 1000 --one-in 10
    python -m benchmarks.memory long --hours 3 --fps 5

Both make their sources first: the folder holds clips of a second, one in so many of them above the limit; the long
file is a minute of scenes with a tone, looped. Resident memory of tightfit and every process below it is added up ten
times a second (pages that processes share count once for each, so that the sum is an upper bound). Prints one JSON
object, and each minute on stderr what has been seen so far: a run may take long.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import imageio_ffmpeg
import psutil

_SAMPLE_S = 0.1
_TOLD_S = 60.0
_SCENES = ("testsrc2", "mandelbrot", "rgbtestsrc", "life", "smptebars", "testsrc")


@dataclass(frozen=True)
class Measured:
    """One run: bytes of memory at the peak, of tightfit itself and with all processes below it."""

    what: str
    code: int
    seconds: float
    outputs: int
    peak_own_bytes: int
    peak_all_bytes: int
    most_processes: int


def ffmpeg(*words: object) -> None:
    argv = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, words)]
    subprocess.run(argv, check=True)


def scenes(path: Path, size: str, fps: int, seconds: float, *options: object) -> None:
    """``seconds`` of different pictures with a tone."""
    each = seconds / len(_SCENES)
    inputs = [
        word
        for scene in _SCENES
        for word in ("-f", "lavfi", "-i", f"{scene}=s={size}:r={fps},trim=duration={each},noise=alls=8:allf=t")
    ]
    shown = "".join(f"[{n}:v]format=yuv420p,setsar=1[v{n}];" for n in range(len(_SCENES)))
    joined = "".join(f"[v{n}]" for n in range(len(_SCENES))) + f"concat=n={len(_SCENES)}[v]"
    tone = ("-f", "lavfi", "-i", f"sine=duration={seconds}:sample_rate=24000")
    maps = ("-map", "[v]", "-map", f"{len(_SCENES)}:a", "-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac")
    ffmpeg(*inputs, *tone, "-filter_complex", shown + joined, *maps, *options, path)


def a_folder(root: Path, files: int, one_in: int) -> list[str]:
    scenes(root / "small.mp4", "64x48", 10, 1.2, "-b:a", "16k", "-crf", 36)
    scenes(root / "large.mp4", "64x48", 10, 1.2, "-b:a", "16k", "-crf", 4)
    limit = (root / "large.mp4").stat().st_size * 6 // 10
    assert (root / "small.mp4").stat().st_size < limit
    for number in range(files):
        folder = root / "in" / f"{number // 100:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / ("small.mp4" if number % one_in else "large.mp4"), folder / f"clip{number:04d}.mp4")
    return ["-r", str(root / "in"), f"{limit}B", "-o", str(root / "out")]


def a_long_file(root: Path, hours: float, fps: int) -> list[str]:
    scenes(root / "minute.mp4", "160x90", fps, 60, "-b:a", "24k", "-crf", 22)
    loops = round(hours * 60) - 1
    ffmpeg("-stream_loop", loops, "-i", root / "minute.mp4", "-c", "copy", root / "long.mp4")
    return [str(root / "long.mp4"), "40%", "-o", str(root / "out" / "long.mp4")]


def measured(what: str, root: Path, words: list[str]) -> Measured:
    """Run tightfit with ``words`` and look at it until it ends."""
    (root / "out").mkdir()
    begun = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "tightfit", *words, "-q"],
        env={**os.environ, "TIGHTFIT_HOME": str(root / "home")},
        stdin=subprocess.DEVNULL,
    )
    own = peak = most = 0
    told = begun
    while process.poll() is None:
        sizes = _resident(process.pid)
        own, peak, most = max(own, sizes[0] if sizes else 0), max(peak, sum(sizes)), max(most, len(sizes))
        if time.monotonic() - told >= _TOLD_S:
            told = time.monotonic()
            print(f"{told - begun:.0f} s: {_files(root)} outputs, {own} and {peak} bytes", file=sys.stderr, flush=True)
        time.sleep(_SAMPLE_S)
    outputs = _files(root)
    took = round(time.monotonic() - begun, 1)
    return Measured(what, process.returncode, took, outputs, own, peak, most)


def _files(root: Path) -> int:
    return sum(path.is_file() for path in (root / "out").rglob("*"))


def _resident(pid: int) -> list[int]:
    """Resident bytes of a process, and of each one below it; those that end meanwhile are left out."""
    try:
        parent = psutil.Process(pid)
        family = [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []
    sizes = []
    for member in family:
        try:
            sizes.append(member.memory_info().rss)
        except psutil.NoSuchProcess:
            continue
    return sizes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("folder", "long"))
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--one-in", type=int, default=10, help="of the files, one in so many is above the limit")
    parser.add_argument("--hours", type=float, default=3.0)
    parser.add_argument("--fps", type=int, default=5, help="frames per second of the long file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if asked.what == "folder":
            result = measured(f"{asked.files} files", root, a_folder(root, asked.files, asked.one_in))
        else:
            result = measured(f"{asked.hours:g} hours", root, a_long_file(root, asked.hours, asked.fps))
    print(json.dumps(asdict(result)))


if __name__ == "__main__":
    main()
