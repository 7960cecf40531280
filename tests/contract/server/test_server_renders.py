"""Behaviours 24 to 29 of the render API, on our server: exports from the queue to the last byte."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import av
import httpx
import pytest
from support.footage import lavfi, make
from support.served import Caller, Served, wait_for

from tightfit.domain.geometry import full_size
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.picture import Picture
from tightfit.media.probe import probe
from tightfit.media.tools import Ffmpeg

DAY_S = 86_400
ORDER = ["pending", "processing", "completed"]


def plain(draft: dict[str, Any], **segment: int) -> dict[str, Any]:
    """The draft without its target, and with these values in its segment."""
    changed = copy.deepcopy(draft)
    changed["m"].pop("target_bytes", None)
    changed["t"][0]["sg"][0].update(segment)
    return changed


def inside(content: bytes, tmp_path: Path) -> av.container.InputContainer:
    path = tmp_path / "render"
    path.write_bytes(content)
    return av.open(str(path))


@pytest.fixture(scope="module")
def exporting(semantic: Served, clip: bytes) -> Caller:
    """A caller with two seconds of video in a draft."""
    caller = semantic.caller()
    caller.upload(("clip.mp4", clip))
    caller.say("under 60KB")
    return caller


@pytest.fixture(scope="module")
def completed(exporting: Caller) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Everything that polling a render to a size said, and the last of it."""
    exporting.submit(exporting.draft, id="sized", format="mp4", quality="high")
    seen: list[dict[str, Any]] = []

    def look() -> dict[str, Any]:
        seen.append(exporting.poll("sized"))
        return seen[-1]

    return seen, wait_for(look, lambda job: job["status"] not in ("pending", "processing"))


def test_24_a_render_goes_one_way_and_says_the_same_twice(
    exporting: Caller, completed: tuple[list[dict[str, Any]], dict[str, Any]]
):
    seen, last = completed
    assert last["status"] == "completed", last["error"]
    steps = [ORDER.index(job["status"]) for job in seen]
    assert steps == sorted(steps)
    progress = [job["progress"] for job in seen]
    assert progress == sorted(progress)
    assert progress[-1] == 100
    assert any(0 < percent < 100 for percent in progress)
    for job in seen:
        assert (job["code"], job["success"]) == (0, True)
        assert job["id"] == job["taskId"] == job["data"]["id"] == "sized"
        assert (job["status"], job["progress"]) == (job["data"]["status"], job["data"]["progress"])
        assert (job["output"] or {}).get("url") == job["data"]["outputUrl"]
    assert last["data"]["createdAt"] <= last["data"]["completedAt"]
    assert exporting.credits["available"] == 50, "an export costs nothing"


def test_24_the_file_is_h264_in_mp4_and_under_its_target(
    completed: tuple[list[dict[str, Any]], dict[str, Any]], tmp_path: Path
):
    output = completed[1]["output"]
    content = httpx.get(output["url"]).content
    assert 0.9 * 60_000 < len(content) <= 60_000
    with inside(content, tmp_path) as container:
        assert "mp4" in container.format.name
        assert container.streams.video[0].codec_context.name == "h264"
        assert container.streams.audio[0].codec_context.name == "aac"


def test_24_a_large_picture_comes_out_within_1080p_and_trimmed(served: Served, tmp_path: Path):
    big = tmp_path / "big.mp4"
    make(*lavfi("testsrc2=size=1200x2000:rate=10"), "-frames:v", 6, "-pix_fmt", "yuv420p", "-crf", 40, big)
    caller = served.caller()
    caller.upload(("big.mp4", big.read_bytes()))
    caller.say("under 9MB")
    draft = plain(caller.draft, ti=200, to=600, d=400)
    caller.submit(draft, id="trimmed", quality="low")
    output = caller.finished("trimmed")["output"]
    assert (output["width"], output["height"], output["frames"], output["duration"]) == (1080, 1800, 4, 0.4)


def test_25_the_same_id_and_body_are_the_same_render(editing: Caller):
    editing.say("2MB")
    draft = plain(editing.draft)
    first, again = editing.submit(draft, id="once"), editing.submit(draft, id="once")
    assert (first.status_code, again.status_code) == (200, 200)
    other = editing.submit(plain(draft, to=200, d=200), id="once")
    assert (other.status_code, other.json()["code"]) == (409, 409)
    assert editing.finished("once")["status"] == "completed"
    jobs = editing.http.get("/api/render/proxy/lambda", params={"sessionId": editing.session}).json()["data"]
    assert [job["id"] for job in jobs] == ["once"]
    made = list((editing.served.home / "server" / "outputs").glob("*"))
    assert editing.submit(draft, id="once").json()["status"] == "completed"
    assert list((editing.served.home / "server" / "outputs").glob("*")) == made


