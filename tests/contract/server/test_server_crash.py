"""A server that is killed: nothing is charged twice, nothing is stuck, and what was begun goes on or fails cleanly."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from support.served import Caller, Served, events_in, wait_for


@pytest.fixture(scope="module")
def mortal(start_server: Callable[..., Served]) -> Served:
    return start_server(anon_reissue="return_existing")


@dataclass(frozen=True)
class Survivors:
    """Three callers of one server that was killed while it answered, rendered and took an upload; and it is back."""

    talking: Caller
    rendering: Caller
    sending: Caller
    version: int


@pytest.fixture(scope="module")
def survivors(mortal: Served, tiny: bytes, clip: bytes) -> Survivors:
    talking, rendering, sending = (mortal.caller() for _ in range(3))
    talking.upload(("tiny.mp4", tiny))
    version = talking.state()["version"]
    rendering.upload(("clip.mp4", clip))
    rendering.say("under 50KB")
    for render in ("working", "waiting"):
        rendering.submit(rendering.draft, id=render)
    mortal.break_by(("POST /run_sse", "delay(1000)"))
    with mortal.connect() as connection, talking.saying("2MB") as lines:
        next(lines)
        assert talking.credits == {"available": 50, "frozen": 50, "total": 100}
        connection.sendall(half_an_upload(sending, tiny))
        wait_for(lambda: mortal.leftovers, bool)
        wait_for(lambda: rendering.poll("working")["progress"], lambda percent: percent > 0)
        mortal.end(signal.SIGKILL)
        with pytest.raises(httpx.RemoteProtocolError):
            list(lines)
    mortal.start()
    for caller in (talking, rendering, sending):
        caller.http.base_url = mortal.base
    return Survivors(talking, rendering, sending, version)


def half_an_upload(caller: Caller, content: bytes) -> bytes:
    head = f"POST /api/upload-video/nemo_agent/me/{caller.session} HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Authorization: Bearer {caller.token}\r\nContent-Length: 90000\r\n"
    head += "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    head += '--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
    return head.encode() + content


def test_20_a_run_that_the_server_did_not_outlive_costs_nothing(survivors: Survivors):
    caller = survivors.talking
    after = caller.state()
    assert (after["version"], after["state"]["draft"]) == (survivors.version, None)
    assert after["run"]["status"] == "failed"
    assert caller.credits == {"available": 100, "frozen": 0, "total": 100}
    assert events_in(caller.say("2MB").text), "the session is free again"
    assert caller.credits == {"available": 50, "frozen": 0, "total": 50}


def test_26_a_render_goes_on_after_the_server_was_killed(mortal: Served, survivors: Survivors):
    before = survivors.rendering
    again = mortal.caller(before.client_id)
    assert again.account["user_id"] == before.account["user_id"]
    again.session = before.session
    for render in ("working", "waiting"):
        job = again.finished(render)
        assert job["status"] == "completed", job["error"]
        content = again.http.get(f"/api/render/proxy/{render}/download").content
        assert 0 < len(content) == job["output"]["size"] <= 50_000
    assert again.submit(before.draft, id="working").json()["status"] == "completed", "the same id is the same render"
    assert again.credits == {"available": 50, "frozen": 0, "total": 50}
    assert list((mortal.home / "server" / "engine" / "renders").iterdir()) == []


def test_14_an_upload_that_the_server_did_not_outlive_leaves_nothing(mortal: Served, survivors: Survivors):
    assert mortal.leftovers == []
    assert survivors.sending.state()["version"] == 0


def test_a_second_server_in_the_same_folder_is_refused(mortal: Served):
    with pytest.raises(AssertionError, match="A server is at work in"):
        Served(mortal.home).start()


@pytest.fixture(scope="module")
def usual(start_server: Callable[..., Served]) -> Served:
    """A server as people start it."""
    return start_server(test_mode=False)


def test_10_a_large_upload_is_not_held_in_memory(usual: Served):
    def peak_kb() -> int:
        assert usual.process is not None
        status = Path(f"/proc/{usual.process.pid}/status").read_text()
        return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")))

    def body() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
        for _ in range(100):
            yield bytes(1_000_000)
        yield b"\r\n--b--\r\n"

    caller = usual.caller()
    before = peak_kb()
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = caller.http.post(f"/api/upload-video/nemo_agent/me/{caller.session}", content=body(), headers=headers)
    assert answer.json()["code"] == 4001, "zeros are no video"
    assert peak_kb() - before < 20_000
    assert usual.leftovers == []


def test_without_test_mode_nobody_moves_the_clock(usual: Served):
    served = usual
    for path in ("clock", "faults"):
        assert httpx.post(f"{served.base}/__test__/{path}", json={"advance_s": 1}).status_code == 404
    assert httpx.get(f"{served.base}/health", headers={"Host": "evil.example"}).status_code == 400
    assert httpx.get(f"{served.base}/health").json()["product"] == "tightfit"
