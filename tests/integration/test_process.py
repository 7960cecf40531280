"""Children end with us, say only so much, and inherit nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anyio
import pytest
from support.command import ended_with_the_test
from support.patience import patience

from tightfit.media import process

pytestmark = pytest.mark.anyio

SHELL = str(Path(__file__).parents[1] / "support" / "sh")
_PATIENCE_S = 10.0


def _alive(pid: int) -> bool:
    """True while the process runs; one that is dead but not yet waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def _wait_for(what, reason: str):
    deadline = time.monotonic() + patience(_PATIENCE_S)
    while not (found := what()):
        assert time.monotonic() < deadline, reason
        time.sleep(0.02)
    return found


def _pids_in(path: Path, count: int) -> list[int]:
    def written() -> list[int]:
        pids = [int(word) for word in path.read_text().split()] if path.exists() else []
        return pids if len(pids) == count else []

    return _wait_for(written, f"{count} children never wrote their ids")


async def test_a_cancelled_run_kills_the_child_and_the_childs_children(tmp_path: Path) -> None:
    note = tmp_path / "pids"
    script = f"sleep 60 & echo $! > {note}; echo $$ >> {note}; wait"
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(process.run, [SHELL, "-c", script])
        pids = await anyio.to_thread.run_sync(_pids_in, note, 2)
        assert all(map(_alive, pids))
        tasks.cancel_scope.cancel()
    _wait_for(lambda: not any(map(_alive, pids)), "a child outlived the cancelled run")


async def test_a_cancelled_run_has_reaped_its_child_before_it_returns(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with anyio.move_on_after(0.5):
        await process.run([SHELL, "-c", f"echo $$ > {note}; exec sleep 60"])
    assert not Path(f"/proc/{note.read_text().strip()}").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux kills a child with its parent")
def test_a_killed_parent_takes_its_encoder_along(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    program = (
        "import anyio, sys\n"
        "from tightfit.media import process\n"
        f"anyio.run(process.run, ['{SHELL}', '-c', 'echo $$ > {note}; exec sleep 60'])\n"
    )
    parent = ended_with_the_test(subprocess.Popen([sys.executable, "-c", program]))
    [child] = _pids_in(note, 1)
    assert _alive(child)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _wait_for(lambda: not _alive(child), "the child outlived its killed parent")


async def test_a_child_inherits_no_variable_that_could_steer_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("FFREPORT", f"file={tmp_path}/report.log:level=48")
    monkeypatch.setenv("LD_PRELOAD_HINT", "secret")
    done = await process.run(["/usr/bin/env"], cwd=tmp_path)
    names = {line.partition("=")[0] for line in done.stdout.decode().splitlines()}
    assert names - {"PWD", "SHLVL", "_", "LC_CTYPE"} == {"PATH", "LC_ALL", "HOME"}
    assert f"HOME={tmp_path}" in done.stdout.decode()
    assert list(tmp_path.iterdir()) == []


async def test_a_child_reads_nothing_from_our_terminal() -> None:
    done = await process.run([SHELL, "-c", "cat; echo end"])
    assert done.stdout == b"end\n"


async def test_a_flood_of_messages_is_kept_to_its_end() -> None:
    lines = 200_000
    done = await process.run([SHELL, "-c", f"yes 'all is lost' | head -n {lines} >&2; echo the cause >&2; exit 3"])
    assert done.returncode == 3
    assert len(done.stderr) <= 2 * process.STDERR_KEPT_BYTES
    assert done.last_message == "the cause"


async def test_lines_come_whole_and_in_order() -> None:
    seen: list[str] = []
    script = "i=0; while [ $i -lt 2000 ]; do echo frame=$i; i=$((i+1)); done; printf half; sleep 0.1; echo -line"
    done = await process.run([SHELL, "-c", script], on_line=seen.append)
    assert seen == [*(f"frame={n}" for n in range(2000)), "half-line"]
    assert done.stdout == b""


async def test_the_way_a_child_ends_is_told() -> None:
    assert (await process.run([SHELL, "-c", "exit 7"])).returncode == 7
    assert (await process.run([SHELL, "-c", "kill -9 $$"])).returncode == -signal.SIGKILL
    assert "return code 7" in (await process.run([SHELL, "-c", "exit 7"])).last_message


async def test_a_program_that_is_not_there_is_said_so() -> None:
    with pytest.raises(FileNotFoundError):
        await process.run(["/nowhere/ffmpeg"])


async def test_no_core_file_is_left_by_a_crash(tmp_path: Path) -> None:
    await process.run([SHELL, "-c", "ulimit -c; kill -SEGV $$"], cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_many_children_at_once_leave_no_open_descriptors() -> None:
    before = len(os.listdir("/proc/self/fd"))
    async with anyio.create_task_group() as tasks:
        for _ in range(12):
            tasks.start_soon(process.run, [SHELL, "-c", "echo here"])
    assert len(os.listdir("/proc/self/fd")) <= before + 1
