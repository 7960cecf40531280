"""The command line as users have it: a process, with a state folder of its own."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from support.patience import patience

# What the lines of progress end with where stderr is no terminal.
_DOING = (
    *(": reading", ": analysing", ": encoding the sound", ": planning", ": encoding"),
    *(": settling the size", ": joining", ": verifying"),
)


@dataclass(frozen=True)
class Ran:
    """How a run of the command line ended."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """stdout as NDJSON."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def results(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["type"] == "result"]

    @property
    def said(self) -> list[str]:
        """What stderr says beside progress; never a traceback."""
        assert "Traceback" not in self.err, self.err
        return [line for line in self.err.splitlines() if not line.endswith(_DOING)]

    @property
    def complaint(self) -> str:
        """The one paragraph that stderr says."""
        assert len(self.said) == 1, f"not one paragraph: {self.err!r}"
        return self.said[0]


def results_of(process: subprocess.Popen[bytes], longest_s: float) -> Iterator[tuple[dict[str, Any], float]]:
    """Each result of a run with --json, and the seconds since the one before; ends early where one takes too long."""
    lines: queue.Queue[bytes] = queue.Queue()

    def pour() -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line)
        lines.put(b"")

    threading.Thread(target=pour, daemon=True).start()
    begun = time.monotonic()
    while True:
        try:
            line = lines.get(timeout=longest_s - (time.monotonic() - begun))
        except (queue.Empty, ValueError):
            return
        if not line:
            return
        wired = json.loads(line)
        if wired["type"] == "result":
            yield wired, time.monotonic() - begun
            begun = time.monotonic()


# A run of one of the small clips takes 2 or 3.
LONGEST_S = 60.0
_started: list[subprocess.Popen[bytes]] = []


def ended_with_the_test(process: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
    """``process``, which is killed when the test is over, however that went: nothing is left to hold up a later one."""
    _started.append(process)
    return process


def end_all() -> None:
    """Kill what was ``ended_with_the_test`` and still runs, with all that it started, and wait for it."""
    while _started:
        process = _started.pop()
        if process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(process.pid).children(recursive=True):
                    with suppress(psutil.NoSuchProcess):
                        child.kill()
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Tool:
    """Runs the command line in ``folder``."""

    folder: Path
    home: Path

    def __call__(self, *words: object, **environment: str) -> Ran:
        process = self.start(*words, **environment)
        out, err = process.communicate(timeout=patience(LONGEST_S))
        return Ran(process.returncode, out.decode(), err.decode())

    def talk(self, lines: str, *words: object, **environment: str) -> Ran:
        """A session that is told ``lines`` through a pipe."""
        process = self.start("chat", *words, stdin=subprocess.PIPE, **environment)
        out, err = process.communicate(lines.encode(), timeout=120)
        return Ran(process.returncode, out.decode(), err.decode())

    def start(
        self,
        *words: object,
        stdin: int = subprocess.DEVNULL,
        stdout: int = subprocess.PIPE,
        stderr: int = subprocess.PIPE,
        prefix: Sequence[str] = (),
        **environment: str,
    ) -> subprocess.Popen[bytes]:
        return ended_with_the_test(
            subprocess.Popen(
                [*prefix, sys.executable, "-m", "tightfit", *(os.fsencode(str(word)) for word in words)],
                cwd=self.folder,
                env={**os.environ, "TIGHTFIT_HOME": str(self.home), **environment},
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                # Where the tests run in the background the shell has SIGINT ignored, and children inherit that.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
        )

    @property
    def files(self) -> set[str]:
        """Everything in the folder, hidden files too."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*")}
