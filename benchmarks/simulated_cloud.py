"""Machines, lines and render services that are random but known beforehand, for the scheduler to find out about.

Everything here is seconds of virtual time; the places are the ones that ``engine.schedule`` works with for real.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import anyio

from tightfit.domain.breaker import Failure, FailureKind
from tightfit.domain.places import Lane, Work
from tightfit.engine.schedule import Made, PlaceFailed

# How often an encode says how far it is; real ones do several times a second.
_REPORTS = 8


@dataclass(frozen=True)
class Machine:
    """Local lanes; the service's lanes (sessions) and workers; the line in bytes/s, which changes once."""

    local_lanes: int
    cloud_lanes: int
    workers: int
    uplink: float
    downlink: float
    changes_at: float = math.inf
    change: float = 1.0

    def sendable(self, seconds: float, rate: float) -> float:
        """Bytes that a line of ``rate`` carries in the first ``seconds``."""
        before = min(seconds, self.changes_at)
        return max(0.0, rate * (before + self.change * (seconds - before)))


@dataclass(frozen=True)
class Case:
    """``local_s`` and ``render_s`` are what each segment takes on a local lane and a cloud worker."""

    seed: int
    machine: Machine
    works: tuple[Work, ...]
    local_s: tuple[float, ...]
    render_s: tuple[float, ...]


def _log_uniform(luck: random.Random, low: float, high: float) -> float:
    return math.exp(luck.uniform(math.log(low), math.log(high)))


def random_case(seed: int, fewest: int = 10, most: int = 10_000) -> Case:
    """A clip of ``fewest`` to ``most`` segments, a machine, a line and a service, each from slow to fast."""
    luck = random.Random(seed)
    count = round(_log_uniform(luck, fewest, most))
    frames = sorted((max(24, round(luck.lognormvariate(math.log(180), 0.4))) for _ in range(count)), reverse=True)
    frame_bytes, kept = _log_uniform(luck, 8e3, 2e5), luck.uniform(0.05, 0.5)
    sent = [round(n * frame_bytes * luck.lognormvariate(0, 0.4)) for n in frames]
    works = tuple(Work(i, n, size, round(size * kept)) for i, (n, size) in enumerate(zip(frames, sent, strict=True)))
    local_fps, render_fps, latency = _log_uniform(luck, 5, 60), _log_uniform(luck, 10, 200), _log_uniform(luck, 0.5, 20)
    local_s = tuple(n / local_fps * luck.lognormvariate(0, 0.2) for n in frames)
    render_s = tuple(latency + n / render_fps * luck.lognormvariate(0, 0.25) for n in frames)
    local_lanes, cloud_lanes = luck.choice((1, 2, 4, 8)), luck.choice((1, 2, 4, 8, 16))
    workers = max(1, round(cloud_lanes * luck.choice((0.5, 1.0, 1.0))))
    uplink = _log_uniform(luck, 2e5, 5e7)
    downlink = uplink * luck.uniform(1, 5)
    alone = sum(local_s) / local_lanes
    changes_at = luck.uniform(0, alone) if luck.random() < 0.5 else math.inf
    machine = Machine(local_lanes, cloud_lanes, workers, uplink, downlink, changes_at, luck.lognormvariate(-0.2, 0.5))
    return Case(seed, machine, works, local_s, render_s)


