"""Every case of a folder of clips with every tool: ``python -m benchmarks.peers CLIPS [--tools a,b] [--only TEXT]``.

Each result is a line of JSON, written as it comes; a later run does what is missing. ``--report`` only makes table,
JSON and (with matplotlib) plots anew.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.cases import Case, cases_of, clips_in
from benchmarks.peers import measured, report
from benchmarks.peers.by_formula import source_of
from benchmarks.peers.tools import HOME, TOOLS, USUAL, Tool, outcome
from tightfit.errors import TightfitError

RESULTS = Path("benchmarks/results/peers.jsonl")


def ordered(tools: list[str], nth: int) -> list[str]:
    """Each second case goes through the tools backwards, so that nobody always runs on the warmer machine."""
    return tools[::-1] if nth % 2 else tools


def run_case(case: Case, tool: Tool, version: str, limit_s: float) -> dict:
    """One row; what the tool could not do is a result too."""
    row = {"clip": case.clip.name, "limit": case.limit, "tool": tool.name, "version": version}
    with tempfile.TemporaryDirectory(prefix="peers-") as folder:
        work, out = Path(folder), Path(folder) / "made.mp4"
        paths = os.pathsep.join([str((HOME / "bin").absolute()), os.environ["PATH"]])
        env = {**os.environ, "PATH": paths, "TIGHTFIT_HOME": str(work / "home")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        load = os.getloadavg()[0]
        cost = measured.run(tool.command(case.clip, case.limit, out), work, env, limit_s)
        size = out.stat().st_size if out.exists() else None
        state = outcome(tool, cost.returncode, cost.said, size, case.limit, cost.timed_out)
        row |= {"state": state, **{k: v for k, v in asdict(cost).items() if k != "said"}, "load": load}
        row["at"] = datetime.now(UTC).isoformat(timespec="seconds")
        if size is None or state not in ("made", "over"):
            return row | {"said": cost.said[-300:]}
        return row | {"bytes": size, "fill": size / case.limit, **_looked_at(case, out, work)}


def _looked_at(case: Case, out: Path, work: Path) -> dict:
    try:
        source, made = measured.held(case.clip), measured.held(out)
        seen = {"frames_lost": source.frames - made.frames, "size": f"{made.size[0]}x{made.size[1]}"}
        if made.audio_start_s is not None and source.audio_start_s is not None:
            seen["audio_start_ms"] = (made.audio_start_s - source.audio_start_s) * 1000
        return seen | measured.quality(case.clip, out, source.fps, source.size, work)
    except (OSError, ValueError, IndexError, TightfitError, subprocess.CalledProcessError) as exc:
        return {"unmeasured": str(exc)[-300:]}


def load(results: Path) -> list[dict]:
    """A line cut off by the end of an earlier run is no result."""
    rows = []
    for line in results.read_text().splitlines() if results.exists() else []:
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def keep(results: Path, row: dict) -> None:
    results.parent.mkdir(parents=True, exist_ok=True)
    cut_off = results.exists() and results.read_bytes()[-1:] not in (b"", b"\n")
    with results.open("a") as file:
        file.write(("\n" if cut_off else "") + json.dumps(row) + "\n")


def missing(case: Case, tools: list[str], rows: list[dict]) -> list[str]:
    done = {(row["clip"], row["limit"], row["tool"]) for row in rows}
    return [tool for tool in tools if (case.clip.name, case.limit, tool) not in done]


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("folder", type=Path, nargs="?")
    made.add_argument("--tools", default=",".join(USUAL), help=f"of {', '.join(TOOLS)}")
    made.add_argument("--only", default="", help="parts of the names of clips, comma between")
    made.add_argument("--shares", default="0.12,0.04", help="of 0.35, 0.12 and 0.04 of the source's bytes")
    made.add_argument("--limit-s", type=float, default=150.0, help="seconds after which a tool is ended")
    made.add_argument("--results", type=Path, default=RESULTS)
    made.add_argument("--report", action="store_true")
    return made


def main() -> None:
    asked = parser().parse_args()
    tools = [name for name in asked.tools.split(",") if name]
    if unknown := set(tools) - set(TOOLS):
        parser().error(f"no tool is called {', '.join(sorted(unknown))}; there are {', '.join(TOOLS)}")
    if not asked.report and asked.folder is None:
        parser().error("name a folder of clips")
    if not asked.report:
        versions = {name: TOOLS[name].version() for name in tools}
        present = [name for name in tools if versions[name]]
        for name in sorted(set(tools) - set(present)):
            print(f"{name} is not installed, and left out")
        shares = {float(share) for share in asked.shares.split(",")}
        clips = [c for c in clips_in(asked.folder.resolve()) if any(p in c.name for p in asked.only.split(","))]
        cases = [case for clip in clips for case in cases_of(clip, source_of(clip).duration_s) if case.share in shares]
        for nth, case in enumerate(cases):
            for name in ordered(missing(case, present, load(asked.results)), nth):
                row = run_case(case, TOOLS[name], versions[name] or "", asked.limit_s)
                keep(asked.results, row)
                print(report.line(row), flush=True)
    print(report.written(load(asked.results), asked.results.parent))


if __name__ == "__main__":
    main()
