"""What is carried over beside the picture, decided without a file: facts, chapters, subtitles, sound tracks."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.audio import AudioKind, Loudness, SoundRules, plan_audio
from tightfit.domain.cargo import Cue, carried_chapters, carried_tags, fitting_cues, language_of
from tightfit.domain.containers import Container, container_of
from tightfit.domain.media_info import AudioStream, Chapter, Identity, MediaInfo
from tightfit.domain.mp4_boxes import item_list, user_data
from tightfit.domain.request import CompressRequest
from tightfit.domain.subtitles import packets_of, parse_srt
from tightfit.domain.tracks import share_sound
from tightfit.engine.requests import make_request
from tightfit.errors import UsageError
from tightfit.units import parse_target

FACTS = {
    "title": "A day out",
    "creation_time": "2024-01-24T14:50:14.000000Z",
    "location": "+54.1843-002.7189/",
    "make": "Canon",
    "ARTIST": "Jane Doe",
    "comment": "at home with Jane",
    "encoder": "Lavf58",
    "com.apple.quicktime.model": "iPhone 15",
    "com.apple.quicktime.creationdate": "2024-01-24T15:50:14+0100",
    "com.apple.quicktime.location.ISO6709": "+37.3318-122.0312+010/",
}


def info_with(**other: object) -> MediaInfo:
    plain = MediaInfo("a.mov", Identity(1, 0, 0, 0, ""), "mov", 0.0, 10.0, (), (), (), 0, ())
    return replace(plain, **other)  # type: ignore[arg-type]


def test_facts_that_a_person_would_miss_are_kept_and_those_of_the_program_are_not():
    kept = carried_tags(info_with(metadata=tuple(FACTS.items())))
    assert kept == {("artist" if key == "ARTIST" else key): v for key, v in FACTS.items() if key != "encoder"}


def test_private_leaves_no_place_no_person_and_no_device():
    kept = carried_tags(info_with(metadata=tuple(FACTS.items())), private=True)
    assert set(kept) == {"title", "creation_time", "com.apple.quicktime.creationdate"}


def test_a_place_that_only_apple_wrote_is_also_written_where_others_look():
    apple = {"com.apple.quicktime.location.ISO6709": "+37.3318-122.0312/"}
    assert carried_tags(info_with(metadata=tuple(apple.items())))["location"] == "+37.3318-122.0312/"


@pytest.mark.parametrize(
    ("code", "kept"), [("eng", "eng"), ("DEU", "deu"), ("und", None), ("en-US", None), ("en", None), (None, None)]
)
def test_a_language_is_one_that_every_container_can_hold(code: str | None, kept: str | None):
    assert language_of(code) == kept


def test_boxes_are_as_long_as_they_say():
    for made in (user_data(FACTS), item_list(FACTS)):
        at = 0
        while at < len(made):
            at += int.from_bytes(made[at : at + 4], "big")
        assert at == len(made) > 0
    assert user_data({}) == item_list({"title": "A"}) == b""


def test_chapters_move_with_the_picture_and_end_with_it():
    marks = (Chapter(0, 4, "one"), Chapter(4, 9, "two"), Chapter(9, 12, "three"))
    moved = carried_chapters(info_with(chapter_marks=marks), 5.0, 3.0)
    assert moved == (Chapter(0.0, 3.0, "two"),)


def test_cues_are_cut_to_the_picture():
    cues = [Cue(1, 2, "early"), Cue(4, 6, "half"), Cue(6, 7, "  "), Cue(7, 99, "late")]
    assert fitting_cues(cues, 5.0, 3.0) == (Cue(0.0, 1.0, "half"), Cue(2.0, 3.0, "late"))


SRT = (
    "1\r\n00:00:01,500 --> 00:00:02,000\r\n<i>Hello</i>\r\nyou\r\n\r\n"
    "2\n01:00:00.25 --> 01:00:01.000\n{\\an8}There\n\nx"
)


def test_subrip_is_read_with_what_programs_make_of_it():
    assert parse_srt(SRT) == [Cue(1.5, 2.0, "<i>Hello</i>\nyou"), Cue(3600.25, 3601.0, "There")]


def test_timed_text_shows_everything_that_is_said_at_one_moment_in_one_sample():
    cues = (Cue(0, 2, "a"), Cue(1, 3, "<b>b</b>"))
    made = [(p.start_ms, p.duration_ms, p.data[2:]) for p in packets_of(cues, "mov_text")]
    assert made == [(0, 1000, b"a"), (1000, 1000, b"a\nb"), (2000, 1000, b"b")]


spans = st.lists(st.tuples(st.integers(0, 500), st.integers(1, 80)), max_size=12)


@settings(deadline=None)
@given(spans)
def test_samples_of_timed_text_never_overlap_and_lose_no_cue(found: list[tuple[int, int]]):
    cues = sorted((Cue(a / 10, (a + d) / 10, f"<{n}>") for n, (a, d) in enumerate(found)), key=lambda c: c.start_s)
    made = list(packets_of(cues, "mov_text"))
    assert all(a.start_ms + a.duration_ms <= b.start_ms for a, b in pairwise(made))
    assert all(any(cue.text.encode() in p.data for p in made) for cue in cues)
    assert all(int.from_bytes(p.data[:2], "big") == len(p.data) - 2 for p in made)


def sound(index: int, channels: int = 2, language: str | None = None, kbps: float = 256) -> AudioStream:
    return AudioStream(index, "flac", 48_000, channels, int(kbps * 125 * 60), 100, 0.0, 60.0, language=language)


def test_a_second_track_stays_where_there_is_room_and_goes_where_there_is_none():
    main, other = sound(1, language="eng"), sound(2, language="fra")
    assert share_sound(main, [other], 20_000_000, 60.0).kept == (main, other)
    assert share_sound(main, [other], 400_000, 60.0).kept == (main,)


def test_another_language_comes_before_another_of_the_same():
    main, same, french = sound(1, language="eng"), sound(2, language="eng"), sound(3, language="fra")
    kept = share_sound(main, [same, french], 2_000_000, 60.0).kept
    assert kept[:2] == (main, french)


@settings(deadline=None)
@given(st.integers(20_000, 10**9), st.integers(1, 8))
def test_all_tracks_together_never_starve_the_picture(limit: int, count: int):
    shares = share_sound(sound(0), [sound(n) for n in range(1, count)], limit, 60.0)
    assert 1 <= len(shares.kept) <= count
    assert shares.kept[0].index == 0


def test_a_destination_that_takes_one_track_gets_one():
    assert len(share_sound(sound(0), [sound(1)], 10**8, 60.0, most=1).kept) == 1


LOUD = Loudness(-20.0, -20.0)


def test_surround_stays_where_there_is_room_is_mixed_down_where_not_and_where_it_is_refused():
    rich = plan_audio(sound(0, channels=6, kbps=900), "auto", 60_000_000, 60.0, LOUD)
    poor = plan_audio(sound(0, channels=6, kbps=900), "auto", 6_000_000, 60.0, LOUD)
    refused = plan_audio(sound(0, channels=6), "auto", 60_000_000, 60.0, LOUD, SoundRules(most_channels=2))
    assert (rich.channels, poor.channels, refused.channels) == (6, 2, 2)
    assert "mixed down" in poor.reason


def test_sound_that_a_destination_refuses_is_not_copied():
    stream = replace(sound(0, kbps=64), codec="aac", sample_rate=96_000)
    assert plan_audio(stream, "auto", 60_000_000, 60.0, LOUD).kind is AudioKind.COPY
    plan = plan_audio(stream, "auto", 60_000_000, 60.0, LOUD, SoundRules(most_rate=48_000))
    assert (plan.kind, plan.sample_rate) == (AudioKind.ENCODE, 48_000)


def asked(**other: object) -> CompressRequest:
    return replace(CompressRequest(Path("a.avi"), parse_target("5MB")), **other)  # type: ignore[arg-type]


def test_the_container_is_as_asked_else_as_named_else_mp4():
    assert asked().writes is Container.MP4
    assert asked(output=Path("b.MKV")).writes is Container.MKV
    assert asked(output=Path("folder"), container=Container.MOV).writes is Container.MOV
    assert asked(output=Path("b.webm"), codec="av1").writes is Container.WEBM
    assert container_of(".avi") is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"container": "webm", "codec": "h264"},
        {"container": "avi"},
        {"container": "mkv", "output": "b.mp4"},
        {"container": "mkv", "preset": "whatsapp", "to": None},
        {"hdr": "keep"},
    ],
)
def test_what_can_not_be_written_is_refused_with_something_that_can(wrong: dict[str, str]):
    with pytest.raises(UsageError):
        make_request(Path("a.mov"), **{"to": "5MB", **wrong})  # type: ignore[arg-type]


def test_webvtt_is_never_markup_that_was_none():
    cue = Cue(1.0, 2.5, 'a < b & <i>c</i> <font color="red">d</font> -->\n\n<FONT>e</FONT>')
    (sample,) = packets_of([cue], "webvtt")
    assert (sample.start_ms, sample.duration_ms) == (1000, 1500)
    assert sample.data == b"a &lt; b &amp; <i>c</i> d --&gt;\ne"
