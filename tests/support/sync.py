"""A clip that flashes and beeps each second, and when it does so in a file that was made of it."""

from __future__ import annotations

from array import array
from itertools import groupby
from pathlib import Path

import av

from support.footage import lavfi, make

_RATE = 8000
# Beeps are 40 ms long, and nothing else is heard: what is as loud as a quarter of the loudest belongs to one.
_SHARE, _APART_S = 0.25, 0.1


def make_flashing(path: Path, seconds: int, rate: int = 25) -> Path:
    """A white frame and a tone of 40 ms at the start of every second; keyframes far apart."""
    flash = f"drawbox=c=white:t=fill:enable='lt(mod(t,1),{1 / rate - 0.001})'"
    picture = lavfi(f"color=black:s=192x108:r={rate}:d={seconds},{flash},format=yuv420p")
    tone = lavfi(f"aevalsrc='if(lt(mod(t,1),0.04),0.8*sin(2*PI*1000*t),0)':s=48000:d={seconds}")
    make(*picture, *tone, "-c:v", "libx264", "-g", 100, "-crf", 10, "-c:a", "aac", "-b:a", "128k", path)
    return path


def flashes_in(path: Path) -> list[float]:
    """When white frames begin to be shown, in seconds."""
    with av.open(str(path)) as container:
        seen = [(frame.time or 0.0, _is_white(frame)) for frame in container.decode(video=0)]
    return [next(run)[0] for white, run in groupby(seen, key=lambda item: item[1]) if white]


def _is_white(frame: av.VideoFrame) -> bool:
    luma = bytes(frame.planes[0])
    return sum(luma) > 80 * len(luma)


def loudness_in(path: Path) -> list[tuple[float, int]]:
    """The loudest sample of each 2 ms of the sound, with its time in seconds."""
    samples, begin = array("h"), None
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("s16", "mono", _RATE)
        for frame in container.decode(audio=0):
            begin = frame.time if begin is None else begin
            for part in resampler.resample(frame):
                samples.frombytes(bytes(part.planes[0])[: 2 * part.samples])
    step = _RATE // 500
    blocks = range(0, len(samples), step)
    return [((begin or 0.0) + at / _RATE, max(map(abs, samples[at : at + step]))) for at in blocks]


def beeps_in(path: Path) -> list[float]:
    """When tones begin, in seconds, to 2 ms."""
    heard = loudness_in(path)
    loud = _SHARE * max(level for _, level in heard)
    found: list[float] = []
    last = -1.0
    for time, level in heard:
        if level >= loud:
            if time - last > _APART_S:
                found.append(time)
            last = time
    return found
