"""What came out, as Markdown, JSON and, where matplotlib is installed (``pip install 'tightfit[plots]'``), as plots."""

from __future__ import annotations

import json
import statistics
from importlib.util import find_spec
from pathlib import Path

HEAD = (
    "| clip | limit kB | tool | outcome | bytes / limit | VMAF mean / harmonic / p1 | XPSNR dB | picture | CPU s "
    "| wall s | peak MB | frames lost | sound later by ms |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|"
)
SUMMARY_HEAD = (
    "| tool | version | cases | under the limit | over | refused | failed | timed out | median bytes / limit "
    "| VMAF less tightfit's, median | tightfit's VMAF higher | CPU / tightfit's, median |\n"
    "|---|---|---|---|---|---|---|---|---|---|---|---|"
)
OURS = "tightfit"


def line(row: dict) -> str:
    """One row of the table of cases."""
    head = f"| {row['clip'][:28]} | {row['limit'] / 1000:.0f} | {row['tool']} | {row['state']} "
    cost = f"| {row['cpu_s']:.1f} | {row['wall_s']:.1f} | {row['peak_mb']:.0f} "
    if "vmaf" not in row:
        fill = f"{row['fill']:.4f}" if "fill" in row else ""
        return f"{head}| {fill} | | | {cost}| | |"
    quality = f"| {row['vmaf']:.1f} / {row['vmaf_harmonic']:.1f} / {row['vmaf_p1']:.1f} | {row['xpsnr']:.1f} "
    sound = f"{row['audio_start_ms']:+.0f}" if "audio_start_ms" in row else ""
    return f"{head}| {row['fill']:.4f} {quality}| {row['size']} {cost}| {row['frames_lost']} | {sound} |"


def paired(rows: list[dict], tool: str) -> list[tuple[dict, dict]]:
    """(theirs, ours) of each case that both have."""
    ours = {(row["clip"], row["limit"]): row for row in rows if row["tool"] == OURS}
    theirs = [row for row in rows if row["tool"] == tool]
    return [(row, ours[key]) for row in theirs if (key := (row["clip"], row["limit"])) in ours]


def summary(rows: list[dict]) -> str:
    """One row for each tool; VMAF and CPU against tightfit's run of the same case, over-limit files included."""
    out = [SUMMARY_HEAD]
    for tool in dict.fromkeys(row["tool"] for row in rows):
        own = [row for row in rows if row["tool"] == tool]
        states = [row["state"] for row in own]
        counts = " | ".join(str(states.count(state)) for state in ("made", "over", "refused", "failed", "timed out"))
        fills = [row["fill"] for row in own if "fill" in row]
        seen = [(t, o) for t, o in paired(rows, tool) if "vmaf" in t and "vmaf" in o] if tool != OURS else []
        against = " | | | |"
        if seen:
            less = statistics.median(t["vmaf"] - o["vmaf"] for t, o in seen)
            higher = sum(o["vmaf"] > t["vmaf"] for t, o in seen)
            cpu = statistics.median(t["cpu_s"] / o["cpu_s"] for t, o in seen)
            against = f" | {less:+.1f} | {higher} of {len(seen)} | {cpu:.2f} |"
        fill = f"{statistics.median(fills):.4f}" if fills else ""
        out.append(f"| {tool} | {own[-1]['version']} | {len(own)} | {counts} | {fill}{against}")
    return "\n".join(out)


def lost(rows: list[dict]) -> str:
    """The cases in which another tool's file fits the limit and has the better mean VMAF."""
    out = []
    for tool in dict.fromkeys(row["tool"] for row in rows if not row["tool"].startswith(OURS)):
        for theirs, ours in paired(rows, tool):
            if theirs["state"] == "made" and theirs.get("vmaf", 0) > ours.get("vmaf", 0):
                gap = theirs["vmaf"] - ours.get("vmaf", 0)
                out.append(f"- {tool}, {theirs['clip']} at {theirs['limit'] / 1000:.0f} kB: {gap:+.1f} VMAF")
    return "\n".join(out) or "- none"


def text(rows: list[dict]) -> str:
    cases = "\n".join([HEAD, *map(line, sorted(rows, key=lambda row: (row["clip"], -row["limit"])))])
    return f"{summary(rows)}\n\nWhere a file that fits looks better than ours:\n\n{lost(rows)}\n\n{cases}\n"


def written(rows: list[dict], folder: Path) -> str:
    """The table, which is written to ``folder`` too, with JSON and plots beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    table = text(rows)
    (folder / "peers.md").write_text(table)
    (folder / "peers.json").write_text(json.dumps(rows, indent=1))
    if rows and find_spec("matplotlib"):
        from benchmarks.peers import plots

        plots.drawn(rows, folder)
    return table
