"""The tools as data: the command of each, where it comes from, and how its version is asked for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers import formulas
from benchmarks.peers.by_formula import TOOLS as BY_FORMULA
from benchmarks.peers.by_formula import source_of

HOME = Path(os.environ.get("TIGHTFIT_PEERS", ".peers"))
# Published packages, each in an environment of its own: name and version that were measured, its command.
PACKAGES = {
    "ffmpeg4discord": ("0.4.2", "ff4d"),
    "vresize": ("0.2.0", "vresize"),
    "cli-compress": ("0.1.0", "compress"),
    "scales-video-compressor": ("0.1.2", "video-compressor"),
}
_MIB = 1024 * 1024
# Words with which a tool says that it will not, rather than could not.
_REFUSALS = re.compile(r"too small|too low|larger than|must be (?:above|at least)|leaves (?:only|no)", re.IGNORECASE)
REFUSED_CODES = {"tightfit": {4}, "formula": {4}}


@dataclass(frozen=True)
class Tool:
    """``kind`` is tightfit, formula, package or system."""

    name: str
    kind: str

    def command(self, clip: Path, limit: int, out: Path) -> list[str]:
        """What a user would type to get ``clip`` under ``limit`` bytes."""
        mib, where = f"{limit / _MIB:.6f}", str(out)
        if self.kind == "tightfit":
            extra = {"tightfit-auto": ["--codec", "auto"]}.get(self.name)
            effort = self.name.partition("-")[2] or "balanced"
            extra = extra or ["--effort", effort]
            ours = [sys.executable, "-m", "tightfit", "compress", str(clip), "--to", f"{limit}B", "-o", where]
            return [*ours, *extra, "--json"]
        if self.kind == "formula":
            return [sys.executable, "-m", "benchmarks.peers.by_formula", self.name, str(clip), str(limit), where]
        if self.kind == "system":
            return _handbrake(clip, limit, out)
        program = str((HOME / self.name / "bin" / PACKAGES[self.name][1]).absolute())
        options = {
            "ffmpeg4discord": [str(clip), "-s", mib, "-o", where],
            "vresize": [str(clip), "--max-size", f"{limit}B", "-o", where, "--quiet"],
            "cli-compress": [str(clip), "-s", str(limit), "-o", where],
            "scales-video-compressor": ["compress", str(clip), "-s", mib, "-o", where, "-y"],
        }
        return [program, *options[self.name]]

    def version(self) -> str | None:
        """None where it is not installed."""
        if self.kind == "package":
            python = HOME / self.name / "bin" / "python"
            asked = f"import importlib.metadata as m; print(m.version({self.name!r}))"
            return _said([str(python), "-c", asked])
        if self.kind == "system":
            said = _said(["HandBrakeCLI", "--version"])
            return said.removeprefix("HandBrake ") if said else None
        if self.kind == "tightfit":
            return _said(["git", "describe", "--always", "--dirty"])
        said = _said([str(HOME / "bin" / "ffmpeg"), "-version"], line=0)
        return said and "ffmpeg " + said.split()[2]


def _handbrake(clip: Path, limit: int, out: Path) -> list[str]:
    """It has no size to aim at: the bitrate is what people compute for it."""
    source = source_of(clip)
    plan = formulas.plain(limit, source.duration_s, source.has_audio)
    rate = ["-b", f"{plan.video_kbps:.0f}", "--two-pass", "-B", f"{max(1, round(plan.audio_kbps))}"]
    return ["HandBrakeCLI", "-i", str(clip), "-o", str(out), "-e", "x264", "--encoder-preset", "medium", *rate]


def _said(command: list[str], line: int = -1) -> str | None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip().splitlines()[line] if done.stdout.strip() else None


TOOLS = {
    tool.name: tool
    for tool in (
        *(Tool(name, "tightfit") for name in ("tightfit", "tightfit-fast", "tightfit-best", "tightfit-auto")),
        *(Tool(name, "formula") for name in BY_FORMULA),
        *(Tool(name, "package") for name in PACKAGES),
        Tool("HandBrakeCLI", "system"),
    )
}
USUAL = tuple(name for name in TOOLS if name not in ("tightfit-fast", "tightfit-best"))


def outcome(tool: Tool, returncode: int, said: str, size: int | None, limit: int, timed_out: bool) -> str:
    """In one word what came of it: timed out, refused, failed, over or made."""
    if timed_out:
        return "timed out"
    if returncode != 0 or not size:
        refused = returncode in REFUSED_CODES.get(tool.kind, ()) or _REFUSALS.search(said)
        return "refused" if refused else "failed"
    return "over" if size > limit else "made"
