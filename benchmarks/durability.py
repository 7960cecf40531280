"""What it costs that nothing is lost: seconds spent on the journal, on hashing and on syncing, beside a whole run.

`python -m benchmarks.durability CLIP SIZE` prints them, and how long it takes to take up a job that is done but for
its last word. Run it alone on the machine.
"""

from __future__ import annotations

import argparse
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tightfit
from tightfit.domain.job import Kind
from tightfit.engine import disk, durable, memory
from tightfit.engine.journal import Journal


class Stopwatch:
    """Adds up the seconds spent in the functions that it wraps."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: object, **kwargs: object) -> object:
            begun = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                self.seconds += time.perf_counter() - begun

        return timed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("size")
    asked = parser.parse_args()
    watch = Stopwatch()
    for owner, name in (
        (Journal, "append"),
        (Journal, "submit"),
        (memory, "keep"),
        (durable, "sha256_of"),
        (durable, "keep_small"),
        (disk.Disk, "sync"),
        (disk.Disk, "sync_folder"),
    ):
        setattr(owner, name, watch.around(getattr(owner, name)))
    with tempfile.TemporaryDirectory() as folder:
        home, output = Path(folder) / "home", Path(folder) / "out.mp4"
        os.environ["TIGHTFIT_HOME"] = str(home)
        begun = time.perf_counter()
        result = tightfit.compress(asked.clip, to=asked.size, output=output)
        whole, spent = time.perf_counter() - begun, watch.seconds
        with sqlite3.connect(home / "journal.db") as db:
            events = db.execute("SELECT count(*) FROM events").fetchone()[0]
            db.execute("DELETE FROM events WHERE kind = ?", (Kind.PUBLISHED.value,))
        begun = time.perf_counter()
        again = tightfit.compress(asked.clip, to=asked.size, output=output)
        print(f"{result.segments.total} segments, {events} events, {whole:.1f} s")
        print(f"durability: {spent:.3f} s, {spent / whole:.2%} of the run")
        print(
            f"resume of a finished job: {time.perf_counter() - begun:.2f} s (same file: {again.bytes == result.bytes})"
        )


if __name__ == "__main__":
    main()
