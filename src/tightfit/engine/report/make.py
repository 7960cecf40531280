"""The page for one finished file, where one was asked for."""

from __future__ import annotations

from pathlib import Path

from tightfit.domain.pieces import Variant
from tightfit.domain.request import CompressRequest
from tightfit.domain.result import Result
from tightfit.domain.updates import Phase
from tightfit.engine.disk import Disk
from tightfit.engine.fit import Fit
from tightfit.engine.job import Job
from tightfit.engine.prepare import Prepared
from tightfit.engine.report.publish import publish_report
from tightfit.media.tools import Ffmpeg


async def reported(
    request: CompressRequest,
    prepared: Prepared,
    fit: Fit,
    ffmpeg: Ffmpeg,
    job: Job,
    part: Path,
    variants: tuple[Variant, ...],
    result: Result,
    disk: Disk,
) -> Result:
    """The result, with what was measured for the page where one was asked for. Raises as ``publish_report``."""
    if request.report is None:
        return result
    from tightfit.engine.report.gather import gathered
    from tightfit.engine.report.page import render

    job.tell(Phase.VERIFY, 0.5, message="comparing with the source, for the report")
    found = await gathered(prepared, fit, ffmpeg, job, part, variants, result)
    publish_report(request, render(found), job.id, disk)
    return found.result
