"""The console script: readies the process, then hands over to the app.

Almost nothing is imported before the signals are in place, so that Ctrl-C in the first tenth of a second is
answered with a sentence too.
"""

from __future__ import annotations

import signal
import sys


def main() -> int:
    """Do what the command line says and return the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        # nohup sets SIGHUP to be ignored, and means it.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)
    try:
        from tightfit.cli.quick import asked, run_quickly

        if sentence := asked(sys.argv[1:]):
            return run_quickly(sentence)
        from tightfit.cli.app import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        print("Stopped before anything was done.", file=sys.stderr)
        return 130


def _interrupt(*_: object) -> None:
    """Being told to end is the same as Ctrl-C: children are ended, nothing half-written stays."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # A shell starts background jobs with SIGINT ignored; raising it would then do nothing at all.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.raise_signal(signal.SIGINT)
