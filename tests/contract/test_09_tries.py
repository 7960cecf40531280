"""Behaviour 9 of the contract and what is like it, client side: what is asked again, how often, after how long."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from support.client import Bench
from support.cloud import adk_text, answered, event
from support.rawhttp import Response

from tightfit.cloud import api, errors, identity, listen, render, talk, upload
from tightfit.cloud.errors import ExportBlocked, OutOfCredits, RateLimited, ServerTrouble, StreamError
from tightfit.cloud.ledger import Stage
from tightfit.cloud.models import now_utc
from tightfit.net.errors import ConnectionFailed
from tightfit.net.http import Limits

pytestmark = pytest.mark.anyio
DRAFT = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000}]}]}
NEW_TOKEN, CREDITS, SESSION = "POST /api/auth/anonymous-token", "GET /api/credits", "POST /api/tasks"
RUN, UPLOAD, SUBMIT = "POST /run_sse", "POST /api/upload-video", "POST /api/render"


@pytest.mark.parametrize(
    ("here", "contract"),
    [
        (listen.STILL_WORKING_S, 120),
        (listen.TOTAL_S, 900),
        (listen.HUMMING_S, 600),
        (listen.SILENT_S, 90),
        (talk.SILENT_LOOKS, (0, 2, 5, 10)),
        (talk.BROKEN_LOOKS, (30, 60, 60, 60, 60)),
        (render.HOSTED_S, 30),
        (render.PATIENCE_S, 10 * 30),
        ((render.OURS_FIRST_S, render.OURS_MOST_S, render.OURS_GROWTH), (2, 15, 1.5)),
        ((api.RATE_WAIT_S, api.MOST_WAIT_S), (30, 120)),
        (identity.TOKEN_DAYS, 7),
        ((errors.LARGEST_BYTES, upload.MOST_FILES), (524_288_000, 20)),
        ((Limits().connect_s, Limits().write_s), (10, 60)),
    ],
)
def test_the_numbers_are_those_of_the_contract(here, contract):
    """Tests in real time see that something comes after two minutes, but hardly whether it were two and a half."""
    assert here == contract


# -- 9 code 429


async def test_09_rate_limit_is_waited_for_once(bench: Bench):
    bench.cloud.server.fault("GET /api/credits", "code", 429)
    async with bench.client() as client:
        await client.credits()
    assert bench.clock.waits == [30]


async def test_09_rate_limit_twice_is_told(bench: Bench):
    bench.cloud.server.fault("GET /api/credits", "code", 429, times=9)
    async with bench.client() as client:
        with pytest.raises(RateLimited):
            await client.credits()
    assert len(bench.cloud.asked("GET /api/credits")) == 2


@pytest.mark.parametrize(("asked", "waits"), [("60", [60]), ("5", [30]), ("121", []), ("nonsense", [30])])
async def test_09_rate_limit_is_what_the_service_asks_for_within_reason(bench: Bench, asked, waits):
    answer = bench.cloud._credits

    async def limited(request, user):
        response = await answer(request, user)
        if len(bench.cloud.asked("GET /api/credits")) == 1:
            response.status, response.body = 429, b""
            response.headers["Retry-After"] = asked
        return response

    bench.cloud._credits = limited
    async with bench.client() as client:
        if waits:
            await client.credits()
        else:
            with pytest.raises(RateLimited) as told:
                await client.credits()
            assert told.value.wait_s == 121
    assert bench.clock.waits == waits


async def test_09_rate_limit_before_a_message_is_heard_lets_it_be_sent_again(bench: Bench):
    bench.cloud.server.fault("POST /run_sse", "refuse", 429)
    async with bench.client() as client:
        session = await client.new_session()
        await client.say(session, "go", key="k", job="J")
    assert bench.cloud.messages == ["go"]


# -- what breaks on the way


async def test_09_tries_of_a_question_are_four(bench: Bench):
    async with bench.client() as client:
        bench.cloud.server.fault(CREDITS, "http", 502, times=3)
        await client.credits()
        assert bench.clock.waits == [1, 2, 4]
        bench.cloud.server.fault(CREDITS, "http", 503, times=9)
        with pytest.raises(ServerTrouble):
            await client.credits()
    assert bench.clock.waits == [1, 2, 4, 1, 2, 4]
    assert len(bench.cloud.asked(CREDITS)) == 8


async def test_09_tries_of_a_session_are_two(bench: Bench):
    bench.cloud.server.fault(SESSION, "http", 500, times=9)
    async with bench.client() as client:
        with pytest.raises(ServerTrouble):
            await client.new_session()
    assert bench.clock.waits == [1]
    assert len(bench.cloud.asked(SESSION)) == 2


async def test_09_tries_of_a_render_are_four_under_one_id(bench: Bench):
    bench.cloud.server.fault(SUBMIT, "refuse", 503, times=9)
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(ServerTrouble):
            await client.submit(session, DRAFT, unit="1", job="J")
    assert bench.clock.waits == [1, 2, 4]
    assert len({json.loads(request.body)["id"] for request in bench.cloud.asked(SUBMIT)}) == 1


async def test_09_tries_of_a_message_that_nobody_can_have_heard_are_two(bench: Bench):
    balance = bench.cloud._credits

    async def last_answer(request, user):
        bench.cloud.server.deafen()
        return await balance(request, user)

    bench.cloud._credits = last_answer
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(ConnectionFailed):
            await client.say(session, "go", key="k", job="J")
    assert bench.clock.waits == [1]
    assert bench.ledger.latest("k").stage is Stage.REFUSED


@pytest.mark.parametrize("where", [RUN, UPLOAD, SUBMIT])
async def test_03_expired_in_the_middle_is_sent_again_once_with_the_new_token(bench: Bench, where):
    bench.cloud.server.fault(where, "refuse", 401)
    async with bench.client() as client:
        session = await client.new_session()
        if where == RUN:
            await client.say(session, "go", key="k", job="J")
        elif where == UPLOAD:
            await client.upload(session, [bench.piece()], job="J")
        else:
            await client.submit(session, DRAFT, unit="1", job="J")
    first, second = bench.cloud.asked(where)
    assert first.headers["authorization"] != second.headers["authorization"]
    assert len(first.body) == len(second.body)
    if where != UPLOAD:  # whose parts are divided by another random word
        assert first.body == second.body
    assert bench.cloud.messages == (["go"] if where == RUN else [])


@pytest.mark.parametrize("code", [429, 1001, 1002])
async def test_09_tries_of_a_message_whose_answer_began_are_one(bench: Bench, code):
    bench.cloud.script = [[adk_text("I began."), event({"code": code, "message": "no more"})]]
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(StreamError):
            await client.say(session, "go", key="k", job="J")
    assert bench.cloud.messages == ["go"]
    assert bench.clock.waits == []


# -- answers that are read either way


@pytest.mark.parametrize("body", [{"token": "nmv_usr_plain"}, {"code": 0, "data": {"token": "nmv_usr_plain"}}])
async def test_01_bootstrap_a_token_without_a_date_lasts_seven_days(bench: Bench, body):
    bench.cloud.tokens["nmv_usr_plain"] = "anon_1"
    bench.cloud.server.fault(NEW_TOKEN, "json", body)
    async with bench.client() as client:
        await client.credits()
        account = await client.account()
    assert account.token == "nmv_usr_plain"
    assert account.expires_at is not None
    assert timedelta(days=6.9) < account.expires_at - now_utc() <= timedelta(days=7)


async def test_10_upload_answers_without_data_are_read(bench: Bench):
    bench.cloud.server.fault(UPLOAD, "json", {"code": 0, "files": [{"cdn_url": "https://c/x.mp4"}]})
    async with bench.client() as client:
        (file,) = await client.upload(await client.new_session(), [bench.piece()], job="J")
    assert file.url == "https://c/x.mp4"


def say(client, session):
    return client.say(session, "go", key="k", job="J")


# -- status 402 has two meanings


@pytest.mark.parametrize("where", ["render", "message"])
@pytest.mark.parametrize(("code", "error"), [(402, ExportBlocked), (2001, OutOfCredits)])
async def test_07_export_blocked_or_out_of_credits_is_told_by_the_body_everywhere(bench: Bench, where, code, error):
    bench.cloud.server.fault(
        SUBMIT if where == "render" else RUN, "refuse", (402, {"code": code, "message": "no"}), times=9
    )
    async with bench.client() as client:
        session = await client.new_session()
        asking = client.render(session, DRAFT, unit="1", job="J") if where == "render" else say(client, session)
        with pytest.raises(error):
            await asking
    assert len(bench.cloud.asked(SUBMIT)) + len(bench.cloud.asked(RUN)) == 1


# -- whose the credits are


def nameless(bench: Bench, *places: str) -> None:
    """A service that does not tell whose the account is at ``places``."""

    def without(response: Response) -> Response:
        body = json.loads(response.body)
        body["data"].pop("user_id", None)
        return answered(body)

    token, begun, state = bench.cloud._token, bench.cloud._new_session, bench.cloud._state
    if "token" in places:
        bench.cloud._token = lambda request: without(token(request))

    async def session(request, user):
        return without(await begun(request, user))

    async def timeline(request, user, sid):
        return without(await state(request, user, sid))

    if "session" in places:
        bench.cloud._new_session = session
    if "state" in places:
        bench.cloud._state = timeline


@pytest.mark.parametrize("places", [("token",), ("token", "session")])
async def test_08_out_of_credits_whose_account_it_is_is_learned_from_wherever_it_is_told(bench: Bench, places):
    nameless(bench, *places)
    async with bench.client() as client:
        await client.credits()
        assert client.more_credits() == "https://nemovideo.com/register"
        assert await client.page_for_more() == "https://nemovideo.com/register?bind=anon_1"
    async with bench.client() as client:
        # And kept: the next process knows it without asking.
        assert client.more_credits() == "https://nemovideo.com/register?bind=anon_1"
        assert await client.page_for_more() == "https://nemovideo.com/register?bind=anon_1"
    assert len(bench.cloud.asked(SESSION)) == 1


async def test_08_out_of_credits_of_an_account_that_nobody_names_has_a_link_without(bench: Bench):
    nameless(bench, "token", "session", "state")
    async with bench.client() as client:
        assert await client.page_for_more() == "https://nemovideo.com/register"
        assert (await client.page_for_more({"bind_id": "anon_7"})).endswith("?bind=anon_7")
    assert len(bench.cloud.asked(SESSION)) == 1
