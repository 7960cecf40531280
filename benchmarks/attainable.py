"""How good a schedule can be that knows every time beforehand: what the lower bound is worth.

    python -m benchmarks.attainable --cases 60 --most 150

A search, so that a better schedule may exist: between what it finds and ``benchmarks.lower_bound`` lies the best one.
Its schedules are those of ``simulated_cloud`` with uploads and downloads one after another, which no schedule is the
worse for, and without two attempts at a segment, which somebody who knows all has no use for.
"""

from __future__ import annotations

import argparse
import heapq
import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks import virtual_time
from benchmarks.lower_bound import lower_bound
from benchmarks.schedule_simulation import quantile, work_off
from benchmarks.simulated_cloud import Case, random_case

_ROUNDS = 4000
# By how much a worse schedule may be gone on from at first, as a share of the first one found (simulated annealing,
# Kirkpatrick et al. 1983); it falls to nothing.
_WARMTH = 0.03


@dataclass(frozen=True)
class Division:
    """``sent`` goes to the cloud in this order, ``kept`` is made here."""

    case: Case
    sent: tuple[int, ...]
    kept: tuple[int, ...]
    end: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "end", max(self._here(), self._there()))

    def _here(self) -> float:
        """Longest first, each to the lane that is free first."""
        lanes = [0.0] * self.case.machine.local_lanes
        for n in sorted(self.kept, key=lambda n: -self.case.local_s[n]):
            heapq.heapreplace(lanes, lanes[0] + self.case.local_s[n])
        return max(lanes)

    def _there(self) -> float:
        """One upload after another, each to the worker that is free first, downloads as renders get ready."""
        case, machine = self.case, self.case.machine
        workers, up, ready = [0.0] * min(machine.cloud_lanes, machine.workers), 0.0, list[tuple[float, int]]()
        for n in self.sent:
            up = _through(case, machine.uplink, up, case.works[n].upload_bytes)
            ready.append((max(up, workers[0]) + case.render_s[n], n))
            heapq.heapreplace(workers, ready[-1][0])
        end = 0.0
        for at, n in sorted(ready):
            end = _through(case, machine.downlink, max(end, at), case.works[n].download_bytes)
        return end


def _through(case: Case, rate: float, since: float, size: int) -> float:
    """When ``size`` bytes that are sent from ``since`` on are through, alone on a line that changes once."""
    machine = case.machine
    before = max(0.0, machine.changes_at - since)
    if size <= rate * before:
        return since + size / rate
    return max(since, machine.changes_at) + (size - rate * before) / (rate * machine.change)


def attainable(case: Case) -> float:
    """Seconds of the best schedule that was found."""
    luck, best = random.Random(case.seed), _first(case)
    current, warmth = best, _WARMTH * best.end
    for n in range(_ROUNDS):
        other = _changed(current, luck)
        worse = other.end - current.end
        if worse <= 0 or luck.random() < math.exp(-worse / (warmth * (1 - n / _ROUNDS))):
            current = other
        best = min(best, current, key=lambda division: division.end)
    return best.end


def _first(case: Case) -> Division:
    """The best of those that give the cloud what it gains most with, as many as that may be."""
    machine = case.machine
    workers = min(machine.cloud_lanes, machine.workers)
    up = [work.upload_bytes / machine.uplink for work in case.works]
    order = range(len(case.works))
    gain = sorted(order, key=lambda n: (up[n] + case.render_s[n] / workers) / case.local_s[n])
    quickly_sent = sorted(order, key=lambda n: up[n] - case.render_s[n])
    divisions = []
    for share in range(len(gain) + 1):
        sent = set(gain[:share])
        divisions.append(Division(case, tuple(n for n in quickly_sent if n in sent), tuple(gain[share:])))
    return min(divisions, key=lambda division: division.end)


def _changed(division: Division, luck: random.Random) -> Division:
    """One segment to the other side, two exchanged, or one sent at another time."""
    sent, kept, kind = list(division.sent), list(division.kept), luck.random()
    if kind < 0.25 and sent:
        kept.append(sent.pop(luck.randrange(len(sent))))
    elif kind < 0.5 and kept:
        sent.insert(luck.randint(0, len(sent)), kept.pop(luck.randrange(len(kept))))
    elif kind < 0.8 and sent and kept:
        a, b = luck.randrange(len(sent)), luck.randrange(len(kept))
        sent[a], kept[b] = kept[b], sent[a]
    elif sent:
        moved = sent.pop(luck.randrange(len(sent)))
        sent.insert(luck.randint(0, len(sent)), moved)
    return Division(division.case, tuple(sent), tuple(kept))


def _row(name: str, values: Sequence[float]) -> str:
    return f"| {name} | {statistics.median(values):.3f} | {quantile(values, 0.95):.3f} | {max(values):.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fewest", type=int, default=10)
    parser.add_argument("--most", type=int, default=150)
    asked = parser.parse_args()
    cases = [random_case(seed, asked.fewest, asked.most) for seed in range(asked.seed, asked.seed + asked.cases)]
    bounds, found = [lower_bound(case) for case in cases], [attainable(case) for case in cases]
    ours = [virtual_time.run(work_off, case, True)[0] for case in cases]
    print("| | median | 95 % | worst |\n|---|---|---|---|")
    print(_row("found by search / bound", [f / b for f, b in zip(found, bounds, strict=True)]))
    print(_row("the scheduler / bound", [o / b for o, b in zip(ours, bounds, strict=True)]))
    print(_row("the scheduler / found by search", [o / f for o, f in zip(ours, found, strict=True)]))


if __name__ == "__main__":
    main()
