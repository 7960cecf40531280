"""What one line of a conversation comes to, given those before it. Nothing is done: the tests say how work ends."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.hostile_text import hostile

from tightfit.domain.session import Event, Kind, Session, replay
from tightfit.engine import amends
from tightfit.engine.dialogue import Do, Step, World, respond
from tightfit.intent.concepts import REPLIES
from tightfit.intent.followup import follow_up
from tightfit.intent.lexicon import languages, load, reply
from tightfit.intent.model import from_wire
from tightfit.intent.understand import understand

SIZES = {"a.mp4": 50_000_000, "b.mp4": 60_000_000, "c.mp4": 70_000_000}


@dataclass
class Talk:
    """A session whose work ends as it should, the moment it is asked for, unless ``busy``."""

    files: tuple[str, ...] = tuple(SIZES)
    connected: bool = False
    busy: bool = False
    there: dict[str, int] = field(default_factory=lambda: dict(SIZES))
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        opened = {"folder": "/there", "language": "en", "files": list(self.files)}
        self.events.append(Event(Kind.OPENED, opened))

    @property
    def session(self) -> Session:
        return replay("S", self.events)

    def __call__(self, text: str, *files: str) -> Step:
        world = World(lambda name: name in self.there, lambda name: self.there.get(name, 0), self.connected)
        step = respond(self.session, text, files, world)
        self.events += step.events
        assert self.session == step.session, "the events are all there is"
        if not self.busy:
            self.finish()
        return step

    def finish(self, status: str = "met") -> None:
        for work in self.session.open_works:
            facts: dict[str, Any] = {"number": work.number, "status": status}
            if status == "met" and work.kind == "compress":
                limit = amends.limit_of(work, lambda name: self.there.get(name, 0))
                output = f"{work.source[0]}-{limit}.mp4"
                self.there[output] = limit - 1
                facts |= {"output": output, "bytes": limit - 1, "limit": limit}
            self.events.append(Event(Kind.ENDED, facts))

    def asked(self, step: Step) -> list[dict[str, Any]]:
        """The wishes of what was queued."""
        return [dict(event.data["wishes"]) for event in step.events if event.kind is Kind.QUEUED]


@pytest.fixture
def talk() -> Talk:
    return Talk()


def target(wishes: dict[str, Any]) -> int:
    return int(wishes["target"]["bytes"])


def test_what_it_is_gets_said(talk: Talk):
    talk("a.mp4 to 10MB")
    assert "“a.mp4”" in talk("make it smaller").replies[0]
    assert "“b.mp4”, “c.mp4”" in talk("same for the other two").replies[0]
    assert "“b.mp4”, “c.mp4”" in talk("no sound").replies[0]


def test_smaller_and_better_change_the_limit_and_keep_the_rest(talk: Talk):
    talk("a.mp4 to 10MB, no sound, 720p")
    (smaller,) = talk.asked(talk("make it smaller"))
    assert (target(smaller), smaller["audio"], smaller["resolution"]["height"]) == (7_500_000, "none", 720)
    (better,) = talk.asked(talk("a bit better quality"))
    assert (target(better), better["audio"]) == (8_620_000, "none")


def test_better_never_asks_for_more_than_the_source_has(talk: Talk):
    talk("a.mp4 to 49MB")
    assert target(talk.asked(talk("better quality"))[0]) == SIZES["a.mp4"]
    assert talk("better quality").replies == [reply("en", "as_good", file="a.mp4")]


def test_a_destination_that_is_full_is_said_so(talk: Talk):
    talk("a.mp4 for discord")
    step = talk("better quality")
    assert step.replies == [reply("en", "full", file="a.mp4", preset="discord")]
    assert not talk.asked(step)


def test_now_for_another_destination(talk: Talk):
    talk("a.mp4 to 10MB, no sound")
    (wishes,) = talk.asked(talk("now for WhatsApp"))
    assert (wishes["target"]["preset"], wishes["target"]["bytes"], wishes["audio"]) == ("whatsapp", None, "none")


def test_an_edit_of_it_joins_the_size_and_the_edits_before(talk: Talk):
    talk("a.mp4 to 10MB")
    (wishes,) = talk.asked(talk("only the first 5 seconds"))
    assert (target(wishes), wishes["trim"]["end_s"]) == (10_000_000, 5)
    talk("rotate it left")
    (wishes,) = talk.asked(talk("rotate it right"))
    assert [edit["degrees"] for edit in wishes["edits"]] == [90], "instead of the turn before"
    talk("b.mp4: remove 0:01 to 0:02")
    (wishes,) = talk.asked(talk("remove 0:03 to 0:04"))
    assert [edit["start_s"] for edit in wishes["edits"]] == [1, 3], "both"
    assert wishes["action"] == "edit", "without a size too"
    (wishes,) = talk.asked(talk("crop it to 1:1"))
    assert (wishes["aspect"], wishes["fit"]) == ("1:1", "cover")


def test_a_file_that_is_named_with_a_size_begins_anew(talk: Talk):
    talk("a.mp4 to 10MB, no sound")
    (wishes,) = talk.asked(talk("a.mp4 to 20MB"))
    assert (target(wishes), wishes["audio"]) == (20_000_000, None)


def test_the_same_for_others(talk: Talk):
    talk("a.mp4 to 10MB, no sound")
    wishes = talk.asked(talk("same for the other two"))
    assert [(w["files"], target(w), w["audio"]) for w in wishes] == [
        (["b.mp4"], 10_000_000, "none"),
        (["c.mp4"], 10_000_000, "none"),
    ]
    assert talk.session.it == ("b.mp4", "c.mp4")


def test_other_numbers_of_others_are_asked_about(talk: Talk):
    talk("a.mp4 to 10MB")
    step = talk("same for the other three")
    assert step.replies == [reply("en", "how_many", number=3, files="b.mp4, c.mp4")]
    assert not talk.asked(step)


def test_nothing_can_be_repeated_that_was_not_asked(talk: Talk):
    assert talk("same for b.mp4").replies == [reply("en", "nothing_before")]
    assert Talk(files=("a.mp4",))("undo that").replies == [reply("en", "nothing_to_undo")]


def test_undo_moves_back_and_removes_nothing(talk: Talk):
    talk("a.mp4 to 10MB")
    talk("make it smaller")
    step = talk("undo that")
    assert step.replies == [
        reply("en", "undone", file="a.mp4", output="a-10000000.mp4", size="10.0 MB"),
        reply("en", "kept", output="a-7500000.mp4"),
    ]
    assert [event.kind for event in step.events] == [Kind.HEARD, Kind.UNDONE]
    assert target(talk.asked(talk("a bit smaller"))[0]) == 9_000_000, "of what counts now"
    talk("undo that")
    assert talk("undo that").replies[0] == reply("en", "undone_first", file="a.mp4")
    assert talk("undo that").replies == [reply("en", "nothing_to_undo")]


def test_what_was_made_before_is_not_made_again(talk: Talk):
    talk("a.mp4 to 10MB")
    talk("make it smaller")
    talk("undo that")
    step = talk("make it smaller")
    assert step.replies[-1] == reply("en", "again", output="a-7500000.mp4")
    assert not talk.asked(step)
    assert talk("where is it?").replies == [
        reply("en", "where", file="a.mp4", output="a-7500000.mp4", size="7.50 MB"),
    ]


def test_undoing_what_is_still_at_work_ends_it(talk: Talk):
    talk.busy = True
    talk("a.mp4 to 10MB")
    assert talk("undo that").stop == [1]
    assert not talk.session.open_works


def test_requests_wait_for_their_turn_and_that_is_said(talk: Talk):
    talk.busy = True
    talk("a.mp4 to 10MB")
    assert talk("b.mp4 to 10MB").replies[-1] == reply("en", "queued", ahead=1)
    assert talk("where is it?").replies == [reply("en", "waiting", file="b.mp4")]


def test_what_did_not_work_is_nothing_to_build_on(talk: Talk):
    talk("a.mp4 to 10MB")
    talk.busy = True
    talk("a.mp4 to 1KB")
    talk.finish("infeasible")
    assert "a-10000000.mp4" in talk("where is it?").replies[0]
    assert target(talk.asked(talk("make it smaller"))[0]) == 7_500_000


def test_what_did_you_do_tells_all(talk: Talk):
    talk("a.mp4 to 10MB")
    talk("make it smaller")
    talk("undo that")
    assert talk("what did you do?").replies == [
        "1. “a.mp4”, compress to under 10MB → a-10000000.mp4 (10.0 MB)",
        "2. “a.mp4”, compress to under 7.5MB → a-7500000.mp4 (7.50 MB), undone",
    ]


def test_a_question_can_be_answered_or_left(talk: Talk):
    assert talk("compress a.mp4, no sound").replies[0].startswith("To what size?")
    (wishes,) = talk.asked(talk("5MB"))
    assert (wishes["files"], target(wishes), wishes["audio"]) == (["a.mp4"], 5_000_000, "none")
    talk("compress a.mp4")
    (wishes,) = talk.asked(talk("b.mp4 to 3MB"))
    assert (wishes["files"], target(wishes)) == (["b.mp4"], 3_000_000)


def test_dropped_files_are_what_is_talked_about():
    talk = Talk(files=())
    assert talk("", "a.mp4").replies == [reply("en", "here", file="a.mp4", size="50.0 MB")]
    assert talk.asked(talk("under 5MB"))[0]["files"] == ["a.mp4"]
    assert talk("b.mp4").replies == [reply("en", "here", file="b.mp4", size="60.0 MB")]
    assert talk.session.files == ("a.mp4", "b.mp4")


def test_a_picture_is_a_file_like_any_other():
    talk = Talk(files=(), there={"pic.png": 900_000})
    (wishes,) = talk.asked(talk("pic.png to 60KB"))
    assert (wishes["files"], target(wishes)) == (["pic.png"], 60_000)


def test_without_any_file_it_is_asked_for():
    talk = Talk(files=())
    assert "Which file?" in talk("to 5MB").replies[0]
    assert target(talk.asked(talk("a.mp4"))[0]) == 5_000_000


@pytest.mark.parametrize(
    "text", ["add subtitles", 'put the text "hi" on it', "add upbeat music", "füge Untertitel hinzu"]
)
def test_what_only_a_timeline_can_do_is_refused_in_one_sentence(talk: Talk, text: str):
    step = talk(text)
    assert step.replies == [reply(step.session.language, "not_here")]
    talk.connected = True
    step = talk(text)
    assert step.replies == [reply(step.session.language, "upload_first", file="a.mp4, b.mp4, c.mp4")]


def test_the_timeline_is_it_once_it_is_talked_about(talk: Talk):
    talk.connected = True
    talk("upload a.mp4")
    talk.events.append(Event(Kind.TIMELINE, {}))
    for text in ("under 50MB", "add subtitles", "make it a bit brighter", "hello?"):
        (event,) = [e for e in talk(text).events if e.kind is Kind.QUEUED]
        assert (event.data["kind"], event.data["text"]) == ("message", text)
    for text in ("export", "导出", "download"):
        (event,) = [e for e in talk(text).events if e.kind is Kind.QUEUED]
        assert event.data["kind"] == "export"
    assert talk.asked(talk("b.mp4 to 5MB"))[0]["files"] == ["b.mp4"]
    assert not talk.session.on_timeline


@pytest.mark.parametrize(
    ("text", "does"),
    [
        ("stop", Do.STOP),
        ("credits", Do.CREDITS),
        ("how far is it?", Do.STATUS),
        ("connect", Do.CONNECT),
        ("bye", Do.QUIT),
    ],
)
def test_commands(talk: Talk, text: str, does: Do):
    assert talk(text).do is does


@pytest.mark.parametrize("language", languages())
def test_every_reply_is_there_in_every_language_with_its_places(language: str):
    places = dict.fromkeys(
        ("host", "file", "size", "ahead", "output", "limit", "reason", "percent", "number", "wishes", "outcome"), "X"
    )
    places |= dict.fromkeys(("files", "preset", "available", "frozen", "link", "folder", "count"), "X")
    said = {key: reply(language, key, **places) for key in REPLIES}
    assert all(said.values())
    for key, what in REPLIES.items():
        wanted = {name for name in places if f"{{{name}}}" in what}
        there = {name for name in places if f"{{{name}}}" in reply(language, key, **{p: f"{{{p}}}" for p in places})}
        assert there <= wanted | {"size"}, key
        assert wanted - {"size"} <= there | {"file", "percent", "size", "limit"}, key


@pytest.mark.parametrize("language", languages())
def test_the_help_of_a_language_names_what_it_understands(language: str):
    """Each example between quotation marks is a follow-up, or a request with a size or a destination."""
    found = re.findall(r"[“„«「] ?([^“”„«»「」]+?) ?[”“»」]", reply(language, "help"))
    assert len(found) == 8
    for text in found:
        meant = follow_up(text, lambda name: name == "clip.mp4", language)
        intent = understand(text, exists=lambda name: name == "clip.mp4", usual=language)
        assert meant or (intent.target and not intent.unclear), text


def test_nothing_hostile_is_done_in_a_session_either():
    for number, text in enumerate(hostile(200, seed=20261129)):
        if number % 20 == 0:
            talk = Talk(files=("a.mp4",), busy=True)
        step = talk(text)
        assert not talk.asked(step), text
        assert step.do in (Do.NOTHING, Do.STATUS, Do.CREDITS, Do.STOP), text


@settings(max_examples=30, deadline=None)
@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(["a.mp4 to 5MB", "undo", "make it smaller", "b.mp4"]))))
def test_any_conversation_can_be_replayed_from_what_the_journal_keeps(lines: list[str]):
    talk = Talk()
    for line in lines:
        talk(line)
    kept = [Event(Kind(e.kind.value), json.loads(json.dumps(e.data))) for e in talk.events]
    assert replay("S", kept).works == talk.session.works


def test_a_request_survives_its_form_in_the_journal():
    text = 'a.mp4 to 10MB, 720p, 96 kbps sound, first 30 seconds, h264, mp4, best quality, fast, 24 fps, put "hi" on it'
    intent = understand(text, exists=lambda name: name == "a.mp4")
    assert intent.wire == from_wire(json.loads(json.dumps(intent.wire))).wire


def test_words_of_ask_are_there_too():
    assert all(load(language).say["ask_file"] for language in languages())
