"""Renders of a service that can be told neither a size nor a quality, and may change the picture.

It takes whole files alone, so that what is sent begins and ends at keyframes of the source. What comes back is held
against the source picture by picture before it counts (``media.foreign``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tightfit.cloud.client import CloudClient
from tightfit.cloud.models import RenderJob
from tightfit.cloud.sessions import Session
from tightfit.domain.pieces import Part
from tightfit.engine.executors.cloud import WrongOutput, rendered
from tightfit.media.encode import Clip
from tightfit.media.extract import extract
from tightfit.media.foreign import Unlike, Wanted, taken_over
from tightfit.media.tools import Ffmpeg

# From the best that the service knows down; each has about 0.6 of the bytes of the one before (CRF 20, 24 and 28, and
# six steps of CRF are a half).
QUALITIES = ("high", "medium", "low")
# Ten polls are what a person waits for one; a clip of an hour takes longer, and its service says nothing meanwhile.
_PATIENCE_S = 3600.0


@dataclass
class PlainService:
    """One service and one clip. ``job`` names the work in the ledger; downloads and pieces go into ``work``."""

    client: CloudClient
    ffmpeg: Ffmpeg
    clip: Clip
    work: Path
    job: str

    async def sent(self, name: str, first: int, last: int) -> Session:
        """The session ``name`` of this job with frames ``[first, last)`` in it, and nothing else.

        Raises SourceError where the source can't be cut so, CloudError, NetworkError.
        """
        path = self.work / f"stretch-{name}.mp4"
        try:
            await extract(self.ffmpeg, self.clip, first, last, path, exactly=True)
            session = await self.client.session_for(self.job, name)
            await self.client.upload(session, [path], job=self.job)
            return session
        finally:
            path.unlink(missing_ok=True)

    async def rendered(self, session: Session, draft: Mapping[str, Any], unit: str, quality: str) -> RenderJob:
        """Raises CloudError, NetworkError; cancelled at the service where this is."""
        output = {"format": "mp4", "quality": quality}
        return await rendered(self.client, session, draft, output, unit=unit, job=self.job, patience_s=_PATIENCE_S)

    async def fetched(self, render: RenderJob, name: str, wanted: Wanted, threads: int) -> Part:
        """The render as a piece. Raises WrongOutput where it is not what the source shows, CloudError, NetworkError."""
        path, out = self.work / f"render-{name}.mp4", self.work / f"cloud-{name}.nut"
        try:
            await self.client.download(render, path)
            return await taken_over(self.ffmpeg, self.clip, wanted, path, out, threads=threads)
        except Unlike as exc:
            raise WrongOutput(f"The service returned {exc}.") from None
        finally:
            path.unlink(missing_ok=True)
