"""Behaviours 15 to 23 and 30 of the render API, on our server: messages, their streams, and the state behind them."""

from __future__ import annotations

import itertools
import json

import pytest
from support.served import Caller, Served, events_in, texts_in, wait_for

SPENT = {"available": 50, "frozen": 0, "total": 50}
UNTOUCHED = {"available": 100, "frozen": 0, "total": 100}


def settled(caller: Caller) -> dict[str, int]:
    """The credits once no run is going on."""
    wait_for(lambda: caller.state()["run"], lambda run: run is None or run["status"] != "running")
    return caller.credits


def test_15_a_happy_answer_is_a_stream_of_valid_events(editing: Caller):
    answer = editing.say("under 2MB please")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["transfer-encoding"] == "chunked"
    events = events_in(answer.text)
    kinds = [next(iter(part)) for event in events for part in event["content"]["parts"]]
    assert kinds == ["functionCall", "functionResponse", "text"]
    for event in events:
        assert event["author"] == "nemo_agent"
        assert isinstance(event["timestamp"], float)
        assert event["invocationId"] == events[0]["invocationId"]
        assert event["actions"] == {"stateDelta": {}, "artifactDelta": {}, "requestedAuthConfigs": {}}
    assert len({event["id"] for event in events}) == 3
    assert answer.text.rstrip().endswith(": stream-end")
    assert texts_in(answer.text) == ["Done: at most 2.00 MB. The video is ready to export."]


def test_15_the_simple_shape_says_the_same(editing: Caller):
    events = events_in(editing.say("under 2MB please", query="?sse=simple").text)
    assert [event["type"] for event in events] == ["tool_call", "tool_result", "text"]
    assert events[0]["args"] == {"target_bytes": 2_000_000}


@pytest.mark.parametrize(
    "body",
    [
        {"appName": "nemo_agent", "userId": "me", "newMessage": {"parts": [{"text": "2MB"}], "role": "user"}},
        {"app_name": "nemo_agent", "user_id": "me", "new_message": {"parts": [{"text": "2MB"}]}, "streaming": False},
        {"new_message": {"parts": [{"text": "2MB"}]}},
    ],
)
def test_15_requests_in_snake_and_camel_case_are_taken(refused_often: Caller, body: dict[str, object]):
    key = "sessionId" if "newMessage" in body else "session_id"
    answer = refused_often.http.post("/run_sse", json={**body, key: refused_often.session})
    assert texts_in(answer.text)


@pytest.mark.parametrize(
    "change",
    [{"app_name": "other"}, {"new_message": {"parts": []}}, {"new_message": {"parts": [{"unknown": 1}]}}],
)
def test_15_a_message_that_is_none_is_422(refused_often: Caller, change: dict[str, object]):
    before = refused_often.state()
    answer = refused_often.http.post("/run_sse", json={**refused_often.said("3MB"), **change})
    assert (answer.status_code, answer.json()["code"]) == (422, 422)
    assert refused_often.state() == before


def test_16_something_is_heard_every_fifteen_seconds_while_it_works(served: Served, editing: Caller):
    served.break_by(("POST /run_sse", "delay(100)"))
    with editing.saying("2MB") as lines:
        assert "functionCall" in next(lines)
        for _ in range(6):
            served.advance(15.1)
            assert next(line for line in lines if line) == ": heartbeat"
        served.advance(10)
        assert any("stream-end" in line for line in lines)


def test_17_a_run_survives_a_stream_of_nothing_but_heartbeats(served: Served, editing: Caller):
    served.break_by(("POST /run_sse", "heartbeat_only"))
    with editing.saying("2MB") as lines:
        heard = [next(line for line in lines if line)]
        for _ in range(3):
            served.advance(15.1)
            heard.append(next(line for line in lines if line))
        assert settled(editing) == SPENT
        served.advance(900)
        heard += [line for line in lines if line]
    assert set(heard) == {": heartbeat"}
    assert editing.draft["m"]["target_bytes"] == 2_000_000


def test_18_a_silent_close_comes_after_the_change_is_in_the_state(served: Served, editing: Caller):
    served.break_by(("POST /run_sse", "silent"))
    before = editing.state()["version"]
    answer = editing.say("2MB")
    assert texts_in(answer.text) == []
    assert "functionResponse" in answer.text
    after = editing.state()
    assert after["version"] == before + 1
    assert after["state"]["draft"]["m"]["target_bytes"] == 2_000_000
    assert editing.credits == SPENT


