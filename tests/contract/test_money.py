"""Faults at random in front of a cloud that counts: nothing is paid for twice, nothing is left running.

Each run is a job that may be killed anywhere in the ledger's work and taken up again, at a service that fails at
random moments in random ways. `make cloud-faults` makes a thousand of them.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.client import Bench, short_limits
from support.cloud import COST, FakeCloud
from support.journey import journey

from tightfit.cloud.client import CloudClient
from tightfit.cloud.errors import CloudError
from tightfit.cloud.ledger import Entry, Stage
from tightfit.engine.ledger import JournalLedger
from tightfit.errors import NetworkError
from tightfit.net.clock import Clock
from tightfit.net.http import Http

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(3600)]
RUNS, SEED = int(os.environ.get("TIGHTFIT_CLOUD_RUNS", "25")), int(os.environ.get("TIGHTFIT_SEED", "1"))
# Ten minutes of waiting are 60 ms; a stall is noticed after 9 ms, so that some are seen that are none.
SCALE = 0.0001
MOST_TRIES = 12

PLACES = (
    *("POST /api/auth", "POST /api/tasks", "POST /api/upload-video", "GET /api/credits", "GET /api/state"),
    *("POST /run_sse",) * 4,
    *("POST /api/render/proxy/lambda",) * 3,
    *("GET /api/render/proxy/lambda/", "GET /media/", "/download", "/cancel", "GET /health"),
)
# What happens to the line after the request had its effect, or before it was heard.
LINE: tuple[tuple[str, Any], ...] = (
    *(("deaf", 0), ("lost", 0), ("rst_in", 0), ("rst_in", 40), ("unframed", 0), ("truncate", 7), ("flip", 60)),
    *(("fin_after", 0), ("fin_after", 90), ("rst_after", 0), ("rst_after", 90), ("rst_after", 9000)),
    *(("http", 500), ("http", 502), ("http", 503), ("http", 200), ("json", {}), ("json", [1])),
)
# What an honest service answers instead of an effect.
REFUSALS: tuple[tuple[str, Any], ...] = tuple(
    ("refuse", answer)
    for answer in (401, 429, 503, 404, 409, 402, 422, *({"code": c} for c in (1001, 1002, 2001, 402, 429, 409, 500)))
)


class Killed(BaseException):
    """The process is gone: nothing of ours runs after it."""


class MortalLedger(JournalLedger):
    """Dies before or after one of its writes, as a process may."""

    def __init__(self, bench: Bench, dies_at: int) -> None:
        super().__init__(bench.ledger._journal)
        self._left = dies_at

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Killed

    def intend(self, entry: Entry) -> None:
        self._step()
        super().intend(entry)
        self._step()

    def note(self, entry: Entry, stage: Stage, outcome: Any = None) -> Entry:
        self._step()
        noted = super().note(entry, stage, outcome)
        self._step()
        return noted


@pytest.mark.parametrize("number", range(5))
async def test_random_faults_cost_nothing_twice(tmp_path: Path, number: int):
    ends: Counter[str] = Counter()
    for run in range(number, RUNS, 5):
        luck, folder = random.Random(SEED * 1_000_003 + run), tmp_path / str(run)
        (folder / "home").mkdir(parents=True)
        with FakeCloud(ours=luck.random() < 0.5, versions=luck.random() < 0.5) as cloud:
            _set_up(cloud, luck)
            ends[await _to_the_end(Bench(cloud, folder), luck)] += 1
            for _ in range(1000):
                if not cloud.frozen:
                    break
                await anyio.sleep(0.005)
            _assert_nothing_twice(cloud, Bench(cloud, folder), f"seed {SEED}, run {run}")
    print(f"{sum(ends.values())} runs: {dict(ends)}")
    assert ends["finished"] > sum(ends.values()) / 3, "hardly any got through: the faults hide what is to be tested"


def _set_up(cloud: FakeCloud, luck: random.Random) -> None:
    cloud.polls_to_end = luck.randint(1, 4)
    cloud.failing_renders = luck.choice((0, 0, 0, 1, 2))
    cloud.silent_edits = luck.random() < 0.3
    cloud.effect = luck.random() < 0.9
    cloud.run_s = luck.choice((0, 0, 0.02))
    cloud.with_facts = luck.random() < 0.7
    for _ in range(luck.choice((1, 1, 2, 3, 5))):
        action, arg = luck.choice(LINE + REFUSALS)
        cloud.server.fault(luck.choice(PLACES), action, arg, nth=luck.randint(1, 3), times=luck.choice((1, 1, 2, 9)))


async def _to_the_end(bench: Bench, luck: random.Random) -> str:
    """Try until it is finished or a person would be asked; then give up what may still run, on a good line."""
    end = "unfinished"
    for _ in range(MOST_TRIES):
        ledger = MortalLedger(bench, luck.choice((0, luck.randint(1, 16))))
        try:
            async with Http(short_limits()) as http:
                await journey(_client(http, bench, ledger), bench.folder, "J")
            end = "finished"
            break
        except Killed:
            continue
        except (CloudError, NetworkError) as exc:
            end = exc.kind
            if luck.random() < 0.5:
                break
    bench.cloud.server.faults.clear()
    async with Http(short_limits()) as http:
        await _client(http, bench, bench.ledger).abandon("J")
    return end


def _client(http: Http, bench: Bench, ledger: JournalLedger) -> CloudClient:
    return CloudClient(http, bench.cloud.url, bench.identity(), ledger, Clock(SCALE))


def _assert_nothing_twice(cloud: FakeCloud, bench: Bench, which: str) -> None:
    assert max(Counter(cloud.messages).values(), default=0) <= 1, f"a message was sent twice: {which}"
    assert (cloud.frozen, cloud.available) == (0, cloud.credits - COST * len(cloud.messages)), which
    assert set(cloud.executions.values()) <= {1}, f"a render ran twice under one id: {which}"
    named = {str(e.data.get("id")) for e in bench.ledger.all_calls()}
    assert set(cloud.renders) <= named, f"a render that the journal does not name: {which}"
    assert cloud.running == [], f"a render was left running: {which}"
    calls = bench.ledger.all_calls()
    assert [e for e in calls if e.is_open and e.call == "render"] == [], which
    target = bench.folder / "1.mp4"
    if target.exists():
        # Where the service says neither size nor hash, a turned bit is for whoever decodes the file to see.
        assert target.stat().st_size == len(cloud.file), f"a short file got its name: {which}"
        assert target.read_bytes() == cloud.file or not cloud.with_facts, f"a bad file got its name: {which}"
