"""What plans foretold beside what then happened, kept for the next plan.

Lines of JSON, the oldest first. A line is written in one piece at the end of the file, so that runs side by side don't
disturb each other; what can't be read is passed over. Losing them costs only how near the next forecast is.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from tightfit.domain.calibration import Forecast, Pair
from tightfit.engine.job import usable_cores

# Counts up whenever what is shipped (``domain.calibration``) changes: pairs tell by how much that was wrong.
_NAME = "predictions-1.jsonl"
# A line has 280 bytes: some thousand pairs, of which the newer half is kept when there are more.
_MOST_BYTES = 300_000


def machine_name(jobs: int | None) -> str:
    """What tells machines of one state folder apart; the speed of a core is in the analysis already."""
    at_once = f", {jobs} at once" if jobs else ""
    return f"{sys.platform} {platform.machine()}, {usable_cores()} cores{at_once}"


def known(cache: Path) -> Sequence[Pair]:
    """All that is kept, the oldest first."""
    found = [_read(line) for line in _lines(cache / _NAME)]
    return [pair for pair in found if pair is not None]


def keep(cache: Path, pair: Pair) -> None:
    """One more; what can't be kept is not."""
    path = cache / _NAME
    if not pair.is_sound:
        return
    with suppress(OSError):
        cache.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:
            # First the end of the line before, whose own may be missing.
            file.write(b"\n" + json.dumps(asdict(pair)).encode())
        if path.stat().st_size > _MOST_BYTES:
            _halve(path)


def _halve(path: Path) -> None:
    """What another run adds in this moment is lost."""
    lines = _lines(path)
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    partial.write_bytes(b"\n".join(lines[len(lines) // 2 :]))
    partial.replace(path)


def _lines(path: Path) -> list[bytes]:
    try:
        with path.open("rb") as file:
            # Whatever grew beyond what we write was not written by us.
            file.seek(max(0, path.stat().st_size - 2 * _MOST_BYTES))
            return [line for line in file.read().split(b"\n") if line]
    except OSError:
        return []


def _read(line: bytes) -> Pair | None:
    try:
        facts = json.loads(line)
        pair = Pair(**facts | {"forecast": Forecast(**facts["forecast"])})
        return pair if pair.is_sound else None
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
