"""The only place that starts a process: it owns the child's environment, output, end and death."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import anyio
import anyio.abc

from tightfit.domain.policy import Limits
from tightfit.errors import EncoderError, OutputError
from tightfit.media.jail import Reach, reach_of
from tightfit.media.watchdog import LOOK_EVERY_S, Watchdog

log = logging.getLogger("tightfit.process")

_GUARD = str(Path(__file__).with_name("_guard.py"))
_FAULTS = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGTRAP)
# How ffmpeg 5 and 9 say what the disks of their input and output do. Of what it decodes it may say the same errors, in
# other sentences.
_EIO, _ENOSPC = os.strerror(errno.EIO), os.strerror(errno.ENOSPC)
_LINE = r"^(?:\[[^\]]*\] )*"
_CANT_READ = re.compile(rf"{_LINE}(?:Error during demuxing|Error opening input|file:.*): {_EIO}", re.MULTILINE)
_LAST_STEPS = r"writing trailer|closing file|opening output|submitting a packet to the muxer"
_WRITING = rf"av_interleaved_write_frame\(\)|Error (?:{_LAST_STEPS}).*"
_CANT_WRITE = re.compile(rf"{_LINE}(?:(?:{_WRITING}): ({_EIO}|{_ENOSPC})|file:.*: ({_ENOSPC}))", re.MULTILINE)
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
    def crashed(self) -> str:
        """The signal of a fault in the child itself, such as SIGSEGV; nothing where it ended otherwise."""
        return signal.Signals(-self.returncode).name if -self.returncode in _FAULTS else ""

    @property
    def could_not_read(self) -> bool:
        """True where ffmpeg met an error of its input's disk, or what a demuxer calls one; its code may be 0."""
        return bool(_CANT_READ.search(self.stderr))

    @property
    def could_not_write(self) -> str:
        """What the system said of the disk that ffmpeg writes to; nothing where that is not why it failed."""
        found = _CANT_WRITE.search(self.stderr)
        return found[1] or found[2] if found else ""

    @property
    def last_message(self) -> str:
        """The last line the child wrote to stderr, the one that most often names the cause; its crash comes first."""
        if self.crashed:
            return f"the program that reads it crashed ({self.crashed})"
        lines = [line.strip() for line in self.stderr.splitlines() if line.strip()]
        return lines[-1] if lines else f"no message, return code {self.returncode}"


def _environment(home: str, limits: Limits) -> dict[str, str]:
    # FFREPORT and the like would make ffmpeg write files of its own; so nothing is inherited by default.
    named = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": home}
    # glibc reserves 64 MB of addresses for each thread that allocates, eight of them for each core.
    return named | {"MALLOC_ARENA_MAX": "2"} if limits.memory_bytes else named


async def run(
    argv: Sequence[str],
    *,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    limit_s: float | None = None,
    limits: Limits | None = None,
) -> Finished:
    """Run ``argv`` to its end and return what it said.

    ``on_line`` gets each line of stdout, ffmpeg's progress, as it comes; stdout is then not kept, and a child
    whose progress stands still is killed (see ``Watchdog``). No child takes more than ``limits``, of which ``limit_s``
    replaces the time. A cancelled caller kills the child's whole process group and waits for it before the
    cancellation goes on. Raises FileNotFoundError where the program does not exist.
    """
    program = Path(argv[0])
    if not program.is_file():
        raise FileNotFoundError(errno.ENOENT, "the program is not there", str(program))
    limits = limits or Limits()
    if limit_s is not None:
        limits = replace(limits, wall_s=limit_s)
    log.debug("run: %s", shlex.join(argv))
    process = await anyio.open_process(
        _guarded(argv, reach_of(argv, cwd), limits),
        stdin=subprocess.DEVNULL,
        cwd=cwd,
        env=_environment(str(cwd or Path.cwd().anchor), limits),
        start_new_session=True,
    )
    child = _Child(process, Watchdog(anyio.current_time(), limits, hears=on_line is not None))
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(child.keep_messages)
            if on_line is None:
                tasks.start_soon(child.collect)
            else:
                tasks.start_soon(child.feed, on_line)
            if child.dog.is_needed:
                tasks.start_soon(child.guard)
            await process.wait()
            child.guarding.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await _end(process)
    assert process.returncode is not None, "a waited-for process has a return code"
    ended_by_us = bool(child.dog.bark) or bool(child.dog.look(anyio.current_time()))
    said, why = child.err.decode("utf-8", "replace"), child.dog.explain(process.returncode)
    starved = process.returncode == -signal.SIGKILL and not ended_by_us and not why
    return Finished(process.returncode, bytes(child.out), f"{said}\n{why}" if why else said, starved)


