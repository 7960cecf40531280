"""What the steps of effort cost and give: each codec's presets on real clips, at one quality.

    python -m benchmarks.efforts CLIP... [--seconds 4] [--quality 28]

For every clip, codec and effort: CPU seconds, bytes, and VMAF against the source, all as they come out of one encode
with tightfit's own options. Bytes and quality both move from preset to preset; "bytes at equal VMAF" brings them
together by the codec's own slope between this quality and one four steps coarser. Medians over the clips, relative to
``balanced``, are what the table at the end shows. Needs an ffmpeg with libvmaf.
"""

from __future__ import annotations

import argparse
import math
import resource
import statistics
import tempfile
from pathlib import Path

import anyio

from tightfit.domain.codec import CODECS, Codec, Effort
from tightfit.domain.geometry import full_size
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.measure import measure
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg, find_ffmpeg

# How much coarser the second encode is, by which the slope of VMAF over bytes is known.
_COARSER = 4.0
Made = tuple[float, int, float]


async def _made(ffmpeg: Ffmpeg, clip: Clip, frames: int, setting: Setting, work: Path) -> Made:
    """(CPU seconds, bytes, mean VMAF) of one encode."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    part = await encode(ffmpeg, clip, 0, frames, setting, work / "made.nut", on_frames=lambda _: None)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    quality = await measure(ffmpeg, clip, Path(part.path), 0, frames, subsample=4, threads=2, work=work)
    return cpu, part.bytes, quality.mean


async def _clip_of(path: Path) -> Clip:
    info = await probe(path)
    video = info.main_video
    assert video is not None, f"{path} holds no video"
    return Clip(info, video, Picture(video, full_size(video.display_size)), tuple(p - video.pts[0] for p in video.pts))


async def _bench(paths: list[Path], codecs: list[Codec], seconds: float, quality: float) -> None:
    ffmpeg = await find_ffmpeg(None)
    found: dict[tuple[Codec, Effort], list[tuple[float, float, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            clip = await _clip_of(path)
            frames = min(clip.frames, round(seconds * float(clip.layout.fps)))
            for codec in codecs:
                setting = Setting(clip.picture.full, quality, 1, codec=codec)
                made = {}
                for effort in Effort:
                    preset = codec.presets[effort][0]
                    one = Setting(setting.size, quality, 1, preset, codec=codec)
                    made[effort] = await _made(ffmpeg, clip, frames, one, Path(folder))
                    print(path.name, codec, effort, preset, *made[effort], sep="\t", flush=True)
                usual = codec.presets[Effort.BALANCED][0]
                coarse = Setting(setting.size, codec.nearest(quality + _COARSER), 1, usual, codec=codec)
                fall = await _made(ffmpeg, clip, frames, coarse, Path(folder))
                cpu, size, vmaf = made[Effort.BALANCED]
                per_octave = (vmaf - fall[2]) / math.log2(size / fall[1])
                for effort in Effort:
                    c, b, v = made[effort]
                    equal = b / size * 2 ** ((vmaf - v) / per_octave)
                    found.setdefault((codec, effort), []).append((c / cpu, equal, v - vmaf))
    print("\n| codec | effort | preset | CPU | bytes at equal VMAF | VMAF at the same CRF |\n|---|---|---|---|---|---|")
    for (codec, effort), rows in found.items():
        c, b, v = (statistics.median(row[n] for row in rows) for n in range(3))
        print(f"| {codec} | {effort} | {codec.presets[effort][0]} | {c:.2f} | {b:.2f} | {v:+.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="+", type=Path)
    parser.add_argument("--codec", action="append", choices=list(CODECS))
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--quality", type=float, default=28.0, help="on x264's scale of CRF")
    asked = parser.parse_args()
    codecs = [CODECS[name] for name in asked.codec or CODECS]
    anyio.run(_bench, asked.clips, codecs, asked.seconds, asked.quality)


if __name__ == "__main__":
    main()
