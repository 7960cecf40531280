"""When a child has to be ended: it stands still, takes too long, or says too much."""

from __future__ import annotations

import signal
from os import cpu_count

from tightfit.domain.policy import Limits

# A child that was moving and stands still for so long hangs; before the first sign of life it may have to decode its
# way from a keyframe far back. Both in seconds of a clock that stops while the machine sleeps.
STALL_S, SILENCE_S = 30.0, 120.0
LOOK_EVERY_S = 1.0
# A look that comes later than this found ourselves stopped or the machine asleep: the child is not to blame, and
# nothing is counted.
_LATEST_LOOK_S = 3.0
_SIGNS_OF_LIFE = ("frame", "out_time_us", "total_size")
# ffmpeg ends with this after a signal that asked it to.
_ASKED_TO_STOP = 255
_ABOUT = 0.7


class Watchdog:
    """Knows when a child last got on, how long it has run and what it may take. ``bark`` is why it was ended."""

    def __init__(self, now: float, limits: Limits, *, hears: bool) -> None:
        """``hears`` where the child tells of its progress line by line."""
        self.limits, self.bark = limits, ""
        self._hears, self._patience = hears, SILENCE_S
        self._looked_at, self._age, self._still = now, 0.0, 0.0
        self._last: dict[str, str] = {}

    @property
    def is_needed(self) -> bool:
        return self._hears or self.limits.wall_s is not None

    def hear(self, line: str) -> None:
        """One line of progress; ffmpeg repeats itself while it hangs, so only what is new counts."""
        key, _, value = line.partition("=")
        if key in _SIGNS_OF_LIFE and self._last.get(key, value) != value:
            self._still, self._patience = 0.0, STALL_S
        self._last[key] = value

    def look(self, now: float) -> str:
        """Why the child has to end now; nothing while it may go on."""
        passed = now - self._looked_at
        if passed > _LATEST_LOOK_S:
            passed = 0.0
        self._looked_at = now
        self._age += passed
        self._still += passed
        if self._hears and self._still >= self._patience:
            self.bark = f"it made no progress for {self._patience:.0f} s and was ended"
        elif self.limits.wall_s is not None and self._age >= self.limits.wall_s:
            self.bark = f"it was not done after {self.limits.wall_s:.0f} s and was ended"
        return self.bark

    def is_too_much(self, said: int, most: int, where: str) -> bool:
        """True, with a bark, where ``said`` bytes are more than the ``most`` that are heard out."""
        if said > most:
            self.bark = f"it said more than {most} bytes on {where} and was ended"
        return said > most

    def explain(self, returncode: int) -> str:
        """Why a child that is gone ended, where a limit did it."""
        if self.bark:
            return self.bark
        if returncode == -signal.SIGXFSZ:
            return f"it wrote more than {self.limits.file_bytes} bytes into one file, which no plan allows"
        cpu_s = self.limits.cpu_s
        # Both codes may have other reasons, but not before about so much CPU time can have been used: the kernel counts
        # in ticks, and we begin to count when the child is there already.
        enough = cpu_s is not None and self._age * (cpu_count() or 1) >= _ABOUT * cpu_s
        if enough and returncode in (-signal.SIGXCPU, -signal.SIGKILL, _ASKED_TO_STOP):
            return f"it took more than {cpu_s} s of CPU time and was ended"
        return ""