@pytest.mark.parametrize("text", ["2MB", "hello there", "as webm please"])
def test_19_a_run_that_changes_nothing_leaves_the_state_as_it_was(refused_often: Caller, text: str):
    before = refused_often.state()
    assert texts_in(refused_often.say(text).text)
    after = refused_often.state()
    assert (after["version"], after["state"]) == (before["version"], before["state"])
    assert refused_often.credits == SPENT


@pytest.mark.parametrize("how", ["client", "fin_after(100)", "rst_after(100)", "stall(100)", "unframed"])
def test_20_a_run_goes_on_when_its_stream_breaks_and_is_paid_for_once(served: Served, editing: Caller, how: str):
    if how == "client":
        served.break_by(("POST /run_sse", "delay(50)"))
    else:
        served.break_by(("POST /run_sse", how))
    connection = served.connect()
    body = json.dumps(editing.said("2MB")).encode()
    head = f"POST /run_sse HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {editing.token}\r\n"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode() + body)
    assert connection.recv(64).startswith(b"HTTP/1.1 200")
    if how in ("client", "stall(100)"):
        connection.close()
        served.advance(50)
    else:
        try:
            while connection.recv(65536):
                pass
        except ConnectionResetError:
            assert how == "rst_after(100)"
        else:
            assert how != "rst_after(100)"
    assert settled(editing) == SPENT
    assert editing.state()["run"]["status"] == "done"
    assert editing.draft["m"]["target_bytes"] == 2_000_000


def test_21_an_agent_that_breaks_down_says_one_error_and_changes_nothing(served: Served, editing: Caller):
    served.break_by(("POST /run_sse", "agent_error"))
    before = editing.state()
    answer = editing.say("2MB")
    errors = [event for event in events_in(answer.text) if "error" in event]
    assert len(errors) == 1
    assert errors[0]["error_details"]["error_type"] == "AgentError"
    assert answer.text.rstrip().endswith(": stream-end")
    after = editing.state()
    assert (after["version"], after["state"]) == (before["version"], before["state"])
    assert after["run"]["status"] == "failed"
    assert editing.credits == UNTOUCHED


def test_22_one_session_answers_one_message_at_a_time(served: Served, editing: Caller, tiny: bytes):
    served.break_by(("POST /run_sse", "delay(50)"))
    other = editing.new_session()
    editing.upload(("tiny.mp4", tiny), session=other)
    with editing.saying("2MB") as lines:
        next(lines)
        refused = editing.http.post("/run_sse", json=editing.said("3MB"))
        assert (refused.status_code, refused.json()["code"]) == (409, 409)
        assert refused.json()["data"]["run_id"] == editing.state()["run"]["id"]
        assert editing.credits == {"available": 50, "frozen": 50, "total": 100}
        assert texts_in(editing.say("4MB", other).text), "other sessions answer meanwhile"
        served.advance(50)
        list(lines)
    assert editing.draft["m"]["target_bytes"] == 2_000_000
    assert texts_in(editing.say("5MB").text)
    assert editing.draft["m"]["target_bytes"] == 5_000_000


def test_23_the_draft_keeps_its_rules(editing: Caller, clip: bytes):
    assert editing.state()["state"]["draft"] is None
    editing.upload(("clip.mp4", clip))
    editing.say("make this 500MB video less than 50MB, 90p... I mean 144p, as mp4")
    draft = editing.draft
    ends = []
    for track in draft["t"]:
        times = [(segment["s"], segment["s"] + segment["d"]) for segment in track["sg"]]
        assert all(isinstance(at, int) for pair in times for at in pair)
        assert all(a[1] <= b[0] for a, b in itertools.pairwise(times))
        ends += [end for _, end in times]
    assert draft["d"] == max(ends) == 2000
    assert draft["m"]["target_bytes"] == 50_000_000
    assert (draft["m"]["width"], draft["m"]["height"], draft["m"]["ratio"]) == (256, 144, "16:9")


def test_23_a_state_that_did_not_change_is_304(editing: Caller):
    path = f"/api/state/nemo_agent/me/{editing.session}/latest"
    first = editing.http.get(path)
    again = editing.http.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    editing.say("2MB")
    assert editing.http.get(path, headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_30_everything_the_agent_speaks_of_can_be_done_here(editing: Caller):
    """Its words may name buttons; the state and the export need none of them."""
    assert "ready to export" in texts_in(editing.say("2MB").text)[0]
    assert editing.draft["t"][0]["sg"]
    assert editing.submit(editing.draft).status_code == 200
