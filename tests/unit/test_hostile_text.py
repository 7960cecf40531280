"""Whatever is typed is only ever data: nothing is done, nothing breaks, and it takes no time to say so."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hostile_text import hostile

from tightfit.engine.spoken import requests_for
from tightfit.errors import UsageError
from tightfit.intent.explain import explain
from tightfit.intent.lexicon import load
from tightfit.intent.model import Action, Intent
from tightfit.intent.understand import LONGEST, understand

TEXTS = hostile(500, seed=20261127)


def would_do(intent: Intent) -> bool:
    """Whether the door would begin to work on a file, had one been named."""
    if intent.unclear or intent.question or intent.action is Action.UNKNOWN:
        return False
    try:
        return bool(requests_for(intent))
    except UsageError:
        return False


def test_there_are_five_hundred():
    assert len(set(TEXTS)) == 500


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_nothing_is_done(text: str):
    intent = understand(text, files=["clip.mp4"])
    assert not would_do(intent), intent


@pytest.mark.parametrize(
    "wish", ["compress clip.mp4 to 20MB", "clip.mp4 auf 20MB komprimieren", "把clip.mp4压缩到20MB"]
)
@pytest.mark.parametrize("text", ["; rm -rf /", " && reboot", " | sh", " `id`", " $(id)", "; DROP TABLE jobs"])
def test_a_wish_with_something_else_behind_it_is_asked_about(wish: str, text: str):
    intent = understand(wish + text, exists=lambda name: name == "clip.mp4")
    assert intent.target.bytes == 20_000_000
    assert intent.unclear


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "压" * 100_000,
        "( " * 50_000,
        '"' * 100_000,
        "9" * 100_000,
        ".mp4" * 25_000,
        "a.mp4 " * 16_000,
        "\x00" * 100_000,
    ],
    ids=lambda text: repr(text[:6]),
)
def test_a_hundred_kilobytes_take_no_longer_than_a_page(text: str):
    load("en")
    started = time.perf_counter()
    assert not would_do(understand(text, files=["clip.mp4"]))
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "text", ["a ", "20MB ", "clip.mp4 ", "压缩到", '"x" ', "0:10-0:20 ", "((", "é", "-", "1,5 ", "no "]
)
def test_the_longest_text_that_is_read_takes_no_time_whatever_is_in_it(text: str):
    load("en")
    started = time.process_time()
    understand((text * LONGEST)[:LONGEST])
    # A tenth of a second on a quiet machine; what grew faster than the text would take minutes.
    assert time.process_time() - started < 2


@given(st.text())
def test_any_text_gives_an_intent_that_can_be_said(text: str):
    intent = understand(text)
    assert isinstance(explain(intent), str)
    assert intent.wire["type"] == "intent"
