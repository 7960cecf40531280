"""The only place that starts a process: it owns the child's environment, output, end and death."""

from __future__ import annotations

import errno
import json
import logging
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

import anyio
import anyio.abc

from tightfit.errors import EncoderError
from tightfit.media.jail import Policy, policy_of

log = logging.getLogger("tightfit.process")

_GUARD = str(Path(__file__).with_name("_guard.py"))
# What is kept of a child's messages: enough for any honest report, a bound against a hostile one.
STDERR_KEPT_BYTES = 256 * 1024


@dataclass(frozen=True)
class Finished:
    """How a child ended. ffmpeg's return code 0 proves nothing about its output: check the file.

    ``starved`` is true where it was killed and not by us: most likely by the system, for want of memory.
    """

    returncode: int
    stdout: bytes
    stderr: str
    starved: bool = False

    @property
    def last_message(self) -> str:
        """The last line the child wrote to stderr, the one that most often names the cause."""
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"no message, return code {self.returncode}"


def _environment(home: str) -> dict[str, str]:
    # FFREPORT and the like would make ffmpeg write files of its own; so nothing is inherited by default.
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": home}


async def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    limit_s: float | None = None,
) -> Finished:
    """Run ``argv`` to its end and return what it said.

    ``on_line`` gets each line of stdout, ffmpeg's progress, as it comes; stdout is then not kept, and a child
    whose progress stands still is killed (see ``Watchdog``). One that says nothing may be given ``limit_s`` seconds
    instead. A cancelled caller kills the child's whole process group and waits for it before the cancellation goes
    on. Raises FileNotFoundError where the program does not exist.
    """
    program = Path(argv[0])
    if not program.is_file():
        raise FileNotFoundError(errno.ENOENT, "the program is not there", str(program))
    log.debug("run: %s", shlex.join(argv))
    process = await anyio.open_process(
        _guarded(argv, policy_of(argv, cwd)),
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        env=_environment(str(cwd or Path.cwd().anchor)),
        start_new_session=True,
    )
    out, err = bytearray(), bytearray()
    dog = Watchdog(anyio.current_time(), limit_s)
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_keep, process.stderr, err)
            if on_line is None:
                tasks.start_soon(_collect, process.stdout, out)
            else:
                tasks.start_soon(_feed, process.stdout, on_line, dog)
            if on_line or limit_s:
                tasks.start_soon(_guard, process, dog)
            await process.wait()
            dog.scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
    assert process.returncode is not None, "a waited-for process has a return code"
    said = err.decode("utf-8", "replace")
    if dog.bark:
        return Finished(process.returncode, bytes(out), f"{said}\n{dog.bark}")
    return Finished(process.returncode, bytes(out), said, starved=process.returncode == -signal.SIGKILL)


async def run_or_again(
    argv: Sequence[str], *, cwd: Path | None = None, on_line: Callable[[str], None] | None = None
) -> Finished:
    """As ``run``; a child that the system killed is given a second try. Raises EncoderError where that ends so too."""
    done = await run(argv, cwd=cwd, on_line=on_line)
    if done.starved:
        done = await run(argv, cwd=cwd, on_line=on_line)
    if done.starved:
        raise starved("ffmpeg was killed twice by the system")
    return done


def starved(what: str) -> EncoderError:
    return EncoderError(
        f"{what}, most likely for want of memory.", hint="Close other programs, or run again with --jobs 1."
    )


# A child that was moving and stands still for so long hangs; before the first sign of life it may have to decode its
# way from a keyframe far back. Both in seconds of a clock that stops while the machine sleeps.
STALL_S, SILENCE_S = 30.0, 120.0
_LOOK_EVERY_S = 1.0
_SIGNS_OF_LIFE = ("frame", "out_time_us", "total_size")


class Watchdog:
    """Knows when a child last got on; not by a fixed time, since nobody knows how long a clip takes."""

    def __init__(self, now: float, limit_s: float | None) -> None:
        self._moved_at, self._patience = now, limit_s or SILENCE_S
        self._only_time = limit_s is not None
        self._last: dict[str, str] = {}
        self.scope = anyio.CancelScope()
        self.bark = ""

    @property
    def patience_s(self) -> float:
        return self._patience

    def hear(self, line: str, now: float) -> None:
        """One line of progress; ffmpeg repeats itself while it hangs, so only what is new counts."""
        key, _, value = line.partition("=")
        if key in _SIGNS_OF_LIFE and self._last.get(key, value) != value and not self._only_time:
            self._moved_at, self._patience = now, STALL_S
        self._last[key] = value

    def oversleep(self, seconds: float) -> None:
        """We were stopped ourselves for so long, and most likely the child with us: that is no sign of a hang."""
        if seconds > _LOOK_EVERY_S:
            self._moved_at += seconds

    def patience_left(self, now: float) -> float:
        return self._moved_at + self._patience - now


async def _guard(process: anyio.abc.Process, dog: Watchdog) -> None:
    with dog.scope:
        while (left := dog.patience_left(anyio.current_time())) > 0:
            # Patience grows shorter with the first sign of life.
            nap, lay_down = min(left, _LOOK_EVERY_S), anyio.current_time()
            await anyio.sleep(nap)
            dog.oversleep(anyio.current_time() - lay_down - nap)
        dog.bark = f"it made no progress for {dog.patience_s:.0f} s and was ended"
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def unheard(_: str) -> None:
    """For progress that nobody draws, but the watchdog hears."""


def _guarded(argv: Sequence[str], policy: Policy | None) -> list[str]:
    rules = json.dumps(asdict(policy) if policy else None)
    return [sys.executable, "-I", "-S", _GUARD, str(os.getpid()), rules, *argv]


@dataclass(frozen=True)
class Rung:
    """How strong the jail of children is here: Landlock's version (0 where there is none), and seccomp."""

    landlock: int
    seccomp: bool


async def rung() -> Rung:
    """Ask the kernel, by going into a jail."""
    asked = _guarded(["--rung"], Policy((), (), ()))
    done = await anyio.run_process(asked, check=False, stdin=subprocess.DEVNULL, env=_environment("/"))
    try:
        return Rung(**json.loads(done.stdout))
    except (ValueError, TypeError):
        return Rung(0, False)


async def _end(process: anyio.abc.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.aclose()


async def _collect(stream: anyio.abc.ByteReceiveStream | None, into: bytearray) -> None:
    assert stream is not None, "stdout is a pipe"
    async for chunk in stream:
        into.extend(chunk)


async def _keep(stream: anyio.abc.ByteReceiveStream | None, into: bytearray) -> None:
    assert stream is not None, "stderr is a pipe"
    async for chunk in stream:
        into.extend(chunk)
        if len(into) > 2 * STDERR_KEPT_BYTES:
            del into[:-STDERR_KEPT_BYTES]


async def _feed(stream: anyio.abc.ByteReceiveStream | None, on_line: Callable[[str], None], dog: Watchdog) -> None:
    assert stream is not None, "stdout is a pipe"
    rest = b""
    async for chunk in stream:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            text = line.decode("utf-8", "replace").strip()
            dog.hear(text, anyio.current_time())
            on_line(text)
    if rest:
        on_line(rest.decode("utf-8", "replace").strip())
