"""How near the limit, how good, at what cost: tightfit against ffmpeg's own two-pass, case by case.

`python -m benchmarks.size_accuracy CLIPS_FOLDER` runs every case not yet in the results file, prints the
table and a summary. `--only TEXT` picks clips, `--report` only prints. `--equal` corrects the bitrate of two-pass until
it fits, which nobody does by hand, and compares at equal bytes. Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path

import anyio
import av

from benchmarks import runs
from benchmarks.cases import Case, cases_of, clips_in
from tightfit.domain.geometry import full_size
from tightfit.media.analyse import analyse
from tightfit.media.encode import Clip
from tightfit.media.measure import measure
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg, find_ffmpeg

RESULTS = Path(os.environ.get("TIGHTFIT_BENCH_RESULTS", "benchmarks/results/size_accuracy.jsonl"))
# Limits below this are reported apart: there one IDR picture more or less is a percent of the file.
SMALL_LIMIT = 50_000
# Cases on which quality and cost are compared: two-pass takes long enough to be measured.
LEAST_CPU_S = 10.0
TwoPass = Callable[[Ffmpeg, Clip, int, Path, int, Path, Path], runs.Run]


async def run_clip(path: Path, ffmpeg: Ffmpeg, done: set[str], two_pass: TwoPass) -> None:
    """All cases of one clip that are not done yet; each result is appended as it comes."""
    info = await probe(path)
    video = info.main_video
    cases = [c for c in cases_of(path, video.duration_s) if c.key not in done] if video else []
    if not cases or video is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        picture = Picture(video, full_size(video.display_size))
        analysis = await analyse(ffmpeg, info, video, picture, work, threads=2, on_frames=lambda _: None)
        clip = Clip(info, video, picture, analysis.pts)
        for case in cases:
            row = await run_case(case, clip, ffmpeg, work, two_pass)
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            with RESULTS.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(line(row), flush=True)


async def run_case(case: Case, clip: Clip, ffmpeg: Ffmpeg, work: Path, two_pass: TwoPass) -> dict:
    ours, theirs = work / "ours.mp4", work / "theirs.mp4"
    for old in (ours, theirs):
        old.unlink(missing_ok=True)
    # A fresh home each time: nothing that an earlier case measured may help this one. What this ffmpeg can do is no
    # matter of the file, and is asked once in its life.
    with tempfile.TemporaryDirectory() as home:
        await find_ffmpeg(None, Path(home) / "cache")
        run, result = runs.tightfit(case.clip, case.limit, ours, work, Path(home))
    row = {"clip": case.clip.name, "limit": case.limit, "share": case.share, "key": case.key}
    row |= {"status": result.get("status", f"exit {run.returncode}"), "cpu": run.cpu_s, "wall": run.wall_s}
    if not ours.exists():
        return row | {"error": run.stderr[-300:]}
    row |= {
        "bytes": ours.stat().st_size,
        "fill": ours.stat().st_size / case.limit,
        "ratio": result["encoded_frames_ratio"],
        "size": f"{result['video']['width']}x{result['video']['height']}" if result["video"] else None,
        "segments": result["segments"]["total"],
        "exact": timestamps(ours) == [(p - clip.pts[0]) * clip.video.time_base for p in clip.pts],
        "warnings": result["warnings"],
    }
    if result["status"] != "met":
        return row
    base = two_pass(ffmpeg, clip, case.limit, ours, audio_bytes(ours), theirs, work)
    row |= {"a_cpu": base.cpu_s, "a_wall": base.wall_s, "a_fill": theirs.stat().st_size / case.limit}
    subsample = 5 if clip.frames > 300 else 3
    for name, path in (("vmaf", ours), ("a_vmaf", theirs)):
        q = await measure(ffmpeg, clip, path, 0, clip.frames, subsample=subsample, threads=2, work=work)
        row |= {name: q.mean, f"{name}_p1": q.p1}
    return row


def timestamps(path: Path) -> list:
    """The presentation times of the video, in seconds, exact."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return sorted(p.pts * p.time_base for p in container.demux(stream) if p.size)


