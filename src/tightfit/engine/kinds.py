"""Which craft a source that is no clip belongs to, by what it holds and what shall be made of it."""

from __future__ import annotations

from tightfit.domain.request import CompressRequest
from tightfit.engine.craft import Craft
from tightfit.engine.job import Job
from tightfit.engine.still import Stills
from tightfit.media import images
from tightfit.media.probe import identify
from tightfit.media.sources import image_format
from tightfit.settings import Settings


async def craft_of(request: CompressRequest, settings: Settings, job: Job) -> Craft | None:
    """None for a clip that stays one. Raises SourceError where a picture can't be read."""
    identity = identify(request.source)
    form = image_format(request.source)
    if form is None:
        return None
    info = await images.look(request.source, form, identity, settings.limits)
    if request.source.suffix.lower() not in form.extensions:
        job.warn(f"{request.source.name} is a {form.title} picture, whatever its name says.")
    return Stills(request, settings, info)
