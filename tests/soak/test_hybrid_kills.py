"""SIGKILL of whole jobs that use a service, at every step of it, and the same command again.

Half of them with a real `tightfit serve`, which encodes to order; half with a plain service that counts its credits.
`make hybrid-kills RUNS=60` makes so many.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command import Ran, Tool
from support.footage import decode_complaints, times_in
from support.patience import patience
from support.plain_cloud import PlainCloud
from support.served import Served
from support.service import Service

from tightfit.cloud.ledger import Call
from tightfit.engine.journal import Journal
from tightfit.engine.ledger import JournalLedger

RUNS, SEED = int(os.environ.get("TIGHTFIT_HYBRID_KILLS", "0")), int(os.environ.get("TIGHTFIT_SEED", "1"))
COST, LIMIT, LIMIT_BYTES = 10, "30KB", 30_000
# Steps of a plain service, and the moments of `test_kill.py`: before it is heard, in its middle, after its effect, and
# in its answer.
STEPS = {
    "upload": "POST /api/upload-video",
    "message": "POST /run_sse",
    "submit": "POST /api/render",
    "poll": "GET /api/render/proxy/lambda/",
    "download": "GET /media/",
}
MOMENTS = ("deaf", "rst_in", "lost", "fin_after")
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture
def tool(tmp_path: Path, known_ffmpegs: Path, made_cuts: Path) -> Tool:
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    shutil.copytree(known_ffmpegs, home)
    shutil.copy(made_cuts, folder / "cuts.mp4")
    return Tool(folder, home)


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory, known_ffmpegs: Path) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("service")
    shutil.copytree(known_ffmpegs / "cache", home / "server" / "engine" / "cache")
    environment = {"TIGHTFIT_TEST_CLOCK": "fast", "TIGHTFIT_SERVE_TOKENS_PER_ADDRESS": "100000"}
    served = Served(home, environment).start()
    yield Service(served)
    served.end()


def started(tool: Tool, url: str) -> subprocess.Popen[bytes]:
    environment = {"NEMO_API_URL": url, "HOME": str(tool.folder.parent), "TIGHTFIT_TEST_CLOCK": "fast"}
    return tool.start("cuts.mp4", LIMIT, "-o", "out.mp4", "--json", "--where", "cloud", **environment)


def ended(process: subprocess.Popen[bytes]) -> Ran:
    out, err = process.communicate(timeout=patience(60))
    return Ran(process.returncode, out.decode(), err.decode())


def assert_well_ended(tool: Tool, ran: Ran) -> None:
    assert ran.code == 0, ran.err
    out = tool.folder / "out.mp4"
    assert out.stat().st_size <= LIMIT_BYTES
    assert decode_complaints(out) == ""
    assert times_in(out) == [t - times_in(tool.folder / "cuts.mp4")[0] for t in times_in(tool.folder / "cuts.mp4")]
    assert tool.files == {"cuts.mp4", "out.mp4"}
    ledger = JournalLedger(Journal(tool.home / "journal.db"))
    assert [entry for entry in ledger.open_calls() if entry.call is Call.RENDER] == []
    assert not list((tool.home / "work").iterdir()), "something was left"


@pytest.mark.parametrize("seed", range(SEED, SEED + (RUNS + 1) // 2))
def test_a_job_at_a_plain_service_pays_once(tool: Tool, seed: int):
    luck = random.Random(seed)
    steps = list(STEPS)
    step, moment = steps[seed % len(steps)], MOMENTS[seed // len(steps) % len(MOMENTS)]
    with PlainCloud() as cloud:
        cloud.polls_to_end, cloud.run_s = luck.randint(1, 3), luck.choice((0, 0.05))
        first = list[subprocess.Popen[bytes]]()
        arg = luck.randint(0, 3000) if moment == "rst_in" else luck.randint(0, 200)
        cloud.server.fault(STEPS[step], moment, arg, then=lambda: first[0].kill())
        first.append(started(tool, cloud.url))
        assert ended(first[0]).code == -signal.SIGKILL
        assert_well_ended(tool, ended(started(tool, cloud.url)))
        assert len(cloud.messages) <= 1
        assert (cloud.available, cloud.frozen) == (cloud.credits - COST * len(cloud.messages), 0)
        assert all(count == 1 for count in cloud.executions.values())
        assert cloud.running == []


# What the server's books show when the client is killed.
SIGHTS: dict[str, Callable[[Service], bool]] = {
    "a session": lambda service: service.sessions > 0,
    "an upload": lambda service: len(service.assets) > 0,
    "a render": lambda service: len(service.renders) > 0,
    "a finished render": lambda service: any(row["state"] == "completed" for row in service.renders),
    "two renders": lambda service: len(service.renders) > 1,
}


@pytest.mark.parametrize("seed", range(SEED, SEED + RUNS // 2))
def test_a_job_at_a_service_that_encodes_leaves_no_render(tool: Tool, serving: Service, seed: int):
    luck = random.Random(-seed)
    serving.forget()
    sight = SIGHTS[list(SIGHTS)[seed % len(SIGHTS)]]
    first = started(tool, serving.served.base)
    deadline = time.monotonic() + patience(60)
    while not sight(serving) and first.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    time.sleep(luck.uniform(0, 0.1))
    first.kill()
    was_killed = ended(first).code == -signal.SIGKILL
    ran = ended(started(tool, serving.served.base)) if was_killed else None
    if ran is not None:
        assert_well_ended(tool, ran)
    assert [row["id"] for row in serving.renders if row["state"] in ("pending", "processing")] == []
    assert len({row["id"] for row in serving.renders}) == len(serving.renders)