async def run_or_again(
    argv: Sequence[str],
    about: str,
    *,
    cwd: Path | None = None,
    on_line: Callable[[str], None] | None = None,
    limits: Limits | None = None,
) -> Finished:
    """As ``run``; a child that the system killed, that crashed, or that met a failing disk is given a second try.

    Raises EncoderError, naming the file ``about``, where it is killed then too, and OutputError where it can't write;
    how else it ended is for the caller.
    """
    done = await run(argv, cwd=cwd, on_line=on_line, limits=limits)
    if done.starved or done.crashed or done.could_not_read or done.could_not_write:
        done = await run(argv, cwd=cwd, on_line=on_line, limits=limits)
    if done.starved:
        raise starved(f"The program that reads {about} was killed twice by the system")
    if done.could_not_write and cwd:
        raise unwritable(done, cwd)
    return done


def starved(what: str) -> EncoderError:
    return EncoderError(
        f"{what}, most likely for want of memory.", hint="Close other programs, or run again with --jobs 1."
    )


def unwritable(done: Finished, folder: Path) -> OutputError:
    """What to tell where ffmpeg ``could_not_write`` into ``folder``."""
    full = done.could_not_write == os.strerror(errno.ENOSPC)
    said = "is full" if full else f"fails: {done.could_not_write}"
    return OutputError(
        f"The disk that holds {folder} {said}.", hint="Free some space, or point TIGHTFIT_HOME to another disk."
    )


# ffmpeg's lines of progress have a few dozen bytes.
_LONGEST_LINE = 1 << 16


@dataclass
class _Child:
    """A running child with what it has said so far, and the dog that watches it."""

    process: anyio.abc.Process
    dog: Watchdog
    out: bytearray = field(default_factory=bytearray)
    err: bytearray = field(default_factory=bytearray)
    guarding: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    async def guard(self) -> None:
        with self.guarding:
            while True:
                if self.dog.look(anyio.current_time()):
                    self.kill()
                    return
                await anyio.sleep(LOOK_EVERY_S)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    async def keep_messages(self) -> None:
        assert self.process.stderr is not None, "stderr is a pipe"
        said = 0
        async for chunk in self.process.stderr:
            self.err.extend(chunk)
            said += len(chunk)
            if len(self.err) > 2 * STDERR_KEPT_BYTES:
                del self.err[:-STDERR_KEPT_BYTES]
            if self.dog.is_too_much(said, self.dog.limits.messages_bytes, "stderr"):
                self.kill()

    async def collect(self) -> None:
        assert self.process.stdout is not None, "stdout is a pipe"
        async for chunk in self.process.stdout:
            if self.dog.is_too_much(len(self.out) + len(chunk), self.dog.limits.answer_bytes, "stdout"):
                self.kill()
            else:
                self.out.extend(chunk)

    async def feed(self, on_line: Callable[[str], None]) -> None:
        assert self.process.stdout is not None, "stdout is a pipe"
        rest = b""
        async for chunk in self.process.stdout:
            *lines, rest = (rest + chunk).split(b"\n")
            rest = rest[-_LONGEST_LINE:]
            for line in lines:
                text = line.decode("utf-8", "replace").strip()
                self.dog.hear(text)
                on_line(text)
        if rest:
            on_line(rest.decode("utf-8", "replace").strip())


def unheard(_: str) -> None:
    """For progress that nobody draws, but the watchdog hears."""


def _guarded(argv: Sequence[str], reach: Reach | None, limits: Limits) -> list[str]:
    rules = [json.dumps(asdict(rule) if rule else None) for rule in (reach, limits)]
    return [sys.executable, "-I", "-S", _GUARD, str(os.getpid()), *rules, *argv]


@dataclass(frozen=True)
class Rung:
    """How strong the jail of children is here: Landlock's version (0 where there is none), and seccomp."""

    landlock: int
    seccomp: bool


async def rung() -> Rung:
    """Ask the kernel, by going into a jail."""
    asked = _guarded(["--rung"], Reach((), (), ()), Limits())
    done = await anyio.run_process(asked, check=False, stdin=subprocess.DEVNULL, env=_environment("/", Limits()))
    try:
        return Rung(**json.loads(done.stdout))
    except (ValueError, TypeError):
        return Rung(0, False)


async def _end(process: anyio.abc.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    await process.aclose()
