"""How near the scheduler comes to a clairvoyant one, and to this machine alone: many random cases in virtual time.

    python -m benchmarks.schedule_simulation --cases 300 --seed 1 --most 10000

The code that decides and runs is the one that users run; only the places are simulated.

Lower bound of every schedule that knows all beforehand and may split segments at will: the smallest T for which the
local lanes, m of them for T seconds, can do what the cloud can't take off them, sum(p) - m T <= V(T). V(T) is the most
local seconds that fit through each single bottleneck of the cloud (a fractional knapsack, filled by local seconds per
second of it): the uplink up to T less the shortest render and download, the workers between the shortest upload and
the shortest download, the downlink from the shortest upload and render on. Segments are whole at least in number: of n
in a lane's seconds one lane of k has n / k, rounded up, none shorter than the shortest. And T is at least what each
segment takes alone where it goes faster. On short clips no schedule reaches it.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

import anyio

from benchmarks import virtual_time
from benchmarks.simulated_cloud import Case, World, random_case
from tightfit.domain.places import Lane, Rules, Work
from tightfit.engine.schedule import Finished, Hooks, Report, run


async def _note(_work: Work, _lane: Lane) -> None:
    pass


async def _work_off(case: Case, with_cloud: bool, breaks: bool = False) -> tuple[float, Report]:
    world, seen = World(case), set[int]()

    def on_done(finished: Finished[int]) -> None:
        assert finished.value == finished.work.index, "somebody else's result"
        assert finished.work.index not in seen, "one segment twice"
        seen.add(finished.work.index)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.carry)
        cloud = world.cloud(breaks=breaks) if with_cloud else []
        report = await run(case.works, world.local(), cloud, Hooks(on_done, _note), Rules())
        end = anyio.current_time()
        tasks.cancel_scope.cancel()
    assert len(seen) == len(case.works), "a segment was lost"
    return end, report


def _knapsack(values: Sequence[float], costs: Sequence[float]) -> Callable[[float], float]:
    """The most value for a capacity, things divisible (Dantzig 1957): by value per cost, the last one in part."""
    items = sorted(zip(values, costs, strict=True), key=lambda item: item[0] / max(1e-12, item[1]), reverse=True)
    worth = [0.0, *accumulate(value for value, _ in items)]
    cost = [0.0, *accumulate(cost for _, cost in items)]

    def most(capacity: float) -> float:
        at = bisect_right(cost, max(0.0, capacity)) - 1
        if at >= len(items):
            return worth[-1]
        return worth[at] + items[at][0] * (max(0.0, capacity) - cost[at]) / max(1e-12, items[at][1])

    return most


def _most_in(sums: Sequence[float], lanes: int, seconds: float) -> int:
    """The most segments that ``lanes`` get through, given the sums of the shortest: one of them has its full share."""
    each = bisect_right(sums, seconds) - 1
    return max(0, min(each * lanes, bisect_right(sums, lanes * seconds) - 1))


def lower_bound(case: Case) -> float:
    """Seconds below which no schedule of ``case`` can be; see the top of this file."""
    machine, local = case.machine, case.local_s
    best = max(1.0, machine.change) if machine.changes_at < float("inf") else 1.0
    up = [work.upload_bytes / (machine.uplink * best) for work in case.works]
    down = [work.download_bytes / (machine.downlink * best) for work in case.works]
    lanes = min(machine.cloud_lanes, machine.workers)
    tail = min(render + back for render, back in zip(case.render_s, down, strict=True))
    head = min(sent + render for sent, render in zip(up, case.render_s, strict=True))
    by_uplink = _knapsack(local, [work.upload_bytes for work in case.works])
    by_workers = _knapsack(local, case.render_s)
    by_downlink = _knapsack(local, [work.download_bytes for work in case.works])
    shortest, shortest_renders = ([0.0, *accumulate(sorted(times))] for times in (local, case.render_s))
    longest = [0.0, *accumulate(sorted(local, reverse=True))]

    def is_possible(end: float) -> bool:
        rendering = end - min(up) - min(down)
        there = _most_in(shortest_renders, lanes, rendering)
        if there + _most_in(shortest, machine.local_lanes, end) < len(local):
            return False
        taken = min(
            longest[there],
            by_uplink(machine.sendable(max(0.0, end - tail), machine.uplink)),
            by_workers(lanes * rendering),
            by_downlink(machine.sendable(end, machine.downlink) - machine.sendable(min(head, end), machine.downlink)),
        )
        return sum(local) - machine.local_lanes * end <= taken

    low, high = 0.0, sum(local)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if is_possible(middle) else (middle, high)
    alone = (min(p, u + r + d) for p, u, r, d in zip(local, up, case.render_s, down, strict=True))
    return max(low, *alone)


@dataclass(frozen=True)
class Outcome:
    seed: int
    segments: int
    bound: float
    hybrid: float
    alone: float
    cloud_share: float
    wasted: float

    @property
    def over_bound(self) -> float:
        return self.hybrid / self.bound

    @property
    def over_alone(self) -> float:
        return self.hybrid / self.alone


def outcome(seed: int, fewest: int, most: int, *, breaks: bool = False) -> Outcome:
    """One case with the cloud, alone, and its bound; with ``breaks`` the service fails for good in the middle."""
    case = random_case(seed, fewest, most)
    hybrid, report = virtual_time.run(_work_off, case, True, breaks)
    alone, _ = virtual_time.run(_work_off, case, False)
    count = len(case.works)
    return Outcome(seed, count, lower_bound(case), hybrid, alone, report.cloud / count, report.attempts / count - 1)


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def _row(name: str, outcomes: Sequence[Outcome]) -> str:
    over = [o.over_bound for o in outcomes]
    alone = [o.over_alone for o in outcomes]
    return (
        f"| {name} | {len(outcomes)} | {statistics.median(over):.3f} | {quantile(over, 0.95):.3f} | {max(over):.3f} "
        f"| {statistics.median(alone):.3f} | {max(alone):.3f} | {statistics.mean(o.cloud_share for o in outcomes):.0%} "
        f"| {statistics.mean(o.wasted for o in outcomes):.1%} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fewest", type=int, default=10)
    parser.add_argument("--most", type=int, default=10_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--worst", type=int, default=0, help="print so many of the worst cases")
    parser.add_argument("--breaks", action="store_true", help="the service fails for good at some moment")
    asked = parser.parse_args()
    begun = time.perf_counter()
    one = partial(outcome, fewest=asked.fewest, most=asked.most, breaks=asked.breaks)
    with ProcessPoolExecutor(asked.processes) as pool:
        outcomes = list(pool.map(one, range(asked.seed, asked.seed + asked.cases)))
    print(f"{platform.platform()}, Python {platform.python_version()}, {time.perf_counter() - begun:.0f} s\n")
    print("| segments | cases | / bound: median | 95 % | worst | / alone: median | worst | by cloud | attempts more |")
    print("|---|---|---|---|---|---|---|---|---|")
    sizes = [(10, 30), (30, 100), (100, 300), (300, 1000), (1000, 10_001)]
    for low, high in sizes:
        if some := [o for o in outcomes if low <= o.segments < high]:
            print(_row(f"{low} … {high - 1}", some))
    print(_row("all", outcomes))
    for o in sorted(outcomes, key=lambda o: -o.over_bound)[: asked.worst]:
        print(
            f"seed {o.seed}: {o.segments} segments, {o.over_bound:.3f} × the bound of {o.bound:.0f} s, "
            f"{o.over_alone:.3f} × alone"
        )


if __name__ == "__main__":
    main()
