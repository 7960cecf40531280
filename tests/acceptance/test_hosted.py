"""A service that can be told neither a size nor a quality: what it makes is used where it is right, and only there."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Any

import av
import pytest
from support.cloud import COST
from support.command import Ran, Tool
from support.footage import decode_complaints, make_reel
from support.patience import patience
from support.plain_cloud import LIES, PlainCloud
from support.served import Served

EVERYTHING = os.environ.get("TIGHTFIT_HYBRID") == "all"
NAME = "Anna's birthday.mp4"
# The reel takes 329, 74 and 32 kB at these services' three qualities, and some more for its sound.
GENEROUS, TIGHT, LEAST = 400_000, 150_000, 30_000


@pytest.fixture(scope="session")
def made_short_reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_reel(tmp_path_factory.mktemp("short") / "reel.mp4", scenes=4, crf=12)


@pytest.fixture
def reel(tool: Tool, made_short_reel: Path) -> Path:
    (tool.folder.parent / "user").mkdir()
    return Path(shutil.copy(made_short_reel, tool.folder / NAME))


def fitted(tool: Tool, url: str, limit: int, *words: object) -> Ran:
    environment = {"NEMO_API_URL": url, "HOME": str(tool.folder.parent / "user"), "TIGHTFIT_TEST_CLOCK": "fast"}
    asked = (NAME, f"{limit // 1000}KB", "-o", "out.mp4", "--json", "--where", "cloud")
    process = tool.start(*asked, *words, **environment)
    out, err = process.communicate(timeout=patience(60))
    return Ran(process.returncode, out.decode(), err.decode())


def assert_met(tool: Tool, ran: Ran, source: Path, limit: int) -> dict[str, Any]:
    assert ran.code == 0, ran.err
    [result] = ran.results
    out = tool.folder / "out.mp4"
    assert result["status"] == "met"
    assert out.stat().st_size == result["bytes"] <= limit
    assert decode_complaints(out) == ""
    assert _frames(out) == result["frames"] == _frames(source)
    with av.open(str(out)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"], "the sound is this machine's"
    assert tool.files == {source.name, "out.mp4"}
    return result


def _frames(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def assert_at_rest(cloud: PlainCloud) -> None:
    assert cloud.running == []
    assert len(cloud.messages) <= 1, "a message was sent twice"
    assert all(count == 1 for count in cloud.executions.values())
    assert cloud.frozen == 0


def test_the_whole_clip_is_rendered_where_that_is_all_a_service_does(tool: Tool, reel: Path):
    with PlainCloud() as cloud:
        ran = fitted(tool, cloud.url, GENEROUS)
        result = assert_met(tool, ran, reel, GENEROUS)
        seen = [update for update in ran.lines if update["type"] == "update"]
        at = {phase: [u["percent"] for u in seen if u["phase"] == phase] for phase in ("upload", "render", "download")}
        percents = [*at["upload"], *at["render"], *at["download"]]
        assert percents == sorted(percents), "one after another"
        assert 18 <= percents[0] < at["render"][-1] < percents[-1] <= 85
        assert result["segments"] == {"total": 1, "reencoded": 0, "local": 0, "cloud": 1, "cluster": 0}
        assert len(cloud.messages) == len(cloud.renders) == 1
        assert result["credits"] == COST == cloud.credits - cloud.available
        assert all(len(session.infos) <= 1 for session in cloud.sessions.values())
        assert any("can't be told a size" in line for line in result["warnings"])
        assert_at_rest(cloud)
        linked = tool("jobs", "link", result["job_id"], NEMO_API_URL=cloud.url, HOME=str(tool.folder.parent / "user"))
        assert linked.out == "https://nemovideo.com/workspace/claim?ct=clm_task_1\n"
        offline = tool("jobs", "link", result["job_id"], NEMO_API_URL=cloud.url, TIGHTFIT_OFFLINE="1")
        assert (offline.code, offline.out) == (2, "")


@pytest.mark.skipif(not EVERYTHING, reason="for `make hybrid`")
def test_a_quality_that_fits_is_looked_for(tool: Tool, reel: Path):
    with PlainCloud(eager=True) as cloud:
        result = assert_met(tool, fitted(tool, cloud.url, TIGHT), reel, TIGHT)
        assert result["segments"]["cloud"] == result["segments"]["total"] == 1
        assert [asked["quality"] for asked in cloud.asked_for][-2:] == ["high", "medium"]
        assert cloud.messages == [], "what was sent is on the timeline already"
        assert_at_rest(cloud)


@pytest.mark.skipif(not EVERYTHING, reason="for `make hybrid`")
def test_what_fits_at_no_quality_is_made_here(tool: Tool, reel: Path):
    with PlainCloud() as cloud:
        result = assert_met(tool, fitted(tool, cloud.url, LEAST), reel, LEAST)
        assert result["segments"]["cloud"] == 0
        assert any("bytes of a picture that may have" in line for line in result["warnings"])
        assert_at_rest(cloud)


# Each of them is tried on the check itself in `test_foreign.py`; here is one that only the pictures show. The rest is
# for `make hybrid`.
@pytest.mark.parametrize("lie", LIES if EVERYTHING else ["another video"])
def test_a_lie_about_the_whole_clip_is_seen_and_the_clip_made_here(tool: Tool, reel: Path, lie: str):
    with PlainCloud(lie=lie) as cloud:
        result = assert_met(tool, fitted(tool, cloud.url, TIGHT), reel, TIGHT)
        assert result["segments"]["cloud"] == 0
        [why] = [line for line in result["warnings"] if line.startswith("All is made on this machine")]
        assert re.search(SAID[lie], why), why
        assert_at_rest(cloud)


SAID = {
    "another size": "pictures of 96x54 instead of 192x108",
    "frames dropped": "pictures instead of",
    "times stretched": "pictures at other times",
    "times shifted": "pictures that begin at",
    "upside down": "another picture than the source's",
    "another colour": "another picture than the source's",
    "another video": "another picture than the source's",
    "too large": "bytes of a picture that may have",
    "cut short": "damaged",
    "no video": "without a picture",
}


@pytest.mark.skipif(not EVERYTHING, reason="for `make hybrid`")
def test_without_falling_back_a_lie_is_exit_5_and_nothing_is_written(tool: Tool, reel: Path):
    with PlainCloud(lie="another video") as cloud:
        ran = fitted(tool, cloud.url, TIGHT, "--no-fallback")
        assert ran.code == 5
        assert "another picture" in ran.results[0]["error"]["message"]
        assert tool.files == {reel.name}


@pytest.mark.skipif(not EVERYTHING, reason="for `make hybrid`")
def test_no_message_is_sent_that_could_cost_more_than_allowed(tool: Tool, reel: Path):
    with PlainCloud() as cloud:
        result = assert_met(tool, fitted(tool, cloud.url, TIGHT, "--max-credits", 10), reel, TIGHT)
        assert result["segments"]["cloud"] == 0
        assert cloud.messages == []
        assert any("more than 10 credits" in line for line in result["warnings"])


@pytest.mark.skipif(not EVERYTHING, reason="for `make hybrid`")
def test_our_own_server_as_a_plain_one_makes_the_whole_clip_to_its_size(
    tool: Tool, reel: Path, known_ffmpegs: Path, tmp_path_factory: pytest.TempPathFactory
):
    home = tmp_path_factory.mktemp("plain")
    shutil.copytree(known_ffmpegs / "cache", home / "server" / "engine" / "cache")
    served = Served(home, {"TIGHTFIT_TEST_CLOCK": "fast", "TIGHTFIT_SERVE_PLAIN": "1"}).start()
    try:
        result = assert_met(tool, fitted(tool, served.base, TIGHT), reel, TIGHT)
        assert result["segments"]["cloud"] == 1, result["warnings"]
        assert result["fill"] > 0.9
    finally:
        served.end()
