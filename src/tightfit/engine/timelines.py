"""What a job left on a timeline of a service, for people to look at."""

from __future__ import annotations

from tightfit.engine.cloud import cloud_client, identity_of
from tightfit.engine.hosted import WHOLE
from tightfit.errors import UsageError
from tightfit.net.redact import place
from tightfit.settings import Settings


async def link_of(settings: Settings, job: str) -> str:
    """The page that shows the clip of ``job`` in a browser for seven days.

    Raises UsageError where that job has none at this service, CloudError and NetworkError.
    """
    cloud = settings.cloud
    async with cloud_client(settings, cloud) as client:
        session = client.known_session(job, WHOLE)
        if session is None or identity_of(settings, cloud).account is None:
            raise UsageError(
                f"Job {job} has no timeline at {place(cloud.api_url)}.",
                hint="Only a clip that was rendered whole by a service has one; NEMO_API_URL names the service.",
            )
        return await client.claim_link(session)
