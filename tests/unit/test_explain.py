"""What is said back is understood as what it was said of, in every language."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit import presets
from tightfit.intent.explain import explain, size_text
from tightfit.intent.lexicon import languages
from tightfit.intent.model import Action, Goal, Intent, Picture, Trim
from tightfit.intent.understand import understand
from tightfit.units import parse_target

sizes = st.builds(
    lambda number, unit: number * unit, st.integers(1, 9999), st.sampled_from([1, 10**3, 10**6, 10**9, 2**20, 2**30])
)
goals = st.one_of(
    st.builds(Goal, bytes=sizes),
    st.builds(Goal, percent=st.integers(1, 9999).map(lambda n: n / 100)),
    st.builds(Goal, preset=st.sampled_from(presets.names())),
)
pictures = st.one_of(
    st.builds(Picture),
    st.builds(Picture, height=st.integers(144, 4320)),
    st.builds(Picture, width=st.integers(160, 7680), height=st.integers(144, 4320)),
)
# Tenths: what people say. Frames are counted, not said.
seconds = st.integers(1, 36000).map(lambda tenths: tenths / 10)
trims = st.one_of(
    st.builds(Trim, start_s=seconds),
    st.builds(Trim, start_s=st.just(0.0), end_s=seconds),
    st.builds(Trim, last_s=seconds),
    st.builds(lambda start, length: Trim(start, round(start + length, 1)), seconds, seconds),
)
stems = st.text(string.ascii_letters + string.digits + " -_äé旅行動画", min_size=1, max_size=20).map(str.strip)
names = stems.filter(lambda stem: stem and not stem.startswith("-")).map(lambda stem: f"{stem}.mp4")


def maybe(values: st.SearchStrategy) -> st.SearchStrategy:
    return st.one_of(st.none(), values)


# At most one of each kind, as options are given; their order is that of the list.
tenths = st.integers(1, 50).map(lambda n: n / 10)
edits = st.lists(
    st.one_of(
        st.builds(lambda factor: {"kind": "speed", "factor": factor}, st.sampled_from([0.5, 1.5, 2.0, 4.0])),
        st.builds(lambda degrees: {"kind": "rotate", "degrees": degrees}, st.sampled_from([90.0, 180.0, 270.0])),
        st.builds(lambda level: {"kind": "volume", "level": level}, st.sampled_from([0.25, 0.4, 0.5, 1.5, 2.0])),
        st.builds(lambda s: {"kind": "fade", "in_s": s}, tenths),
        st.builds(lambda s: {"kind": "fade", "out_s": s}, tenths),
        st.builds(lambda a, b: {"kind": "mute", "start_s": a, "end_s": round(a + b, 1)}, seconds, seconds),
        st.builds(lambda a, b: {"kind": "remove_segment", "start_s": a, "end_s": round(a + b, 1)}, seconds, seconds),
        st.builds(lambda last: {"kind": "remove_segment", "last_s": last}, seconds),
    ),
    max_size=2,
    unique_by=lambda edit: edit["kind"],
).map(tuple)

requests = st.builds(
    Intent,
    action=st.just(Action.COMPRESS),
    files=st.lists(names, max_size=3, unique=True).map(tuple),
    target=goals,
    resolution=maybe(pictures),
    fps=maybe(st.sampled_from([15.0, 23.98, 24.0, 25.0, 30.0, 59.94, 60.0])),
    container=maybe(st.sampled_from(["mp4", "mov", "mkv", "webm"])),
    codec=maybe(st.sampled_from(["h264", "hevc", "av1", "vp9"])),
    trim=st.one_of(st.just(Trim()), trims),
    aspect=maybe(st.sampled_from(["16:9", "9:16", "1:1", "4:5", "4:3"])),
    audio=maybe(st.one_of(st.sampled_from(["none", "keep"]), st.integers(8, 512))),
    quality=maybe(st.just("best")),
    speed=maybe(st.just("fast")),
    where=maybe(st.sampled_from(["local", "cloud", "cluster"])),
    split=maybe(st.one_of(st.just(True), st.integers(2, 99))),
    total=maybe(st.just(True)),
    edits=edits,
)


def wishes(intent: Intent) -> dict[str, object]:
    return {key: value for key, value in intent.wire.items() if key not in ("language", "assumed")}


@pytest.mark.parametrize("language", languages())
@settings(max_examples=30, deadline=None)
@given(intent=requests)
def test_what_is_said_back_is_understood_as_the_same_request(language: str, intent: Intent):
    said = explain(intent, language)
    assert wishes(understand(said, exists=lambda name: name in intent.files)) == wishes(intent), said


EDITS = (
    {"kind": "text", "text": "Hello World", "start_s": 2.0, "end_s": 6.0, "position": "top-left"},
    {"kind": "text", "text": "Day 1"},
    {"kind": "music", "file": "song.mp3", "volume": 0.4},
    {"kind": "speed", "factor": 1.5},
    {"kind": "rotate", "degrees": 90.0},
    {"kind": "mute", "start_s": 10.0, "end_s": 20.0},
    {"kind": "mute", "last_s": 3.0},
    {"kind": "volume", "level": 0.4},
    {"kind": "fade", "in_s": 2.0},
    {"kind": "fade", "out_s": 3.5},
    {"kind": "crop"},
    {"kind": "remove_segment", "start_s": 20.0, "end_s": 35.0},
    {"kind": "remove_segment", "last_s": 5.0},
)


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: "-".join(map(str, edit.values())))
def test_an_edit_that_is_said_back_is_understood_as_the_same_edit(language: str, edit: dict[str, object]):
    intent = Intent(Action.EDIT, edits=(edit,))
    assert wishes(understand(explain(intent, language))) == wishes(intent), explain(intent, language)


@pytest.mark.parametrize("language", languages())
def test_a_shape_that_is_cropped_to_is_said_so(language: str):
    intent = Intent(Action.COMPRESS, target=Goal(bytes=5_000_000), aspect="4:5", fit="cover")
    found = understand(explain(intent, language))
    assert (found.aspect, found.fit, found.unclear) == ("4:5", "cover", ())


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("action", [Action.CREDITS, Action.STATUS, Action.CANCEL, Action.HELP, Action.EXPORT])
def test_an_action_that_is_said_back_is_understood_as_the_same(language: str, action: Action):
    assert understand(explain(Intent(action), language)).action is action


@given(size=sizes)
def test_a_size_is_written_as_the_command_line_reads_it(size: int):
    assert parse_target(size_text(size)).bytes == size
