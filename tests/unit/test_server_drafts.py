"""What a draft may ask for, where a render may go, and what the agent makes of words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.draft import InvalidDraft, cut_of
from tightfit.domain.render_job import INTERRUPTED, MOST_ATTEMPTS, RenderState, moved
from tightfit.domain.request import Resolution
from tightfit.errors import IllegalTransition
from tightfit.server.accounts import Accounts
from tightfit.server.agent import Seen, SizeAgent
from tightfit.server.config import ServerSettings
from tightfit.server.render_rows import OtherBody, Renders
from tightfit.server.render_spec import work_of
from tightfit.server.store import Store
from tightfit.server.wire import RenderOutput

FACTS = {
    "file_id": "f_1",
    "filename": "my.clip.mp4",
    "file_type": "video",
    "duration": 10.0,
    "width": 1920,
    "height": 1080,
    "fps": 25.0,
}


def draft(**segment: Any) -> dict[str, Any]:
    shown = {"id": "c1", "k": "video", "s": 0, "d": 10000, "src": "asset://f_1", "ti": 0, "to": 10000, **segment}
    return {"v": 1, "d": 10000, "m": {"width": 1920, "height": 1080}, "t": [{"id": "v1", "tt": 0, "sg": [shown]}]}


def test_a_draft_is_read_with_its_trim_and_target():
    asked = draft(ti=2000, to=5000, d=3000)
    asked["m"]["target_bytes"] = 5_000_000
    cut = cut_of(asked)
    assert (cut.asset, cut.start_ms, cut.end_ms, cut.target_bytes) == ("f_1", 2000, 5000, 5_000_000)


def test_aliases_and_unknown_keys_are_read():
    segment = {"url": "asset://f_1", "source-start": 1000, "source-end": 2000, "start": 0, "duration": 1000, "new": [1]}
    cut = cut_of({"tracks": [{"type": 0, "segments": [segment]}, {"tt": 99, "sg": [{"s": 0, "d": 1}]}], "x": 1})
    assert (cut.asset, cut.start_ms, cut.end_ms) == ("f_1", 1000, 2000)


SECOND = {"id": "c2", "s": 10000, "d": 1, "src": "asset://f_1"}


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        {},
        {"t": {}},
        {"t": [1]},
        {"t": [{"tt": 0, "sg": [1]}]},
        {"t": [{"tt": 0, "sg": []}] * 101},
        {"t": [{"tt": 0, "sg": [{"s": 0, "d": 0}] * 5001}]},
        {"t": [{"tt": 0, "sg": [draft()["t"][0]["sg"][0], SECOND]}]},
        {"t": [*draft()["t"], {"tt": 7, "sg": [{"s": 0, "d": 1000, "tx": "hi"}]}]},
        {"t": [*draft()["t"], {"tt": 1, "sg": [{"s": 0, "d": 1000, "src": "asset://f_2"}]}]},
        draft(s=-1),
        draft(s=1.5),
        draft(s=True),
        draft(d=10**9),
        draft(ti=5000, to=5000),
        draft(src=None),
        draft(sp=2),
        draft(rot=90),
        draft(k="image"),
        {**draft(), "m": []},
        {**draft(), "m": {"target_bytes": -5}},
        {**draft(), "m": {"width": "1920", "height": 1080}},
        {**draft(), "x": float("nan")},
        {**draft(), "x": "a" * 5_000_001},
    ],
)
def test_a_draft_that_is_none_or_more_than_can_be_rendered_is_refused(wrong: Any):
    with pytest.raises(InvalidDraft, match=r"\.$"):
        cut_of(wrong)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["t", "sg", "tt", "s", "d", "ti", "to", "src", "m", "k", "target_bytes"]), inner
        )
    ),
    max_leaves=25,
)


@settings(max_examples=100, deadline=None)
@given(JSON)
def test_any_json_is_a_cut_or_refused(anything: Any):
    try:
        cut = cut_of(anything)
    except InvalidDraft:
        return
    assert cut.start_ms >= 0
    assert cut.end_ms is None or cut.end_ms > cut.start_ms


@pytest.mark.parametrize(
    ("output", "upright", "bound"),
    [
        ({}, False, Resolution(1920, 1080)),
        ({}, True, Resolution(1080, 1920)),
        ({"resolution": "720p"}, False, Resolution(1280, 720)),
        ({"resolution": "640x480"}, False, Resolution(640, 480)),
        ({"resolution": "original"}, False, Resolution()),
    ],
)
def test_the_picture_stays_within_what_is_asked_for(output: dict[str, Any], upright: bool, bound: Resolution):
    facts = {**FACTS, "width": 1080, "height": 1920} if upright else FACTS
    work = work_of(draft(), RenderOutput(**output), facts)
    assert (work.bound, work.crf, work.is_trimmed) == (bound, 20.0, False)


@pytest.mark.parametrize(
    "source", ["http://h/media/a/f_1?exp=1&sig=x", "https://elsewhere:1/media/a/f_1", "asset://f_1"]
)
def test_an_asset_is_named_by_its_id_or_its_address(source: str):
    assert work_of(draft(src=source), RenderOutput(), FACTS).asset == "f_1"


@pytest.mark.parametrize(
    "source", ["file:///etc/passwd", "http://h/media/a/../x", "concat:a|b", "asset://", "asset://a/b", "http://h/a.mp4"]
)
def test_any_other_source_is_refused(source: str):
    with pytest.raises(InvalidDraft):
        work_of(draft(src=source), RenderOutput(), FACTS)


@pytest.mark.parametrize(
    ("words", "target", "canvas"),
    [
        ("compress this to under 50MB", 50_000_000, (1920, 1080)),
        ("make this 500MB video less than 50 MB at 720p", 50_000_000, (1280, 720)),
        ("20, no, 30 MiB, as MP4", 31_457_280, (1920, 1080)),
        ("holiday.mov 压缩到 8兆", 8_000_000, (1920, 1080)),
        ("1.5GB", 1_500_000_000, (1920, 1080)),
    ],
)
def test_the_agent_understands_sizes_and_resolutions(words: str, target: int, canvas: tuple[int, int]):
    turn = SizeAgent().answer(words, Seen(None, [FACTS]))
    assert turn.draft is not None
    facts = turn.draft["m"]
    assert (facts["target_bytes"], facts["width"], facts["height"]) == (target, *canvas)
    assert cut_of(turn.draft).target_bytes == target
    assert SizeAgent().answer(words, Seen(turn.draft, [FACTS])).draft is None, "said again it changes nothing"


@pytest.mark.parametrize("words", ["hello", "version 2 for my iPhone 15", "as webm", "0.0001 B", "99999999999TB", ""])
def test_the_agent_changes_nothing_where_it_does_not_understand(words: str):
    turn = SizeAgent().answer(words, Seen(None, [FACTS]))
    assert turn.draft is None
    assert turn.text


def test_without_a_video_there_is_nothing_to_change():
    turn = SizeAgent().answer("50MB", Seen(None, [{"file_type": "audio"}]))
    assert (turn.draft, "no video" in turn.text) == (None, True)


def test_a_finished_render_goes_nowhere():
    for over in (state for state in RenderState if state.is_over):
        for state in RenderState:
            with pytest.raises(IllegalTransition):
                moved(over, state)


def test_a_render_that_always_takes_the_server_down_fails_in_the_end(tmp_path: Path):
    store = Store(tmp_path / "server.db")
    user = Accounts(store, ServerSettings()).issue("client", "127.0.0.1", 1.0).user
    renders = Renders(store)
    renders.submit("deadly", user, "s", {"draft": {}}, 1)
    renders.submit("other", user, "s", {"draft": {}}, 1)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        taken = renders.take_next()
        assert taken is not None
        assert (taken.id, taken.attempts) == ("deadly", attempt)
        assert renders.requeue_interrupted(2) == 1
    over = renders.find("deadly", user)
    assert over is not None
    assert (over.state, over.error) == (RenderState.FAILED, INTERRUPTED)
    taken = renders.take_next()
    assert taken is not None
    assert taken.id == "other"
    store.close()


def test_one_id_is_one_render(tmp_path: Path):
    store = Store(tmp_path / "server.db")
    renders = Renders(store)
    body = json.loads('{"draft": {"a": 1, "b": "\\ud800"}}')
    first, is_new = renders.submit("r", "user", "s", body, 1)
    again, is_newer = renders.submit("r", "user", "s", {"draft": {"b": "\ud800", "a": 1}}, 2)
    assert (is_new, is_newer, first) == (True, False, again)
    assert first.body == body
    with pytest.raises(OtherBody):
        renders.submit("r", "user", "s", {"draft": {}}, 3)
    assert renders.submit("r", "somebody else", "s", {"draft": {}}, 3)[1]
    store.close()
