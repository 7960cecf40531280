"""SIGKILL of a real client process at every step, and the same command again: nothing is sent or paid twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest
from support.client import Bench
from support.cloud import COST, FakeCloud, adk, adk_text, video
from support.command import ended_with_the_test
from support.journey import FINISHED
from support.patience import patience

STEPS = {
    "upload": "POST /api/upload-video",
    "message": "POST /run_sse",
    "submit": "POST /api/render",
    "poll": "GET /api/render/proxy/lambda/",
    "download": "GET /media/",
}
# Before the request is heard, with half of it, after its effect, and with part of the answer told.
MOMENTS = ("deaf", "rst_in", "lost", "fin_after")
SEEDS = int(os.environ.get("TIGHTFIT_CLOUD_KILLS", "0"))
EVERY = [(step, moment, seed) for step, moment in product(STEPS, MOMENTS) for seed in range(max(1, SEEDS))]
# `make cloud-kills` makes them all; here each step is killed once, each at another moment.
CASES = EVERY if SEEDS else [c for n, c in enumerate(EVERY) if n % 4 == n // 4 % 4]
FILE = video(400_000)
_SUPPORT = Path(__file__).resolve().parents[1]


@dataclass
class Process:
    """One try of the journey."""

    cloud: FakeCloud
    folder: Path
    pid: int = 0

    def run(self) -> int:
        words = [sys.executable, "-m", "support.journey", self.cloud.url, str(self.folder), "0.01"]
        env = {**os.environ, "PYTHONPATH": str(_SUPPORT)}
        process = ended_with_the_test(subprocess.Popen(words, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        self.pid = process.pid
        out, err = process.communicate(timeout=patience(60))
        assert process.returncode == -signal.SIGKILL or (process.returncode, out.split()) == (0, [FINISHED.encode()]), (
            err.decode()
        )
        return process.returncode

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("step", "moment", "seed"), CASES)
def test_a_killed_client_goes_on_where_it_was(tmp_path: Path, step: str, moment: str, seed: int):
    luck = random.Random(f"{step}{moment}{seed}")
    (tmp_path / "home").mkdir()
    with FakeCloud(ours=luck.random() < 0.5) as cloud:
        cloud.file, cloud.polls_to_end, cloud.run_s = FILE, luck.randint(1, 3), luck.choice((0, 0.05))
        cloud.script = [[adk_text("I begin."), *adk(tool=True, text=None)]]
        process = Process(cloud, tmp_path)
        arg = luck.randint(0, 190_000) if moment == "rst_in" else luck.randint(0, 300)
        if step == "download":
            arg = luck.randint(0, len(FILE) - 1)
        cloud.server.fault(STEPS[step], moment, arg, then=process.kill)
        assert process.run() == -signal.SIGKILL
        runs = 1
        while process.run() != 0:
            runs += 1
        assert runs == 1
        bench = Bench(cloud, tmp_path)
        assert (tmp_path / "1.mp4").read_bytes() == FILE
        # A message that was never heard is not sent by the next process either: it can't know that.
        unheard = step == "message" and moment in ("deaf", "rst_in")
        assert cloud.messages == ([] if unheard else ["J-1"])
        assert (cloud.available, cloud.frozen) == (cloud.credits - COST * len(cloud.messages), 0)
        assert Counter(cloud.executions) == {"render_J_1_1": 1}
        assert cloud.running == []
        assert bench.ledger.open_calls() == []
        assert len(next(iter(cloud.sessions.values())).infos) == 1
        assert not list(tmp_path.glob("*.part*"))
