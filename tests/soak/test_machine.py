"""Two owners do what they like to the jobs of one state folder, in any order: after each step the promises hold.

The engine's own durable layer with its journal, locks and files; bytes stand for pictures, so that thousands of
histories take a minute. `make machine` runs 2 000 of them.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from support.bare_job import EDITED, SOURCE, World, check, encoded, finished, joined, keep, made_twice, memory_of
from support.disks import FaultyDisk, PowerCut

from tightfit.domain.job import JobRecord
from tightfit.engine import durable
from tightfit.engine.disk import Disk, sha256_of
from tightfit.engine.durable import DurableJob
from tightfit.engine.tidying import clean
from tightfit.errors import JobHeld, OutputError, SourceChanged, TightfitError

RUNS, STEPS = int(os.environ.get("TIGHTFIT_MACHINE_RUNS", "120")), 20
MEMORY = Path("/dev/shm")
OLD = b"an older film" * 50
ERRORS = [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.ENOMEM]


@dataclass
class Owner:
    """One process: its disk, and the job that it is at work on."""

    disk: FaultyDisk = field(default_factory=FaultyDisk)
    work: DurableJob | None = None
    hold: AbstractContextManager[DurableJob] | None = None

    @property
    def job(self) -> str | None:
        return self.work.job.id if self.work else None

    def take_up(self, world: World, job_id: str) -> None:
        """Raises as ``taken_up``."""
        content = sha256_of(world.source)
        hold = durable.taken_up(world.settings, job_id, content, lambda _: None, self.disk)
        self.work = _in_a_loop(hold.__enter__)
        self.hold = hold

    def leave(self, exc: BaseException | None = None) -> None:
        """The job's block ends, by ``exc`` if any; one who is dead is another process afterwards."""
        hold, self.hold, self.work = self.hold, None, None
        if hold:
            try:
                _in_a_loop(lambda: hold.__exit__(type(exc) if exc else None, exc, None))
            except (PowerCut, TightfitError, KeyboardInterrupt) as ended:
                if exc is None and not isinstance(ended, PowerCut):
                    raise
        self.disk = FaultyDisk()

    def attempt(self, action: Callable[[DurableJob], object]) -> None:
        """Do something of a job's body: what fails ends the block, as it ends a run."""
        assert self.work is not None
        try:
            action(self.work)
        except (PowerCut, TightfitError) as exc:
            self.leave(exc)


def _in_a_loop(action: Callable[[], DurableJob | bool | None]) -> object:
    async def act() -> object:
        return action()

    return anyio.run(act)


owners = st.integers(0, 1)


