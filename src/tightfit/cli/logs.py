"""What tightfit says to itself: shown with -v, and written to a file when something goes wrong."""

from __future__ import annotations

import logging
import os
import platform
import sys
import time
import traceback
from collections import deque
from pathlib import Path

from tightfit import __version__
from tightfit.cli.text import printable

_LOGGER = logging.getLogger("tightfit")
# Enough for every ffmpeg command and steering step of the last clip or two.
_KEPT_LINES = 400


class _Recent(logging.Handler):
    """The last lines, for the log file of a run that fails."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(f"{time.strftime('%H:%M:%S', time.localtime(record.created))} {record.getMessage()}")


class _Shown(logging.Handler):
    """Every line on stderr as it comes: the exact commands, and how the encode is steered."""

    def emit(self, record: logging.LogRecord) -> None:
        print(printable(record.getMessage()), file=sys.stderr, flush=True)


def keep() -> None:
    """Remember what is logged from now on."""
    _LOGGER.setLevel(logging.DEBUG)
    _LOGGER.propagate = False
    _LOGGER.addHandler(_Recent())


def show() -> None:
    """-v: show what is logged from now on."""
    _LOGGER.addHandler(_Shown())


def shown() -> bool:
    """True with -v, where a traceback is welcome."""
    return any(isinstance(handler, _Shown) for handler in _LOGGER.handlers)


def write(error: BaseException, home: Path) -> Path:
    """A new file below ``home`` with the traceback and what led to it. Raises OSError."""
    folder = home / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}-{time.monotonic_ns() % 10**6:06d}.log"
    lines = [line for handler in _LOGGER.handlers if isinstance(handler, _Recent) for line in handler.lines]
    facts = f"tightfit {__version__}, Python {platform.python_version()}, {platform.platform()}"
    text = "\n".join([facts, f"arguments: {sys.argv[1:]}", *lines, "", "".join(traceback.format_exception(error))])
    path.write_text(text, encoding="utf-8", errors="backslashreplace")
    return path
