"""`tightfit connect` and `tightfit credits` as processes, at a service that counts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.cloud import FakeCloud
from support.command import Tool

CONNECT = "POST /api/auth"


@pytest.fixture
def cloud() -> Iterator[FakeCloud]:
    with FakeCloud() as cloud:
        yield cloud


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    (tmp_path / "user").mkdir()
    return Tool(tmp_path, tmp_path / "home")


def at(cloud: FakeCloud, tool: Tool, **more: str) -> dict[str, str]:
    # HOME: nobody's own client id is read.
    return {"NEMO_API_URL": cloud.url, "HOME": str(tool.folder / "user"), "TIGHTFIT_TEST_CLOCK": "fast", **more}


def test_connect_says_what_is_sent_and_credits_what_is_left(cloud: FakeCloud, tool: Tool):
    ran = tool("connect", **at(cloud, tool))
    assert ran.code == 0
    said = ran.out.splitlines()
    assert said[0] == f"Connecting to {cloud.url}. What is sent there:"
    assert "without sound, metadata and file names" in ran.out
    assert said[-1].startswith("A free account is ready until 20")
    assert said[-1].endswith(": 100 credits available, 0 frozen, 100 in total.")
    kept = tool.home / "cloud.json"
    assert kept.stat().st_mode & 0o777 == 0o600
    token = json.loads(kept.read_text())["accounts"][cloud.url]["token"]
    again = tool("credits", **at(cloud, tool))
    assert (again.code, again.out) == (0, "100 credits available, 0 frozen, 100 in total.\n")
    assert len(cloud.asked(CONNECT)) == 1
    assert token not in ran.out + ran.err + again.out + again.err


def test_connect_and_credits_for_scripts(cloud: FakeCloud, tool: Tool):
    cloud.ours = True
    (connected,) = tool("connect", "--json", **at(cloud, tool)).lines
    assert connected["type"] == "connect"
    assert connected["anonymous"] is True
    assert connected["user_id"] == "anon_1"
    assert connected["service"]["url"] == cloud.url
    assert "encode" in connected["service"]["features"]
    (told,) = tool("credits", "--json", **at(cloud, tool)).lines
    assert told == {
        "type": "credits",
        "available": 100,
        "frozen": 0,
        "total": 100,
        "service": cloud.url,
        "link": None,
    }


def test_credits_that_are_out_come_with_a_link(cloud: FakeCloud, tool: Tool):
    tool("connect", **at(cloud, tool))
    cloud.available, cloud.frozen = 0, 5
    ran = tool("credits", **at(cloud, tool, NEMO_WEB_URL="https://web.example"))
    assert ran.out.splitlines() == [
        "0 credits available, 5 frozen, 5 in total.",
        "To get more: https://web.example/register?bind=anon_1",
    ]


def test_a_token_of_the_user_is_used_and_kept_nowhere(cloud: FakeCloud, tool: Tool):
    cloud.tokens["nmv_usr_mine"] = "user_1"
    ran = tool("credits", **at(cloud, tool, NEMO_TOKEN="nmv_usr_mine"))
    assert ran.code == 0
    assert not cloud.asked(CONNECT)
    assert not any(b"nmv_usr_mine" in p.read_bytes() for p in tool.home.rglob("*") if p.is_file())


@pytest.mark.parametrize(
    ("words", "environment"),
    [(("credits", "--offline"), {}), (("connect",), {"TIGHTFIT_OFFLINE": "1"})],
)
def test_offline_opens_no_socket_and_says_so_in_a_sentence(cloud: FakeCloud, tool: Tool, words, environment):
    ran = tool(*words, **at(cloud, tool, **environment))
    assert ran.code == 2
    assert "opens no socket" in ran.complaint
    assert cloud.server.connections == 0


def test_credits_without_an_account_asks_nobody(cloud: FakeCloud, tool: Tool):
    ran = tool("credits", **at(cloud, tool))
    assert ran.code == 2
    assert "tightfit connect" in ran.complaint
    assert cloud.server.connections == 0


def test_a_service_that_is_down_is_one_sentence_and_exit_5(tool: Tool):
    ran = tool("connect", NEMO_API_URL="http://127.0.0.1:1", HOME=str(tool.folder), TIGHTFIT_TEST_CLOCK="fast")
    assert ran.code == 5
    assert "No connection to http://127.0.0.1:1" in ran.complaint


def test_a_refused_token_is_one_sentence_and_exit_5(cloud: FakeCloud, tool: Tool):
    ran = tool("credits", **at(cloud, tool, NEMO_TOKEN="nmv_usr_old"))
    assert ran.code == 5
    assert "NEMO_TOKEN" in ran.complaint
    assert "nmv_usr_old" not in ran.err


def test_an_address_that_is_none_is_a_usage_error(tool: Tool):
    ran = tool("connect", NEMO_API_URL="https://user:pw@host", HOME=str(tool.folder))
    assert ran.code == 2
    assert "NEMO_API_URL" in ran.complaint
    assert "pw" not in ran.err + ran.out
