"""Going on where an earlier process was: its session, its uploads, its renders; and what it could not cancel."""

from __future__ import annotations

import sys
from pathlib import Path

import anyio
import pytest
from support.client import Bench
from support.cloud import FakeCloud

from tightfit.cloud.errors import BadAnswer
from tightfit.cloud.ledger import Call, Stage
from tightfit.domain.job import Kind
from tightfit.domain.request import CompressRequest
from tightfit.engine.facts import request_facts
from tightfit.engine.journal import Journal
from tightfit.engine.leftovers import cancel_left, give_up_renders
from tightfit.errors import NetworkError
from tightfit.media.probe import identify
from tightfit.settings import CloudSettings, Settings
from tightfit.units import parse_target

pytestmark = pytest.mark.anyio
UPLOAD, STATE, CANCEL = "POST /api/upload-video", "GET /api/state", "/cancel"
OUTPUT = {"format": "mp4", "quality": "high"}


def draft(file_id: str) -> dict[str, object]:
    return {"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000, "src": f"asset://{file_id}"}]}]}


async def begun(bench: Bench, job: str = "J") -> str:
    """A render of a piece that was sent; its id."""
    async with bench.client() as client:
        session = await client.session_for(job, "cloud 1")
        [sent] = await client.upload(session, [bench.piece()], job=job)
        return await client.submit(session, draft(str(sent.hash)), OUTPUT, unit="1", job=job)


async def test_who_resumes_a_job_finds_its_session_its_upload_and_its_render(bench: Bench):
    first = await begun(bench)
    assert await begun(bench) == first
    assert len(bench.cloud.sessions) == len(bench.cloud.renders) == 1
    assert len(bench.cloud.asked(UPLOAD)) == 1, "what the session has is not sent again"


async def test_a_session_that_is_gone_is_begun_anew(bench: Bench):
    await begun(bench)
    bench.cloud.sessions.clear()
    await begun(bench)
    assert len(bench.cloud.sessions) == 1
    assert len(bench.cloud.asked(UPLOAD)) == 2


async def test_other_jobs_and_other_names_have_sessions_of_their_own(bench: Bench):
    async with bench.client() as client:
        ids = [(await client.session_for(*names)).id for names in (("J", "1"), ("J", "2"), ("K", "1"))]
    assert len(set(ids)) == 3


async def test_a_timeline_that_did_not_change_is_not_sent_again(bench: Bench):
    bench.cloud.state_etags = True
    async with bench.client() as client:
        session = await client.new_session()
        before, same = await client.state(session), await client.state(session)
        assert same == before
        asked = bench.cloud.asked(STATE)
        assert "if-none-match" not in asked[0].headers
        assert asked[1].headers["if-none-match"]
        await client.say(session, "add it", key="say-1", job="J")
        assert (await client.state(session)).is_ready


async def test_the_link_for_a_browser_carries_a_claim_and_never_the_token(bench: Bench):
    async with bench.client() as client:
        link = await client.claim_link(await client.new_session())
        token = (await client.account()).token
    assert link == "https://nemovideo.com/workspace/claim?ct=clm_task_1"
    assert token not in link


async def test_a_claim_that_is_none_is_no_link(bench: Bench):
    bench.cloud.server.fault("claim-token", "json", {"code": 0, "data": {"claim_token": "nmv_usr_secret"}})
    async with bench.client() as client:
        with pytest.raises(BadAnswer):
            await client.claim_link(await client.new_session())


async def test_what_could_not_be_cancelled_is_cancelled_at_the_next_contact(bench: Bench):
    settings = Settings(home=bench.home)
    await begun(bench)
    bench.cloud.server.fault(CANCEL, "deaf", times=10)
    async with bench.client() as client:
        with pytest.raises(NetworkError):
            await client.abandon("J")
        assert len(bench.cloud.running) == 1
        bench.cloud.server.faults.clear()
        await cancel_left(client, settings)
        assert bench.cloud.running == []
    assert [entry for entry in bench.ledger.open_calls() if entry.call is Call.RENDER] == []


async def test_a_job_that_can_go_on_keeps_its_render(bench: Bench):
    settings = Settings(home=bench.home)
    job = Journal(bench.home / "journal.db").submit("J", "print", {"source": "x"})
    await begun(bench, job)
    async with bench.client() as client:
        await cancel_left(client, settings)
        assert len(bench.cloud.running) == 1
        Journal(bench.home / "journal.db").append(job, Kind.CANCELLED)
        await cancel_left(client, settings)
    assert bench.cloud.running == []


async def test_another_service_is_not_asked_about_a_render(bench: Bench):
    await begun(bench)
    with FakeCloud() as other:
        elsewhere = Bench(other, bench.folder)
        async with elsewhere.client() as client:
            await cancel_left(client, Settings(home=bench.home))
        assert other.requests == []
        settings = Settings(home=bench.home, cloud=CloudSettings(api_url=other.url))
        assert await give_up_renders(settings, "J") == "another service has it"
    assert len(bench.cloud.running) == 1


async def test_offline_nothing_is_cancelled_and_nobody_asked(bench: Bench):
    await begun(bench)
    asked = len(bench.cloud.requests)
    assert "offline" in await give_up_renders(Settings(home=bench.home, offline=True), "J")
    assert len(bench.cloud.requests) == asked


async def test_jobs_cancel_cancels_at_the_service(bench: Bench, tmp_path: Path):
    clip = tmp_path / "x.mp4"
    clip.write_bytes(b"not looked into")
    asked = request_facts(CompressRequest(clip, parse_target("1MB")), identify(clip))
    job = Journal(bench.home / "journal.db").submit("01K" + "0" * 23, "print", asked)
    await begun(bench, job)
    environment = {"TIGHTFIT_HOME": str(bench.home), "NEMO_API_URL": bench.cloud.url, "HOME": str(tmp_path)}
    words = [sys.executable, "-m", "tightfit", "jobs", "cancel", job]
    done = await anyio.run_process(words, env=environment, check=False)
    assert (done.returncode, bench.cloud.running) == (0, []), done.stderr
    assert [e.stage for e in bench.ledger.all_calls(job) if e.call is Call.RENDER] == [Stage.CANCELLED]
