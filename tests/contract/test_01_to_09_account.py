"""Behaviours 1 to 8 of the contract, client side: who asks, and what a refusal means."""

from __future__ import annotations

import json
import logging
import uuid

import anyio
import pytest
from support.client import Bench, rendered
from support.cloud import COST
from support.rawhttp import Response

from tightfit.cloud.errors import (
    AuthExhausted,
    BadAnswer,
    ExportBlocked,
    InvalidDraft,
    MissingClientId,
    OutOfCredits,
    SessionNotFound,
    TokenExpired,
)
from tightfit.cloud.told import SessionLost
from tightfit.errors import ExitCode, UsageError

pytestmark = pytest.mark.anyio
DRAFT = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000}]}]}
NEW_TOKEN = "POST /api/auth/anonymous-token"
SESSION = "POST /api/tasks"
HEADERS = ("x-skill-source", "x-skill-version", "x-skill-platform")


# -- 1 bootstrap


async def test_01_bootstrap_a_token_of_the_user_is_used_and_no_other_asked_for(bench: Bench):
    bench.cloud.tokens["nmv_usr_mine"] = "anon_1"
    async with bench.client(token="nmv_usr_mine") as client:
        await client.credits()
    assert not bench.cloud.asked(NEW_TOKEN)
    assert not (bench.home / "cloud.json").exists()


async def test_01_bootstrap_what_is_obtained_is_kept_private_and_used_again(bench: Bench):
    for _ in range(2):
        async with bench.client() as client:
            await client.credits()
    (asked,) = bench.cloud.asked(NEW_TOKEN)
    assert uuid.UUID(asked.headers["x-client-id"])
    assert asked.body == b""
    assert (bench.home / "cloud.json").stat().st_mode & 0o777 == 0o600


async def test_01_bootstrap_an_expired_token_is_asked_for_with_the_same_id(bench: Bench):
    async with bench.client() as client:
        await client.credits()
    kept = json.loads((bench.home / "cloud.json").read_text())
    kept["accounts"][bench.cloud.url]["expires_at"] = "2020-01-01T00:00:00Z"
    (bench.home / "cloud.json").write_text(json.dumps(kept))
    async with bench.client() as client:
        await client.credits()
    first, second = bench.cloud.asked(NEW_TOKEN)
    assert first.headers["x-client-id"] == second.headers["x-client-id"]


async def test_01_bootstrap_an_id_of_another_client_of_the_service_is_taken_over(bench: Bench):
    (bench.folder / "nobody").write_text("11111111-2222-3333-4444-555555555555\n")
    async with bench.client() as client:
        await client.credits()
    assert bench.cloud.asked(NEW_TOKEN)[0].headers["x-client-id"] == "11111111-2222-3333-4444-555555555555"


async def test_01_bootstrap_two_lanes_that_start_together_ask_for_one_token(bench: Bench):
    async with bench.client() as client, anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(client.credits)
    assert len(bench.cloud.asked(NEW_TOKEN)) == 1


async def test_01_bootstrap_the_token_is_in_no_log_error_url_or_journal(bench: Bench, caplog):
    # As if someone turned every library up.
    for name in ("httpx", "httpcore", "httpcore.http11", "httpcore.connection", "tightfit"):
        caplog.set_level(logging.DEBUG, logger=name)
    async with bench.client() as client:
        session = await client.new_session()
        await client.upload(session, [bench.piece()], job="J")
        await client.say(session, "go", key="k", job="J")
        job = await client.render(session, (await client.state(session)).draft, unit="1", job="J")
        await client.download(job, bench.folder / "out.mp4")
        account = await client.account()
        assert account.token not in repr(account)
        bench.cloud.tokens.clear()
        bench.cloud.server.fault(NEW_TOKEN, "json", {"code": 422, "message": f"bad token {account.token}"}, nth=1)
        with pytest.raises(InvalidDraft, match="bad token") as told:
            await client.credits()
    secrets = [account.token, "sig="]
    journal = b"".join(p.read_bytes() for p in bench.home.glob("journal.db*")).decode("latin-1")
    said = repr(bench.told)
    heard = [str(told.value), repr(told.value), journal, said, "\n".join(r.getMessage() for r in caplog.records)]
    assert len(caplog.records) > 10
    for text in heard:
        assert account.token not in text
        assert secrets[1] + "1" not in text
        assert secrets[1] + "2" not in text
    assert not any(account.token in r.target for r in bench.cloud.requests)


async def test_01_bootstrap_a_token_that_no_header_can_carry_is_refused_without_being_shown(bench: Bench):
    with pytest.raises(UsageError) as told:
        bench.identity(token="nmv_usr_a\r\nX-Evil: 1")
    assert "nmv_usr" not in str(told.value)


# -- 2 code 400


async def test_02_missing_client_id_a_new_one_is_made_and_tried_once(bench: Bench):
    bench.cloud.server.fault(NEW_TOKEN, "http", 400)
    async with bench.client(client_id="refused") as client:
        await client.credits()
    first, second = bench.cloud.asked(NEW_TOKEN)
    assert first.headers["x-client-id"] == "refused"
    assert uuid.UUID(second.headers["x-client-id"])


