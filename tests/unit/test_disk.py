"""Every operation of a whole job fails, dies or loses power in turn, and again while it recovers from that."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from support.bare_job import World, check, check_ended, finished, run
from support.disks import FaultyDisk, Left, PowerCut, RecordingDisk, laid_out

from tightfit.domain.job import State
from tightfit.engine import durable, publish
from tightfit.engine.disk import CrashingDisk, Disk, disk_of
from tightfit.errors import OutputError, OutputExists, TightfitError
from tightfit.settings import Settings

ERRORS = [errno.ENOSPC, errno.EIO, errno.EMFILE, errno.ENOMEM]
# `make faults` tries every error everywhere; `make test` takes them in turn.
ALL = os.environ.get("TIGHTFIT_FAULTS") == "all"
OLD = b"an older film" * 50
MOST_OPERATIONS = 200


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """In memory where this machine has such a disk: thousands of syncs that protect nothing here take minutes."""
    memory = Path("/dev/shm")
    if not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory) as name:
        yield Path(name)


def test_nothing_that_lasts_goes_round_the_disk(folder: Path):
    """The names of what a job does to the disk: a change that is not among them can't be tested."""
    disk = FaultyDisk()
    run(World(folder), disk)
    assert set(disk.points) == {
        *("job.make_folder", "job.sync_folder", "lock.take", "part.unlink", "part.try", "job.remove_folder"),
        *("piece.sync", "piece.replace", "piece.sync_folder"),
        *("journal.open", "journal.migrate", "journal.submitted", "journal.started", "journal.made"),
        *("journal.publishing", "journal.published"),
        *("output.sync", "output.link", "output.sync_folder"),
    }


def test_no_point_crashes_unless_it_is_asked_for(folder: Path):
    assert type(disk_of(Settings(home=folder))) is Disk
    assert type(disk_of(Settings(home=folder, test_crash="piece.sync:before"))) is CrashingDisk


@pytest.mark.parametrize("error", ERRORS if ALL else [None])
@pytest.mark.parametrize("forever", [False, True], ids=["once", "forever"])
@pytest.mark.parametrize("late", [False, True], ids=["undone", "done"])
@pytest.mark.parametrize("old", [None, OLD], ids=["new", "overwrite"])
def test_whichever_operation_fails_it_is_told_and_nothing_is_lost(
    folder: Path, error: int | None, forever: bool, late: bool, old: bytes | None
):
    for fails_at in range(MOST_OPERATIONS):
        world = World(folder / str(fails_at), old)
        kind = error or ERRORS[fails_at % len(ERRORS)]
        disk = FaultyDisk(fails_at=fails_at, error=kind, forever=forever, late=late)
        with suppress(TightfitError):
            run(world, disk)
        check(world)
        _finish(world)
        if not disk.failed:
            return
    raise AssertionError("never got through without a fault")


@pytest.mark.parametrize("old", [None, OLD], ids=["new", "overwrite"])
@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
def test_wherever_a_run_dies_the_next_one_goes_on(folder: Path, late: bool, old: bytes | None):
    for dies_at in range(MOST_OPERATIONS):
        world = World(folder / str(dies_at), old)
        disk = FaultyDisk(dies_at=dies_at, late=late)
        with suppress(PowerCut):
            run(world, disk)
        check(world)
        _finish(world)
        if not disk.dead:
            return
    raise AssertionError("never got through alive")


def test_a_fault_while_recovering_from_a_fault_loses_nothing_either(folder: Path):
    """Every point at which a run dies, and after each a seeded choice of what goes wrong in the next two runs."""
    luck = random.Random(1)
    for dies_at in range(MOST_OPERATIONS):
        for again in range(2 if ALL else 1):
            world = World(folder / f"{dies_at}-{again}")
            first = FaultyDisk(dies_at=dies_at)
            with suppress(PowerCut):
                run(world, first)
            for _ in range(2):
                at, late = luck.randrange(40), luck.random() < 0.5
                dying = FaultyDisk(dies_at=at, late=late)
                failing = FaultyDisk(fails_at=at, error=luck.choice(ERRORS), forever=luck.random() < 0.5, late=late)
                with suppress(PowerCut, TightfitError):
                    run(world, luck.choice([dying, failing]))
                check(world)
            _finish(world)
        if not first.dead:
            return
    raise AssertionError("never got through alive")


