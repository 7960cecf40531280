"""A session that is connected to a service: the calls of the routing table, and what is said of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cloud import COST, FakeCloud, adk, adk_text
from support.command import Ran, Tool
from support.served import Served

RUN, EXPORT, UPLOAD = "POST /run_sse", "POST /api/render", "POST /api/upload"
# The contract's own example.
DRAFT = {
    "v": 1,
    "d": 10000,
    "m": {"title": "../../demo/\x1b[31m.mp4"},
    "t": [
        {"id": "v1", "tt": 0, "sg": [{"id": "c1", "s": 0, "d": 10000, "m": {"name": "city timelapse"}}]},
        {
            "id": "a1",
            "tt": 1,
            "m": {"role": "bgm"},
            "sg": [{"id": "c2", "s": 0, "d": 10000, "vol": 0.35, "m": {"name": "Lo-fi"}}],
        },
        {"id": "x1", "tt": 7, "sg": [{"id": "c3", "s": 0, "d": 3000, "tx": "Urban Dreams"}]},
    ],
}
SUMMARY = (
    'Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) 3. Title: "Urban Dreams" (0-3s)'
)


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        cloud.tokens["nmv_usr_mine"] = "user_1"
        yield cloud


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    (tmp_path / "clip.mp4").write_bytes(b"not looked at")
    return Tool(tmp_path, tmp_path / "home")


def talk(tool: Tool, cloud: FakeCloud, *lines: str, words: tuple[str, ...] = (), **more: str) -> Ran:
    environment = {"NEMO_API_URL": cloud.url, "NEMO_TOKEN": "nmv_usr_mine", "HOME": str(tool.folder)}
    ran = tool.talk("\n".join(lines), *words, **{**environment, "TIGHTFIT_TEST_CLOCK": "fast", **more})
    assert "Traceback" not in ran.err
    assert "nmv_usr" not in ran.out + ran.err
    return ran


def test_each_call_of_the_routing_table_in_one_session(tool: Tool, cloud: FakeCloud):
    ran = talk(
        tool, cloud, "credits", "upload clip.mp4", "add a title", "status", "导出", "export the video", "积分", "bye"
    )
    said = ran.out.splitlines()
    assert ran.code == 0
    assert said[0].startswith(f"Connected to {cloud.url}.")
    assert said[1] == "100 credits are left, 0 are held for work under way."
    assert said[2] == "“clip.mp4” is at the service; what you say next is done there."
    assert said[3:5] == ["Done.", "Timeline (1 track): 1. Video: add a title (0-10s)"]
    assert [line for line in said if "clip-export.mp4" in line and line.startswith("✅")]
    assert f"还剩 {100 - COST} 积分" in ran.out
    assert cloud.messages == ["add a title"]
    assert len(cloud.asked(EXPORT)) == 2
    assert (tool.folder / "clip-export.mp4").read_bytes() == cloud.file
    assert (tool.folder / "clip-export-2.mp4").read_bytes() == cloud.file


def test_the_timeline_is_told_as_the_contract_has_it(tool: Tool, cloud: FakeCloud):
    cloud.draft = DRAFT
    ran = talk(tool, cloud, "make a city video", "show tracks")
    assert SUMMARY in ran.out.splitlines()


def test_a_title_of_the_service_is_no_path(tool: Tool, cloud: FakeCloud):
    cloud.draft = DRAFT
    talk(tool, cloud, "make a city video", "export")
    (made,) = tool.folder.glob("*-export.mp4")
    assert made.name == "31m-export.mp4"


def test_talk_of_buttons_is_translated_and_brings_about_nothing(tool: Tool, cloud: FakeCloud):
    cloud.draft = DRAFT
    cloud.script = [[adk_text("Your clip is in. Click the Export button to save it. \x1b[31mRed. 打开时间线预览。")]]
    ran = talk(tool, cloud, "make a city video")
    assert "Click" not in ran.out
    assert "\x1b" not in ran.out
    assert "Your clip is in." in ran.out
    assert SUMMARY in ran.out
    assert not cloud.asked(EXPORT)


def test_an_answer_without_words_is_explained_from_the_timeline(tool: Tool, cloud: FakeCloud):
    cloud.silent_edits = True
    ran = talk(tool, cloud, "make a city video")
    assert "Done. Before: The timeline is empty. Now: Timeline (1 track)" in ran.out


def test_a_long_silence_is_bridged(tool: Tool, cloud: FakeCloud):
    cloud.script = [[b": heartbeat\n\n", 0.7, b": heartbeat\n\n", 0.8, *adk(tool=True, text="There.")]]
    ran = talk(tool, cloud, "make a city video")
    assert ran.out.splitlines()[1:] == ["⏳ Still working…", "There.", "Bye."]


def test_what_the_service_makes_too_large_is_made_to_fit_here(tool: Tool, cloud: FakeCloud, made_clip: Path):
    cloud.file = made_clip.read_bytes()
    ran = talk(tool, cloud, "upload clip.mp4", "under 300KB please", "export")
    assert "Done: clip-export-300KB.mp4" in ran.out, ran.out
    assert (tool.folder / "clip-export-300KB.mp4").stat().st_size <= 300_000 < len(cloud.file)


def test_without_credits_there_is_a_link(tool: Tool, cloud: FakeCloud):
    cloud.available = 0
    ran = talk(tool, cloud, "make a city video", "credits", NEMO_WEB_URL="https://web.example")
    assert ran.code == 5
    assert ran.out.count("https://web.example") == 2


def test_what_only_the_service_can_do_needs_an_upload_first(tool: Tool, cloud: FakeCloud):
    ran = talk(tool, cloud, "add subtitles to it", words=("clip.mp4",))
    assert ran.out.splitlines()[1] == "Only the service can do that: say “upload” to send “clip.mp4” there."
    assert not cloud.asked(UPLOAD)
    assert not cloud.messages


def test_a_session_that_is_reopened_goes_on_with_its_timeline(tool: Tool, cloud: FakeCloud):
    talk(tool, cloud, "upload clip.mp4", "add a title")
    ran = talk(tool, cloud, "add another", "status", words=("--resume",))
    assert len(cloud.sessions) == 1
    assert cloud.messages == ["add a title", "add another"]
    assert "Timeline (1 track)" in ran.out


def test_a_timeline_that_is_lost_is_said_so(tool: Tool, cloud: FakeCloud):
    talk(tool, cloud, "upload clip.mp4", "add a title")
    cloud.sessions.clear()
    ran = talk(tool, cloud, "status", words=("--resume",))
    assert "The service lost the timeline" in ran.out
    assert len(cloud.sessions) == 1


@pytest.mark.parametrize(("words", "more"), [(("--offline",), {}), ((), {"TIGHTFIT_OFFLINE": "1"})])
def test_offline_opens_no_socket_whatever_is_said(tool: Tool, cloud: FakeCloud, words, more):
    ran = talk(
        tool, cloud, "credits", "upload clip.mp4", "connect", "status", "export", "add a title", words=words, **more
    )
    assert cloud.server.connections == 0
    assert ran.out.count("Offline: no service is asked.") == 2


def test_first_use_connects_in_one_line(tool: Tool, cloud: FakeCloud):
    environment = {"NEMO_TOKEN": ""}
    before = talk(tool, cloud, "credits", **environment)
    assert before.out.splitlines()[1] == "No service is connected; “connect” connects one."
    assert cloud.server.connections == 0
    ran = talk(tool, cloud, "connect", "credits", **environment)
    assert ran.out.splitlines()[1].startswith(f"Connected to {cloud.url}: 100 credits.")
    assert ran.out.splitlines()[2].startswith("100 credits are left")
    kept = json.loads((tool.home / "cloud.json").read_text())
    assert kept["agreed"] == [cloud.url]


def test_with_our_own_server(tmp_path: Path, made_clip: Path):
    """Upload, a size in words, status and export against the real `tightfit serve`."""
    (tmp_path / "server").mkdir()
    tool = Tool(tmp_path, tmp_path / "home")
    (tmp_path / "clip.mp4").write_bytes(made_clip.read_bytes())
    served = Served(tmp_path / "server").start()
    try:
        ran = tool.talk(
            "connect\nupload clip.mp4\nunder 300KB\nstatus\nexport\ncredits",
            NEMO_API_URL=served.base,
            HOME=str(tmp_path),
            TIGHTFIT_TEST_CLOCK="fast",
        )
    finally:
        served.end()
    assert ran.code == 0, ran.out + ran.err
    assert "at most 300 kB" in ran.out
    assert "Timeline (1 track): 1. Video: " in ran.out
    (made,) = tmp_path.glob("*-export.mp4")
    assert 0 < made.stat().st_size <= 300_000
