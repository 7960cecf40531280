"""Behaviours 10 to 14 of the contract, client side: files on their way out."""

from __future__ import annotations

import hashlib
import json
import tracemalloc

import pytest
from support.client import Bench
from support.cloud import answered, form_files

from tightfit.cloud.errors import LARGEST_BYTES, FileTooLarge, InvalidDraft, UnsupportedFile
from tightfit.cloud.told import Moved
from tightfit.errors import SourceError
from tightfit.net.errors import ConnectionBroken

pytestmark = pytest.mark.anyio
UPLOAD = "POST /api/upload-video"


async def test_10_upload_is_multipart_under_names_that_say_nothing(bench: Bench):
    pieces = [bench.piece("Anna's birthday.MP4", b"one" * 50_000), bench.piece("two.mov", b"two" * 9)]
    async with bench.client() as client:
        session = await client.new_session()
        files = await client.upload(session, pieces, job="J")
    (request,) = bench.cloud.asked(UPLOAD)
    assert [content for _, content in form_files(request)] == [p.read_bytes() for p in pieces]
    assert [name.rpartition(".")[2] for name, _ in form_files(request)] == ["mp4", "mov"]
    assert b"Anna" not in request.body
    assert b"birthday" not in request.body
    assert [f.hash for f in files] == [hashlib.sha256(p.read_bytes()).hexdigest() for p in pieces]
    moved = [event.done for event in bench.said(Moved)]
    assert moved == sorted(moved)
    assert moved[-1] == bench.said(Moved)[-1].total == 150_027


async def test_10_upload_of_a_large_file_takes_little_memory(bench: Bench):
    path = bench.piece("large.mp4", b"")
    with path.open("wb") as file:
        file.truncate(64_100_000)

    async def swallow(request, *_):
        assert int(request.headers["content-length"]) > 64_000_000
        file = {"filename": "x.mp4", "url": "https://cdn.example/x.mp4"}
        return answered({"code": 0, "data": {"files": [file]}})

    bench.cloud._upload = swallow
    async with bench.client() as client:
        session = await client.new_session()
        assert await _own_memory(client, session, path) < 4_000_000


async def _own_memory(client, session, path) -> int:
    """The most bytes that our side held at any chunk; the server in the other thread holds the whole body."""
    ours = [tracemalloc.Filter(True, f"*/{name}/*") for name in ("httpx", "httpcore", "h11", "tightfit", "anyio")]
    most, chunks = 0, 0

    def look(_: object) -> None:
        nonlocal most, chunks
        chunks += 1
        if chunks % 100 == 0:
            held = tracemalloc.take_snapshot().filter_traces(ours).statistics("filename")
            most = max(most, sum(stat.size for stat in held))

    client._uploads._tell = look
    tracemalloc.start(1)
    try:
        await client.upload(session, [path], job="J")
    finally:
        tracemalloc.stop()
    assert chunks > 900
    return most


@pytest.mark.parametrize(
    "data",
    [
        {"files": [{"cdn_url": "https://c/x.mp4"}]},
        {"files": {"url": "https://c/x.mp4"}},
        [{"asset_url": "https://c/x.mp4"}],
        {"file_id": "f", "filename": "x.mp4", "url": "https://c/x.mp4"},
    ],
)
async def test_10_upload_answers_of_every_form_are_read(bench: Bench, data):
    bench.cloud.server.fault(UPLOAD, "json", {"code": 0, "data": data})
    async with bench.client() as client:
        (file,) = await client.upload(await client.new_session(), [bench.piece()], job="J")
    assert file.url == "https://c/x.mp4"


async def test_10_upload_of_a_file_that_the_service_has_is_not_sent_again(bench: Bench):
    async with bench.client() as client:
        session = await client.new_session()
        first = await client.upload(session, [bench.piece()], job="J")
        second = await client.upload(session, [bench.piece()], job="J")
    assert first[0].hash == second[0].hash
    assert len(bench.cloud.asked(UPLOAD)) == 1


async def test_11_upload_by_url_is_asked_for_exactly(bench: Bench):
    async with bench.client() as client:
        session = await client.new_session()
        file = await client.upload_url(session, "https://example.org/clip.mp4?secret=1", job="J")
    assert json.loads(bench.cloud.asked(UPLOAD)[0].body) == {
        "urls": ["https://example.org/clip.mp4?secret=1"],
        "source_type": "url",
    }
    assert file.url is not None
    assert "secret" not in b"".join(p.read_bytes() for p in bench.home.glob("journal.db*")).decode("latin-1")


