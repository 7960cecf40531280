"""Jobs by their events: only legal histories exist, and what a job is follows from its history alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.job import TRANSITIONS, Event, JobRecord, Kind, State, after, replay
from tightfit.errors import IllegalTransition

DATA = {
    Kind.SUBMITTED: {"source": "/clips/a.mp4"},
    Kind.STARTED: {"pid": 1, "content": "abc"},
    Kind.RESTARTED: {"scale": "2/3", "seen": [], "restarts": 1},
    Kind.MADE: {"segment": 0, "parts": []},
    Kind.PUBLISHING: {"output": "/clips/b.mp4"},
    Kind.FAILED: {"code": 6, "message": "The disk is full.", "may_resume": True},
}


def event(kind: Kind) -> Event:
    return Event(kind, DATA.get(kind, {}))


def legal_histories() -> st.SearchStrategy[list[Kind]]:
    @st.composite
    def draw(pick):
        state, history = None, []
        for _ in range(pick(st.integers(1, 20))):
            kinds = [kind for (before, kind) in TRANSITIONS if before == state]
            if not kinds:
                break
            kind = pick(st.sampled_from(kinds))
            history.append(kind)
            state = TRANSITIONS[state, kind]
        return history

    return draw()


@given(legal_histories())
def test_every_legal_history_replays_to_the_state_of_its_last_transition(history):
    record = replay("J", map(event, history))
    state = None
    for kind in history:
        state = TRANSITIONS[state, kind]
    assert record.state == state


@given(legal_histories(), st.sampled_from(list(Kind)))
def test_an_illegal_event_is_refused_and_changes_nothing(history, kind):
    record = replay("J", map(event, history))
    if (record.state, kind) in TRANSITIONS:
        return
    with pytest.raises(IllegalTransition):
        after(record, event(kind))
    assert record == replay("J", map(event, history))


@given(legal_histories())
def test_what_is_finished_stays_finished(history):
    record = replay("J", map(event, history))
    if record.state in (State.DONE, State.CANCELLED):
        assert not record.is_unfinished
        assert all((record.state, kind) not in TRANSITIONS for kind in Kind)


def test_a_restart_makes_the_pieces_before_it_void():
    before = replay("J", map(event, [Kind.SUBMITTED, Kind.STARTED, Kind.MADE, Kind.MADE]))
    assert before.pieces == 2
    assert after(before, event(Kind.RESTARTED)).pieces == 0


def test_a_killed_job_keeps_its_pieces_when_it_is_taken_up_again():
    history = [Kind.SUBMITTED, Kind.STARTED, Kind.MADE, Kind.STARTED, Kind.MADE]
    assert replay("J", map(event, history)).pieces == 2


@pytest.mark.parametrize(("may_resume", "unfinished"), [(True, True), (False, False)])
def test_a_failed_job_is_unfinished_where_going_on_may_help(may_resume, unfinished):
    record = replay("J", map(event, [Kind.SUBMITTED, Kind.STARTED]))
    failed = after(record, Event(Kind.FAILED, {"message": "x", "may_resume": may_resume}))
    assert failed.is_unfinished is unfinished
    assert failed.reason == "x"


def test_the_source_is_the_one_that_was_first_read():
    events = [event(Kind.SUBMITTED), event(Kind.STARTED), Event(Kind.STARTED, {"pid": 2, "content": "other"})]
    assert replay("J", events).content == "abc"
    assert JobRecord("J").content == ""


def test_each_event_leaves_exactly_its_own_traces():
    record = JobRecord("J")
    told = [
        (Event(Kind.SUBMITTED, {"source": "/a"}, 1.0), {"state": State.SUBMITTED, "request": {"source": "/a"}}),
        (Event(Kind.STARTED, {"content": "abc"}, 2.0), {"state": State.RUNNING, "content": "abc", "reason": ""}),
        (Event(Kind.MADE, {"segment": 0}, 3.0), {"pieces": 1}),
        (Event(Kind.MADE, {"segment": 1}, 4.0), {"pieces": 2}),
        (Event(Kind.FAILED, {"message": "odd", "may_resume": True}, 5.0), {"reason": "odd", "may_resume": True}),
        (Event(Kind.STARTED, {"content": "other"}, 6.0), {"content": "abc", "reason": "", "pieces": 2}),
        (Event(Kind.RESTARTED, {"scale": "1"}, 7.0), {"pieces": 0}),
        (Event(Kind.PUBLISHING, {"output": "/b"}, 8.0), {"publishing": {"output": "/b"}}),
        (Event(Kind.PUBLISHED, {}, 9.0), {"state": State.DONE, "changed_at": 9.0}),
    ]
    for event_, expected in told:
        record = after(record, event_)
        assert {name: getattr(record, name) for name in expected} == expected
        assert (record.id, record.submitted_at, record.changed_at) == ("J", 1.0, event_.at)
    assert record.request == {"source": "/a"}
    assert [made.kind for made in record.work] == [Kind.RESTARTED]


def test_events_without_facts_leave_none():
    record = after(after(JobRecord("J"), Event(Kind.SUBMITTED, {})), Event(Kind.STARTED, {}))
    assert record.content == ""
    assert after(record, Event(Kind.FAILED, {"may_resume": 0})).reason == ""
    assert after(record, Event(Kind.FAILED, {"may_resume": 0})).may_resume is False


@pytest.mark.parametrize(("record", "now"), [(JobRecord("J"), "unknown"), (JobRecord("J", State.DONE), "done")])
def test_what_can_not_happen_is_told_in_a_sentence(record: JobRecord, now: str):
    with pytest.raises(IllegalTransition) as caught:
        after(record, Event(Kind.PUBLISHED, {}))
    assert caught.value.message == f"Job J is {now}; it can't become published."
    assert caught.value.hint == "Run tightfit jobs show with its id, and please report this."
