"""The cloud client as the environment describes it: its account from the state folder, its ledger in the journal."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tightfit.cloud.api import checked_url
from tightfit.cloud.attribution import platform_of
from tightfit.cloud.client import CloudClient
from tightfit.cloud.identity import Identity
from tightfit.cloud.told import Tell
from tightfit.engine.durable import journal_of
from tightfit.engine.ledger import JournalLedger
from tightfit.net.clock import clock_for
from tightfit.net.http import Http
from tightfit.settings import CloudSettings, Settings


def identity_of(settings: Settings, cloud: CloudSettings) -> Identity:
    """Raises UsageError where the environment names something impossible."""
    base = checked_url(cloud.api_url, "NEMO_API_URL")
    return Identity(settings.home, base, token=cloud.token, client_id=cloud.client_id)


@asynccontextmanager
async def cloud_client(
    settings: Settings, cloud: CloudSettings, tell: Tell | None = None
) -> AsyncIterator[CloudClient]:
    """A client with its connections; nothing is sent before it is asked something. Raises UsageError."""
    identity = identity_of(settings, cloud)
    web = checked_url(cloud.web_url, "NEMO_WEB_URL")
    async with Http() as http:
        yield CloudClient(
            http,
            checked_url(cloud.api_url, "NEMO_API_URL"),
            identity,
            JournalLedger(journal_of(settings)),
            clock_for(settings.test_clock),
            tell or (lambda _: None),
            web_url=web,
            platform=platform_of(os.environ),
        )
