"""A tool whose arithmetic is known, as a command: ``python -m benchmarks.peers.by_formula NAME CLIP LIMIT OUT``.

Encodes with the ``ffmpeg`` of PATH. Returns 4 where the formula leaves nothing for the picture.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import av

from benchmarks.peers import formulas
from benchmarks.peers.formulas import Plan

REFUSED = 4


@dataclass(frozen=True)
class Source:
    path: Path
    duration_s: float
    height: int
    fps: float
    has_audio: bool


def source_of(path: Path) -> Source:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        duration = (container.duration or 0) / av.time_base
        return Source(path, duration, video.height, float(video.average_rate or 30), bool(container.streams.audio))


def encode(source: Source, out: Path, picture: list[str], plan: Plan, *, sound: str = "aac", passes: int = 2) -> None:
    """Raises CalledProcessError, with ffmpeg's own words on standard error."""
    begin = ["ffmpeg", "-hide_banner", "-nostdin", "-y", "-i", f"file:{source.path}", "-map", "0:v:0"]
    if plan.height and plan.height < source.height:
        begin += ["-vf", f"scale=-2:{plan.height}"]
    if plan.fps and plan.fps < source.fps:
        begin += ["-r", f"{plan.fps:g}"]
    begin += [*picture, "-pix_fmt", "yuv420p", "-b:v", f"{plan.video_kbps:.3f}k"]
    heard = ["-map", "0:a:0?", "-c:a", sound, "-b:a", f"{plan.audio_kbps:.3f}k", "-ac", "2"] if source.has_audio else []
    with tempfile.TemporaryDirectory() as folder:
        two = ["-passlogfile", f"{folder}/log"] if passes == 2 else []
        if passes == 2:
            subprocess.run([*begin, *two, "-pass", "1", "-an", "-f", "null", "-"], check=True)
        second = ["-pass", "2"] if passes == 2 else []
        subprocess.run([*begin, *two, *second, *heard, "-f", "mp4", f"file:{out}"], check=True)


def two_pass(preset: str) -> Callable[[Source, int, Path], int]:
    def run(source: Source, limit: int, out: Path) -> int:
        plan = formulas.plain(limit, source.duration_s, source.has_audio)
        encode(source, out, ["-c:v", "libx264", "-preset", preset], plan)
        return 0

    return run


def svt_av1(source: Source, limit: int, out: Path) -> int:
    plan = formulas.plain(limit, source.duration_s, source.has_audio)
    encode(source, out, ["-c:v", "libsvtav1", "-preset", "8", "-svtav1-params", "rc=1"], plan, passes=1)
    return 0


def constrict(source: Source, limit: int, out: Path) -> int:
    factor, attempt, low = 1.0, 0, source.height
    while True:
        attempt += 1
        plan = formulas.constrict(limit, source.duration_s, source.has_audio, (low, source.fps), factor)
        if plan.video_kbps < formulas.CONSTRICT_LEAST_KBPS:
            print("the limit is too small for Constrict", file=sys.stderr)
            return REFUSED
        preset = {480: "slower", 360: "slower", 240: "veryslow", 144: "placebo"}.get(plan.height or 0, "medium")
        encode(source, out, ["-c:v", "libx264", "-preset", preset, "-profile:v", "main"], plan, sound="libopus")
        size = out.stat().st_size
        again = formulas.constrict_next(size, limit, factor, attempt)
        if again is None:
            return 0
        if size > limit / 2:
            low = min(low, plan.height or low)
        factor = again


def eight_mb(source: Source, limit: int, out: Path) -> int:
    plan = formulas.eight_mb(limit, source.duration_s, source.has_audio)
    _one_pass(source, out, plan)
    lower = formulas.eight_mb_retry(plan.video_kbps, out.stat().st_size, limit)
    if lower is not None:
        _one_pass(source, out, Plan(lower, plan.audio_kbps))
    return 0


def _one_pass(source: Source, out: Path, plan: Plan) -> None:
    rate = ["-maxrate", f"{1.2 * plan.video_kbps:.3f}k", "-bufsize", f"{2 * plan.video_kbps:.3f}k"]
    picture = ["-c:v", "libx264", "-preset", "faster", "-tune", "film", *rate]
    encode(source, out, picture, plan, sound="libopus", passes=1)


TOOLS = {
    "two-pass-medium": two_pass("medium"),
    "two-pass-slow": two_pass("slow"),
    "svt-av1-vbr": svt_av1,
    "constrict": constrict,
    "8mb.local": eight_mb,
}


def main() -> int:
    name, clip, limit, out = sys.argv[1:5]
    try:
        return TOOLS[name](source_of(Path(clip)), int(limit), Path(out))
    except subprocess.CalledProcessError as exc:
        return exc.returncode


if __name__ == "__main__":
    sys.exit(main())
