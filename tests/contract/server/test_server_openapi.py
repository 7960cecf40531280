"""Requests that nobody thought of, made from our own OpenAPI: none breaks the server, none comes in without a token.

``make fuzz-api EXAMPLES=200`` tries more of them.
"""

from __future__ import annotations

import os
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from support.served import Caller, Served

EXAMPLES = int(os.environ.get("TIGHTFIT_API_EXAMPLES", "2"))
SLOWEST_S = 10.0  # of a server that may be encoding meanwhile
OPEN = {"/health", "/media/{kind}/{key}", "/api/auth/anonymous-token"}


@pytest.fixture(scope="module")
def insider(semantic: Served, tiny: bytes) -> Caller:
    """A caller with a video and a draft, whose real ids take the place of made-up ones half of the time."""
    caller = semantic.caller()
    caller.upload(("tiny.mp4", tiny))
    caller.say("2MB")
    return caller


def with_real_ids(case: Any, insider: Caller) -> None:
    case.path_parameters = dict(case.path_parameters or {})
    if "session_id" in case.path_parameters:
        case.path_parameters |= {"session_id": insider.session, "user_id": "me"}
    if isinstance(case.body, dict):
        real = {"session_id": insider.session, "sessionId": insider.session, "app_name": "nemo_agent", "user_id": "me"}
        case.body = {key: real.get(key, value) for key, value in case.body.items()}
        if "draft" in case.body and len(str(case.body["draft"])) % 2:
            case.body["draft"] = insider.draft


def attack(case: Any, insider: Caller) -> None:
    if len(str(case.body) + str(case.path_parameters)) % 2:
        with_real_ids(case, insider)
    base = insider.served.base
    answer = case.call(base_url=base, headers={"Authorization": f"Bearer {insider.token}"})
    assert answer.status_code < 500, (case.as_curl_command(), answer.text)
    assert answer.elapsed < SLOWEST_S, case.as_curl_command()
    if case.operation.path not in OPEN:
        stranger = case.call(base_url=base, headers={"Authorization": "Bearer nmv_usr_nobody"})
        assert stranger.status_code in (401, 404, 405, 422), (case.as_curl_command(), stranger.text)


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_no_request_breaks_the_server(mode: GenerationMode, insider: Caller):
    schema = schemathesis.openapi.from_url(f"{insider.served.base}/openapi.json")
    usual = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    attacked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        try:
            usual(given(operation.as_strategy(generation_mode=mode))(lambda case: attack(case, insider)))()
        except Unsatisfiable:
            assert mode is GenerationMode.NEGATIVE, "an operation without parameters can't be asked wrongly"
            continue
        attacked += 1
    assert attacked >= 10


def test_every_route_of_the_contract_is_described(semantic: Served):
    described = httpx.get(f"{semantic.base}/openapi.json").json()["paths"]
    assert set(described) == {
        "/api/auth/anonymous-token",
        "/api/auth/claim-token",
        "/api/tasks/me/with-session/nemo_agent",
        "/run_sse",
        "/api/upload-video/nemo_agent/{user_id}/{session_id}",
        "/api/credits/balance/simple",
        "/api/state/nemo_agent/{user_id}/{session_id}/latest",
        "/api/render/proxy/lambda",
        "/api/render/proxy/draft",
        "/api/render/proxy/lambda/{render_id}",
        "/api/render/proxy/lambda/{render_id}/cancel",
        "/api/render/proxy/{render_id}/download",
        "/api/render/proxy/{render_id}",
        "/media/{kind}/{key}",
        "/health",
    }


@pytest.mark.parametrize(
    "draft",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"t":NaN}',
        '{"t":[{"tt":1e400,"sg":[{"s":0,"d":1}]}]}',
        '{"t":[{"tt":0,"sg":[{"s":0,"d":1,"src":"\\ud800"}]}]}',
        '{"\\ud800":"\\u0000"}',
        '{"m":{"target_bytes":' + "9" * 5000 + "}}",
        '{"t":[{"tt":0,"sg":[{"s":' + "9" * 400 + "}]}]}",
        "null",
        "",
        "{",
        '"' + "a" * 6_000_000 + '"',
    ],
    ids=lambda draft: draft[:12],
)
def test_a_body_that_breaks_parsers_is_422(insider: Caller, draft: str):
    body = f'{{"id":"r","sessionId":"{insider.session}","draft":{draft}}}'
    for mode in ({}, {"Connection": "close"}):
        answer = insider.http.post(
            "/api/render/proxy/lambda", content=body.encode(), headers={"Content-Type": "application/json", **mode}
        )
        assert (answer.status_code, answer.json()["code"]) == (422, 422)


def test_strange_paths_and_headers_are_answered(insider: Caller):
    for path in ("%00", "%ff%fe", "a%2f..%2fb", "x" * 5000, "..%5c", "%F0%9F%92%A9"):
        for route in ("render/proxy/lambda/{}", "render/proxy/{}/download", "state/nemo_agent/me/{}/latest"):
            assert insider.http.get(f"/api/{route.format(path)}").json()["code"] in (404, 1002)
        assert insider.http.get(f"/media/r/{path}", params={"exp": path, "sig": "é"}).json()["code"] in (403, 404, 422)
    for value in ("Bearer nmv_usr_é".encode("latin-1"), b"Bearer nmv_usr_" + b"x" * 9000):
        answer = insider.http.get("/api/credits/balance/simple", headers={"Authorization": value})
        assert answer.json()["code"] == 1001
    for wanted in ("bytes=0-0,5-9", "bytes=", "bytes=x", "lines=1-2", "bytes=9-1", "bytes=-99999999999999999999"):
        file = insider.state()["state"]["video_infos"][0]["cdn_url"]
        assert insider.http.get(file, headers={"Range": wanted}).status_code in (200, 206, 400, 416)
