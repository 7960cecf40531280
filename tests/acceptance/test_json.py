"""What scripts read: one JSON object a line, with exactly these keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.command import Ran, Tool

UPDATE_KEYS = ["type", "job_id", "phase", "percent", "fps", "eta_s", "predicted_bytes", "message"]
PHASES = {
    *(
        "probe",
        "plan",
        "audio",
        "analyse",
        "encode",
        "upload",
        "render",
        "download",
        "settle",
        "stitch",
        "verify",
    ),
}
RESULT_KEYS = [
    *("type", "status", "job_id", "input", "output", "limit_bytes", "bytes", "fill", "duration_s", "frames"),
    *("video", "audio", "quality", "segments", "encoded_frames_ratio", "elapsed_s", "warnings", "decisions"),
]
PLAN_KEYS = [
    *("type", "status", "input", "limit_bytes", "video", "audio", "predicted_bytes", "predicted_vmaf"),
    *("predicted_seconds", "segments", "where", "credits", "reasons", "warnings", "decisions"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, known_ffmpegs: Path, made_clip: Path) -> tuple[Tool, Ran]:
    """One run that makes a file, and where it ran."""
    folder = tmp_path_factory.mktemp("made")
    shutil.copytree(known_ffmpegs, folder / "home")
    tool = Tool(folder, folder / "home")
    shutil.copy(made_clip, folder / "clip.mp4")
    ran = tool("clip.mp4", "30KB", "--json", "-v")
    assert ran.code == 0, ran.err
    return tool, ran


def test_stdout_is_updates_and_then_one_result(made: tuple[Tool, Ran]):
    *updates, result = made[1].lines
    assert {update["type"] for update in updates} == {"update"}
    assert result["type"] == "result"
    assert {line["job_id"] for line in made[1].lines} == {result["job_id"]}


def test_updates_have_their_keys_and_their_percentage_never_falls(made: tuple[Tool, Ran]):
    updates = made[1].lines[:-1]
    assert all(list(update) == UPDATE_KEYS for update in updates)
    assert {update["phase"] for update in updates} <= PHASES
    percents = [update["percent"] for update in updates]
    assert percents == sorted(percents)
    assert 0 <= percents[0] <= percents[-1] <= 100
    assert any(update["predicted_bytes"] and update["fps"] and update["eta_s"] is not None for update in updates)


def test_a_result_tells_the_file_that_is_there(made: tuple[Tool, Ran]):
    tool, ran = made
    result = ran.lines[-1]
    assert list(result) == RESULT_KEYS
    assert (result["status"], result["input"], result["output"]) == ("met", "clip.mp4", "clip-30KB.mp4")
    assert result["bytes"] == (tool.folder / "clip-30KB.mp4").stat().st_size <= result["limit_bytes"] == 30_000
    assert result["fill"] == round(result["bytes"] / 30_000, 4)
    assert (result["frames"], result["duration_s"]) == (75, 3.0)
    assert list(result["video"]) == ["codec", "width", "height", "fps"]
    assert all(list(track) == ["codec", "kbps", "channels"] for track in result["audio"])
    assert list(result["segments"]) == ["total", "reencoded", "local", "cloud", "cluster"]
    assert result["segments"]["local"] == result["segments"]["total"] >= 1
    assert result["encoded_frames_ratio"] >= 1
    assert result["elapsed_s"] > 0


def test_a_plan_is_one_object_and_of_the_same_terms(made: tuple[Tool, Ran]):
    ran = made[0]("plan", "clip.mp4", "30KB", "--json")
    [plan] = ran.lines
    assert (ran.code, ran.err) == (0, "")
    assert list(plan) == PLAN_KEYS
    assert (plan["type"], plan["status"], plan["where"], plan["credits"]) == (
        "plan",
        "feasible",
        "local",
        None,
    )
    low, high = plan["predicted_bytes"]
    assert 0 < low <= high <= plan["limit_bytes"] == 30_000
    assert list(plan["video"]) == ["codec", "width", "height", "fps"]
    assert plan["reasons"]


def test_an_infeasible_size_says_what_would_do(made: tuple[Tool, Ran]):
    ran = made[0]("clip.mp4", "500B", "--json", "-q")
    [result] = ran.lines
    assert ran.code == 4
    assert list(result) == [*RESULT_KEYS, "smallest_bytes", "options"]
    assert (result["status"], result["output"], result["limit_bytes"]) == ("infeasible", None, 500)
    assert result["smallest_bytes"] > 500
    assert all(list(option) == ["change", "limit_bytes", "predicted_vmaf"] for option in result["options"])
    planned = made[0]("plan", "clip.mp4", "500B", "--json")
    [plan] = planned.lines
    assert planned.code == 4
    assert (plan["type"], plan["status"]) == ("plan", "infeasible")
    assert plan["options"] == result["options"]


def test_a_failure_carries_its_exit_code_and_the_paragraph_of_stderr(made: tuple[Tool, Ran]):
    ran = made[0]("missing.mp4", "5MB", "--json")
    [result] = ran.results
    assert ran.code == 3
    assert list(result) == [*RESULT_KEYS, "error"]
    error = result["error"]
    assert list(error) == ["code", "kind", "message", "hint"]
    assert (result["status"], error["code"], error["kind"]) == ("failed", 3, "input")
    assert ran.complaint == f"{error['message']} {error['hint']}"


def test_a_wrong_request_fails_for_every_input(made: tuple[Tool, Ran]):
    ran = made[0]("a.mp4", "b.mp4", "50", "--json")
    assert ran.code == 2
    assert [(r["input"], r["status"], r["error"]["code"]) for r in ran.results] == [
        ("a.mp4", "failed", 2),
        ("b.mp4", "failed", 2),
    ]
    assert "50MB or 50%" in ran.complaint
    [plan] = made[0]("plan", "a.mp4", "50", "--json").lines
    assert (plan["type"], plan["status"], plan["error"]["code"]) == ("plan", "failed", 2)


def test_a_file_that_fits_already_is_planned_and_told_as_a_copy(made: tuple[Tool, Ran]):
    ran = made[0]("clip.mp4", "5MB", "--json", "-q")
    [copied] = ran.lines
    assert ran.code == 0
    assert list(copied) == RESULT_KEYS
    assert (copied["status"], copied["output"]) == ("already_fits", "clip-5MB.mp4")
    [plan] = made[0]("plan", "clip.mp4", "5MB", "--json").lines
    assert list(plan) == PLAN_KEYS
    assert (plan["status"], plan["predicted_bytes"]) == ("already_fits", [copied["bytes"]] * 2)


def test_probe_presets_and_doctor_name_their_type(made: tuple[Tool, Ran]):
    tool = made[0]
    [facts] = tool("probe", "clip.mp4", "--json").lines
    assert (facts["type"], facts["duration_s"], facts["doubts"]) == ("probe", 3.0, [])
    [video] = facts["videos"]
    assert (video["fps_exact"], video["frames"], len(video["bytes_per_second"])) == ("25", 75, 3)
    [listed] = tool("presets", "--json").lines
    assert listed["type"] == "presets"
    assert {"discord", "whatsapp"} <= {preset["name"] for preset in listed["presets"]}
    [health] = tool("doctor", "--json").lines
    assert (health["type"], health["ok"], health["problems"]) == ("doctor", True, [])
    assert health["ffmpeg"]["origin"] == "bundled"
