"""Rate and quality, how full the limit is, CPU and quality: PNG, by matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
from matplotlib import pyplot


def drawn(rows: list[dict], folder: Path) -> None:
    # Twenty colours: there are more tools than the ten of matplotlib.
    pyplot.rcParams["axes.prop_cycle"] = pyplot.cycler(color=pyplot.get_cmap("tab20").colors)
    seen = [row for row in rows if "vmaf" in row]
    tools = sorted({row["tool"] for row in seen})
    of = {tool: [row for row in seen if row["tool"] == tool] for tool in tools}

    figure, axes = pyplot.subplots(figsize=(9, 6))
    for tool in tools:
        _points(axes, tool, [row["bytes"] / 1000 for row in of[tool]], [row["vmaf"] for row in of[tool]])
    axes.set(xscale="log", xlabel="bytes of the file (kB)", ylabel="mean VMAF")
    _kept(figure, axes, folder / "rate-quality.png")

    figure, axes = pyplot.subplots(figsize=(9, 6))
    axes.hist([[row["fill"] for row in of[tool]] for tool in tools], bins=24, stacked=True, label=tools)
    axes.axvline(1.0, color="black", linestyle="--")
    axes.set(xlabel="bytes / limit", ylabel="cases")
    _kept(figure, axes, folder / "fill.png")

    figure, axes = pyplot.subplots(figsize=(9, 6))
    for tool in tools:
        _points(axes, tool, [row["cpu_s"] for row in of[tool]], [row["vmaf"] for row in of[tool]])
    axes.set(xscale="log", xlabel="CPU seconds", ylabel="mean VMAF")
    _kept(figure, axes, folder / "cpu-quality.png")


def _points(axes: Any, tool: str, across: list[float], up: list[float]) -> None:
    ours = tool.startswith("tightfit")
    axes.scatter(across, up, label=tool, marker="D" if ours else "o", s=60 if ours else 25, alpha=0.8)


def _kept(figure: Any, axes: Any, path: Path) -> None:
    axes.legend(fontsize=7)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    pyplot.close(figure)