class Jobs(RuleBasedStateMachine):
    """Whoever is at work, the state folder keeps its promises."""

    @initialize()
    def begin(self) -> None:
        self.folder = Path(tempfile.mkdtemp(dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
        self.world = World(self.folder, OLD, pieces=3)
        self.owners = [Owner(), Owner()]

    def _unfinished(self) -> list[JobRecord]:
        return [record for record in self.world.journal.records() if record.is_unfinished]

    def _held(self) -> set[str]:
        return {owner.job for owner in self.owners if owner.job}

    @rule(who=owners)
    def start(self, who: int) -> None:
        """The command is given, for the first time or again."""
        owner = self.owners[who]
        if owner.work:
            return
        try:
            job_id, _ = anyio.run(durable.submitted, self.world.settings, self.world.request, owner.disk)
            self._take_up(owner, job_id)
        except PowerCut:
            owner.leave()
        except OutputError:
            assert owner.disk.failed
            owner.leave()

    @rule(who=owners, which=st.integers(0, 3))
    def resume(self, who: int, which: int) -> None:
        """`jobs resume` of one of them."""
        owner, unfinished = self.owners[who], self._unfinished()
        if owner.work or not unfinished:
            return
        record = unfinished[which % len(unfinished)]
        try:
            self._take_up(owner, record.id)
        except SourceChanged:
            assert record.content not in ("", sha256_of(self.world.source))
            owner.leave()
        except PowerCut:
            owner.leave()
        except OutputError:
            assert owner.disk.failed
            owner.leave()

    def _take_up(self, owner: Owner, job_id: str) -> None:
        held = job_id in self._held()
        try:
            owner.take_up(self.world, job_id)
            assert not held, "two at work on one job"
            assert owner.work is not None
            assert owner.work.before.content in ("", owner.work.content), "gone on with another source"
            if owner.work.already_published():
                owner.leave()
        except JobHeld:
            assert held, "refused though nobody is at work on it"
            owner.leave()

    @rule(who=owners)
    def make_a_piece(self, who: int) -> None:
        owner = self.owners[who]
        if owner.work:
            owner.attempt(self._make)

    def _make(self, work: DurableJob) -> None:
        record = work.journal.record(work.job.id)
        assert record is not None
        missing = [number for number in range(self.world.pieces) if number not in finished(record)]
        if missing:
            keep(memory_of(work), missing[0], encoded(work, missing[0]))

    @rule(who=owners)
    def publish(self, who: int) -> None:
        owner = self.owners[who]
        if not owner.work:
            return
        record = self.world.journal.record(owner.work.job.id)
        if record and record.pieces == self.world.pieces:
            owner.attempt(lambda work: joined(self.world, work))
            owner.leave()

    @rule(who=owners)
    def interrupt(self, who: int) -> None:
        if self.owners[who].work:
            self.owners[who].leave(KeyboardInterrupt())

    @rule(who=owners)
    def kill(self, who: int) -> None:
        self.owners[who].disk.dead = True
        self.owners[who].leave(PowerCut("killed"))

    @rule(who=owners, operations=st.integers(0, 12), error=st.sampled_from(ERRORS))
    def fail_soon(self, who: int, operations: int, error: int) -> None:
        self.owners[who].disk.fail_in(operations, error)

    @rule(who=owners, operations=st.integers(0, 12))
    def die_soon(self, who: int, operations: int) -> None:
        self.owners[who].disk.die_in(operations)

    @rule(which=st.integers(0, 3))
    def cancel(self, which: int) -> None:
        unfinished = self._unfinished()
        if not unfinished:
            return
        record = unfinished[which % len(unfinished)]
        held = record.id in self._held()
        try:
            durable.cancel(self.world.settings, record)
            assert not held, "given up under the hands of its owner"
            assert not (self.world.settings.work / record.id).exists()
        except JobHeld:
            assert held

    @rule()
    def clean(self) -> None:
        clean(self.world.settings, self.world.journal, Disk())

    @rule(content=st.sampled_from([SOURCE, EDITED]))
    def edit_the_source(self, content: bytes) -> None:
        self.world.source.write_bytes(content)

    @invariant()
    @precondition(lambda self: hasattr(self, "world"))
    def what_is_promised_holds(self) -> None:
        check(self.world)
        assert made_twice(self.world) == [], "a finished piece was made twice"
        # Nothing that an owner has in hands is taken from it.
        for owner in self.owners:
            if owner.work:
                assert owner.work.job.work.is_dir()

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._end_well()
        finally:
            shutil.rmtree(self.folder)

    def _end_well(self) -> None:
        """Both are killed; every job whose source is what it was can be brought to its end, and leaves nothing."""
        for who in (0, 1):
            self.kill(who)
        check(self.world)
        for record in self._unfinished():
            owner = Owner()
            try:
                self._take_up(owner, record.id)
            except SourceChanged:
                continue
            while owner.work and (now := self.world.journal.record(record.id)) and now.pieces < self.world.pieces:
                self._make(owner.work)
            if owner.work:
                joined(self.world, owner.work)
                owner.leave()
            check(self.world)
        self.what_is_promised_holds()
        clean(self.world.settings, self.world.journal, Disk())
        left = {path.name for path in self.world.settings.work.iterdir()}
        assert left <= {record.id for record in self._unfinished()}
        parts = [path.name for path in self.world.outputs.iterdir() if path.name != "out.mp4"]
        assert all(any(record.id in name for record in self._unfinished()) for name in parts), parts


TestJobs = Jobs.TestCase
TestJobs.settings = settings(
    max_examples=RUNS,
    stateful_step_count=STEPS,
    deadline=None,
    derandomize="TIGHTFIT_SEED" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
