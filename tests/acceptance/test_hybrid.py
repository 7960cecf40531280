"""`--where`, with a real `tightfit serve` on the other side: pieces of both, and every way in which the cloud fails."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import pytest
from support.command import Ran, Tool
from support.footage import decode_complaints
from support.patience import patience
from support.served import Served
from support.service import Service

# A minute for every test run, and what shows little more for `make hybrid`.
EVERYTHING = os.environ.get("TIGHTFIT_HYBRID") == "all"
LIMIT, LIMIT_BYTES = "150KB", 150_000
NAME = "Anna's birthday.mp4"
WORDS = (b"birthday", b"Anna", b"Our secret", b"52.5200")
RENDER, UPLOAD = "POST /api/render/proxy/lambda", "POST /api/upload-video/*"
FILES = ("GET /media/*", "GET /api/render/proxy/*/download")


@pytest.fixture(scope="module")
def start_service(tmp_path_factory: pytest.TempPathFactory, known_ffmpegs: Path) -> Iterator[Callable[[], Service]]:
    started: list[Served] = []

    def start() -> Service:
        home = tmp_path_factory.mktemp("service")
        shutil.copytree(known_ffmpegs / "cache", home / "server" / "engine" / "cache")
        environment = {"TIGHTFIT_TEST_CLOCK": "fast", "TIGHTFIT_SERVE_TOKENS_PER_ADDRESS": "1000"}
        started.append(Served(home, environment).start())
        return Service(started[-1])

    yield start
    for served in started:
        served.end()


@pytest.fixture(scope="module")
def shared(start_service: Callable[[], Service]) -> Service:
    return start_service()


@pytest.fixture
def service(shared: Service) -> Iterator[Service]:
    shared.forget()
    yield shared
    shared.served.break_by()


@pytest.fixture
def reel(tool: Tool, made_reel: Path) -> Path:
    (tool.folder.parent / "user").mkdir()
    return Path(shutil.copy(made_reel, tool.folder / NAME))


def at(url: str, tool: Tool, **more: str) -> dict[str, str]:
    # HOME: nobody's own client id is read.
    user = str(tool.folder.parent / "user")
    return {"NEMO_API_URL": url, "HOME": user, "TIGHTFIT_TEST_CLOCK": "fast", **more}


def fitted(tool: Tool, url: str, *words: object, **more: str) -> Ran:
    return tool(NAME, LIMIT, "-o", "out.mp4", "--json", *words, **at(url, tool, **more))


def assert_met(tool: Tool, ran: Ran, source: Path) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    [result] = ran.results
    out = tool.folder / "out.mp4"
    assert result["status"] == "met"
    assert out.stat().st_size == result["bytes"] <= LIMIT_BYTES
    assert decode_complaints(out) == ""
    assert _frames(out) == result["frames"] == _frames(source)
    counts = result["segments"]
    assert counts["local"] + counts["cloud"] == counts["total"]
    assert tool.files == {source.name, "out.mp4"}
    return result


def _frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def nobody() -> str:
    """An address where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def wait_until(is_so: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + patience(60)
    while not is_so():
        assert process.poll() is None, "it ended before it could be met at work"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_pieces_of_both_are_one_file_and_the_service_learns_nothing_else(tool: Tool, service: Service, reel: Path):
    ran = fitted(tool, service.served.base, "--where", "cloud")
    result = assert_met(tool, ran, reel)
    assert {"upload", "render", "download"} <= {line["phase"] for line in ran.lines if line["type"] == "update"}
    assert result["credits"] == 0
    assert result["segments"]["total"] == 6
    assert result["segments"]["cloud"] == 5, "all but the one that closes the sum"
    assert result["warnings"] == []
    service.assert_at_rest()
    # Nobody failed, so each segment went over the line once, and each render was asked for once.
    assert len(service.assets) == len(service.renders) == 5
    for path in service.uploaded():
        content = path.read_bytes()
        assert not any(word in content for word in WORDS)
        with av.open(str(path)) as container:
            assert [stream.type for stream in container.streams] == ["video"]
            assert set(container.metadata) <= {"major_brand", "minor_version", "compatible_brands"}
    told = json.dumps([[dict(row) for row in service.assets], [dict(row) for row in service.renders]])
    assert not any(word.decode() in told for word in (*WORDS, str(tool.folder).encode()))


def test_a_service_that_dies_in_the_middle_is_done_without(
    tool: Tool, start_service: Callable[[], Service], reel: Path
):
    service = start_service()
    words = (NAME, LIMIT, "-o", "out.mp4", "--json", "--where", "cloud")
    process = tool.start(*words, **at(service.served.base, tool))
    wait_until(lambda: any(row["state"] == "completed" for row in service.renders), process)
    service.served.end(signal.SIGKILL)
    out, err = process.communicate(timeout=patience(60))
    ran = Ran(process.returncode, out.decode(), err.decode())
    result = assert_met(tool, ran, reel)
    assert result["segments"]["local"] >= 2
    # That it is asked again, and that it is given up then; with the test clock there is hardly a pause between them.
    why = [line for line in result["warnings"] if service.served.base in line]
    assert 1 <= len(why) <= 4
    assert set(why) <= set(ran.said)


@pytest.mark.usefixtures("reel")
def test_without_a_service_and_without_falling_back_it_is_exit_5_and_nothing_is_written(tool: Tool):
    ran = fitted(tool, nobody(), "--where", "cloud", "--no-fallback")
    assert ran.code == 5
    [result] = ran.results
    assert (result["status"], result["error"]["code"]) == ("failed", 5)
    assert "no connection to http://127.0.0.1:" in result["error"]["message"]
    assert "--no-fallback" in result["error"]["hint"]
    assert tool.files == {NAME}


@pytest.mark.usefixtures("reel")
def test_a_service_that_blocks_exports_ends_a_run_that_may_not_fall_back(tool: Tool, service: Service):
    service.served.break_by((RENDER, "code(402)", 0))
    ran = fitted(tool, service.served.base, "--where", "cloud", "--no-fallback")
    assert ran.code == 5
    assert "segments could not be rendered in the cloud" in ran.results[0]["error"]["message"]
    assert tool.files == {NAME}
    service.assert_at_rest()


FAULTS = {
    "2001 out of credits": ([(RENDER, "code(2001)", 0)], r"credits.*/register\?bind=anon_", 0),
    "damaged": ([(match, "flip(500)", 0) for match in FILES], "damaged", 0),
}


if EVERYTHING:
    FAULTS |= {
        "1002 once": ([(RENDER, "code(1002)", 1)], "Segment . is made on this machine: .*session", 4),
        "5xx": ([(RENDER, "http(503)", 0)], "problem of its own", 0),
        "1001 token": ([(UPLOAD, "code(1001)", 0)], "account|token", 0),
        "429 rate limit": ([(UPLOAD, "code(429)", 0)], "no more requests", 0),
        "402 export blocked": ([(RENDER, "code(402)", 0)], "export", 0),
        "429 once": ([(UPLOAD, "code(429)", 1)], "", 5),
        "1002 session": ([(RENDER, "code(1002)", 0)], "session", 0),
        "damaged once": ([(FILES[0], "flip(500)", 1)], "", 5),
    }


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_whatever_the_service_answers_the_job_ends_with_the_file_and_the_reason(
    tool: Tool, service: Service, reel: Path, fault
):
    rules, reason, cloud = fault
    service.served.break_by(*rules)
    ran = fitted(tool, service.served.base, "--where", "cloud")
    result = assert_met(tool, ran, reel)
    assert result["segments"]["cloud"] == cloud, result["warnings"]
    if not reason:
        assert result["warnings"] == []
        return
    assert any(re.search(reason, line, re.IGNORECASE) for line in result["warnings"]), result["warnings"]
    service.assert_at_rest()


def test_a_client_that_was_killed_goes_on_and_leaves_no_render_behind(tool: Tool, service: Service, reel: Path):
    words = (NAME, LIMIT, "-o", "out.mp4", "--json", "--where", "cloud")
    process = tool.start(*words, **at(service.served.base, tool))
    states = lambda: [row["state"] for row in service.renders]  # noqa: E731
    wait_until(lambda: "completed" in states() and {"pending", "processing"} & set(states()) != set(), process)
    process.kill()
    process.communicate(timeout=patience(5))
    ran = tool(*words, **at(service.served.base, tool))
    assert_met(tool, ran, reel)
    assert [row["id"] for row in service.renders if row["state"] in ("pending", "processing")] == []


STRACE = shutil.which("strace")


@pytest.mark.skipif(STRACE is None, reason="no strace: which sockets are opened was not looked at")
@pytest.mark.usefixtures("reel")
@pytest.mark.parametrize(
    ("words", "environment"),
    [
        (("--offline",), {"NEMO_TOKEN": "nmv_usr_x"}),
        ((), {"NEMO_TOKEN": "nmv_usr_x", "TIGHTFIT_OFFLINE": "1"}),
        (("--where", "local"), {"NEMO_TOKEN": "nmv_usr_x"}),
    ][0 if EVERYTHING else 1 :],
)
def test_offline_and_local_open_no_socket_and_look_no_name_up(
    tool: Tool, words: tuple[str, ...], environment: dict[str, str]
):
    calls = sockets_of(tool, *words, **at(nobody(), tool, **environment))
    assert (tool.folder / "out.mp4").stat().st_size <= LIMIT_BYTES
    assert [line for line in calls if "AF_INET" in line] == []


@pytest.mark.skipif(STRACE is None, reason="no strace: which sockets are opened was not looked at")
@pytest.mark.usefixtures("reel")
def test_that_look_would_have_seen_a_socket(tool: Tool):
    calls = sockets_of(tool, "--where", "cloud", "--no-fallback", **at(nobody(), tool))
    assert any("connect" in line and "AF_INET" in line for line in calls)


def sockets_of(tool: Tool, *words: str, **environment: str) -> list[str]:
    """Sockets opened and connections begun by a run and its children, as strace tells."""
    log = tool.folder.parent / "calls"
    prefix = [str(STRACE), "-f", "-qq", "--seccomp-bpf", "-e", "trace=socket,connect", "-o", str(log)]
    process = tool.start(NAME, LIMIT, "-o", "out.mp4", *words, prefix=prefix, **environment)
    process.communicate(timeout=patience(60))
    return log.read_text().splitlines()


@pytest.mark.usefixtures("reel")
def test_offline_and_the_cloud_contradict_each_other(tool: Tool):
    for words, environment in ((("--offline",), {}), ((), {"TIGHTFIT_OFFLINE": "1"})):
        ran = tool(NAME, LIMIT, "--where", "cloud", *words, **at(nobody(), tool, **environment))
        assert ran.code == 2
        assert "opens no socket" in ran.complaint
        assert tool.files == {NAME}


@pytest.mark.usefixtures("reel")
def test_a_plan_says_where_it_would_begin_and_asks_nobody(tool: Tool):
    for words, where, credits in ((("--where", "cloud"), "cloud", 0), ((), "local", None)):
        [plan] = tool("plan", NAME, LIMIT, "--json", *words, **at(nobody(), tool)).lines
        assert (plan["where"], plan["credits"]) == (where, credits)
        assert any("is asked first" in reason for reason in plan["reasons"]) == (where == "cloud")


def test_auto_asks_nobody_until_somebody_agreed(tool: Tool, service: Service, reel: Path):
    result = assert_met(tool, fitted(tool, service.served.base), reel)
    assert result["segments"]["cloud"] == 0
    assert result["warnings"] == []
    assert service.sessions == 0


def test_auto_uses_the_cloud_it_was_connected_to_from_six_segments_on(
    tool: Tool, service: Service, reel: Path, made_scenes: Path
):
    connected = tool("connect", **at(service.served.base, tool))
    assert connected.code == 0, connected.err
    shutil.copy(made_scenes, tool.folder / "few.mp4")
    ran = tool("few.mp4", LIMIT, "--json", **at(service.served.base, tool))
    assert ran.code == 0
    assert 2 <= ran.results[0]["segments"]["total"] < 6
    assert service.sessions == 0
    for name in ("few.mp4", "few-150KB.mp4"):
        (tool.folder / name).unlink()
    assert_met(tool, fitted(tool, service.served.base), reel)
    assert service.sessions >= 1
    assert len(service.assets) >= 1
    service.assert_at_rest()


def test_a_service_that_was_agreed_to_and_is_away_is_told_of(tool: Tool, reel: Path):
    result = assert_met(tool, fitted(tool, nobody(), NEMO_TOKEN="nmv_usr_mine"), reel)
    assert result["segments"]["cloud"] == 0
    [why] = result["warnings"]
    assert why.startswith("All is made on this machine: no connection to http://127.0.0.1:")


def test_naming_the_cloud_once_is_no_consent_for_the_next_time(tool: Tool, service: Service, reel: Path):
    service.served.break_by((UPLOAD, "code(402)", 0))
    assert fitted(tool, service.served.base, "--where", "cloud", "--no-fallback").code == 5
    assert (tool.home / "cloud.json").exists(), "the account is kept"
    service.forget()
    result = assert_met(tool, fitted(tool, service.served.base), reel)
    assert (result["segments"]["cloud"], service.sessions) == (0, 0)
