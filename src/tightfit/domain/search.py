"""The largest setting whose file still fits, by real bytes: bracketed, then interpolated on the log of the size."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

# Where in the gap below the limit the next try aims: the bytes of an encoder answer to its settings in steps.
_AIM = 0.997
# A try nearer than this share of the bracket to one of its ends teaches little.
_LEAST_STEP = 0.04


@dataclass
class Search:
    """Ask ``next`` for a setting to try, tell ``saw`` what came of it, until ``next`` is None.

    Bytes are taken to grow with the setting, ``proportional`` where a bit rate is what is set. ``step`` is the least
    difference between two settings (0: none).
    Ends after ``rounds`` tries, or where a file fills ``close`` of the limit. ``best`` is then the largest setting that
    fits, None where even ``low`` was too large.
    """

    limit: int
    low: float
    high: float
    first: float
    step: float = 0.0
    close: float = 0.995
    proportional: bool = False
    rounds: int = 12
    tried: dict[float, int] = field(default_factory=dict)

    @property
    def best(self) -> float | None:
        return max((x for x, size in self.tried.items() if size <= self.limit), default=None)

    def saw(self, setting: float, size: int) -> None:
        """``size`` in bytes."""
        self.tried[setting] = max(1, size)

    def next(self) -> float | None:
        best, over = self.best, self._least_over
        if best is not None and self.tried[best] >= self.close * self.limit:
            return None
        if len(self.tried) >= self.rounds:
            # Nothing is known to fit yet: the lowest setting decides.
            return self.low if best is None and self.low not in self.tried else None
        setting = self._proposed(best, over)
        if (setting is None or setting in self.tried) and best is None:
            setting = self.low
        return None if setting is None or setting in self.tried else setting

    @property
    def _least_over(self) -> float | None:
        return min((x for x, size in self.tried.items() if size > self.limit), default=None)

    def _proposed(self, best: float | None, over: float | None) -> float | None:
        if not self.tried:
            return self._on_grid(min(self.high, max(self.low, self.first)))
        if over is None:
            return self._beyond(best) if best is not None else None
        if best is None:
            return self._below(over)
        if best >= over:
            return None
        low, high = math.log(self.tried[best]), math.log(self.tried[over])
        wanted = math.log(_AIM * self.limit)
        share = (wanted - low) / (high - low) if high > low else 0.5
        share = min(1 - _LEAST_STEP, max(_LEAST_STEP, share))
        if len(self.tried) > self.rounds // 2:
            share = (share + 0.5) / 2
        return self._within(best + share * (over - best), best, over)

    def _beyond(self, best: float) -> float | None:
        """Everything fitted so far: as far up as the last two sizes promise, then the top."""
        if best >= self.high:
            return None
        if self.proportional:
            return self._on_grid(min(self.high, best * _AIM * self.limit / self.tried[best]))
        fitting = sorted(self.tried)
        if len(fitting) < 2:
            return self.high
        before = fitting[-2]
        slope = (math.log(self.tried[best]) - math.log(self.tried[before])) / (best - before)
        ahead = math.log(self.limit / self.tried[best]) / slope if slope > 0 else math.inf
        return self._on_grid(min(self.high, best + max(ahead, self.step, 1e-9)))

    def _below(self, over: float) -> float | None:
        """Nothing fitted so far."""
        if over <= self.low:
            return None
        if self.proportional:
            return self._on_grid(max(self.low, over * _AIM * self.limit / self.tried[over]))
        return self.low if len(self.tried) > 1 else self._within((self.low + over) / 2, self.low, over)

    def _on_grid(self, setting: float) -> float:
        return setting if not self.step else self.low + round((setting - self.low) / self.step) * self.step

    def _within(self, setting: float, low: float, high: float) -> float | None:
        """``setting`` on the grid and strictly between what was tried; None where nothing lies there."""
        on_grid = self._on_grid(setting)
        if not self.step:
            return on_grid
        if on_grid <= low and low in self.tried:
            on_grid = low + self.step
        if on_grid >= high:
            on_grid = high - self.step
        return on_grid if (on_grid > low or low not in self.tried) and on_grid < high else None