def audio_bytes(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(p.size for p in container.demux(container.streams.audio[0])) if container.streams.audio else 0


def line(row: dict) -> str:
    """One row of the table."""
    head = f"| {row['clip'][:34]} | {row['limit'] / 1000:.0f} | "
    if "vmaf" not in row:
        return head + f"{row['status']} | {row.get('fill', 0):.4f} | | | | | | |"
    return head + (
        f"{row['size']} | {row['fill']:.4f} | {row['a_fill']:.3f} | {row['ratio']:.2f} | "
        f"{row['vmaf']:.1f} / {row['a_vmaf']:.1f} | {row['vmaf'] - row['a_vmaf']:+.1f} | "
        f"{row['vmaf_p1'] - row['a_vmaf_p1']:+.1f} | {row['cpu'] / row['a_cpu']:.2f} ({row['a_cpu']:.0f} s) |"
    )


HEAD = (
    "| clip | limit kB | size | fill | two-pass fill | frames encoded | VMAF ours / two-pass | mean | p1 "
    "| CPU ours / two-pass |\n"
    "|---|---|---|---|---|---|---|---|---|---|"
)


def summary(rows: list[dict]) -> str:
    """The numbers that are promised, each beside what was reached."""
    made = [r for r in rows if "fill" in r and r["status"] == "met"]
    others = sorted({r["status"] for r in rows if r not in made})
    large = [r for r in made if r["limit"] >= SMALL_LIMIT]
    small = [r for r in made if r["limit"] < SMALL_LIMIT]
    heavy = [r for r in large if r.get("a_cpu", 0) >= LEAST_CPU_S]
    exact = sum(r["exact"] for r in made)
    out = [
        f"cases {len(rows)}, made {len(made)}, others {others}",
        f"over the limit: {sum(r['fill'] > 1 for r in made)}; timestamps exact in {exact} of {len(made)}",
    ]
    if large:
        fills = [r["fill"] for r in large]
        low = [f"{r['clip'][:12]} {r['fill']:.4f}" for r in large if r["fill"] < 0.99]
        out.append(f"fill, limits >= 50 kB ({len(large)}): min {min(fills):.4f}, median {statistics.median(fills):.4f}")
        out.append(f"below 0.99: {low}")
    if small:
        out.append("fill below 50 kB: " + ", ".join(f"{r['clip'][:10]} {r['fill']:.4f}" for r in small))
    return "\n".join(out + (against_two_pass(heavy) if heavy else []))


def against_two_pass(heavy: list[dict]) -> list[str]:
    gains = [r["vmaf"] - r["a_vmaf"] for r in heavy]
    gains_p1 = [r["vmaf_p1"] - r["a_vmaf_p1"] for r in heavy]
    costs = [r["cpu"] / r["a_cpu"] for r in heavy]
    ratios = [r["ratio"] for r in heavy]
    over = sum(r["a_fill"] > 1 for r in heavy)
    return [
        f"where two-pass takes >= {LEAST_CPU_S:.0f} CPU s ({len(heavy)} cases):",
        f"frames encoded: median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}",
        f"VMAF: mean {statistics.mean(gains):+.2f}, worst {min(gains):+.2f}; "
        f"first percentile mean {statistics.mean(gains_p1):+.2f}",
        f"CPU ours / two-pass: median {statistics.median(costs):.2f}, worst {max(costs):.2f}",
        f"two-pass over the limit: {over} of {len(heavy)}",
    ]


def load() -> list[dict]:
    return [json.loads(text) for text in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--only", default="")
    parser.add_argument("--report", action="store_true")
    parser.add_argument("--equal", action="store_true")
    options = parser.parse_args()
    if not options.report:
        ffmpeg = await find_ffmpeg(None)
        done = {row["key"] for row in load()}
        two_pass = runs.two_pass_within if options.equal else runs.two_pass
        print(HEAD)
        for path in clips_in(options.folder.resolve()):
            if any(part in path.name for part in options.only.split(",")):
                await run_clip(path, ffmpeg, done, two_pass)
    rows = load()
    if options.report:
        print(HEAD, *map(line, rows), sep="\n")
    print(summary(rows))


if __name__ == "__main__":
    anyio.run(main)
