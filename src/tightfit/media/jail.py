"""What a child may touch: the files on its own command line, the folder it works in, and what programs are made of."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from os import environ, pathsep
from os.path import realpath
from pathlib import Path

# Shared libraries, their index, and what glibc and Python ask about the machine.
_SYSTEM = ("/usr/lib", "/usr/lib64", "/lib", "/lib64", "/usr/share/zoneinfo", "/etc/ld.so.cache", "/etc/localtime")
_MACHINE = ("/sys/devices/system/cpu", "/proc/cpuinfo", "/proc/meminfo", "/dev/urandom", "/dev/null", "/dev/zero")
_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1")
_FILE = "file:"


@dataclass(frozen=True)
class Reach:
    """Paths of files and folders; a folder stands for all in it."""

    read: tuple[str, ...]
    write: tuple[str, ...]
    execute: tuple[str, ...]


def reach_of(argv: Sequence[str], cwd: Path | None) -> Reach | None:
    """What ``argv`` needs to run in ``cwd``; None for a program that is a script, whose needs nobody knows.

    ffmpeg reads what follows an ``-i`` and writes into its working folder. Python reads itself, this package, and its
    last argument.
    """
    program = Path(argv[0])
    if not _is_binary(program):
        return None
    inputs = [after.removeprefix(_FILE) for word, after in pairwise(argv) if word == "-i"]
    read = [*_SYSTEM, *_MACHINE, *(path for path in inputs if path.startswith("/"))]
    if realpath(program) == realpath(sys.executable):
        read += [*_pythons_own(), argv[-1]]
    write = ["/dev/null", *([str(cwd)] if cwd else [])]
    return Reach(tuple(read), tuple(write), (realpath(program), str(program), *_LOADERS))


def _is_binary(program: Path) -> bool:
    try:
        with program.open("rb") as file:
            return file.read(2) != b"#!"
    except OSError:
        return True


def _pythons_own() -> list[str]:
    package = Path(__file__).resolve().parents[1]
    # The child is told to ignore these (-I), and a user's folders are none of its business.
    foreign = {realpath(path) for path in (".", *environ.get("PYTHONPATH", "").split(pathsep)) if path}
    found = {path for path in sys.path if path and realpath(path) not in foreign}
    places = {sys.prefix, sys.base_prefix, str(package), str(package.parent), *found}
    return [path for path in sorted(places) if path != "/"]
