"""How often plans are right: of each case the size lies in the range that was foretold, and the time within 30 %.

    python -m benchmarks.predictions CLIPS [--codec h264 --codec hevc] [--effort fast] [--share 0.12] [--only TEXT]

CLIPS is a folder, or clips. For every clip at its limits (``benchmarks.cases``), every codec and effort: ``tightfit
plan``, then ``tightfit compress``, as a user runs both, all in one TIGHTFIT_HOME beside the results, so that each plan
knows the runs before it. Each case is one line of the results file, and is not run again. The table has every case; the
summary counts the hits of the corrected plans, and those that the shipped numbers alone would have had. Times mean
something only on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import product
from pathlib import Path

import anyio

from benchmarks import runs
from benchmarks.cases import SHARES, Case, cases_of, clips_in
from tightfit.domain.codec import CODECS, Effort
from tightfit.engine.pairs import known
from tightfit.media.probe import probe

RESULTS = Path(os.environ.get("TIGHTFIT_BENCH_RESULTS", "benchmarks/results/predictions.jsonl"))
# What is asked of a hundred plans.
NEAR, ASKED_SIZES = 0.3, 0.9


def run_case(case: Case, codec: str, effort: str, home: Path) -> dict:
    """One plan and the compress after it; ``shipped_s`` is what would have been foretold without any earlier run."""
    row = {"key": key_of(case, codec, effort), "clip": case.clip.name, "limit": case.limit}
    row |= {"codec": codec, "effort": effort, "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        asked = [str(case.clip), "--to", f"{case.limit}B", "--codec", codec, "--effort", effort, "--json"]
        plan = last_line(runs.measured([sys.executable, "-m", "tightfit", "plan", *asked], work, home), "plan")
        before = len(known(home / "cache"))
        out = ["-o", str(work / "out.mp4")]
        run = runs.measured([sys.executable, "-m", "tightfit", "compress", *asked, *out], work, home)
        result = last_line(run)
    row |= {"plan": plan.get("status"), "status": result.get("status")}
    kept = known(home / "cache")
    if plan.get("status") != "feasible" or result.get("status") != "met" or len(kept) <= before:
        return row
    return row | {
        "pairs": before,
        "told_bytes": plan["predicted_bytes"],
        "told_s": plan["predicted_seconds"],
        "told_vmaf": plan["predicted_vmaf"],
        "shipped_s": kept[-1].forecast.seconds,
        "shipped_low": kept[-1].forecast.low,
        "pace": kept[-1].forecast.pace,
        "bytes": result["bytes"],
        "took_s": result["elapsed_s"],
        "cpu_s": run.cpu_s,
        "size": f"{result['video']['width']}x{result['video']['height']}",
        "segments": result["segments"]["total"],
        "encoded": result["encoded_frames_ratio"],
    }


def key_of(case: Case, codec: str, effort: str) -> str:
    return f"{case.key} {codec} {effort}"


def last_line(run: runs.Run, kind: str = "result") -> dict:
    lines = [json.loads(line) for line in run.stdout.splitlines() if line.startswith("{")]
    found = [line for line in lines if line.get("type") == kind]
    return found[-1] if found else {"status": f"exit {run.returncode}"}


HEAD = (
    "| clip | limit kB | codec, effort | size | bytes told | bytes | in range | time told / shipped / real "
    "| told / real |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


def line(row: dict) -> str:
    head = f"| {row['clip'][:28]} | {row['limit'] / 1000:.0f} | {row['codec']}, {row['effort']} | "
    if "took_s" not in row:
        return head + f"{row['plan']}, {row['status']} | | | | | |"
    low, high = row["told_bytes"]
    return head + (
        f"{row['size']} | {low} … {high} | {row['bytes']} | {'yes' if in_range(row) else 'no'} | "
        f"{row['told_s']:.1f} / {row['shipped_s']:.1f} / {row['took_s']:.1f} s | {row['told_s'] / row['took_s']:.2f} |"
    )


def in_range(row: dict) -> bool:
    return row["told_bytes"][0] <= row["bytes"] <= row["told_bytes"][1]


def is_near(told: float, took: float) -> bool:
    return abs(told / took - 1) <= NEAR


def summary(rows: Sequence[dict]) -> str:
    """The hits, of all cases and of each codec and effort, and as pairs accumulated."""
    made = [row for row in rows if "took_s" in row]
    if not made:
        return "nothing was made"
    kinds = sorted({(row["codec"], row["effort"]) for row in made})
    out = [f"{len(rows)} cases, {len(made)} made", counted("all", made)]
    out += [counted(f"{c}, {e}", [r for r in made if (r["codec"], r["effort"]) == (c, e)]) for c, e in kinds]
    later = [row for kind in kinds for row in [r for r in made if (r["codec"], r["effort"]) == kind][5:]]
    return "\n".join([*out, counted("from the sixth of its codec and effort on", later)] if later else out)


def counted(name: str, rows: Sequence[dict]) -> str:
    sizes = sum(map(in_range, rows))
    shipped_sizes = sum(row["shipped_low"] <= row["bytes"] <= row["told_bytes"][1] for row in rows)
    told = sum(is_near(row["told_s"], row["took_s"]) for row in rows)
    shipped = sum(is_near(row["shipped_s"], row["took_s"]) for row in rows)
    ratio = statistics.median(row["took_s"] / row["shipped_s"] for row in rows)
    return (
        f"{name}: size in its range {sizes} of {len(rows)} (as shipped {shipped_sizes}; asked {ASKED_SIZES:.0%}), "
        f"time within 30 % {told} (as shipped {shipped}); real over shipped time, median {ratio:.2f}"
    )


def load() -> list[dict]:
    return [json.loads(text) for text in RESULTS.read_text().splitlines()] if RESULTS.exists() else []


async def run_all(
    clips: Iterable[Path], codecs: Sequence[str], efforts: Sequence[str], shares: Sequence[float]
) -> None:
    """Every case that is not done, of these ``shares`` of a clip's bytes or of all; appends each result as it comes."""
    done = {row["key"] for row in load()}
    # Programs run elsewhere: a relative folder would be another one.
    home = RESULTS.resolve().with_suffix(".home")
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    for clip in clips:
        video = (await probe(clip)).main_video
        cases = (
            [case for case in cases_of(clip, video.duration_s) if not shares or case.share in shares] if video else []
        )
        for case, codec, effort in product(cases, codecs, efforts):
            if key_of(case, codec, effort) in done:
                continue
            row = run_case(case, codec, effort, home)
            with RESULTS.open("a") as file:
                file.write(json.dumps(row) + "\n")
            print(line(row), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clips", nargs="*", type=Path)
    parser.add_argument("--codec", action="append", choices=list(CODECS))
    parser.add_argument("--effort", action="append", choices=[effort.value for effort in Effort])
    parser.add_argument("--share", action="append", type=float, choices=SHARES)
    parser.add_argument("--only", default="", help="clips whose names hold one of these, separated by commas")
    parser.add_argument("--report", action="store_true", help="run nothing, show what there is")
    asked = parser.parse_args()
    clips = [clip.resolve() for path in asked.clips for clip in (clips_in(path) if path.is_dir() else [path])]
    clips = [clip for clip in clips if any(part in clip.name for part in asked.only.split(","))]
    print(HEAD)
    if asked.report:
        print(*map(line, load()), sep="\n")
    else:
        efforts = asked.effort or [effort.value for effort in Effort]
        anyio.run(run_all, clips, asked.codec or list(CODECS), efforts, asked.share or [])
    print(summary(load()))


if __name__ == "__main__":
    main()
