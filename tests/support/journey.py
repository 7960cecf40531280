"""All that the hybrid engine will ask of the client, once: a piece up, a message, a render, the file home.

Run as a program it is one process's try at it: whoever kills it starts it again with the same arguments.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import anyio

from tightfit.cloud.client import CloudClient
from tightfit.cloud.errors import OutputExpired, RenderFailed, SessionNotFound, StreamError
from tightfit.cloud.identity import Identity
from tightfit.cloud.sessions import Session
from tightfit.engine.journal import Journal
from tightfit.engine.ledger import JournalLedger
from tightfit.net.clock import Clock
from tightfit.net.http import Http, Limits

FINISHED = "finished"


async def journey(client: CloudClient, folder: Path, job: str, unit: str = "1") -> Path:
    """What an earlier try of the same folder and names began is gone on with. Raises what the client raises."""
    session = await _session(client, folder)
    await client.upload(session, [_piece(folder)], job=job)
    try:
        await client.say(session, f"{job}-{unit}", key=f"say-{job}-{unit}", job=job)
    except SessionNotFound:
        _keep(folder, session)
        raise
    except StreamError:
        # Its effect never showed. It was paid for at most once; whoever needs it asks a person, or works locally.
        pass
    draft = await _draft(client, session, folder)
    target = folder / f"{unit}.mp4"
    try:
        done = await client.render(session, draft, unit=unit, job=job)
        return await client.download(done, target)
    except (OutputExpired, RenderFailed):
        done = await client.render(session, draft, unit=f"{unit}-again", job=job)
        return await client.download(done, target)


async def _session(client: CloudClient, folder: Path) -> Session:
    kept = folder / "session.json"
    if kept.exists():
        return Session(json.loads(kept.read_text()))
    session = await client.new_session()
    _keep(folder, session)
    return session


async def _draft(client: CloudClient, session: Session, folder: Path) -> Any:
    """What is rendered is decided once, as a plan is."""
    kept = folder / "draft.json"
    if not kept.exists():
        draft = (await client.state(session)).draft or {"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000}]}]}
        _write(kept, draft)
        _keep(folder, session)
    return json.loads(kept.read_text())


def _keep(folder: Path, session: Session) -> None:
    _write(folder / "session.json", session.id)


def _write(path: Path, value: Any) -> None:
    passing = path.with_suffix(".new")
    passing.write_text(json.dumps(value))
    passing.replace(path)


def _piece(folder: Path) -> Path:
    path = folder / "piece.mp4"
    if not path.exists():
        path.write_bytes(b"piece" * 40_000)
    return path


async def main(url: str, folder: Path, scale: float) -> None:
    home = folder / "home"
    ledger = JournalLedger(Journal(home / "journal.db"))
    identity = Identity(home, url, shared_id=folder / "nobody")
    async with Http(Limits(connect_s=5, read_s=5, answer_s=10)) as http:
        await journey(CloudClient(http, url, identity, ledger, Clock(scale)), folder, "J")
    print(FINISHED)


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))
