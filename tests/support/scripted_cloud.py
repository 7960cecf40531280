"""Places that do what a script says, and take notes: for the scheduler's runner, in virtual time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

from tightfit.domain.breaker import Failure, FailureKind
from tightfit.domain.places import Lane, Rules, Work
from tightfit.engine.schedule import Finished, Hooks, Made, PlaceFailed, Report, run

HANG = "hang"
CRASH = "crash"


@dataclass(frozen=True)
class Act:
    """What one stage does: ``outcome`` after ``seconds``, None for success."""

    seconds: float = 1.0
    outcome: FailureKind | str | None = None
    retry_after_s: float = 0.0


Script = list[Act] | Mapping[str, list[Act]]


@dataclass
class Notes:
    """Everything that places and hooks saw; ``now`` is who is at work at the moment."""

    finished: list[Finished[str]] = field(default_factory=list)
    journal: list[int] = field(default_factory=list)
    renders: list[int] = field(default_factory=list)
    encodes: list[int] = field(default_factory=list)
    uploads: list[int] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    spent: int = 0
    end: float = math.inf
    now: set[tuple[str, str]] = field(default_factory=set)
    at_work: set[tuple[int, bool]] = field(default_factory=set)

    @contextmanager
    def busy(self, lane: Lane, stage: str, work: Work) -> Iterator[None]:
        """One lane does one thing at a time, and one side is at work on a segment once."""
        key, side = (lane.name, stage), (work.index, lane.is_local)
        assert key not in self.now, f"{key} twice at once"
        assert side not in self.at_work, f"{side} twice at once"
        self.now.add(key)
        self.at_work.add(side)
        try:
            yield
        finally:
            self.now.remove(key)
            self.at_work.remove(side)


@dataclass
class ScriptedEncoder:
    lane: Lane
    notes: Notes
    seconds: Callable[[Work], float]

    async def encode(self, work: Work, on_frames: Callable[[int], None]) -> str:
        self.notes.encodes.append(work.index)
        with self.notes.busy(self.lane, "encode", work):
            await anyio.sleep(self.seconds(work) / 2)
            on_frames(work.frames // 2)
            await anyio.sleep(self.seconds(work) / 2)
        return f"local {work.index}"


@dataclass
class ScriptedSession:
    lane: Lane
    notes: Notes
    script: Mapping[str, Iterator[Act]]

    async def upload(self, work: Work) -> int:
        self.notes.uploads.append(work.index)
        with self.notes.busy(self.lane, "upload", work):
            await self._act("upload")
        return work.index

    async def render(self, work: Work, uploaded: int) -> int:
        assert uploaded == work.index
        self.notes.renders.append(work.index)
        assert self.notes.journal.count(work.index) >= self.notes.renders.count(work.index), "not journalled"
        self.notes.spent += work.credits
        with self.notes.busy(self.lane, "render", work):
            await self._act("render")
        return uploaded

    async def download(self, work: Work, rendered: int) -> Made[str]:
        with self.notes.busy(self.lane, f"download {work.index}", work):
            await self._act("download")
        return Made(f"cloud {rendered}")

    async def _act(self, stage: str) -> None:
        act = next(self.script.get(stage, iter(())), Act())
        await anyio.sleep(act.seconds)
        if act.outcome is None:
            return
        if act.outcome == HANG:
            await anyio.sleep_forever()
        if act.outcome == CRASH:
            raise ValueError("a bug in the client")
        raise PlaceFailed(Failure(FailureKind(act.outcome), f"it said {act.outcome}", act.retry_after_s))


def session(name: str, notes: Notes, script: Script) -> ScriptedSession:
    """A list is worked off by whatever stage comes next, a mapping stage by stage; then all goes well."""
    if isinstance(script, list):
        acts = iter(script)
        return ScriptedSession(Lane(name, False), notes, dict.fromkeys(("upload", "render", "download"), acts))
    return ScriptedSession(Lane(name, False), notes, {stage: iter(acts) for stage, acts in script.items()})


async def play(
    works: list[Work],
    local_lanes: int,
    scripts: Sequence[Script],
    rules: Rules,
    notes: Notes,
    local_s: Callable[[Work], float] = lambda work: work.frames / 10,
) -> Report:
    """Work off ``works`` with so many encoders and one session per script; ``notes`` tell what happened."""
    encoders = [ScriptedEncoder(Lane(f"core {n}", True), notes, local_s) for n in range(local_lanes)]
    sessions = [session(f"session {n}", notes, script) for n, script in enumerate(scripts)]

    async def before_paid(work: Work, _lane: Lane) -> None:
        await anyio.sleep(0.01)
        notes.journal.append(work.index)

    report = await run(works, encoders, sessions, Hooks(notes.finished.append, before_paid, notes.said.append), rules)
    notes.end = anyio.current_time()
    return report
