"""Whether this machine lets us make a system call fail."""

from __future__ import annotations

import shutil
import subprocess

import pytest


def require_strace() -> None:
    if shutil.which("strace") is None:
        pytest.skip("no strace: nothing here makes a real system call fail")
    if subprocess.run(["strace", "-qq", "-o", "/dev/null", "/bin/true"], capture_output=True).returncode:
        pytest.skip("strace may not trace here")
