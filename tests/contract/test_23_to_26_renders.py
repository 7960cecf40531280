"""Behaviours 23 to 26 of the contract, client side: the timeline and renders."""

from __future__ import annotations

import json

import pytest
from support.client import Bench, rendered

from tightfit.cloud.errors import (
    Conflict,
    NotReady,
    RenderFailed,
    RenderStillRunning,
)
from tightfit.cloud.ledger import Stage
from tightfit.cloud.models import RenderStatus
from tightfit.cloud.state import state_of, summary
from tightfit.cloud.told import Rendering

pytestmark = pytest.mark.anyio
SUBMIT, POLL = "POST /api/render", "GET /api/render/proxy/lambda/"
DRAFT = {"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000}]}]}
EXAMPLE = {
    "v": 1,
    "d": 10000,
    "t": [
        {"tt": 0, "sg": [{"s": 0, "d": 10000, "src": "asset://f_1", "vol": 1.0, "m": {"name": "city timelapse"}}]},
        {"tt": 1, "m": {"role": "bgm"}, "sg": [{"s": 0, "d": 10000, "vol": 0.35, "m": {"name": "Lo-fi"}}]},
        {"tt": 7, "sg": [{"s": 0, "d": 3000, "tx": "Urban Dreams"}]},
    ],
}


# -- 23 state and draft


@pytest.mark.parametrize(
    "body",
    [
        {"code": 0, "data": {"state": {"draft": DRAFT, "video_infos": [1]}}},
        {"code": 0, "data": {"draft": DRAFT, "video_infos": [1]}},
        {"state": {"draft": DRAFT, "video_infos": [1]}},
        {"draft": DRAFT, "video_infos": [1]},
        {"data": {"state": {"draft": json.dumps(DRAFT)}, "video_infos": [1]}},
    ],
)
def test_23_draft_is_found_at_any_depth(body):
    state = state_of(body)
    assert state.draft == DRAFT
    assert state.video_infos == [1]
    assert state.is_ready


@pytest.mark.parametrize(
    "draft", [None, {}, {"t": []}, {"t": [{"tt": 0, "sg": []}]}, {"t": "x"}, [], "null", {"t": [3]}]
)
async def test_23_draft_with_nothing_in_it_stops_before_any_request(bench: Bench, draft):
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(NotReady):
            await client.submit(session, draft, unit="1", job="J")
    assert not bench.cloud.asked(SUBMIT)


async def test_23_draft_is_posted_back_as_it_came(bench: Bench):
    odd = {**DRAFT, "zz": {"deep": [1, 2.5, None, "é"]}, "t": [*DRAFT["t"], {"tt": 99, "sg": [], "new": True}]}
    async with bench.client() as client:
        session = await client.new_session()
        bench.cloud.server.fault("GET /api/state", "json", {"code": 0, "data": {"state": {"draft": odd}}})
        await client.submit(session, (await client.state(session)).draft, unit="1", job="J")
    assert json.loads(bench.cloud.asked(SUBMIT)[0].body)["draft"] == odd


def test_23_draft_in_a_line():
    assert summary(EXAMPLE) == (
        "Timeline (3 tracks): 1. Video: city timelapse (0-10s) 2. BGM: Lo-fi (0-10s, 35%) "
        '3. Title: "Urban Dreams" (0-3s)'
    )


@pytest.mark.parametrize(
    ("track", "said"),
    [
        ({"tt": 0, "sg": [{"src": "https://c/beach.mp4?sig=1", "s": 0, "d": 1500}]}, "Video: beach.mp4 (0-1.5s)"),
        ({"tt": 0, "sg": [{}]}, "Video: clip"),
        ({"tt": 0, "sg": [{"src": "http://[::1"}]}, "Video: [::1"),
        ({"tt": 42, "sg": [{"m": {"name": "x"}}]}, "Track(type 42): x"),
        (
            {"type": 1, "m": {"role": "voice"}, "segments": [{"name": "me", "start": 0, "out": 2000}]},
            "Voice: me (0-2s)",
        ),
        ({"tt": 1, "sg": [{"volume": 50, "s": 0, "d": 1000}]}, "BGM: clip (0-1s, 50%)"),
        ({"tt": 7, "m": {"role": "subtitle"}, "sg": [{"text": "a\x1b[0m"}]}, 'Subtitle: "a[0m"'),
    ],
)
def test_23_draft_with_pieces_missing_is_still_told(track, said):
    assert summary({"t": [track]}) == f"Timeline (1 track): 1. {said}"


# -- 24 render


async def test_24_render_the_question_is_exact_and_polled_each_30_s(bench: Bench):
    bench.cloud.polls_to_end = 3
    async with bench.client() as client:
        job = await rendered(client)
    body = json.loads(bench.cloud.asked(SUBMIT)[0].body)
    assert body == {
        "id": "render_J_1_1",
        "sessionId": next(iter(bench.cloud.sessions)),
        "draft": body["draft"],
        "output": {"format": "mp4", "quality": "high"},
    }
    assert bench.clock.waits == [30, 30, 30]
    assert job.status is RenderStatus.COMPLETED
    assert [event.text for event in bench.said(Rendering)] == [
        "⏳ Rendering ~30s",
        "⏳ 10%",
        "⏳ 20%",
        "✅ Video ready!",
    ]


async def test_24_render_at_our_own_server_is_polled_with_growing_waits(bench: Bench):
    bench.cloud.ours, bench.cloud.polls_to_end = True, 8
    async with bench.client() as client:
        await rendered(client)
        assert (await client.features()).features >= {"encode", "sha256"}
    assert bench.clock.waits == [2, 3, 4.5, 6.75, 10.125, 15, 15, 15]


@pytest.mark.parametrize("shape", ["top", "data", "both"])
async def test_24_render_answers_of_both_forms(bench: Bench, shape):
    bench.cloud.render_shape = shape
    async with bench.client() as client:
        job = await rendered(client)
        assert job.output
        assert job.output.url
        await client.download(job, bench.folder / "out.mp4")


@pytest.mark.parametrize(("action", "arg"), [("http", 502), ("lost", 0), ("code", 429), ("http", 408), ("http", 200)])
async def test_24_render_one_poll_that_fails_is_not_the_end(bench: Bench, action, arg):
    bench.cloud.server.fault(POLL, action, arg)
    async with bench.client() as client:
        job = await rendered(client)
    assert job.status is RenderStatus.COMPLETED
    assert len(bench.cloud.renders) == 1


@pytest.mark.parametrize("word", ["queued", "warming-up", "", None, 7])
async def test_24_render_with_a_word_nobody_knows_is_waited_for(bench: Bench, word):
    bench.cloud.server.fault(POLL, "json", {"code": 0, "status": word})
    async with bench.client() as client:
        assert (await rendered(client)).status is RenderStatus.COMPLETED


async def test_24_render_not_done_after_ten_polls_is_still_running(bench: Bench):
    bench.cloud.polls_to_end = 12
    async with bench.client() as client:
        with pytest.raises(RenderStillRunning) as told:
            await rendered(client)
        assert len(bench.cloud.asked(POLL)) == 10
        job = await client.wait(told.value.render_id)
    assert job.status is RenderStatus.COMPLETED
    assert len(bench.cloud.renders) == 1


async def test_24_render_at_our_own_server_is_waited_for_as_long_as_it_makes_progress(bench: Bench):
    bench.cloud.ours, bench.cloud.polls_to_end = True, 40
    async with bench.client() as client:
        with pytest.raises(RenderStillRunning):
            # Its progress stands at 99 % from the tenth poll on.
            await rendered(client)
    assert 300 <= sum(bench.clock.waits[10:]) < 320
    assert sum(bench.clock.waits) > 400


async def test_24_render_done_without_a_place_is_polled_twice_more_and_fetched_directly(bench: Bench):
    bench.cloud.server.fault(POLL, "json", {"code": 0, "status": "completed"}, times=99)
    async with bench.client() as client:
        job = await rendered(client)
        assert len(bench.cloud.asked(POLL)) == 3
        bench.cloud.renders[job.id].status = "completed"
        await client.download(job, bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == bench.cloud.file


# -- 25 failed, duplicate


async def test_25_failed_render_is_begun_once_more_under_a_new_id(bench: Bench):
    bench.cloud.failing_renders = 1
    async with bench.client() as client:
        await rendered(client)
    assert list(bench.cloud.renders) == ["render_J_1_1", "render_J_1_2"]


async def test_25_failed_render_twice_is_told_in_the_services_words(bench: Bench):
    bench.cloud.failing_renders = 9
    async with bench.client() as client:
        with pytest.raises(RenderFailed, match="encoder fell over"):
            await rendered(client)
        assert client.open_calls() == []
    assert len(bench.cloud.renders) == 2


@pytest.mark.parametrize("action", ["lost", "http", "fin_after", "rst_after", "deaf"])
async def test_25_submit_that_breaks_is_repeated_with_the_same_id(bench: Bench, action):
    bench.cloud.server.fault(SUBMIT, action, 503 if action == "http" else 0)
    async with bench.client() as client:
        await rendered(client)
    assert bench.cloud.executions == {"render_J_1_1": 1}


async def test_25_duplicate_that_the_service_knows_is_ours(bench: Bench):
    bench.cloud.server.fault(SUBMIT, "lost")
    bench.cloud.server.fault(SUBMIT, "json", {"code": 409, "message": "duplicate"}, nth=2)
    async with bench.client() as client:
        await rendered(client)
    assert bench.cloud.executions == {"render_J_1_1": 1}


async def test_25_duplicate_that_the_service_does_not_know_is_told_and_a_new_id_works(bench: Bench):
    bench.cloud.server.fault(SUBMIT, "refuse", 409)
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(Conflict):
            await client.submit(session, DRAFT, unit="1", job="J")
        assert await client.submit(session, DRAFT, unit="1", job="J") == "render_J_1_2"


async def test_25_other_content_under_the_same_name_ends_the_render_before(bench: Bench):
    async with bench.client() as client:
        session = await client.new_session()
        first = await client.submit(session, DRAFT, unit="1", job="J")
        second = await client.submit(session, DRAFT, {"format": "mp4", "quality": "low"}, unit="1", job="J")
    assert (first, second) == ("render_J_1_1", "render_J_1_2")
    assert bench.cloud.renders[first].status == "cancelled"


async def test_25_cancel_of_what_has_ended_is_no_error(bench: Bench):
    async with bench.client() as client:
        job = await rendered(client)
        await client.cancel(job.id)
        await client.cancel("render_never")
        session = await client.new_session()
        await client.submit(session, DRAFT, unit="2", job="J")
        assert await client.abandon("J") == 1
        assert client.open_calls() == []
    assert bench.cloud.running == []


# -- 26 orphan


async def test_26_orphan_is_found_by_the_next_process_without_another_submit(bench: Bench):
    async with bench.client() as client:
        session = await client.new_session()
        await client.submit(session, DRAFT, unit="1", job="J")
    async with bench.client() as client:
        (entry,) = client.open_calls("J")
        assert entry.stage is Stage.ACCEPTED
        job = await client.render(session, DRAFT, unit="1", job="J")
    assert job.status is RenderStatus.COMPLETED
    assert len(bench.cloud.asked(SUBMIT)) == 1


@pytest.mark.parametrize("arrived", [True, False])
async def test_26_orphan_whose_process_died_in_the_submit_is_looked_up(bench: Bench, arrived):
    async with bench.client() as client:
        session = await client.new_session()
        # The intent stands in the journal when the request arrives, and then the process is gone.
        bench.cloud.server.fault(SUBMIT, "lost" if arrived else "deaf", times=4)
        with pytest.raises(Exception, match=r"127\.0\.0\.1"):
            await client.submit(session, DRAFT, unit="1", job="J")
        (entry,) = client.open_calls()
        assert entry.stage is Stage.INTENDED
    async with bench.client() as client:
        await client.render(session, DRAFT, unit="1", job="J")
    assert bench.cloud.executions == {"render_J_1_1": 1}
    assert client.open_calls() == []


async def test_26_orphan_the_intent_is_written_before_the_socket_is_opened(bench: Bench):
    seen: list[str] = []
    submit, run = bench.cloud._submit, bench.cloud._run

    def watching(handler):
        async def handle(request, user):
            seen.extend(f"{e.call}:{e.stage}" for e in bench.ledger.open_calls())
            return await handler(request, user)

        return handle

    bench.cloud._submit, bench.cloud._run = watching(submit), watching(run)
    async with bench.client() as client:
        await rendered(client)
    assert seen == ["message:intended", "render:intended"]
