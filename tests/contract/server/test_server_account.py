"""Behaviours 1 to 9 of the render API, on our server: tokens, sessions, attribution, credits, rates."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime

import httpx
import pytest
from support.served import ATTRIBUTION, Caller, Served, refused

WEEK_S = 7 * 86_400


def test_01_bootstrap_gives_a_token_for_seven_days_and_a_hundred_credits(any_mode: Served):
    answer = any_mode.client().post("/api/auth/anonymous-token", headers={"X-Client-Id": str(uuid.uuid4())})
    data = answer.json()["data"]
    assert answer.status_code == 200
    assert answer.json()["code"] == 0
    assert data["token"].startswith("nmv_usr_")
    assert data["user_id"].startswith("anon_")
    assert data["credits"] == 100
    left = datetime.fromisoformat(data["expires_at"]).timestamp() - now_at(any_mode)
    assert abs(left - WEEK_S) < 5


def now_at(served: Served) -> float:
    found: float = httpx.post(f"{served.base}/__test__/clock", json={"advance_s": 0}).json()["now"]
    return found


@pytest.mark.parametrize("headers", [{}, {"X-Client-Id": ""}, {"X-Client-Id": "x" * 65}])
def test_02_without_a_proper_client_id_there_is_no_token(any_mode: Served, headers: dict[str, str]):
    answer = any_mode.client().post("/api/auth/anonymous-token", headers=headers)
    assert refused(any_mode, answer, 400)
    assert "data" not in answer.json()


@pytest.mark.parametrize("authorization", [None, "Bearer", "Basic eDp5", "Bearer x", "Bearer nmv_usr_unknown"])
def test_03_a_token_that_is_none_is_1001_everywhere(any_mode: Served, authorization: str | None):
    headers = {"Authorization": authorization} if authorization else {}
    client = any_mode.client(**headers, **ATTRIBUTION)
    body = {"app_name": "nemo_agent", "session_id": "1", "new_message": {"parts": [{"text": "x"}]}}
    render = {"id": "r", "sessionId": "1", "draft": {}}
    for answer in (
        client.post("/api/tasks/me/with-session/nemo_agent", json={}),
        client.post("/api/auth/claim-token", json={"task_id": "t", "session_id": "1"}),
        client.post("/run_sse", json=body),
        client.post("/api/upload-video/nemo_agent/me/1", files={"files": ("a.mp4", b"x")}),
        client.get("/api/credits/balance/simple"),
        client.get("/api/state/nemo_agent/me/1/latest"),
        client.post("/api/render/proxy/lambda", json=render),
        client.get("/api/render/proxy/lambda", params={"sessionId": "1"}),
        client.get("/api/render/proxy/lambda/r"),
        client.post("/api/render/proxy/lambda/r/cancel"),
        client.get("/api/render/proxy/r/download"),
        client.get("/api/render/proxy/r"),
    ):
        assert refused(any_mode, answer, 1001), answer.request.url


def test_03_a_claim_token_opens_nothing(any_mode: Served):
    caller = any_mode.caller()
    asked = {"task_id": "task_x", "session_id": caller.session}
    first, again = (caller.http.post("/api/auth/claim-token", json=asked).json()["data"] for _ in range(2))
    assert first["claim_token"].startswith("clm_")
    assert first["claim_token"] == again["claim_token"]
    assert first["expires_in"] <= WEEK_S
    caller.http.headers["Authorization"] = f"Bearer {first['claim_token']}"
    assert refused(any_mode, caller.http.get("/api/credits/balance/simple"), 1001)


def test_03_an_expired_token_is_1001_and_its_client_comes_back_to_its_sessions(roaming: Served):
    before = roaming.caller()
    roaming.advance(WEEK_S + 1)
    assert before.http.get("/api/credits/balance/simple").json()["code"] == 1001
    after = roaming.caller(before.client_id)
    assert after.account["user_id"] == before.account["user_id"]
    assert after.token != before.token
    assert after.state(before.session)["session_id"] == before.session
    assert after.credits == {"available": 100, "frozen": 0, "total": 100}


@pytest.mark.parametrize("body", [{"task_name": "project", "language": "en"}, {"task_name": "x", "more": [1]}, {}])
def test_04_a_session_is_a_string_of_digits(any_mode: Served, body: dict[str, object]):
    caller = any_mode.caller()
    answer = caller.http.post("/api/tasks/me/with-session/nemo_agent", json=body)
    data = answer.json()["data"]
    assert isinstance(data["session_id"], str)
    assert data["session_id"].isdigit()
    assert int(data["session_id"]) > 2**53
    assert data["task_id"].startswith("task_")
    assert data["user_id"] == caller.account["user_id"]


def test_05_unknown_and_foreign_sessions_are_told_in_the_same_bytes(any_mode: Served, tiny: bytes):
    owner, other = any_mode.caller(), any_mode.caller()
    told: dict[str, set[bytes]] = {}
    for session in ("123", "x" * 100, owner.session):
        answers: dict[str, Callable[[str], httpx.Response]] = {
            "state": lambda sid: other.http.get(f"/api/state/nemo_agent/me/{sid}/latest"),
            "run": lambda sid: other.say("50MB", sid),
            "upload": lambda sid: other.upload(("a.mp4", tiny), session=sid),
            "claim": lambda sid: other.http.post("/api/auth/claim-token", json={"task_id": "t", "session_id": sid}),
            "list": lambda sid: other.http.get("/api/render/proxy/lambda", params={"sessionId": sid}),
        }
        for name, ask in answers.items():
            answer = ask(session)
            assert refused(any_mode, answer, 1002), name
            told.setdefault("all", set()).add(answer.content)
    named = other.http.get(f"/api/state/nemo_agent/{owner.account['user_id']}/{owner.session}/latest")
    assert named.content in told["all"]
    assert len(told["all"]) == 1
    assert other.credits["available"] == 100


@pytest.mark.parametrize("header", sorted(ATTRIBUTION))
@pytest.mark.parametrize("value", [None, ""])
def test_06_a_missing_attribution_is_402_on_export_and_on_nothing_else(
    refused_often: Caller, header: str, value: str | None
):
    caller = refused_often
    client = caller.served.client(Authorization=f"Bearer {caller.token}", **ATTRIBUTION)
    if value is None:
        del client.headers[header]
    else:
        client.headers[header] = value
    body = {"id": "r", "sessionId": caller.session, "draft": caller.draft}
    for path in ("lambda", "draft"):
        answer = client.post(f"/api/render/proxy/{path}", json=body)
        assert (answer.status_code, answer.json()["code"]) == (402, 402)
    assert caller.state()["render_jobs"] == []
    assert client.get("/api/render/proxy/lambda/r").status_code == 404
    assert client.get("/api/render/proxy/lambda", params={"sessionId": caller.session}).status_code == 200
    assert client.post("/run_sse", json=caller.said("hello")).status_code == 200
    assert client.post("/api/tasks/me/with-session/nemo_agent", json={}).status_code == 200


def test_07_a_plan_without_exports_is_402_and_costs_nothing(legacy: Served, tiny: bytes):
    caller = legacy.caller()
    caller.upload(("tiny.mp4", tiny))
    caller.say("2MB")
    before = caller.credits
    answer = caller.submit(caller.draft)
    assert (answer.status_code, answer.json()["code"]) == (402, 402)
    assert caller.credits == before
    assert caller.state()["render_jobs"] == []


def test_08_credits_are_held_during_a_run_and_spent_at_its_end(served: Served, editing: Caller):
    served.break_by(("POST /run_sse", "delay(40)"))
    with editing.saying("under 2MB") as lines:
        assert "functionCall" in next(lines)
        assert editing.credits == {"available": 50, "frozen": 50, "total": 100}
        assert editing.state()["state"]["draft"] is None
        served.advance(40)
        assert ": stream-end" in list(lines)
    assert editing.credits == {"available": 50, "frozen": 0, "total": 50}
    editing.say("under 3MB")
    assert editing.credits["available"] == 50, "only the first edit of a session costs"


def test_08_without_credits_nothing_begins(any_mode: Served, tiny: bytes):
    caller = any_mode.caller()
    sessions = [caller.session, caller.new_session(), caller.new_session()]
    for session in sessions:
        caller.upload(("tiny.mp4", tiny), session=session)
    for session in sessions[:2]:
        caller.say("under 2MB", session)
    assert caller.credits == {"available": 0, "frozen": 0, "total": 0}
    before = caller.state(sessions[2])
    answer = caller.say("under 2MB", sessions[2])
    assert refused(any_mode, answer, 2001)
    data = answer.json()["data"]
    assert data["bind_id"] == caller.account["user_id"]
    assert data["register_url"].endswith(f"/register?bind={caller.account['user_id']}")
    assert (data["available"], data["required"], data["is_anonymous"]) == (0, 50, True)
    assert caller.state(sessions[2]) == before
    assert caller.say("hello", sessions[2]).headers["content-type"].startswith("text/event-stream"), "talk is free"


def test_09_a_second_token_within_a_week_is_429(any_mode: Served):
    client_id = any_mode.caller().client_id
    answer = any_mode.client().post("/api/auth/anonymous-token", headers={"X-Client-Id": client_id})
    assert refused(any_mode, answer, 429)
    assert WEEK_S - 10 < int(answer.headers["retry-after"]) <= WEEK_S + 1


def test_09_the_eleventh_token_of_an_address_is_429(served: Served):
    client = served.client()
    answers = [client.post("/api/auth/anonymous-token", headers={"X-Client-Id": f"{uuid.uuid4()}"}) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [429]
    assert int(answers[-1].headers["retry-after"]) > 0


def test_tokens_are_not_in_the_store_nor_in_what_the_server_says(served: Served):
    caller = served.caller()
    claim = caller.http.post("/api/auth/claim-token", json={"task_id": "t", "session_id": caller.session}).json()
    kept = b"".join(path.read_bytes() for path in (served.home / "server").glob("server.db*"))
    for secret in (caller.token, claim["data"]["claim_token"]):
        assert secret.encode() not in kept
        assert secret not in served.said
