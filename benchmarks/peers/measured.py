"""One run measured from outside, and what its file holds: cost, frames, sound's start, quality as it is played."""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import av
import imageio_ffmpeg

from tightfit.domain.moments import summarise
from tightfit.media.measure import VMAF_MODEL
from tightfit.media.score_logs import vmaf_scores, xpsnr_scores

_EVERY = 3


@dataclass(frozen=True)
class Cost:
    """``cpu_s``: user and system time of the command and all children it waited for; ``peak_mb`` (10^6 bytes): of its
    largest process, as Linux accounts it (getrusage(2), ru_maxrss)."""

    returncode: int
    said: str
    cpu_s: float
    wall_s: float
    peak_mb: float
    timed_out: bool


def run(command: list[str], work: Path, env: dict[str, str], limit_s: float) -> Cost:
    """Run ``command`` to its end, or end it and all its children after ``limit_s``."""
    log, late = work / "said.txt", threading.Event()
    begun = time.monotonic()
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=env, start_new_session=True
        )

        def end() -> None:
            late.set()
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        timer = threading.Timer(limit_s, end)
        timer.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        finally:
            timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    wall, cpu = time.monotonic() - begun, usage.ru_utime + usage.ru_stime
    text = log.read_text(errors="replace")
    return Cost(process.returncode, text, cpu, wall, usage.ru_maxrss * 1024 / 1e6, late.is_set())


@dataclass(frozen=True)
class Held:
    """What a file holds: ``audio_start_s`` against the first frame, None without sound."""

    frames: int
    size: tuple[int, int]
    fps: float
    audio_start_s: float | None


def held(path: Path) -> Held:
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        sound = container.streams.audio[0] if container.streams.audio else None
        size, fps = (video.width, video.height), float(video.average_rate or 0)
        start = _start_s(sound) - _start_s(video) if sound else None
        frames = sum(1 for packet in container.demux(video) if packet.size)
    return Held(frames, size, fps, start)


def _start_s(stream: av.stream.Stream) -> float:
    return float((stream.start_time or 0) * stream.time_base)


def quality(source: Path, made: Path, fps: float, size: tuple[int, int], work: Path) -> dict[str, float]:
    """VMAF (mean, harmonic mean, 1st percentile) and mean XPSNR (dB, luma) of what is shown at each time of a frame of
    the source, scaled back to its size: a tool that drops or doubles frames is compared by what a viewer sees.

    Raises CalledProcessError or EncoderError where the comparison fails.
    """
    shown = f"setpts=PTS-STARTPTS,fps={fps:.6f}:start_time=0"
    sized = f"scale={size[0]}:{size[1]}:flags=bicubic,format=yuv420p,settb=1/1000,setpts=N"
    thin = f"select=not(mod(n\\,{_EVERY})),settb=1/1000,setpts=N"
    graph = (
        f"[0:v:0]{shown},{sized},split[d1][d2];[1:v:0]{shown},{sized},split[r1][r2];"
        f"[d1][r1]libvmaf=log_fmt=json:log_path=vmaf.json:n_subsample={_EVERY}:n_threads=2:"
        f"model=version={VMAF_MODEL}:shortest=1[a];[d2]{thin}[d3];[r2]{thin}[r3];"
        "[d3][r3]xpsnr=stats_file=xpsnr.log:shortest=1[b]"
    )
    inputs = ["-i", f"file:{made.absolute()}", "-i", f"file:{source.absolute()}"]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-v", "error", *inputs]
    outputs = ["-map", "[a]", "-f", "null", "-", "-map", "[b]", "-f", "null", "-"]
    subprocess.run([*command, "-filter_complex", graph, *outputs], cwd=work, check=True)
    scores = vmaf_scores(work / "vmaf.json")
    vmaf = summarise("vmaf", VMAF_MODEL, scores)
    xpsnr = statistics.mean(xpsnr_scores(work / "xpsnr.log"))
    harmonic = statistics.harmonic_mean([score + 1 for score in scores]) - 1
    return {"vmaf": vmaf.mean, "vmaf_harmonic": harmonic, "vmaf_p1": vmaf.p1, "xpsnr": xpsnr}
