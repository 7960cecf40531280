"""Runs in place of a shell: `python -I -S _guard.py PARENT_PID PROGRAM ARG ...` becomes PROGRAM.

A child outlives a killed parent unless the kernel is told otherwise, so this asks Linux to kill it
with us (PR_SET_PDEATHSIG, prctl(2)) and then turns into the program. A file of its own, standard
library only: it must start in milliseconds and run before anything of the package is imported.
"""

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(parent: int, argv: list[str]) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        # The parent may have died before the request was in force.
        if os.getppid() != parent:
            sys.exit(1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.execv(argv[0], argv)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
