"""What a run came to is kept, and the next plan of its like follows it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.command import Tool

from tightfit.engine.pairs import known

SCENES = "scenes.mp4"


def test_a_plan_tells_the_time_that_runs_like_it_took(tool: Tool, made_small_scenes: Path):
    shutil.copy(made_small_scenes, tool.folder / SCENES)
    ran = tool("compress", SCENES, "45KB", "-o", "out.mp4", "--json", "-q")
    [result], [pair] = ran.results, known(tool.home / "cache")
    assert (pair.bytes, pair.forecast.high) == (result["bytes"], 45_000)
    assert pair.took_s is not None
    # The analysis is no part of it: a compress after a plan has it already.
    assert 0 < pair.took_s < result["elapsed_s"] + 0.01
    kept = tool.home / "cache" / "predictions-1.jsonl"
    kept.write_bytes(kept.read_bytes() * 5)
    [plan] = tool("plan", SCENES, "45KB", "--json").lines
    assert plan["predicted_seconds"] == pytest.approx(pair.took_s, abs=0.06)
    assert plan["predicted_bytes"][0] <= result["bytes"] <= plan["predicted_bytes"][1]
