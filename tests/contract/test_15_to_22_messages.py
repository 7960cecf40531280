"""Behaviours 15 to 22 of the contract, client side: messages, which cost credits, and how their answers end."""

from __future__ import annotations

import json

import pytest
from support.client import Bench
from support.cloud import COST, adk, adk_text, event

from tightfit.cloud.errors import OutOfCredits, StreamDropped, StreamError, StreamTimeout
from tightfit.cloud.listen import Closing
from tightfit.cloud.told import Said, StillWorking

pytestmark = pytest.mark.anyio
RUN, STATE = "POST /run_sse", "GET /api/state"


async def say(bench: Bench, text: str = "add it", **named):
    async with bench.client() as client:
        session = await client.new_session()
        return await client.say(session, text, key="k", job="J", **named)


def texts(bench: Bench) -> list[str]:
    return [said.text for said in bench.said(Said)]


def simple(kind: str, **more) -> bytes:
    return event({"type": kind, **more})


def split(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


# -- 15 happy


async def test_15_happy_the_question_is_exact(bench: Bench):
    assert (await say(bench)).text == "Done."
    (asked,) = bench.cloud.asked(RUN)
    assert json.loads(asked.body) == {
        "app_name": "nemo_agent",
        "user_id": "me",
        "session_id": next(iter(bench.cloud.sessions)),
        "new_message": {"parts": [{"text": "add it"}]},
    }
    assert asked.headers["accept"] == "text/event-stream"
    assert asked.headers["content-type"] == "application/json"


async def test_15_happy_words_in_order_and_nothing_of_the_tools(bench: Bench):
    thought = event({"content": {"parts": [{"text": "secret plan", "thought": True}], "role": "model"}})
    echo = event({"author": "user", "content": {"parts": [{"text": "add it"}], "role": "user"}})
    odd = [b"data: not json\n\n", event({"mood": "good"}), event([1]), event({"type": "later", "content": "x"})]
    bench.cloud.script = [[*adk(tool=True, text="One."), thought, echo, *odd, adk_text("Two.")]]
    assert (await say(bench)).text == "One.\nTwo."
    assert texts(bench) == ["One.", "Two."]


async def test_15_happy_parts_and_then_the_whole_are_said_once(bench: Bench):
    bench.cloud.script = [
        [adk_text("Hel", partial=True), adk_text("lo.", partial=True), adk_text("Hello.")],
    ]
    await say(bench)
    assert texts(bench) == ["Hello."]


async def test_15_happy_parts_without_the_whole_are_said_too(bench: Bench):
    bench.cloud.script = [[adk_text("Hel", partial=True), adk_text("lo.", partial=True)]]
    await say(bench)
    assert texts(bench) == ["Hello."]


@pytest.mark.parametrize("name", ["text", "chunk"])
async def test_15_happy_the_simple_shape(bench: Bench, name):
    bench.cloud.script = [[simple("tool_call", name="x"), simple("tool_result"), simple(name, content="Hi.")]]
    assert (await say(bench)).text == "Hi."


async def test_15_happy_snake_case_is_read_too(bench: Bench):
    call = event({"content": {"parts": [{"function_call": {"name": "x"}}]}})
    error = event({"error_code": "X", "error_message": "broken"})
    bench.cloud.script = [[call, adk_text("Hi.")], [error]]
    assert (await say(bench)).text == "Hi."


async def test_15_happy_lines_and_characters_in_pieces(bench: Bench):
    wire = 'data: {"type": "text",\r\ndata: "content": "标题已添加 🎬."}\r\n\r\n'.encode()
    for size in (1, 2, 3, 7):
        bench.cloud.script = [split(wire, size)]
        bench.told.clear()
        await _again(bench, f"k{size}")
        assert texts(bench) == ["标题已添加 🎬."]


async def _again(bench: Bench, key: str):
    async with bench.client() as client:
        return await client.say(await client.new_session(), "go", key=key, job="J")


async def test_15_happy_control_characters_are_not_for_a_terminal(bench: Bench):
    bench.cloud.script = [[adk_text("A\x1b[31mred\u202e nmv_usr_abc\x07.")]]
    assert (await say(bench)).text == "A[31mred [hidden]"


async def test_15_happy_an_edit_that_lands_after_its_answer_is_waited_for(bench: Bench):
    bench.cloud.run_s = 0.025
    async with bench.client() as client:
        session = await client.new_session()
        await client.say(session, "put it on the timeline", key="k", job="J")
        assert (await client.ready_state(session)).is_ready
    assert len(bench.cloud.messages) == 1


async def test_15_happy_an_edit_that_never_lands_is_not_waited_for_long(bench: Bench):
    bench.cloud.effect = False
    async with bench.client() as client:
        session = await client.new_session()
        await client.say(session, "put it on the timeline", key="k", job="J")
        assert not (await client.ready_state(session)).is_ready
    assert bench.clock.waits[-4:] == [0.0, 2.0, 5.0, 10.0]


async def test_15_happy_the_same_message_under_the_same_key_is_sent_once(bench: Bench):
    async with bench.client() as client:
        session = await client.new_session()
        first = await client.say(session, "go", key="k", job="J")
        assert await client.say(session, "go", key="k", job="J") == first
    assert bench.cloud.messages == ["go"]


# -- 16 heartbeats

HEARTBEATS = [
    b": keep-alive\n\n",
    b"data:\n\n",
    b"event: heartbeat\ndata: {}\n\n",
    b"data: heartbeat\n\n",
    b'data: {"type":"heartbeat"}\n\n',
    b"data: ping\n\n",
    b"event: ping\n\n",
]


@pytest.mark.parametrize("beat", HEARTBEATS)
async def test_16_heartbeats_are_silent(bench: Bench, beat):
    bench.cloud.script = [[beat, beat, adk_text("Done."), beat]]
    assert (await say(bench)).text == "Done."
    assert texts(bench) == ["Done."]


def humming(seconds: float, beat: bytes, scale: float) -> list[bytes | float]:
    """A heartbeat each 15 s."""
    return [item for _ in range(int(seconds / 15)) for item in (beat, 15 * scale)]


async def test_16_heartbeats_every_two_minutes_a_sign_of_life(bench: Bench):
    beat = HEARTBEATS[4]
    bench.cloud.script = [[*humming(300, beat, bench.clock.scale), adk_text("Done.")]]
    await say(bench)
    seconds = [event.seconds for event in bench.said(StillWorking)]
    assert len(seconds) == 2
    assert 120 <= seconds[0] < 160
    assert 240 <= seconds[1] < 280


async def test_16_heartbeats_the_two_minutes_begin_again_with_each_word(bench: Bench):
    hum = humming(90, HEARTBEATS[0], bench.clock.scale)
    bench.cloud.script = [[*hum, adk_text("One."), *hum, adk_text("Two.")]]
    await say(bench)
    assert bench.said(StillWorking) == []


# -- 17 heartbeats only, and caps


async def test_17_heartbeats_only_for_ten_minutes_is_a_timeout(bench: Bench):
    bench.cloud.effect = False
    bench.cloud.script = [humming(5000, HEARTBEATS[0], bench.clock.scale)]
    began = bench.clock.now()
    with pytest.raises(StreamTimeout):
        await say(bench)
    assert bench.clock.now() - began - sum(bench.clock.waits) >= 600
    # At 120, 240, 360 and 480 s, however busy the machine is: the next would be the end.
    assert len(bench.said(StillWorking)) <= 4
    assert bench.cloud.messages == ["add it"]


async def test_17_heartbeats_only_but_work_in_between_goes_on_to_the_cap(bench: Bench):
    tool, hum = adk(tool=True, text=None)[0], humming(300, HEARTBEATS[0], bench.clock.scale)
    bench.cloud.script = [[*hum, tool] * 6]
    began = bench.clock.now()
    outcome = await say(bench)
    assert outcome.closed is Closing.TIMEOUT
    assert outcome.state_changed
    assert bench.clock.now() - began - sum(bench.clock.waits) >= 900
    assert len(bench.said(StillWorking)) <= 7
    assert bench.cloud.messages == ["add it"]


@pytest.mark.parametrize("flood", ["line", "event", "heartbeats"])
async def test_17_caps_hold_against_a_flood(bench: Bench, flood):
    if flood == "line":
        bench.cloud.script = [[b"data: ", *[b"x" * 10_000 for _ in range(40)], b"\n\n"]]
    elif flood == "event":
        bench.cloud.script = [[b"data: " + b"x" * 100_000 + b"\n" for _ in range(20)]]
    else:
        bench.cloud.script = [[b": x\n\n" * 5_000 for _ in range(10)] + [adk_text("Done.")]]
    outcome = await say(bench)
    assert outcome.closed is (Closing.CLEAN if flood == "heartbeats" else Closing.DROPPED)


# -- 18 and 19 silent close


@pytest.mark.parametrize("versions", [True, False])
async def test_18_silent_close_with_a_change_is_told_from_the_timeline(bench: Bench, versions):
    bench.cloud.versions, bench.cloud.silent_edits = versions, True
    outcome = await say(bench)
    assert outcome.closed is Closing.SILENT
    assert outcome.state_changed
    assert texts(bench) == [outcome.text]
    assert "The timeline is empty" in outcome.text
    assert "Now: Timeline (1 track): 1. Video: add it (0-10s)" in outcome.text
    assert bench.clock.waits == [0]


@pytest.mark.parametrize("versions", [True, False])
async def test_19_silent_close_without_a_change_asks_and_does_not_send_again(bench: Bench, versions):
    bench.cloud.versions, bench.cloud.silent_edits, bench.cloud.effect = versions, True, False
    async with bench.client() as client:
        session = await client.new_session()
        # Its URL is signed anew with each look, which is no change.
        await client.upload(session, [bench.piece()], job="J")
        outcome = await client.say(session, "add it", key="k", job="J")
    assert outcome.closed is Closing.SILENT
    assert outcome.state_changed is False
    assert "again, or in other words?" in outcome.text
    assert bench.clock.waits == [0, 2, 5, 10]
    assert bench.cloud.messages == ["add it"]


# -- 20 drops

DROPS = ["fin_after", "rst_after", "stall"]


@pytest.mark.parametrize("action", DROPS)
@pytest.mark.parametrize("at", [0, 100])
async def test_20_drop_is_looked_up_and_not_sent_again(bench: Bench, action, at):
    bench.cloud.run_s = 0.1  # the run goes on without us, longer than the answer
    bench.cloud.server.fault(RUN, action, at)
    outcome = await say(bench)
    assert outcome.closed is Closing.DROPPED
    assert outcome.state_changed
    assert bench.clock.waits[:2] == [30, 60][: len(bench.clock.waits)]
    assert bench.cloud.messages == ["add it"]
    assert (bench.cloud.available, bench.cloud.frozen) == (100 - COST, 0)


async def test_20_drop_keeps_what_was_said(bench: Bench):
    bench.cloud.script = [[adk_text("I began."), *adk(tool=True, text="never heard")]]
    bench.cloud.server.fault(RUN, "rst_after", len(adk_text("I began.")) + 20)
    outcome = await say(bench)
    assert outcome.text.startswith("I began.\nDone.")


async def test_20_drop_without_any_change_is_told_after_five_looks(bench: Bench):
    bench.cloud.effect = False
    bench.cloud.server.fault(RUN, "rst_after", 50)
    with pytest.raises(StreamDropped, match="not sent again"):
        await say(bench)
    assert bench.clock.waits == [30, 60, 60, 60, 60]
    assert bench.cloud.messages == ["add it"]
    # And under its key it never will be.
    with pytest.raises(StreamDropped):
        await _again(bench, "k")
    assert bench.cloud.messages == ["add it"]


async def test_20_drop_before_any_answer_is_not_sent_again(bench: Bench):
    bench.cloud.server.fault(RUN, "lost")
    assert (await say(bench)).state_changed
    assert bench.cloud.messages == ["add it"]


@pytest.mark.parametrize("status", [500, 502, 503, 200])
async def test_20_drop_an_answer_that_is_none_is_looked_up(bench: Bench, status):
    bench.cloud.server.fault(RUN, "http", status)
    if status == 200:
        bench.cloud.server.faults[:] = []
        bench.cloud.server.fault(RUN, "json", {"code": 0, "data": {}})
    assert (await say(bench)).state_changed
    assert bench.cloud.messages == ["add it"]


async def test_20_drop_an_unframed_end_with_words_is_delivered_and_verified(bench: Bench):
    bench.cloud.script = [[adk_text("Done.")]]
    bench.cloud.server.fault(RUN, "unframed")
    outcome = await say(bench)
    assert (outcome.text, outcome.closed, outcome.state_changed) == ("Done.", Closing.CLEAN, True)


async def test_20_drop_an_unframed_end_without_words_is_a_silent_close(bench: Bench):
    bench.cloud.script = [adk(tool=True, text=None)[:1]]
    bench.cloud.server.fault(RUN, "unframed")
    assert (await say(bench)).closed is Closing.SILENT


async def test_20_drop_looks_that_fail_are_looks(bench: Bench):
    bench.cloud.server.fault(RUN, "rst_after", 50)
    bench.cloud.server.fault(STATE, "http", 502, nth=2, times=5)
    assert (await say(bench)).state_changed


# -- 21 errors in the stream


@pytest.mark.parametrize(
    "wire",
    [
        event({"error": "ValueError: broken"}),
        event({"errorCode": "X", "errorMessage": "broken"}),
        simple("error", message="broken"),
        event({"code": 5000, "message": "broken"}),
        b'event: error\ndata: {"message": "broken"}\n\n',
    ],
)
async def test_21_error_in_the_stream_is_typed(bench: Bench, wire):
    bench.cloud.script = [[adk_text("I began."), wire, adk_text("never")]]
    with pytest.raises(StreamError, match="broken") as told:
        await say(bench)
    assert told.value.text == "I began."
    assert bench.cloud.messages == ["add it"]


async def test_21_error_in_the_stream_with_a_code_of_its_own(bench: Bench):
    bench.cloud.script = [[event({"code": 2001, "message": "empty"})]]
    with pytest.raises(OutOfCredits):
        await say(bench)


async def test_21_error_a_stumble_after_an_answer_means_nothing(bench: Bench):
    stumble = adk_text("I encountered a temporary issue. Please try again.")
    bench.cloud.script = [[adk_text("Title added."), stumble], [stumble]]
    assert (await say(bench)).text == "Title added."
    assert "temporary issue" in (await _again(bench, "k2")).text


# -- 22 one run per session


async def test_22_busy_session_is_looked_at_and_nothing_sent_again(bench: Bench):
    bench.cloud.server.fault(RUN, "refuse", 409, times=9)
    outcome = await say(bench)
    assert outcome.state_changed is False
    assert bench.clock.waits == [30, 60, 60, 60, 60]
    assert bench.cloud.messages == []
    assert len(bench.cloud.asked(RUN)) == 1


async def test_22_busy_session_whose_other_message_ends_is_told_so(bench: Bench):
    bench.cloud.server.fault(RUN, "refuse", (409, {"code": 409, "message": "busy", "data": {"run_id": "r"}}), nth=2)
    async with bench.client() as client:
        session, other = await client.new_session(), bench.cloud
        await client.say(session, "first", key="a", job="J")
        other.sessions[session.id].clips.clear()
        look = other._state

        async def later(request, user, sid):
            # What the other message does shows at the second look after the refusal.
            if len(other.asked(RUN)) == 2 and bench.clock.waits[-1:] == [60]:
                other.sessions[sid].clips.append({"id": "c", "s": 0, "d": 10000, "m": {"name": "theirs"}})
                other.sessions[sid].version += 1
                other._state = look
            return await look(request, user, sid)

        other._state = later
        outcome = await client.say(session, "second", key="b", job="J")
    assert outcome.state_changed
    assert "theirs" in outcome.text
    assert bench.clock.waits == [30, 60]
    assert other.messages == ["first"]
