"""The system itself says no: the n-th sync, write, link or rename of a real run fails, and the next run ends well."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from support.command import Tool
from support.footage import decode_complaints
from support.leavings import made_again
from support.patience import patience
from support.tracing import require_strace

LIMIT, LIMIT_BYTES = "30KB", 30_000
CALLS = {"fsync": "fsync,fdatasync", "write": "pwrite64", "name": "link,linkat", "rename": "rename,renameat,renameat2"}
# (call, error, which one of the main thread: SQLite's and ours are made there). `make faults` fails each in turn.
ALL = os.environ.get("TIGHTFIT_FAULTS") == "all"
FEW = [("fsync", "EIO", 4), ("name", "ENOSPC", 1), ("rename", "EIO", 1)]
CASES = [(call, error, n) for call in CALLS for error in ("EIO", "ENOSPC") for n in range(1, 16)] if ALL else FEW
# An error for people, or none where that call was never made.
TOLD = (0, 6)


@pytest.mark.parametrize(("call", "error", "nth"), CASES)
def test_a_call_that_fails_is_told_and_costs_nothing(
    tmp_path: Path, known_ffmpegs: Path, made_cuts: Path, call: str, error: str, nth: int
):
    require_strace()
    folder, home = tmp_path / "folder", tmp_path / "home"
    folder.mkdir()
    shutil.copytree(known_ffmpegs, home)
    shutil.copy(made_cuts, folder / "cuts.mp4")
    words = ["cuts.mp4", LIMIT, "-o", "out.mp4"]
    names = CALLS[call]
    trace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={names}", "-e", f"inject={names}:error={error}"]
    ran = subprocess.run(
        [*trace[:-1], f"{trace[-1]}:when={nth}", sys.executable, "-m", "tightfit", *words],
        cwd=folder,
        env={**os.environ, "TIGHTFIT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=patience(120),
    )
    assert ran.returncode in TOLD, ran.stderr
    assert "Traceback" not in ran.stderr
    if (folder / "out.mp4").exists():
        assert decode_complaints(folder / "out.mp4") == ""
    tool = Tool(folder, home)
    if ran.returncode:
        again = tool(*words)
        assert again.code == 0, again.err
    assert (folder / "out.mp4").stat().st_size <= LIMIT_BYTES
    assert decode_complaints(folder / "out.mp4") == ""
    assert tool.files == {"cuts.mp4", "out.mp4"}
    assert tool("jobs", "clean").code == 0
    assert list((home / "work").iterdir()) == []
    with closing(sqlite3.connect(home / "journal.db")) as db:
        assert made_again(db) == []
