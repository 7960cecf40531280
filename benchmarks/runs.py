"""One run of each contestant, measured from outside: bytes, CPU seconds of the whole process tree, wall time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import ffmpeg as graph

from tightfit.media import argv
from tightfit.media.encode import Clip
from tightfit.media.tools import Ffmpeg


@dataclass(frozen=True)
class Run:
    """What a command cost. ``cpu_s`` is user plus system time of it and all its children."""

    returncode: int
    stdout: str
    stderr: str
    cpu_s: float
    wall_s: float


def measured(command: list[str], cwd: Path, home: Path) -> Run:
    """Run ``command`` to its end under the operating system's own accounting."""
    out, err = cwd / "stdout.txt", cwd / "stderr.txt"
    begun = time.monotonic()
    with out.open("w") as o, err.open("w") as e:
        env = {**os.environ, "TIGHTFIT_HOME": str(home)}
        # An installed package is compiled; where this forbids it, each run would compile two hundred modules anew.
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=o, stderr=e, cwd=cwd, env=env)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - begun
    return Run(process.returncode, out.read_text(), err.read_text(), usage.ru_utime + usage.ru_stime, wall)


def tightfit(clip: Path, limit: int, out: Path, work: Path, home: Path) -> tuple[Run, dict]:
    """The command line as a user runs it, nothing measured before; returns the run and its result object."""
    command = [sys.executable, "-m", "tightfit", "compress", str(clip), "--to", f"{limit}B", "-o", str(out), "--json"]
    run = measured(command, work, home)
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    results = [line for line in lines if line.get("type") == "result"]
    return run, results[-1] if results else {}


# So often a bitrate is corrected, and this near the limit it is near enough.
MOST_RUNS, NEAR = 4, 0.005


def two_pass_within(ffmpeg: Ffmpeg, clip: Clip, limit: int, ours: Path, audio_bytes: int, out: Path, work: Path) -> Run:
    """``two_pass`` again and again, with the bitrate corrected by what it missed by, until it fits; the last run."""
    asked = float(limit)
    for _ in range(MOST_RUNS):
        run = two_pass(ffmpeg, clip, asked, ours, audio_bytes, out, work)
        fill = out.stat().st_size / limit
        if 1 - NEAR <= fill <= 1:
            break
        asked *= (1 - NEAR / 2) / fill
    return run


def two_pass(ffmpeg: Ffmpeg, clip: Clip, limit: float, ours: Path, audio_bytes: int, out: Path, work: Path) -> Run:
    """ffmpeg's own two-pass x264 medium at the source's size, with the very sound bytes of ``ours``.

    The bitrate is what people compute: what is left of the limit after the sound, over the duration.
    """
    kbps = (limit - audio_bytes) * 8 / 1000 / clip.video.duration_s
    cut = argv.Cut(clip.video.pts[0], None, clip.video.pts[0])
    options = {
        "c:v": "libx264",
        "preset": "medium",
        "b:v": f"{kbps:.3f}k",
        "fps_mode": "passthrough",
        "enc_time_base": f"{clip.video.time_base.numerator}/{clip.video.time_base.denominator}",
        "x264-params": _rate(clip),
        **clip.picture.tag_options(),
    }
    node = argv.frames_of(
        argv.source_input(clip.info, ffmpeg.policy, threads=2), clip.video, cut, clip.picture.steps(clip.picture.full)
    )
    first = graph.output(node, "-", **options, f="null", **{"pass": 1})
    run = measured(argv.written(ffmpeg.path, first), work, work)
    sound = [graph.input(f"file:{ours}")["a"]] if audio_bytes else []
    second = graph.output(node, *sound, f"file:{out}", **options, f="mp4", **{"pass": 2, "c:a": "copy"})
    last = measured(argv.written(ffmpeg.path, second), work, work)
    return Run(last.returncode, last.stdout, last.stderr, run.cpu_s + last.cpu_s, run.wall_s + last.wall_s)


def _rate(clip: Clip) -> str:
    rate = clip.video.fps.limit_denominator(1001)
    return f"fps={rate.numerator}/{rate.denominator}"