def _finish(world: World) -> None:
    """A healthy run after it; where the faulty one had done all but say so, its file is in the way, and whole."""
    with suppress(OutputExists):
        run(world, Disk())
    check_ended(world)


def _power_cuts(world: World) -> list[Left]:
    """Everything that a power cut may leave of one run, from its first operation to after its last."""
    disk = RecordingDisk(world.count, (world.settings.work, world.outputs))
    if world.output.exists():
        disk.trust(world.output, name=world.old is not None)
    # What an earlier run has kept.
    for path in world.settings.work.rglob("*.nut"):
        if not path.name.startswith("piece-"):
            disk.trust(path)
    run(world, disk)
    disk.end()
    return disk.left


def _journal_until(world: World, whole: bytes, events: int) -> None:
    path = world.settings.home / durable.JOURNAL
    path.write_bytes(whole)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM events WHERE number > ?", (events,))
        db.execute("DELETE FROM requests WHERE job NOT IN (SELECT job FROM events)")


def _whole_journal(world: World) -> bytes:
    path = world.settings.home / durable.JOURNAL
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
    return path.read_bytes()


def _look_at_all(world: World, states: list[Left]) -> tuple[int, int]:
    """Lay each state out and check it; how many named pieces and published files had to be there."""
    journal = _whole_journal(world)
    pieces = done = 0
    for left in states:
        laid_out(left, (world.settings.work, world.outputs))
        _journal_until(world, journal, left.events)
        check(world)
        records = world.journal.records()
        pieces += sum(len(finished(record)) for record in records if record.is_unfinished)
        done += sum(record.state is State.DONE for record in records)
    print(f"{len(states)} states, {pieces} named pieces and {done} published files looked for, all there")
    return pieces, done


@pytest.mark.parametrize("old", [None, OLD], ids=["new", "overwrite"])
def test_no_power_cut_loses_what_was_said_to_be_done(folder: Path, old: bytes | None):
    world = World(folder, old, pieces=5)
    states = _power_cuts(world)
    assert len(states) >= 400
    pieces, done = _look_at_all(world, states)
    assert pieces > 300
    assert done > 10


def test_a_file_that_a_killed_run_named_and_did_not_sync_is_not_called_done_before_it_is(folder: Path):
    probe = FaultyDisk()
    run(World(folder / "probe"), probe)
    for point in ("output.link", "part.unlink", "output.sync_folder", "journal.published"):
        world = World(folder / point)
        at = probe.points.index(point, probe.points.index("output.link"))
        with pytest.raises(PowerCut):
            run(world, FaultyDisk(dies_at=at))
        _, done = _look_at_all(world, _power_cuts(world))
        assert done > 0


def test_after_any_power_cut_the_next_run_ends_well(folder: Path):
    world = World(folder, pieces=3)
    states = _power_cuts(world)
    journal = _whole_journal(world)
    for left in random.Random(1).sample(states, 60):
        laid_out(left, (world.settings.work, world.outputs))
        _journal_until(world, journal, left.events)
        _finish(world)


def test_a_file_that_appeared_meanwhile_is_left_alone(folder: Path):
    part, output = folder / "part", folder / "out.mp4"
    part.write_bytes(b"new")
    output.write_bytes(OLD)
    with pytest.raises(OutputExists):
        publish.publish(part, output, overwrite=False, disk=Disk())
    assert output.read_bytes() == OLD


def test_a_piece_that_could_not_be_synced_is_never_named(folder: Path):
    """After a failed fsync a second one may succeed with the data gone."""
    world = World(folder)
    probe = FaultyDisk()
    run(World(folder / "probe"), probe)
    with pytest.raises(OutputError, match="finished piece"):
        run(world, FaultyDisk(fails_at=probe.points.index("piece.sync")))
    assert [finished(record) for record in world.journal.records()] == [{}]


def test_a_journal_that_can_not_be_written_stops_the_job_before_its_next_effect(folder: Path):
    probe = FaultyDisk()
    run(World(folder / "probe"), probe)
    for point in sorted({point for point in probe.points if point.startswith("journal.")}):
        world = World(folder / point)
        disk = FaultyDisk(fails_at=probe.points.index(point), error=errno.ENOSPC, forever=True)
        with pytest.raises(OutputError, match="journal"):
            run(world, disk)
        after = disk.points[disk.points.index(point) + 1 :]
        assert not {name for name in after if name.startswith(("piece.", "output."))}
