"""Seconds below which no schedule of a simulated case can be, whatever it knows beforehand.

T is impossible where this can be shown, so that every schedule takes longer; the bound is the largest T for which a
bisection showed it. Whether T can be shown to be impossible need not be monotone in T, but that it *is* impossible
is: who is through by T is through by any later time. So whatever the bisection has shown last is a valid bound.

Shown by relaxing what a schedule through by T must keep:

- A segment is made whole, on a local lane in p or by the cloud in u + r + d (upload, render, download, on a line of its
  own). Where p > T it is the cloud's, where u + r + d > T it is not; where both, T is impossible.
- What one of m local lanes makes takes at most T. A dual feasible function f (Lueker 1983; Fekete and Schepers 2001)
  keeps sum f(x) <= 1 for all x with sum x <= 1, so that the f(p / T) of all that is made here sum up to at most m. The
  identity is one: the seconds fit. The others see that segments can't be split: of three that last 0.6 T two lanes
  hold two (f counts each as 1), although 1.8 T seconds are less than 2 T.
- So the cloud has to take segments off with f(p / T) of at least sum f(p / T) - m together. What it can take is limited
  by the uplink until T less the shortest render and download, by the downlink from the shortest upload and render on,
  and by its k workers, one segment at a time each, between the shortest upload and the shortest download: for them a
  dual feasible function holds as well, of r over that window. The most f that fits through all of these is at most
  what fits through any weighted sum of them (surrogate relaxation, Glover 1968) with segments divisible (Dantzig
  1957): a fractional knapsack for each of a few weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.simulated_cloud import Case

_Dual = Callable[[float], float]
# Exactly at a step of these functions rounding must not lift a value over it.
_SAFE = 1 - 1e-9
# Beyond so many segments, each of them is small, and what can't be split is too little to matter.
_FEW = 300
_EXACTNESS = 1e-4
# By how much indivisible segments are looked for above what divisible ones take.
_MOST_GAIN = 2.0
# Weights of uplink, workers and downlink; those without the workers need one of their functions only.
_WEIGHTS = (
    *((0.0, 1.0, 0.0), (0.3, 0.7, 0.0), (0.6, 0.4, 0.0), (0.0, 0.6, 0.4), (1 / 3, 1 / 3, 1 / 3)),
    *((1.0, 0.0, 0.0), (0.0, 0.0, 1.0), (0.5, 0.0, 0.5)),
)


def _rounded(k: int) -> _Dual:
    """u^(k) of Fekete and Schepers: x where (k + 1) x is whole, else floor((k + 1) x) / k. Just below a whole number
    it is the lower step, which is never more than what it is at that number."""
    return lambda x: math.floor((k + 1) * x * _SAFE) / k


def _cut(e: float) -> _Dual:
    """U^(e) of Fekete and Schepers: 1 above 1 - e, 0 below e, x between; e is at most a half."""
    return lambda x: 1.0 if x * _SAFE > 1 - e else 0.0 if x < e else x * _SAFE


_DUALS: tuple[_Dual, ...] = (
    lambda x: x,
    _rounded(1),
    _rounded(2),
    _rounded(3),
    _rounded(5),
    _cut(0.2),
    _cut(0.35),
    _cut(0.5),
)


@dataclass(frozen=True)
class _Facts:
    """A case in seconds: ``there`` is u + r + d of each segment."""

    case: Case
    up: Sequence[float]
    down: Sequence[float]
    there: Sequence[float]


def lower_bound(case: Case) -> float:
    """See the top of this file."""
    machine = case.machine
    best = max(1.0, machine.change) if machine.changes_at < math.inf else 1.0
    up = [work.upload_bytes / (machine.uplink * best) for work in case.works]
    down = [work.download_bytes / (machine.downlink * best) for work in case.works]
    facts = _Facts(case, up, down, [sum(stages) for stages in zip(up, case.render_s, down, strict=True)])
    low, high = _bisected(facts, 0.0, sum(case.local_s), _DUALS[:1])
    return _bisected(facts, low, min(high * _MOST_GAIN, sum(case.local_s)), _DUALS)[0] if len(up) <= _FEW else low


def _bisected(facts: _Facts, low: float, high: float, duals: Sequence[_Dual]) -> tuple[float, float]:
    """``low`` raised as far as can be shown to be impossible, and the least that could not be shown to be."""
    while high - low > _EXACTNESS * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _is_impossible(facts, middle, duals) else (low, middle)
    return low, high


def _is_impossible(facts: _Facts, end: float, duals: Sequence[_Dual]) -> bool:
    case, there = facts.case, facts.there
    if any(min(here, cloud) > end for here, cloud in zip(case.local_s, there, strict=True)):
        return True
    can_go = [n for n, seconds in enumerate(there) if seconds <= end]
    must_go = {n for n in can_go if case.local_s[n] > end}
    routes = list(_routes(facts, end, can_go, duals))
    for dual in duals:
        gain = [0.0 if n in must_go else dual(here / end) for n, here in enumerate(case.local_s)]
        needed = sum(gain) - case.machine.local_lanes
        if needed <= 1e-9 and not must_go:
            continue
        if any(_most(gain, must_go, can_go, costs) < needed - 1e-9 for costs in routes):
            return True
    return False


def _routes(facts: _Facts, end: float, can_go: Sequence[int], duals: Sequence[_Dual]) -> Iterator[dict[int, float]]:
    """What each segment takes of the cloud, as shares of what there is of it until ``end``: each a constraint."""
    case, machine = facts.case, facts.case.machine
    if not can_go:
        yield {}
        return
    tail = min(case.render_s[n] + facts.down[n] for n in can_go)
    head = min(facts.up[n] + case.render_s[n] for n in can_go)
    window = end - min(facts.up[n] for n in can_go) - min(facts.down[n] for n in can_go)
    up = machine.sendable(max(0.0, end - tail), machine.uplink)
    down = machine.sendable(end, machine.downlink) - machine.sendable(min(head, end), machine.downlink)
    workers = min(machine.cloud_lanes, machine.workers)
    by_line = {
        n: (case.works[n].upload_bytes / max(1e-9, up), case.works[n].download_bytes / max(1e-9, down)) for n in can_go
    }
    for dual in duals:
        by_worker = {n: dual(min(1.0, case.render_s[n] / window)) / workers for n in can_go}
        for w_up, w_worker, w_down in _WEIGHTS:
            if dual is not duals[0] and not w_worker:
                continue
            yield {n: w_up * by_line[n][0] + w_worker * by_worker[n] + w_down * by_line[n][1] for n in can_go}


def _most(gain: Sequence[float], must_go: set[int], can_go: Sequence[int], costs: dict[int, float]) -> float:
    """The most gain that goes through one constraint of capacity 1; minus infinity where what must go does not."""
    room = 1.0 - sum(costs[n] for n in must_go)
    if room < -1e-9:
        return -math.inf
    taken = 0.0
    for n in sorted((n for n in can_go if gain[n] > 0), key=lambda n: costs[n] / gain[n]):
        if costs[n] > room:
            return taken + gain[n] * max(0.0, room) / costs[n]
        room -= costs[n]
        taken += gain[n]
    return taken
