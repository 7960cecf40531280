"""A job without an encoder: the journal, lock, pieces and publishing are the real ones, bytes stand for pictures."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import anyio

from tightfit.domain.job import Event, JobRecord, Kind, State
from tightfit.domain.pieces import Part, Variant
from tightfit.domain.plan import Pace
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Result, Status
from tightfit.engine import durable, publish
from tightfit.engine.disk import Disk, sha256_of
from tightfit.engine.durable import DurableJob
from tightfit.engine.journal import Journal
from tightfit.engine.memory import Cover, DurableMemory
from tightfit.settings import Settings
from tightfit.units import parse_target

SOURCE, EDITED = b"the only copy" * 100, b"another copy!" * 100


@dataclass
class World:
    """A source, a state folder, and the place where the output goes. ``old`` is what stood there before."""

    folder: Path
    old: bytes | None = None
    pieces: int = 2

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.settings = Settings(home=self.folder / "home")
        self.settings.home.mkdir(exist_ok=True)
        self.outputs = self.folder / "outputs"
        self.outputs.mkdir(exist_ok=True)
        self.source, self.output = self.folder / "source.mp4", self.outputs / "out.mp4"
        if not self.source.exists():
            self.source.write_bytes(SOURCE)
        if self.old is not None:
            self.output.write_bytes(self.old)

    @property
    def request(self) -> CompressRequest:
        return CompressRequest(
            source=self.source, target=parse_target("1KB"), output=self.output, overwrite=self.old is not None
        )

    @property
    def journal(self) -> Journal:
        return Journal(self.settings.home / durable.JOURNAL)

    @property
    def made(self) -> bytes:
        """What the finished file holds."""
        return b"".join(map(piece, range(self.pieces)))

    def count(self) -> int:
        """How many events the journal has had."""
        path = self.settings.home / durable.JOURNAL
        if not path.exists():
            return 0
        with closing(sqlite3.connect(path)) as db:
            try:
                return int(db.execute("SELECT ifnull(max(number), 0) FROM events").fetchone()[0])
            except sqlite3.OperationalError:
                return 0


def piece(number: int) -> bytes:
    return f"piece {number}, ".encode() * 60


def run(world: World, disk: Disk) -> Result:
    """From nothing, or from what an earlier run left, to the published file. Raises as ``compress`` does."""
    return anyio.run(_run, world, disk)


async def _run(world: World, disk: Disk) -> Result:
    job_id, _ = await durable.submitted(world.settings, world.request, disk)
    with durable.taken_up(world.settings, job_id, sha256_of(world.source), lambda _: None, disk) as work:
        if published := work.already_published():
            return published
        # As in a real run a file in the way is found before any work.
        part = publish.part_path(world.output, work.job.id)
        publish.check_writable(world.output, part, world.request, extensions=(".mp4",), disk=work.disk)
        memory = memory_of(work)
        missing = [number for number in range(world.pieces) if number not in finished(work.before)]
        # As side by side: all are written before the first one is kept.
        for number, raw in [(number, encoded(work, number)) for number in missing]:
            keep(memory, number, raw)
        return joined(world, work)


def joined(world: World, work: DurableJob) -> Result:
    """Join the pieces and publish the file, as ``compress`` does it."""
    part = publish.part_path(world.output, work.job.id)
    try:
        part.write_bytes(b"".join(path.read_bytes() for path in kept(work)))
        result = Result(
            status=Status.MET, job_id=work.job.id, input=str(world.source), output=str(world.output), bytes=1
        )
        work.publish(part, world.output, result, sha256_of(part), overwrite=world.request.overwrite)
        return result
    except OSError as exc:
        raise publish.explained(exc, world.output) from exc
    finally:
        with suppress(OSError):
            work.disk.unlink(part, "part")


def memory_of(work: DurableJob) -> DurableMemory:
    return DurableMemory(work.job.work, None, "bare", work.before.work, work.note, work.disk)  # type: ignore[arg-type]


def encoded(work: DurableJob, number: int) -> Path:
    """One piece as an encoder leaves it."""
    raw = work.job.work / f"piece-{number:05d}.nut"
    raw.write_bytes(piece(number))
    return raw


def keep(memory: DurableMemory, number: int, raw: Path) -> None:
    """Make one piece durable and journal it."""
    part = Part(str(raw), number, 20.0, (1,), (0,), (True,), 1)
    memory.made(Cover(number, Variant((part,)), Fraction(1), Pace.USUAL, constant=True, again=False, frames=1))


def finished(record: JobRecord) -> dict[int, tuple[str, str]]:
    """Pieces by number: their file and its SHA-256."""
    made = [event.data for event in record.work if event.kind is Kind.MADE]
    return {data["segment"]: (data["parts"][0]["file"], data["parts"][0]["sha256"]) for data in made}


def kept(work: DurableJob) -> list[Path]:
    record = work.journal.record(work.job.id)
    assert record is not None
    return [work.job.work / file for _, (file, _) in sorted(finished(record).items())]


def check(world: World) -> None:
    """What holds at any moment when no process is at work: the invariants of docs/reliability.md."""
    assert world.source.read_bytes() in (SOURCE, EDITED), "the source was touched"
    found = world.output.read_bytes() if world.output.exists() else None
    assert found in (world.old, world.made), "neither whole nor as before"
    for record in world.journal.records():
        if record.state is State.DONE:
            assert found == world.made, "a wrong done"
        elif record.is_unfinished:
            for file, digest in finished(record).values():
                content = (world.settings.work / record.id / file).read_bytes()
                assert hashlib.sha256(content).hexdigest() == digest, "a piece that the journal names is not there"


def check_ended(world: World) -> None:
    """What holds when a job is done: the file, and nothing beside it."""
    check(world)
    assert world.output.read_bytes() == world.made
    assert {path.name for path in world.outputs.iterdir()} == {"out.mp4"}, "something was left beside the output"
    assert list(world.settings.work.iterdir()) == [], "the folder of a finished job was left"
    assert State.DONE in {record.state for record in world.journal.records()}
    assert made_twice(world) == [], "a finished piece was made twice"


def made_twice(world: World) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(world.settings.home / durable.JOURNAL)) as db:
        rows = db.execute("SELECT job, data FROM events WHERE kind = 'made'").fetchall()
    made = [(job, json.loads(data)["segment"]) for job, data in rows]
    return sorted({one for one in made if made.count(one) > 1})


def events_of(world: World, job_id: str) -> list[Event]:
    with closing(sqlite3.connect(world.settings.home / durable.JOURNAL)) as db:
        rows = db.execute("SELECT kind, data, at FROM events WHERE job = ? ORDER BY number", (job_id,)).fetchall()
    return [Event(Kind(kind), json.loads(data), at) for kind, data, at in rows]