@pytest.mark.parametrize(
    "change",
    [
        {"t": []},
        {"t": [{"tt": 0, "sg": []}]},
        {"t": None},
        {"t": [{"tt": 0, "sg": [{"src": "file:///etc/passwd", "s": 0, "d": 1}]}]},
        {"t": [{"tt": 0, "sg": [{"src": "http://127.0.0.1/a.mp4", "s": 0, "d": 1}]}]},
        {"t": [{"tt": 0, "sg": [{"src": "asset://f_unknown", "s": 0, "d": 1}]}]},
        {"t": [{"tt": 0, "sg": [{"src": "asset://../../server.db", "s": 0, "d": 1}]}]},
        {"m": {"target_bytes": 0}},
        {"m": {"target_bytes": "5MB"}},
    ],
)
def test_25_an_invalid_draft_is_422_and_no_render(refused_often: Caller, change: dict[str, Any]):
    editing = refused_often
    answer = editing.submit({**editing.draft, **change}, id="bad")
    assert (answer.status_code, answer.json()["code"]) == (422, 422)
    assert editing.http.get("/api/render/proxy/lambda/bad").status_code == 404
    assert editing.state()["render_jobs"] == []


def test_25_a_foreign_asset_is_no_source_and_a_foreign_render_is_not_there(served: Served, editing: Caller):
    editing.say("2MB")
    editing.submit(plain(editing.draft), id="mine")
    other = served.caller()
    assert other.submit(editing.draft, id="theirs").status_code == 422
    unknown = other.http.get("/api/render/proxy/lambda/unknown")
    for path, method in (
        ("lambda/mine", "GET"),
        ("mine", "GET"),
        ("mine/download", "GET"),
        ("lambda/mine/cancel", "POST"),
    ):
        answer = other.http.request(method, f"/api/render/proxy/{path}")
        assert (answer.status_code, answer.content) == (404, unknown.content), path


