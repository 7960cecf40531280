"""How near the scheduler comes to a clairvoyant one, and to this machine alone: many random cases in virtual time.

    python -m benchmarks.schedule_simulation --cases 300 --seed 1 --most 10000

The code that decides and runs is the one that users run; only the places are simulated.

What it is held against, a bound for every schedule that knows all beforehand, is ``benchmarks.lower_bound``.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import anyio

from benchmarks import virtual_time
from benchmarks.lower_bound import lower_bound
from benchmarks.simulated_cloud import Case, World, random_case
from tightfit.domain.places import Lane, Rules, Work
from tightfit.engine.schedule import Finished, Hooks, Report, run


async def _note(_work: Work, _lane: Lane) -> None:
    pass


async def work_off(case: Case, with_cloud: bool, breaks: bool = False) -> tuple[float, Report]:
    """Seconds until ``case`` is through, and what became of it."""
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
    hybrid, report = virtual_time.run(work_off, case, True, breaks)
    alone, _ = virtual_time.run(work_off, case, False)
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
