"""Behaviours 27 to 29 of the contract, client side: the file on its way home."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.client import Bench, rendered
from support.cloud import video
from support.rawhttp import Response

from tightfit.cloud.errors import (
    DownloadCorrupted,
    OutputExpired,
)
from tightfit.cloud.told import Moved
from tightfit.errors import CloudError

pytestmark = pytest.mark.anyio
POLL, MEDIA, DIRECT = "GET /api/render/proxy/lambda/", "GET /media/", "/download"


# -- 27 drop mid-download


@pytest.mark.parametrize(
    ("action", "at"),
    [*((action, at) for action in ("fin_after", "rst_after") for at in (0, 1, 100_000, 149_999)), ("stall", 100_000)],
)
async def test_27_drop_mid_download_goes_on_where_it_broke(bench: Bench, action, at):
    bench.cloud.file = video(150_000)
    bench.cloud.server.fault(MEDIA, action, at)
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == bench.cloud.file
    first, second = bench.cloud.asked(MEDIA)
    assert "range" not in first.headers
    if at > 1:
        assert int(second.headers["range"].removeprefix("bytes=").rstrip("-")) > 0
        assert second.headers["if-range"].startswith('"')
    assert bench.clock.waits[1:] == [1]
    assert sum(p.name.startswith("out.mp4.") for p in bench.folder.iterdir()) == 0


async def test_27_drop_without_a_strong_validator_begins_again(bench: Bench):
    bench.cloud.etag = False
    bench.cloud.server.fault(MEDIA, "rst_after", 9_000)
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == bench.cloud.file
    assert all("range" not in r.headers for r in bench.cloud.asked(MEDIA))


async def test_27_drop_and_another_file_meanwhile_begins_again(bench: Bench):
    bench.cloud.with_facts = False
    bench.cloud.server.fault(MEDIA, "rst_after", 9_000)
    other = video(30_000, seed=2)
    async with bench.client() as client:
        job = await rendered(client)

        def swap(event) -> None:
            if isinstance(event, Moved):
                bench.cloud.renders[job.id].file = other

        client._downloads._tell = swap
        await client.download(job, bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == other


@pytest.mark.parametrize("facts", [True, False])
async def test_27_drop_that_looks_like_an_end_is_caught(bench: Bench, facts):
    """A body that ends with its connection, cut: nothing in the protocol tells."""
    bench.cloud.with_facts = facts
    answer = bench.cloud._file

    def cut(request, content):
        response = answer(request, content)
        if len(bench.cloud.asked(MEDIA)) == 1:
            response.framed, response.body = False, response.body[:-5]
        return response

    bench.cloud._file = cut
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == bench.cloud.file


async def test_27_drop_again_and_again_is_tried_five_times_and_then_fetched_from_the_service(bench: Bench):
    bench.cloud.server.fault(MEDIA, "deaf", times=99)
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert bench.cloud.server.faults[0].seen == 5
    assert bench.clock.waits[1:] == [1, 2, 4, 8]
    assert len(bench.cloud.asked(DIRECT)) == 1


@pytest.mark.parametrize("answer", ["whole", "nothing", "elsewhere"])
async def test_27_drop_and_a_service_that_does_not_go_on_begins_again(bench: Bench, answer):
    """Asked for a part it sends all, says that there is no such part, or sends another part."""
    bench.cloud.server.fault(MEDIA, "rst_after", 9_000)
    file = bench.cloud._file

    def stubborn(request, content):
        if "range" not in request.headers or len(bench.cloud.asked(MEDIA)) > 2:
            return file(request, content)
        if answer == "nothing":
            return Response(416, {"Content-Range": f"bytes */{len(content)}"})
        if answer == "elsewhere":
            return Response(206, {"Content-Range": f"bytes 5-{len(content) - 1}/{len(content)}"}, content[5:])
        return Response(200, {"Content-Type": "video/mp4"}, content)

    bench.cloud._file = stubborn
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == bench.cloud.file
    asked = ["range" in request.headers for request in bench.cloud.asked(MEDIA)]
    assert asked == ([False, True] if answer == "whole" else [False, True, False])


async def test_27_drop_the_name_appears_with_the_checked_file_alone(bench: Bench):
    bench.cloud.server.fault(MEDIA, "flip", 12_000)
    seen: list[bool] = []
    async with bench.client() as client:
        job = await rendered(client)
        client._downloads._tell = lambda _: seen.append((bench.folder / "out.mp4").exists())
        await client.download(job, bench.folder / "out.mp4")
    assert len(seen) > 1
    assert not any(seen)


async def test_27_drop_a_drip_is_no_download(bench: Bench):
    bench.cloud.server.fault(MEDIA, "drip", 0.01)
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert len(bench.cloud.asked(MEDIA)) == 2


# -- 28 expired URL


@pytest.mark.parametrize(
    ("action", "arg"),
    [("refuse", 403), ("refuse", 404), ("refuse", 410), ("json", {"error": "expired"}), ("json", {"output": {}})],
)
async def test_28_expired_place_is_asked_for_anew(bench: Bench, action, arg):
    bench.cloud.server.fault(MEDIA, action, arg)
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    first, second = bench.cloud.asked(MEDIA)
    assert first.target != second.target
    assert not bench.cloud.asked(DIRECT)


async def test_28_expired_again_is_fetched_directly(bench: Bench):
    bench.cloud.server.fault(MEDIA, "refuse", 403, times=9)
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert len(bench.cloud.asked(MEDIA)) == 2
    assert len(bench.cloud.asked(DIRECT)) == 1


async def test_28_expired_everywhere_is_told_and_a_new_render_is_possible(bench: Bench):
    bench.cloud.server.fault(MEDIA, "refuse", 403, times=9)
    bench.cloud.server.fault(DIRECT, "refuse", 410)
    async with bench.client() as client:
        with pytest.raises(OutputExpired):
            await client.download(await rendered(client), bench.folder / "out.mp4")
    assert not list(bench.folder.glob("out.mp4*"))


PAGES = [
    b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>",
    b"<!DOCTYPE html><title>Expired</title>",
    b'{"message": "Request has expired"}',
]


@pytest.mark.parametrize(
    ("page", "kind", "facts"),
    [
        *((page, "video/mp4", False) for page in PAGES),
        (PAGES[0], "video/mp4", True),
        (PAGES[0], "application/xml", True),
        (PAGES[1], "text/html", True),
    ],
)
async def test_28_a_page_instead_of_the_file_is_a_place_that_expired(bench: Bench, page, kind, facts):
    bench.cloud.with_facts = facts
    answer = bench.cloud._file

    def paged(request, content):
        if len(bench.cloud.asked(MEDIA)) == 1:
            return Response(200, {"Content-Type": kind}, page)
        return answer(request, content)

    bench.cloud._file = paged
    async with bench.client() as client:
        job = await rendered(client)
        polls = len(bench.cloud.asked(POLL))
        await client.download(job, bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == bench.cloud.file
    first, second = bench.cloud.asked(MEDIA)
    assert first.target != second.target
    assert len(bench.cloud.asked(POLL)) == polls + 1
    assert not bench.cloud.asked(DIRECT)


async def test_28_pages_everywhere_are_told(bench: Bench):
    bench.cloud.with_facts = False
    bench.cloud._file = lambda *_: Response(200, {"Content-Type": "video/mp4"}, PAGES[0])
    async with bench.client() as client:
        with pytest.raises(OutputExpired):
            await client.download(await rendered(client), bench.folder / "out.mp4")
    assert (len(bench.cloud.asked(MEDIA)), len(bench.cloud.asked(DIRECT))) == (2, 1)
    assert not list(bench.folder.glob("out.mp4*"))


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://x/y", "http://", "no url", "http://127.0.0.1:1/x", "http://[::1", "http://a:b"]
)
async def test_28_a_place_that_is_none_is_not_followed(bench: Bench, url):
    async with bench.client() as client:
        job = await rendered(client)
        bad = job.model_copy(update={"output": job.output.model_copy(update={"url": url})})
        bench.cloud.server.fault(POLL, "json", {"code": 0, "status": "completed", "output": {"url": url}}, times=9)
        await client.download(bad, bench.folder / "out.mp4")
    assert len(bench.cloud.asked(DIRECT)) == 1


# -- 29 corrupted


@pytest.mark.parametrize(("action", "arg"), [("flip", 12_000), ("truncate", 10), ("truncate", 20_000)])
async def test_29_corrupted_file_is_fetched_once_more_whole(bench: Bench, action, arg):
    bench.cloud.server.fault(MEDIA, action, arg)
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == bench.cloud.file
    assert all("range" not in r.headers for r in bench.cloud.asked(MEDIA))


async def test_29_corrupted_and_another_video_in_its_place_is_seen(bench: Bench):
    answer, other = bench.cloud._file, video(20_000, seed=2)

    def wrong(request, content):
        return answer(request, other if request.path.startswith("/media") else content)

    bench.cloud._file = wrong
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert (bench.folder / "out.mp4").read_bytes() == bench.cloud.file
    assert (len(bench.cloud.asked(MEDIA)), len(bench.cloud.asked(DIRECT))) == (2, 1)


async def test_29_corrupted_twice_is_fetched_directly(bench: Bench):
    bench.cloud.server.fault(MEDIA, "flip", 12_000, times=9)
    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4")
    assert (len(bench.cloud.asked(MEDIA)), len(bench.cloud.asked(DIRECT))) == (2, 1)


async def test_29_corrupted_everywhere_is_told_and_nothing_is_left(bench: Bench):
    bench.cloud.server.fault("GET ", "flip", 12_000, nth=1, times=99)
    async with bench.client() as client:
        bench.cloud.server.faults.clear()
        job = await rendered(client)
        bench.cloud.server.fault(MEDIA, "flip", 12_000, times=99)
        bench.cloud.server.fault(DIRECT, "flip", 12_000, times=99)
        with pytest.raises(DownloadCorrupted, match="SHA-256"):
            await client.download(job, bench.folder / "out.mp4")
    assert not list(bench.folder.glob("out.mp4*"))


async def test_29_corrupted_in_the_eyes_of_whoever_asked(bench: Bench):
    looked: list[int] = []

    async def check(path: Path) -> None:
        looked.append(path.stat().st_size)
        if len(looked) < 3:
            raise CloudError("It shows another picture.")

    async with bench.client() as client:
        await client.download(await rendered(client), bench.folder / "out.mp4", check)
    assert looked == [20_000] * 3