@dataclass
class SharedLine:
    """Bytes per second shared fairly by all transfers on it, as TCP roughly does.

    Generalised processor sharing (Parekh and Gallager 1993): a transfer is through when the bytes that each user was
    given since it began come to its size.
    """

    rate: Callable[[], float]
    _served: float = 0.0
    _seen: float = 0.0
    _waiting: list[tuple[float, int, anyio.Event]] = field(default_factory=list)
    _numbers: int = 0
    _changed: anyio.Event = field(default_factory=anyio.Event)

    def _catch_up(self) -> None:
        now = anyio.current_time()
        if self._waiting:
            self._served += (now - self._seen) * self.rate() / len(self._waiting)
        self._seen = now

    async def transfer(self, size: float) -> None:
        self._catch_up()
        self._numbers += 1
        entry = (self._served + size, self._numbers, anyio.Event())
        heapq.heappush(self._waiting, entry)
        self._changed.set()
        try:
            await entry[2].wait()
        finally:
            if entry in self._waiting:
                self._catch_up()
                self._waiting.remove(entry)
                heapq.heapify(self._waiting)
                self._changed.set()

    async def carry(self) -> None:
        """Wake transfers as they get through; runs beside them."""
        while True:
            self._catch_up()
            while self._waiting and self._waiting[0][0] <= self._served + 1e-3:
                heapq.heappop(self._waiting)[2].set()
            seconds = math.inf
            if self._waiting:
                seconds = (self._waiting[0][0] - self._served) * len(self._waiting) / self.rate()
            self._changed = anyio.Event()
            with anyio.move_on_after(seconds):
                await self._changed.wait()


@dataclass
class World:
    """One case as it happens: its lines and workers."""

    case: Case
    up: SharedLine = field(init=False)
    down: SharedLine = field(init=False)
    workers: anyio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        machine = self.case.machine
        self.up = SharedLine(lambda: machine.uplink * self.factor)
        self.down = SharedLine(lambda: machine.downlink * self.factor)
        self.workers = anyio.Semaphore(machine.workers)

    @property
    def factor(self) -> float:
        machine = self.case.machine
        return machine.change if anyio.current_time() > machine.changes_at else 1.0

    async def carry(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.up.carry)
            tasks.start_soon(self.down.carry)
            if math.isfinite(self.case.machine.changes_at):
                await anyio.sleep_until(self.case.machine.changes_at)
                for line in (self.up, self.down):
                    line._changed.set()

    def local(self) -> list[SimulatedEncoder]:
        lanes = range(self.case.machine.local_lanes)
        return [SimulatedEncoder(Lane(f"core {n}", True), self.case) for n in lanes]

    def cloud(self, *, breaks: bool = False) -> list[SimulatedSession]:
        """All sessions; with ``breaks`` the service fails in some way at some time before this machine were through."""
        case, luck = self.case, random.Random(self.case.seed)
        at = luck.uniform(0, sum(case.local_s) / case.machine.local_lanes) if breaks else math.inf
        by = luck.choice([None, *FailureKind])
        names = (Lane(f"session {n}", False) for n in range(case.machine.cloud_lanes))
        return [SimulatedSession(lane, self, at, by) for lane in names]


@dataclass(frozen=True)
class SimulatedEncoder:
    lane: Lane
    case: Case

    async def encode(self, work: Work, on_frames: Callable[[int], None]) -> int:
        for step in range(_REPORTS):
            await anyio.sleep(self.case.local_s[work.index] / _REPORTS)
            on_frames(work.frames * (step + 1) // _REPORTS)
        return work.index


@dataclass(frozen=True)
class SimulatedSession:
    """Where ``breaks_at`` is given, the whole service fails from then on as ``breaks_by`` says, or falls silent."""

    lane: Lane
    world: World
    breaks_at: float = math.inf
    breaks_by: FailureKind | None = None

    async def _check(self) -> None:
        if anyio.current_time() < self.breaks_at:
            return
        if self.breaks_by is None:
            await anyio.sleep_forever()
        else:
            raise PlaceFailed(Failure(self.breaks_by, str(self.breaks_by)))

    async def upload(self, work: Work) -> int:
        await self._check()
        await self.world.up.transfer(work.upload_bytes)
        return work.index

    async def render(self, work: Work, uploaded: int) -> int:
        async with self.world.workers:
            await anyio.sleep(self.world.case.render_s[work.index])
            await self._check()
        return uploaded

    async def download(self, work: Work, rendered: int) -> Made[int]:
        await self.world.down.transfer(work.download_bytes)
        return Made(rendered, 0)
