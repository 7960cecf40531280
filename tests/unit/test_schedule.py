"""Whatever the cloud does, every segment is made once, in bounded time and for no more than was allowed."""

from __future__ import annotations

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.scripted_cloud import CRASH, HANG, Act, Notes, ScriptedEncoder, play, session

from benchmarks import virtual_time
from tightfit.domain.board import Board
from tightfit.domain.breaker import FailureKind
from tightfit.domain.places import Lane, Preference, Rules, Work
from tightfit.domain.schedule import decide
from tightfit.domain.speeds import Rate, Speeds
from tightfit.engine.schedule import Hooks, run
from tightfit.errors import EncoderError, NoPlaceLeft

# Everything that can go wrong, as often as all that can go right.
outcomes = st.one_of(st.none(), st.sampled_from([*FailureKind, HANG, CRASH]))
acts = st.builds(Act, st.floats(0.0, 60.0), outcomes, st.sampled_from([0.0, 30.0, 200.0]))
scripts = st.lists(st.lists(acts, max_size=12), max_size=4)
works = st.lists(
    st.tuples(st.integers(1, 300), st.integers(0, 10_000_000), st.integers(0, 5), st.booleans()),
    min_size=1,
    max_size=14,
).map(
    lambda rows: [Work(i, frames, size, size // 4, credits, go) for i, (frames, size, credits, go) in enumerate(rows)]
)
ceilings = st.one_of(st.none(), st.integers(0, 20))


def played(todo, local_lanes, scripts, rules=None):
    notes = Notes()
    report = virtual_time.run(play, todo, local_lanes, scripts, rules or Rules(), notes)
    return notes, report


def indices(todo):
    return [work.index for work in todo]


@settings(max_examples=100, deadline=None)
@given(works, st.integers(1, 4), scripts, ceilings, st.sampled_from(Preference))
def test_every_segment_is_made_once_whatever_the_cloud_does(todo, lanes, scripts, ceiling, preference):
    notes, report = played(todo, lanes, scripts, Rules(preference, ceiling))
    assert sorted(f.work.index for f in notes.finished) == indices(todo)
    assert all(f.value == f"{'local' if f.lane.is_local else 'cloud'} {f.work.index}" for f in notes.finished)
    assert report.local + report.cloud == len(todo)
    assert not notes.now, "somebody is still at work"
    assert ceiling is None or notes.spent <= report.credits <= ceiling
    assert all(notes.encodes.count(i) <= 1 for i in indices(todo)), "this machine did one twice"
    assert not set(notes.renders) & {work.index for work in todo if not work.travels}


@settings(max_examples=100, deadline=None)
@given(works, st.integers(1, 4), scripts)
def test_the_cloud_never_costs_more_time_than_a_list_schedule_without_it(todo, lanes, scripts):
    notes, _ = played(todo, lanes, scripts)
    seconds = [work.frames / 10 for work in todo]
    assert notes.end <= sum(seconds) / lanes + (1 - 1 / lanes) * max(seconds) + 1e-6


@settings(max_examples=60, deadline=None)
@given(works, scripts.filter(bool), ceilings)
def test_without_this_machine_it_ends_with_all_segments_or_with_a_reason(todo, scripts, ceiling):
    notes, reason = Notes(), ""
    try:
        virtual_time.run(play, todo, 0, scripts, Rules(Preference.CLOUD, ceiling), notes)
    except NoPlaceLeft as exc:
        reason = str(exc)
    made = sorted(f.work.index for f in notes.finished)
    assert (f"{len(todo) - len(made)} of {len(todo)} segments" in reason) if reason else (made == indices(todo))
    assert ceiling is None or notes.spent <= ceiling
    assert not notes.now


def ten(frames=100, **facts):
    return [Work(i, frames, 1_000_000, 100_000, **facts) for i in range(10)]


def test_alone_it_takes_segments_in_their_order_and_each_lane_one_after_another():
    notes, report = played(ten(), 2, [])
    assert notes.encodes == list(range(10))
    assert notes.end == pytest.approx(50.0)
    assert (report.local, report.cloud, report.attempts) == (10, 0, 10)


def test_a_fast_cloud_shares_the_work():
    notes, report = played(ten(), 1, [[], []])
    assert report.cloud >= 7
    assert notes.end < 30


def test_upload_of_the_next_overlaps_render_of_the_one_before():
    # Upload and render take 10 s each: one after the other ten would take 210 s, overlapping 120 s.
    script = {"upload": [Act(10.0)] * 10, "render": [Act(10.0)] * 10}
    notes, _ = played(ten(), 0, [script], Rules(Preference.CLOUD))
    assert notes.end < 150


def test_an_idle_core_does_the_slowest_cloud_segment_and_the_loser_is_ended():
    # No render ever comes back.
    notes, report = played(ten(), 1, [{"render": [Act(1.0, HANG)] * 10}])
    assert report.local == 10
    assert notes.end == pytest.approx(100.0, abs=0.1)
    assert any(f.raced for f in notes.finished)


def test_the_cloud_takes_over_what_a_core_is_slow_at():
    todo = [Work(0, 3000, 1_000_000, 100_000), *ten()[1:]]
    notes, _ = played(todo, 1, [[], []])
    assert {f.work.index: f.lane.is_local for f in notes.finished}[0] is False
    assert notes.end < 100


def test_what_a_core_is_slow_at_is_taken_over_while_others_still_wait():
    # The long one takes 100 s here and 25 s there, the others 10 s and 7 s.
    core, one = Lane("core", True), Lane("session", False)
    todo = [Work(0, 1000, 1_000_000, 100_000), *ten()[1:4]]
    board = Board(todo, [core, one], Speeds(local=Rate(1000.0, 100.0), render=Rate(5000.0, 100.0)))
    board.is_proven = True
    board.begin(todo[0], core, 0.0)
    [sent] = decide(board, 1.0)
    assert (sent.lane, sent.work) == (one, todo[0])


def test_until_the_cloud_has_proven_itself_this_machine_makes_what_it_would_make_alone():
    # The cloud has two of them at any time, and never answers.
    notes, _ = played(ten(), 2, [{"upload": [Act(1e6)] * 10}] * 2)
    assert notes.encodes == list(range(10))
    assert notes.end == pytest.approx(50.0)


@pytest.mark.parametrize("kind", [FailureKind.CREDITS_OUT, FailureKind.EXPORT_BLOCKED, FailureKind.TOKEN_EXPIRED])
def test_what_no_second_try_can_mend_ends_the_cloud_at_once_and_is_told_once(kind):
    notes, report = played(ten(), 1, [{"render": [Act(1.0, kind)]}, {"upload": [Act(5.0)] * 9}])
    assert report.local + report.cloud == 10
    assert len(notes.said) == 1
    assert notes.said[0] == f"The rest is made on this machine: it said {kind}."
    assert len(notes.uploads) <= 4, "nothing more is sent"


def test_a_rate_limit_pauses_the_cloud_as_long_as_it_says():
    script = {"upload": [Act(1.0, FailureKind.RATE_LIMITED, retry_after_s=40.0)]}
    notes, report = played(ten(), 1, [script])
    assert report.cloud > 0, "it is asked again"
    assert notes.said == ["The cloud gets nothing for a while: it said rate_limited."]
    assert len(report.failures) == 1


def test_a_wrong_result_costs_only_its_segment():
    script = {"download": [Act(1.0, FailureKind.WRONG_OUTPUT)]}
    notes, report = played(ten(), 1, [script])
    wrong = notes.renders[0]
    assert {f.work.index: f.lane.is_local for f in notes.finished}[wrong] is True
    assert notes.renders.count(wrong) == 1
    assert report.cloud > 0
    assert notes.said == [f"Segment {wrong + 1} is made on this machine: it said wrong_output."]


def test_asked_for_the_cloud_this_machine_only_does_what_the_cloud_did_not():
    script = {"download": [Act(1.0, FailureKind.REFUSED)]}
    notes, report = played(ten(), 2, [script], Rules(Preference.CLOUD))
    assert notes.encodes == [notes.renders[0]]
    assert report.cloud == 9


def test_the_ceiling_on_credits_is_told_and_kept():
    notes, report = played(ten(credits=10), 1, [[], []], Rules(max_credits=35))
    assert notes.spent == 30 == report.credits
    assert "The rest is made on this machine: more would cost over 35 credits." in notes.said


def test_silence_ends_at_last_where_nobody_else_can_do_it():
    with pytest.raises(NoPlaceLeft, match="took more than") as caught:
        played(ten(), 0, [{"render": [Act(1.0, HANG)] * 9}], Rules(Preference.CLOUD))
    assert caught.value.code == 5


async def without_a_journal(hook_error: Exception | None, notes: Notes) -> None:
    async def disk_full(_work: Work, _lane: Lane) -> None:
        assert hook_error is not None
        raise hook_error

    encoder = ScriptedEncoder(Lane("core", True), notes, lambda _: 100.0)
    hooks = Hooks(notes.finished.append, disk_full) if hook_error else Hooks(notes.finished.append)
    await run(ten(), [encoder], [session("session", notes, [])], hooks)


@pytest.mark.parametrize("error", [OSError("no space left on device"), None])
def test_where_a_payment_can_not_be_journalled_the_run_ends_before_it(error):
    notes = Notes()
    with pytest.raises((OSError, BaseExceptionGroup)) as caught:
        virtual_time.run(without_a_journal, error, notes)
    assert caught.value is error if error else caught.group_contains(RuntimeError, match="before_paid")
    assert notes.uploads
    assert not notes.renders
    assert not notes.now


def test_an_encoder_that_fails_ends_the_run_with_its_own_error():
    notes = Notes()

    def fail(work: Work) -> float:
        raise EncoderError(f"ffmpeg failed on segment {work.index}")

    with pytest.raises(EncoderError, match="segment 0"):
        virtual_time.run(play, ten(), 1, [[]], Rules(), notes, fail)
    assert not notes.now


def test_cancelling_ends_every_place():
    notes = Notes()

    async def main():
        with anyio.move_on_after(3.5) as scope:
            await play(ten(), 2, [[], []], Rules(), notes)
        assert scope.cancelled_caught
        assert anyio.current_time() == pytest.approx(3.5)

    virtual_time.run(main)
    assert not notes.now
    assert notes.encodes, "it had begun"


def test_two_segments_of_one_index_are_refused():
    with pytest.raises(ValueError, match="same index"):
        played([Work(1, 10), Work(1, 20)], 1, [])
