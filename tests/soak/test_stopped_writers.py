"""An owner that is stopped between BEGIN IMMEDIATE and COMMIT: whoever comes is told of it at once, by its number."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest
from support.command import Tool, ended_with_the_test
from support.footage import decode_complaints
from support.patience import patience

from tightfit.domain.job import Kind
from tightfit.engine.disk import Disk
from tightfit.engine.hold import held, holder
from tightfit.engine.journal import Journal
from tightfit.errors import JobHeld

WORDS = ("cuts.mp4", "30KB", "-o", "out.mp4")
# Each of these is a transaction: the new file's tables, a job that nobody knows of yet, and two of one that is owned.
POINTS = ("journal.migrate", "journal.submitted", "journal.started", "journal.made")
# Less than the 15 s after which anyone is told: alone on a machine it takes one, most of it the start of Python.
AT_ONCE_S = 10.0

STOPPING = """
import os, signal, sys
from pathlib import Path
import anyio
from tightfit.engine.compress import compress, ignore
from tightfit.engine.disk import Disk
from tightfit.engine.requests import make_request
from tightfit.settings import Settings

class Stopping(Disk):
    points = sys.argv[1].split(",")

    def act(self, point, action, *paths):
        if point in self.points:
            self.points.remove(point)
            print(point, flush=True)
            os.kill(os.getpid(), signal.SIGSTOP)
        return super().act(point, action, *paths)

request = make_request(Path("cuts.mp4"), to="30KB", output="out.mp4")
anyio.run(compress, request, Settings(), ignore, Stopping())
"""


def start_owner(tool: Tool, points: str) -> subprocess.Popen[bytes]:
    """Begin a run that stops itself at each of the points it is told."""
    return ended_with_the_test(
        subprocess.Popen(
            [sys.executable, "-c", STOPPING, points],
            cwd=tool.folder,
            env={**os.environ, "TIGHTFIT_HOME": str(tool.home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
    )


@pytest.fixture
def tool(tmp_path: Path, known_ffmpegs: Path, made_cuts: Path) -> Tool:
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    shutil.copytree(known_ffmpegs, home)
    shutil.copy(made_cuts, folder / "cuts.mp4")
    return Tool(folder, home)


def _stopped_at(owner: subprocess.Popen[bytes]) -> str:
    assert owner.stdout is not None
    point = owner.stdout.readline().decode().strip()
    deadline = time.monotonic() + patience(20)
    while psutil.Process(owner.pid).status() != psutil.STATUS_STOPPED:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return point


@pytest.mark.skipif(not Path("/proc/locks").exists(), reason="this system does not tell who holds a lock")
def test_whoever_comes_while_a_writer_is_stopped_is_told_its_number_at_once(tool: Tool):
    owner = start_owner(tool, ",".join(POINTS))
    for point in POINTS:
        assert _stopped_at(owner) == point
        begun = time.monotonic()
        second = tool(*WORDS)
        assert time.monotonic() - begun < patience(AT_ONCE_S)
        assert (second.code, f"process {owner.pid}" in second.complaint) == (7, True), second.err
        if point == "journal.submitted":
            assert tool("jobs").code == 0, "what is only read waits for nobody"
        os.kill(owner.pid, signal.SIGCONT)
    assert owner.wait(patience(60)) == 0
    assert tool.files == {"cuts.mp4", "out.mp4"}
    assert decode_complaints(tool.folder / "out.mp4") == ""
    assert len(Journal(tool.home / "journal.db").records()) == 1


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    """A write of this very process that does not end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        yield


HURRIED = """
import sys
from pathlib import Path
from tightfit.domain.job import Kind
from tightfit.engine.journal import Journal
from tightfit.errors import JobHeld
journal = Journal(Path(sys.argv[1]), patience_s=1.0)
try:
    journal.append("A", Kind.STARTED, {"content": "c"})
except JobHeld as held:
    print(int(held.code), held.pid, held)
"""


def test_a_writer_that_is_awake_is_waited_for_and_named_at_last(tmp_path: Path):
    journal = Journal(tmp_path / "journal.db")
    journal.submit("A", "print", {"source": "x"})
    with _writing(journal.path):
        out = subprocess.run([sys.executable, "-c", HURRIED, str(journal.path)], capture_output=True, text=True)
    assert out.stdout.startswith(f"7 {os.getpid()} "), out.stderr
    assert "has not ended its write" in out.stdout
    record = journal.record("A")
    assert record is not None
    assert [journal.append("A", Kind.STARTED, {"content": "c"}).id, record.pieces] == ["A", 0]


def test_the_owner_is_named_by_the_system_though_the_file_names_the_one_before(tmp_path: Path):
    """Between taking the lock and signing it, what stands in the file is of whoever died last."""
    with held(tmp_path, Disk()):
        (tmp_path / "lock").write_text("1")
        other = "import sys; from pathlib import Path; from tightfit.engine.hold import holder"
        asked = f"{other}; print(holder(Path(sys.argv[1])))"
        out = subprocess.run([sys.executable, "-c", asked, str(tmp_path)], capture_output=True, text=True)
    assert out.stdout.strip() == str(os.getpid()), out.stderr
    assert holder(tmp_path) is None
    with pytest.raises(JobHeld), held(tmp_path, Disk()), held(tmp_path, Disk()):
        pass