async def test_11_upload_by_url_whose_answer_is_lost_is_looked_up(bench: Bench):
    bench.cloud.server.fault(UPLOAD, "lost")
    async with bench.client() as client:
        session = await client.new_session()
        assert (await client.upload_url(session, "https://example.org/clip.mp4", job="J")).url
    assert len(bench.cloud.asked(UPLOAD)) == 1


async def test_12_unsupported_is_refused_here_with_the_formats(bench: Bench):
    async with bench.client() as client:
        session = await client.new_session()
        connections = bench.cloud.server.connections
        for name in ("virus.exe", "noextension", "clip.mp4.txt"):
            with pytest.raises(UnsupportedFile, match="mp4, mov, avi"):
                await client.upload(session, [bench.piece(name)], job="J")
        with pytest.raises(SourceError):
            await client.upload(session, [bench.piece("empty.mp4", b"")], job="J")
        with pytest.raises(SourceError):
            await client.upload(session, [bench.folder / "missing.mp4"], job="J")
        assert bench.cloud.server.connections == connections
        await client.upload(session, [bench.piece("PHOTO.JPEG")], job="J")


@pytest.mark.parametrize(("action", "arg"), [("code", 4001), ("http", 415)])
async def test_12_unsupported_at_the_service_is_told_the_same(bench: Bench, action, arg):
    bench.cloud.server.fault(UPLOAD, action, arg, times=9)
    async with bench.client() as client:
        with pytest.raises(UnsupportedFile, match="mp4, mov, avi"):
            await client.upload(await client.new_session(), [bench.piece()], job="J")
    assert len(bench.cloud.asked(UPLOAD)) == 1


async def test_13_too_large_is_refused_before_connecting(bench: Bench):
    path = bench.piece("large.mp4")
    with path.open("r+b") as file:
        file.truncate(LARGEST_BYTES + 1)
    async with bench.client() as client:
        session = await client.new_session()
        connections = bench.cloud.server.connections
        with pytest.raises(FileTooLarge):
            await client.upload(session, [path], job="J")
        assert bench.cloud.server.connections == connections


@pytest.mark.parametrize(("action", "arg"), [("code", 4002), ("http", 413), ("refuse", 413)])
async def test_13_too_large_at_the_service(bench: Bench, action, arg):
    bench.cloud.server.fault(UPLOAD, action, arg, times=9)
    async with bench.client() as client:
        with pytest.raises(FileTooLarge):
            await client.upload(await client.new_session(), [bench.piece()], job="J")
    assert len(bench.cloud.asked(UPLOAD)) == 1


@pytest.mark.parametrize("at", [0, 1, 30_000, 59_000])
async def test_14_drop_mid_upload_ends_with_one_asset(bench: Bench, at):
    bench.cloud.server.fault(UPLOAD, "rst_in", at)
    async with bench.client() as client:
        session = await client.new_session()
        await client.upload(session, [bench.piece("x.mp4", bytes(60_000))], job="J")
    assert len(bench.cloud.sessions[session.id].infos) == 1
    assert len(bench.cloud.asked(UPLOAD)) == 1


async def test_14_drop_after_upload_adopts_what_arrived(bench: Bench):
    bench.cloud.server.fault(UPLOAD, "lost")
    async with bench.client() as client:
        session = await client.new_session()
        (file,) = await client.upload(session, [bench.piece()], job="J")
    assert file.url is not None
    assert len(bench.cloud.asked(UPLOAD)) == 1


async def test_14_drop_again_and_again_is_typed_after_two_more_tries(bench: Bench):
    bench.cloud.server.fault(UPLOAD, "rst_in", 100, times=99)
    async with bench.client() as client:
        session = await client.new_session()
        with pytest.raises(ConnectionBroken):
            await client.upload(session, [bench.piece()], job="J")
        assert bench.cloud.server.faults[0].seen == 3
        assert client.open_calls() == []


@pytest.mark.parametrize(
    ("action", "arg"), [("http", 503), ("http", 200), ("code", 422), ("fin_after", 5), ("truncate", 9)]
)
async def test_14_answers_that_make_no_sense_are_looked_up_too(bench: Bench, action, arg):
    bench.cloud.server.fault(UPLOAD, action, arg, times=9)
    async with bench.client() as client:
        session = await client.new_session()
        if arg == 422:
            with pytest.raises(InvalidDraft):
                await client.upload(session, [bench.piece()], job="J")
        else:
            # It did arrive, and is adopted.
            assert await client.upload(session, [bench.piece()], job="J")
    assert len(bench.cloud.sessions[session.id].infos) == 1
