"""What we read of other programs and of files ourselves: whatever it is, nothing but errors meant for people."""

from __future__ import annotations

import json
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.boxes import alias, box, dref, element

from tightfit.domain.media_info import Identity, MediaInfo
from tightfit.domain.policy import LOCAL, SERVER, Limits
from tightfit.domain.refusal import refusal
from tightfit.errors import EncoderError, SourceError
from tightfit.media import nal, x264
from tightfit.media.probe import info_of
from tightfit.media.progress import ProgressReader
from tightfit.media.references import external
from tightfit.media.watchdog import Watchdog

IDENTITY = Identity(1, 1, 1, 1, "")
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)
VIDEO = {
    **{"index": 0, "type": "video", "codec": "h264", "time_base": [1, 1000], "language": None, "default": True},
    **{"cover_art": False, "header_frames": 2, "profile": None, "width": 64, "height": 64, "sar": [1, 1]},
    **{"pix_fmt": "yuv420p", "bit_depth": 8, "colour": [1, 1, 1, 1], "field_order": 1, "reorder_depth": 0},
    **{"packets": [[0, 10, True, 40], [40, 10, False, 40]], "rotation": 0},
}
FACTS = {
    **{"container": "mov,mp4", "start_s": 0.0, "header_duration_s": 0.08, "streams": [VIDEO], "chapters": []},
    **{"metadata": {}, "doubts": []},
}


def told(answer: bytes) -> MediaInfo | None:
    with suppress(SourceError):
        return info_of(Path("/clip.mp4"), IDENTITY, answer, LOCAL, complaint="none")
    return None


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_a_reader_that_was_taken_over_says_nothing_that_hurts(answer: bytes):
    told(answer)


@settings(max_examples=200)
@given(st.sampled_from(sorted(FACTS)), st.sampled_from(sorted(VIDEO)), JSON, st.booleans())
def test_a_reader_whose_facts_are_odd_is_refused_or_read(of_all: str, of_one: str, value: object, in_one: bool):
    video = {**VIDEO, of_one: value} if in_one else VIDEO
    facts = {**FACTS, "streams": [video]} if in_one else {**FACTS, of_all: value}
    told(json.dumps(facts).encode())


def test_sound_facts_are_read_and_not_refused():
    info = told(json.dumps(FACTS).encode())
    assert info is not None
    assert info.main_video is not None
    assert (refusal(info, LOCAL), refusal(info, SERVER)) == ("", "")


@given(st.binary(max_size=300))
def test_any_bytes_are_nal_units_or_none(stream: bytes):
    units = nal.units(stream)
    assert all(unit and b"\0\0\1" not in unit for unit in units)
    nal.sample(stream)
    with suppress(ValueError):
        nal.description(stream)


@given(st.lists(st.sampled_from([b"\0\0\1", b"\0\0\0\1", b"\0", b"\1", b"\x67\x64", b"\x68", b"\x06\x05x", b"\x65"])))
def test_start_codes_in_any_order_are_taken_apart(pieces: list[bytes]):
    stream = b"".join(pieces)
    joined = nal.sample(stream)
    at = 0
    while at < len(joined):
        at += 4 + int.from_bytes(joined[at : at + 4], "big")
    assert at == len(joined)
    with suppress(ValueError):
        nal.description(stream)


@given(
    st.lists(st.text(max_size=40) | st.sampled_from(["frame=\u00b2", "frame=9" * 3, "progress=end", "out_time_us=N/A"]))
)
def test_any_line_of_progress_is_heard(lines: list[str]):
    reader, dog = ProgressReader(lambda _: None), Watchdog(0.0, Limits(), hears=True)
    for line in lines:
        reader(line)
        dog.hear(line)
    assert reader.frames >= 0


def test_a_count_that_is_no_number_keeps_the_one_before():
    reader = ProgressReader(lambda _: None)
    for line in ("frame=12", "frame=N/A", "frame=-1", "frame=\u00b2", "frame="):
        reader(line)
    assert reader.frames == 12


@given(st.text(max_size=200) | st.lists(st.sampled_from(["timebase=1/0 ", "timebase=1/25", " dur:9", " misc:x", "\n"])))
def test_any_notes_of_x264_are_read_or_told(notes: str | list[str]):
    text = notes if isinstance(notes, str) else "".join(notes)
    with suppress(EncoderError):
        assert x264.duration_s(text) >= 0
    assert x264.least_bytes(text) >= 0
    x264.stretch(text, 1.1)


BOXES = st.recursive(
    st.binary(max_size=40),
    lambda inner: (
        st.builds(
            lambda name, content, size: box(name, content, size=size),
            st.sampled_from([b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref", b"rmra", b"ftyp", b"mdat"]),
            inner,
            st.none() | st.integers(0, 2**32 - 1),
        )
        | st.lists(inner, max_size=3).map(b"".join)
    ),
    max_leaves=12,
)


@given(BOXES | BOXES.map(lambda content: box(b"ftyp", b"isom") + content) | st.binary(max_size=200))
def test_any_boxes_are_looked_through(content: bytes):
    external(BytesIO(content))


ELEMENTS = st.recursive(
    st.binary(max_size=30),
    lambda inner: st.builds(
        element,
        st.sampled_from([0x18538067, 0x1043A770, 0x45B9, 0xB6, 0x6E67, 0x1F43B675, 0xEC]),
        inner,
        st.none() | st.integers(0, 2**56 - 1),
    ),
    max_leaves=8,
)


@given(st.lists(ELEMENTS, max_size=4).map(b"".join))
def test_any_elements_are_looked_through(content: bytes):
    external(BytesIO(element(0x1A45DFA3, b"\x42\x82\x84webm") + content))


@pytest.mark.parametrize(
    ("entry", "is_external"),
    [
        (box(b"url ", b"\0\0\0\1"), False),
        (box(b"url ", bytes(4)), False),
        (box(b"url ", bytes(4), b"http://x/\0"), True),
        (box(b"url ", b"\0\0\0\1", b"ignored\0"), False),
        (box(b"urn ", bytes(4), b"x\0y\0"), True),
        (alias("/" + "x/" * 80 + "a.mov"), True),
        (box(b"alis", b"\0\0\0\1", bytes(200)), False),
        (box(b"alis", bytes(4), bytes(20)), False),
    ],
)
def test_a_track_kept_elsewhere_is_told_from_one_kept_here(entry: bytes, is_external: bool):
    assert bool(external(BytesIO(dref(entry)))) == is_external


SPS, PPS = b"\x67\x64\x00\x0b\xac\xd9", b"\x68\xeb\xec"


def test_a_description_as_mp4_has_it_and_ours_are_the_same():
    ours = b"\x00\x00\x00\x01" + SPS + b"\x00\x00\x00\x01" + PPS
    assert nal.annex_b_sets(nal.description(ours)) == (ours, 4)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_description_or_none(record: bytes):
    with suppress(ValueError):
        sets, length_bytes = nal.annex_b_sets(record)
        assert length_bytes in (1, 2, 3, 4)
        assert len(sets) <= len(record) + 8


@given(st.binary(max_size=60), st.integers(1, 4))
def test_any_bytes_are_a_sample_or_none(sample: bytes, length_bytes: int):
    with suppress(ValueError):
        assert len(nal.start_coded(sample, length_bytes)) >= len(sample)


def test_a_sample_keeps_its_units():
    stream = b"\x00\x00\x00\x01\x65\x88\x84" + b"\x00\x00\x00\x01\x41\x9a"
    assert nal.start_coded(nal.sample(stream), 4) == stream