def test_25_cancelling_works_once(editing: Caller, clip: bytes):
    editing.upload(("clip.mp4", clip))
    editing.say("under 50KB")
    editing.submit(editing.draft, id="running")
    editing.submit(editing.draft, id="waiting")
    wait_for(lambda: editing.poll("running"), lambda job: job["status"] == "processing")
    for render in ("waiting", "running"):
        answer = editing.http.post(f"/api/render/proxy/lambda/{render}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
        again = editing.http.post(f"/api/render/proxy/lambda/{render}/cancel")
        assert (again.status_code, again.json()["data"]["status"]) == (409, "cancelled")
        assert editing.http.get(f"/api/render/proxy/{render}/download").status_code == 409
    assert editing.http.post("/api/render/proxy/lambda/unknown/cancel").status_code == 404
    editing.submit(plain(editing.draft), id="after")
    assert editing.finished("after")["status"] == "completed", "the queue goes on"


def test_25_a_render_that_fails_says_why_in_words_for_people(exporting: Caller):
    exporting.submit(exporting.draft, id="impossible", target_bytes=500)
    job = exporting.finished("impossible")
    assert (job["status"], job["output"]) == ("failed", None)
    assert "can't be made into 500 bytes" in job["error"]
    assert str(exporting.served.home) not in job["error"]


def test_26_a_render_needs_nobody_who_polls(editing: Caller):
    editing.say("2MB")
    editing.submit(plain(editing.draft), id="orphan")
    shown = wait_for(lambda: editing.state()["render_jobs"], lambda jobs: jobs[0]["status"] == "completed")
    assert shown == [{"id": "orphan", "status": "completed"}]
    listed = editing.http.get("/api/render/proxy/lambda", params={"sessionId": editing.session}).json()["data"]
    assert listed[0]["output"]["sha256"]


def test_27_a_download_can_be_gone_on_with(exporting: Caller, completed: tuple[list[dict[str, Any]], dict[str, Any]]):
    whole = httpx.get(completed[1]["output"]["url"])
    size, etag = len(whole.content), whole.headers["etag"]
    assert whole.headers["accept-ranges"] == "bytes"
    for address, headers in (
        (completed[1]["output"]["url"], {}),
        (f"{exporting.served.base}/api/render/proxy/sized/download", dict(exporting.http.headers)),
    ):
        part = httpx.get(address, headers={**headers, "Range": "bytes=1000-1999", "If-Range": etag})
        assert (part.status_code, part.content) == (206, whole.content[1000:2000])
        assert part.headers["content-range"] == f"bytes 1000-1999/{size}"
        assert part.headers["etag"] == etag
        rest = httpx.get(address, headers={**headers, "Range": f"bytes={size - 7}-"})
        assert rest.content == whole.content[-7:]
        tail = httpx.get(address, headers={**headers, "Range": "bytes=-5"})
        assert tail.content == whole.content[-5:]
        beyond = httpx.get(address, headers={**headers, "Range": f"bytes={size}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
        changed = httpx.get(address, headers={**headers, "Range": "bytes=1-2", "If-Range": '"other"'})
        assert (changed.status_code, len(changed.content)) == (200, size)


def test_28_an_address_dies_and_a_poll_makes_a_new_one(roaming: Served, tiny: bytes):
    served, editing = roaming, roaming.caller()
    editing.upload(("tiny.mp4", tiny))
    editing.say("2MB")
    editing.submit(plain(editing.draft), id="r")
    first = editing.finished("r")["output"]["url"]
    assert httpx.get(first).status_code == 200
    assert httpx.get(first[:-1] + ("0" if first[-1] != "0" else "1")).status_code == 403
    assert httpx.get(first.replace("exp=1", "exp=2")).status_code == 403
    assert httpx.get(f"{served.base}/media/r/unknown?exp=1&sig=x").status_code == 403
    served.advance(DAY_S - 30)
    fresh = editing.poll("r")["output"]["url"]
    assert fresh != first
    served.advance(25)
    assert httpx.get(fresh).status_code == 200
    served.advance(10)
    assert httpx.get(first).json()["code"] == 410
    gone = editing.poll("r")
    assert (gone["status"], gone["output"], gone["data"]["outputUrl"]) == ("completed", None, None)
    assert editing.http.get("/api/render/proxy/r/download").status_code == 410
    assert httpx.get(fresh).status_code == 410, "the address is good, the file is not there"
    served.advance(700)
    wait_for(lambda: list((served.home / "server" / "outputs").iterdir()), lambda files: not files)


def test_29_what_is_told_of_a_file_is_true_of_its_bytes(
    exporting: Caller, completed: tuple[list[dict[str, Any]], dict[str, Any]], tmp_path: Path
):
    output = completed[1]["output"]
    answer = exporting.http.get("/api/render/proxy/sized/download")
    assert hashlib.sha256(answer.content).hexdigest() == output["sha256"] == answer.headers["x-content-sha256"]
    assert int(answer.headers["content-length"]) == output["size"] == len(answer.content)
    with inside(answer.content, tmp_path) as container:
        video = container.streams.video[0]
        frames = sum(1 for packet in container.demux(video) if packet.size)
        assert (video.width, video.height, frames) == (output["width"], output["height"], output["frames"])
        assert frames / 25 == output["duration"]


@pytest.mark.parametrize("action", ["truncate(100)", "flip(100)"])
def test_29_the_plan_of_faults_spoils_a_download(served: Served, editing: Caller, action: str):
    editing.say("2MB")
    editing.submit(plain(editing.draft), id="r")
    output = editing.finished("r")["output"]
    served.break_by(("GET /media/*", action))
    spoiled, sound = httpx.get(output["url"]).content, httpx.get(output["url"]).content
    assert hashlib.sha256(sound).hexdigest() == output["sha256"]
    assert spoiled != sound
    assert len(spoiled) == (100 if action == "truncate(100)" else len(sound))


@pytest.mark.anyio
async def test_encode_gives_the_engines_own_piece(served: Served, bundled: Ffmpeg, clip: bytes, tmp_path: Path):
    """Exactly the asked frames, byte for byte what this machine would have made of them."""
    caller = served.caller()
    caller.upload(("clip.mp4", clip))
    caller.say("2MB")
    source = tmp_path / "clip.mp4"
    source.write_bytes(clip)
    info = await probe(source)
    video = info.main_video
    assert video is not None
    full = full_size(video.display_size)
    base = [video.time_base.numerator, video.time_base.denominator]
    asked = {"crf": 24, "width": full.width, "height": full.height, "preset": "medium", "threads": 2}
    asked |= {"start_pts": video.pts[10], "end_pts": video.pts[31], "time_base": base, "origin_pts": video.pts[0]}
    caller.submit(caller.draft, id="piece", encode=asked)
    output = caller.finished("piece")["output"]
    assert (output["frames"], output["format"]) == (21, "nut")
    assert (output["first_pts"], output["last_pts"]) == (video.pts[10] - video.pts[0], video.pts[30] - video.pts[0])
    assert output["encoder_version"].endswith(bundled.version)
    here = tmp_path / "here.nut"
    clip_here = Clip(info, video, Picture(video, full), tuple(p - video.pts[0] for p in video.pts))
    await encode(bundled, clip_here, 10, 31, Setting(full, 24.0, 2), here, on_frames=lambda _: None)
    assert caller.http.get("/api/render/proxy/piece/download").content == here.read_bytes()
    for change in ({"time_base": [1, 7]}, {"start_pts": 10**9, "end_pts": None}):
        name = f"bad{len(json.dumps(change))}"
        caller.submit(caller.draft, id=name, encode={**asked, **change})
        assert caller.finished(name)["status"] == "failed"
    for wrong in ({"codec": "av1"}, {"args": {"filters": ["movie=/etc/passwd"]}}, {"audio": True}, {"crf": 99}):
        assert caller.submit(caller.draft, id="wrong", encode={**asked, **wrong}).status_code == 422
