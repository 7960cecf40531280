"""A cloud client for tests: its account and ledger in a folder, what it tells kept in a list, time a thousandfold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.cloud import FakeCloud
from support.patience import patience
from tightfit.cloud.client import CloudClient
from tightfit.cloud.identity import Identity
from tightfit.cloud.models import RenderJob
from tightfit.cloud.told import Told
from tightfit.engine.journal import Journal
from tightfit.engine.ledger import JournalLedger
from tightfit.net.clock import Clock
from tightfit.net.http import Http, Limits

# A second of the contract in seconds: 15 minutes are 1.8 s, and 30 s last longer than a turn of the loop. Where others
# use the machine too it is longer, or the 90 s of silence that a broken answer has would be over before a good one.
SCALE = 0.002


def short_limits() -> Limits:
    return Limits(
        connect_s=patience(2), write_s=patience(2), read_s=patience(1), answer_s=patience(4), slow_after_s=0.5
    )


@dataclass(frozen=True)
class Stopwatch(Clock):
    """Remembers how long it was asked to wait, in seconds of the contract."""

    scale: float = field(default_factory=lambda: patience(SCALE))
    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        await super().sleep(seconds)


@dataclass
class Bench:
    """Everything of one test."""

    cloud: FakeCloud
    folder: Path
    told: list[Told] = field(default_factory=list)
    clock: Stopwatch = field(default_factory=Stopwatch)
    limits: Limits = field(default_factory=short_limits)

    @property
    def ledger(self) -> JournalLedger:
        return JournalLedger(Journal(self.folder / "home" / "journal.db"))

    @property
    def home(self) -> Path:
        return self.folder / "home"

    def said(self, kind: type) -> list[Any]:
        return [event for event in self.told if isinstance(event, kind)]

    def identity(self, **named: Any) -> Identity:
        return self.identity_at(self.cloud.url, **named)

    def identity_at(self, url: str, **named: Any) -> Identity:
        return Identity(self.home, url, shared_id=self.folder / "nobody", **named)

    @asynccontextmanager
    async def client(self, *, ledger: Any = None, **named: Any) -> AsyncIterator[CloudClient]:
        async with Http(self.limits) as http:
            yield CloudClient(
                http, self.cloud.url, self.identity(**named), ledger or self.ledger, self.clock, self.told.append
            )

    def piece(self, name: str = "My holiday.mp4", content: bytes = b"piece" * 1000) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path


async def rendered(client: CloudClient, unit: str = "1", job: str = "J") -> RenderJob:
    """A session with one edit in it, rendered."""
    session = await client.new_session()
    await client.say(session, "add it", key=f"say-{unit}", job=job)
    return await client.render(session, (await client.state(session)).draft, unit=unit, job=job)
