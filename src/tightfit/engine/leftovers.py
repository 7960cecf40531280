"""Renders that were given up while their service was away: cancelled when it is talked to again."""

from __future__ import annotations

import logging
from contextlib import suppress

import anyio

from tightfit.cloud.client import CloudClient
from tightfit.cloud.ledger import Call
from tightfit.engine.cloud import cloud_client
from tightfit.engine.durable import journal_of
from tightfit.engine.ledger import JournalLedger
from tightfit.errors import CloudError, NetworkError, UsageError
from tightfit.settings import Settings

log = logging.getLogger("tightfit.cloud")

# Nobody waits longer for what is only tidying up; what was not reached stays in the ledger.
PATIENCE_S = 10.0


async def cancel_left(client: CloudClient, settings: Settings) -> None:
    """Cancel what may still run at the service for jobs that have ended; those that can go on will find it themselves.

    What can't be cancelled now stays in the ledger for the next time.
    """
    left = client.left_running()
    if not left:
        return
    unfinished = {record.id for record in journal_of(settings).records() if record.is_unfinished}
    with anyio.move_on_after(PATIENCE_S), suppress(CloudError, NetworkError):
        for job in sorted({entry.job for entry in left} - unfinished):
            log.info("%d renders of job %s cancelled", await client.abandon(job), job)


async def give_up_renders(settings: Settings, job: str) -> str:
    """Cancel what may still run at the service for ``job``; returns why that could not be done, empty where it was."""
    if not _open_renders(settings, job):
        return ""
    if settings.offline:
        return "working offline opens no socket"
    reason = f"it does not answer within {PATIENCE_S:.0f} s"
    with anyio.move_on_after(PATIENCE_S):
        try:
            async with cloud_client(settings, settings.cloud) as client:
                await client.abandon(job)
            return "another service has it" if _open_renders(settings, job) else ""
        except (CloudError, NetworkError, UsageError) as exc:
            reason = exc.message.rstrip(".")
    return reason


def _open_renders(settings: Settings, job: str) -> bool:
    return any(entry.call is Call.RENDER for entry in JournalLedger(journal_of(settings)).open_calls(job))