async def test_02_missing_client_id_twice_is_told(bench: Bench):
    bench.cloud.server.fault(NEW_TOKEN, "http", 400, times=9)
    async with bench.client() as client:
        with pytest.raises(MissingClientId):
            await client.credits()
    assert len(bench.cloud.asked(NEW_TOKEN)) == 2


# -- 3 code 1001


@pytest.mark.parametrize("envelope", ["semantic", "legacy200"])
async def test_03_expired_one_new_token_and_one_replay(bench: Bench, envelope):
    bench.cloud.envelope = envelope
    async with bench.client() as client:
        await client.credits()
        bench.cloud.tokens.clear()
        await client.credits()
    assert len(bench.cloud.asked(NEW_TOKEN)) == 2
    assert len(bench.cloud.asked("GET /api/credits")) == 3


@pytest.mark.parametrize(("action", "arg"), [("http", 401), ("code", 1010), ("code", 1011), ("code", "1001")])
async def test_03_expired_is_understood_in_every_form(bench: Bench, action, arg):
    bench.cloud.server.fault("GET /api/credits", action, arg)
    async with bench.client() as client:
        await client.credits()
    assert len(bench.cloud.asked(NEW_TOKEN)) == 2


async def test_03_expired_twice_is_told(bench: Bench):
    bench.cloud.server.fault("GET /api/credits", "code", 1001, times=9)
    async with bench.client() as client:
        with pytest.raises(TokenExpired):
            await client.credits()
    assert len(bench.cloud.asked("GET /api/credits")) == 2


async def test_03_expired_token_of_the_user_is_not_swapped(bench: Bench):
    async with bench.client(token="nmv_usr_old") as client:
        with pytest.raises(TokenExpired, match="NEMO_TOKEN") as told:
            await client.credits()
    assert told.value.code is ExitCode.NETWORK
    assert not bench.cloud.asked(NEW_TOKEN)


async def test_03_expired_and_no_new_token_to_be_had_says_how_long(bench: Bench):
    bench.cloud.server.fault(NEW_TOKEN, "http", 429, times=9)
    async with bench.client() as client:
        with pytest.raises(AuthExhausted):
            await client.credits()
        assert len(bench.cloud.asked(NEW_TOKEN)) == 2
        bench.cloud.server.faults.clear()
        bench.cloud._token = lambda _: Response(429, {"Retry-After": "600000"})
        with pytest.raises(AuthExhausted) as told:
            await client.credits()
    assert told.value.wait_s == 600_000
    assert len(bench.cloud.asked(NEW_TOKEN)) == 3


# -- 4 session


async def test_04_session_the_question_is_exact_and_the_id_stays_text(bench: Bench):
    bench.cloud.server.fault(SESSION, "json", {"code": 0, "data": {"session_id": 5529798706024415232}})
    async with bench.client() as client:
        session = await client.new_session("zh-CN")
    (asked,) = bench.cloud.asked(SESSION)
    assert json.loads(asked.body) == {"task_name": "project", "language": "zh-CN"}
    assert session.id == "5529798706024415232"


@pytest.mark.parametrize("data", [{"sessionId": "7"}, {"id": 7}, {"session_id": "7"}])
async def test_04_session_is_found_under_every_name_and_without_an_envelope(bench: Bench, data):
    bench.cloud.server.fault(SESSION, "json", data)
    async with bench.client() as client:
        assert (await client.new_session()).id == "7"


# -- 5 code 1002


@pytest.mark.parametrize("envelope", ["semantic", "legacy200"])
@pytest.mark.parametrize("where", ["state", "say", "upload", "submit"])
async def test_05_lost_session_is_replaced_once_and_told(bench: Bench, envelope, where):
    bench.cloud.envelope = envelope
    async with bench.client() as client:
        session = await client.new_session()
        old = session.id
        if where == "say":
            bench.cloud.server.fault("POST /run_sse", "code", 1002)
        else:
            bench.cloud.sessions.clear()
        if where == "upload":
            await client.upload(session, [bench.piece()], job="J")
        elif where == "state":
            assert (await client.state(session)).draft is None
        elif where == "say":
            with pytest.raises(SessionNotFound):
                await client.say(session, "hi", key="k", job="J")
        else:
            with pytest.raises(SessionNotFound):
                await client.submit(session, DRAFT, unit="1", job="J")
    (lost,) = bench.said(SessionLost)
    assert (lost.old, lost.new) == (old, session.id)
    assert len(bench.cloud.asked(SESSION)) == 2


async def test_05_lost_session_in_the_frameworks_own_words(bench: Bench):
    async with bench.client() as client:
        session = await client.new_session()
        words = {"detail": f"Session not found: {session.id}"}
        bench.cloud.server.fault("POST /run_sse", "refuse", (404, words))
        with pytest.raises(SessionNotFound):
            await client.say(session, "hi", key="k", job="J")
    assert bench.cloud.messages == []
    assert len(bench.said(SessionLost)) == 1


