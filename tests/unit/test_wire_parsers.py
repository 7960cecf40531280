"""What we read of a service and of our own caches: whatever it is, a value or an error meant for people."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from support.boxes import box

from tightfit.cloud.answers import opened, retry_after
from tightfit.cloud.errors import CloudError
from tightfit.cloud.models import render_job, uploaded_files
from tightfit.cloud.sse import Sort, classify
from tightfit.cloud.state import difference, state_of, summary
from tightfit.cloud.whole import is_cut_short
from tightfit.domain.draft import InvalidDraft, tracks_of
from tightfit.net.errors import NetworkError
from tightfit.net.events import Event, Watch
from tightfit.net.http import Answer

# What services really put where a number belongs.
ODD = st.sampled_from(["²", "--1", "9" * 5000, "", "1e999", "null", "[DONE]", "-", "٣"])
LEAF = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), ODD)
WORDS = (
    *("code", "success", "data", "state", "draft", "t", "tracks", "sg", "segments", "m", "tt", "content", "parts"),
    *("type", "error", "errorCode", "errorMessage", "message", "output", "progress", "status", "id", "files", "url"),
    *("version", "user_id", "video_infos", "duration", "size", "canvas_config", "author", "vol", "s", "d", "text"),
)
NAMES = st.sampled_from(WORDS)
JSON = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES | st.text(max_size=4), inner, max_size=5),
    max_leaves=25,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=6)
DEEP = 800


def nested(levels: int) -> bytes:
    """Deeper than Python follows, and not too deep for its reader of JSON."""
    return b'{"data":' * levels + b"1" + b"}" * levels


def as_bytes(value: object) -> bytes:
    return json.dumps(value).encode()


@given(st.binary(max_size=200) | JSON.map(as_bytes), st.sampled_from([200, 204, 302, 400, 401, 429, 500]))
@example(as_bytes({"code": "²"}), 200)
@example(as_bytes({"code": "--1"}), 200)
@example(as_bytes({"code": "9" * 5000}), 200)
@example(nested(DEEP), 200)
def test_any_answer_is_opened_or_is_an_error(body: bytes, status: int):
    with suppress(CloudError):
        opened(Answer(status, {}, body), {})


@given(st.text(max_size=30) | ODD, st.text(max_size=30))
@example("²", "")
@example("Tue, 99 Foo 9999999999 99:99:99 GMT", "")
def test_any_wait_that_is_asked_for_is_seconds_or_nothing(value: str, date: str):
    for headers in ({"retry-after": value}, {"retry-after": value, "date": date}):
        wait = retry_after(headers)
        assert wait is None or 0 <= wait < 1e11


@given(
    st.text(max_size=10) | st.sampled_from(["", "message", "error", "done"]),
    st.text(max_size=60) | JSON.map(json.dumps),
)
@example("error", json.dumps({"errorCode": "²"}))
@example("", nested(DEEP).decode())
def test_any_event_of_an_answer_means_something(name: str, data: str):
    said = classify(Event(name, data))
    assert said
    assert all(one.sort in Sort and isinstance(one.text, str) for one in said)


@given(OBJECTS)
@example(json.loads(nested(DEEP)))
def test_any_state_is_told_in_a_line(body: dict[str, object]):
    state = state_of(body)
    assert summary(state.draft)
    assert difference(state, state_of({}))


@given(OBJECTS)
@example({"progress": float("inf")})
@example({"progress": float("nan")})
def test_any_render_is_a_job_or_refused(body: dict[str, object]):
    with suppress(ValidationError):
        assert 0 <= render_job(body, "sent").progress <= 100


@given(JSON)
def test_any_list_of_files_is_read_or_refused(data: object):
    with suppress(ValidationError):
        uploaded_files(data)


@given(JSON)
@example(json.loads(nested(DEEP)))
def test_any_draft_is_read_or_refused(draft: object):
    with suppress(InvalidDraft):
        assert tracks_of(draft)


BOXES = st.builds(
    lambda name, content, size: box(name, content, size=size),
    st.sampled_from([b"ftyp", b"moov", b"mdat", b"free", b"\0\0\0\0"]),
    st.binary(max_size=30),
    st.none() | st.integers(0, 2**32 - 1),
)


@given(st.binary(max_size=60) | st.lists(BOXES, max_size=5).map(b"".join))
@example(box(b"ftyp", b"isom") + box(b"mdat", b"x" * 8, size=1))
def test_any_download_is_whole_or_told_why_not(content: bytes):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(content)
        why = is_cut_short(path)
        assert isinstance(why, str)


@given(st.lists(st.binary(max_size=50), max_size=8))
def test_any_chunks_of_a_stream_are_watched(chunks: list[bytes]):
    heard: list[int] = []
    watch = Watch(lambda: heard.append(1))
    with suppress(NetworkError):
        for chunk in chunks:
            watch.see(chunk)
    assert len(heard) <= len(chunks)