@pytest.mark.parametrize(
    ("where", "act"),
    [
        ("GET /api/state", lambda client, session, _: client.state(session)),
        ("POST /run_sse", lambda client, session, _: client.say(session, "hi", key="k", job="J")),
        ("POST /api/upload", lambda client, session, piece: client.upload(session, [piece], job="J")),
        ("POST /api/render", lambda client, session, _: client.render(session, DRAFT, unit="1", job="J")),
    ],
)
async def test_05_lost_session_again_and_again_is_no_loop(bench: Bench, where, act):
    bench.cloud.server.fault(where, "code", 1002, times=99)
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(SessionNotFound):
            await act(client, session, bench.piece())
    assert len(bench.cloud.asked(SESSION)) <= 3
    assert len(bench.cloud.asked(where)) <= 2


# -- 6 attribution


async def test_06_attribution_goes_with_every_request_and_nothing_to_a_foreign_host(bench: Bench):
    bench.cloud.foreign = True
    async with bench.client() as client:
        session = await client.new_session()
        await client.upload(session, [bench.piece()], job="J")
        await client.say(session, "go", key="k", job="J")
        draft = (await client.state(session)).draft
        job = await client.render(session, draft, unit="1", job="J")
        await client.download(job, bench.folder / "out.mp4")
        await client.cancel(await client.submit(session, draft, unit="2", job="J"))
    assert len(bench.cloud.requests) > 9
    for request in bench.cloud.requests:
        assert all(request.headers[name] for name in HEADERS), request.target
        assert ("authorization" in request.headers) == (NEW_TOKEN not in f"{request.method} {request.path}")
    (foreign,) = bench.cloud.elsewhere.requests
    assert not {*HEADERS, "authorization", "x-client-id", "cookie"} & set(foreign.headers)


async def test_06_attribution_is_left_behind_by_a_redirect_to_a_foreign_host(bench: Bench):
    media = bench.cloud._media

    def moved(request):
        if request.headers["host"].endswith(str(bench.cloud.server.port)):
            return Response(302, {"Location": f"{bench.cloud.elsewhere.url}{request.target}"})
        return media(request)

    bench.cloud._media = moved
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    (foreign,) = bench.cloud.elsewhere.requests
    assert not {*HEADERS, "authorization"} & set(foreign.headers)


async def test_06_attribution_a_service_that_sends_us_on_in_circles_is_left(bench: Bench):
    bench.cloud._media = lambda request: Response(302, {"Location": request.target})
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert len(bench.cloud.asked("/download")) == 1


async def test_06_attribution_a_question_is_not_sent_on_anywhere(bench: Bench):
    bench.cloud.server.fault("GET /api/credits", "refuse", 302)
    async with bench.client() as client:
        with pytest.raises(BadAnswer, match="302"):
            await client.credits()
    assert bench.cloud.elsewhere.requests == []


# -- 7 code 402


@pytest.mark.parametrize(("action", "arg"), [("http", 402), ("json", {"code": 402, "message": "plan"})])
async def test_07_export_blocked_speaks_of_the_plan_and_is_not_tried_again(bench: Bench, action, arg):
    bench.cloud.server.fault("POST /api/render", action, arg, times=9)
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(ExportBlocked, match="plan") as told:
            await client.render(session, DRAFT, unit="1", job="J")
    assert "not about credits" in told.value.message
    assert len(bench.cloud.asked("POST /api/render")) == 1


async def test_07_export_blocked_the_code_in_the_body_counts_before_the_status(bench: Bench):
    async with bench.client() as client:
        session = await client.new_session()
        bench.cloud.available = 0
        with pytest.raises(OutOfCredits):
            await client.say(session, "go", key="k", job="J")
        bench.cloud.server.fault("GET /api/credits", "refuse", 402)
        with pytest.raises(OutOfCredits):
            await client.credits()


# -- 8 code 2001


@pytest.mark.parametrize("envelope", ["semantic", "legacy200"])
async def test_08_out_of_credits_has_a_link_and_is_never_tried_again(bench: Bench, envelope):
    bench.cloud.envelope = envelope
    bench.cloud.available = COST - 1
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(OutOfCredits) as told:
            await client.say(session, "go", key="k", job="J")
        link = client.more_credits(told.value.data)
    assert link == "https://nemovideo.com/register?bind=anon_1"
    assert len(bench.cloud.asked("POST /run_sse")) == 1


async def test_08_out_of_credits_the_link_is_encoded_and_not_the_services_to_choose(bench: Bench):
    async with bench.client() as client:
        await client.credits()
        assert client.more_credits(user_id="a b&c=d/é") == (
            "https://nemovideo.com/register?bind=a%20b%26c%3Dd%2F%C3%A9"
        )
        evil = {"register_url": "https://evil.example/register", "bind_id": "anon_7"}
        assert client.more_credits(evil) == "https://nemovideo.com/register?bind=anon_7"
        kind = {"register_url": "https://nemovideo.com/register?bind=anon_9&from=cli"}
        assert client.more_credits(kind) == kind["register_url"]
    async with bench.client(token="nmv_usr_mine") as client:
        assert "bind" not in client.more_credits()
