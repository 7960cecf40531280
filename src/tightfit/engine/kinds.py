"""Which craft a source belongs to, by what it holds and what shall be made of it.

A craft is loaded where it is needed: a clip needs none of them.
"""

from __future__ import annotations

from dataclasses import replace

from tightfit.domain.containers import container_of
from tightfit.domain.media_info import MediaInfo
from tightfit.domain.request import CompressRequest
from tightfit.engine.craft import Craft, aliased, named_extension
from tightfit.engine.job import Job
from tightfit.errors import UsageError
from tightfit.media.probe import identify, probe
from tightfit.media.sources import image_format
from tightfit.settings import Settings


async def craft_of(request: CompressRequest, settings: Settings, job: Job) -> Craft | MediaInfo:
    """The craft for anything but a clip that stays one, of which the facts are returned. Raises SourceError."""
    identity = identify(request.source)
    form = image_format(request.source)
    if form is None:
        return _heard(request, settings, await probe(request.source, settings.limits), job)
    from tightfit.media.images import look

    info = await look(request.source, form, identity, settings.limits)
    named = named_extension(request)
    if form.name == "gif" and info.image and info.image.is_animated:
        if named == ".m4v" or request.container or container_of(named or ""):
            return await probe(request.source, settings.limits)
        _require_plain(request, "A GIF")
        if named != ".webp":
            from tightfit.engine.animation import Animations

            return Animations(request, settings, aliased(info, job), info.videos[0])
    if request.source.suffix.lower() not in form.extensions:
        job.warn(f"{request.source.name} is a {form.title} picture, whatever its name says.")
    _require_plain(request, f"A {form.title} picture")
    from tightfit.engine.still import Stills

    return Stills(request, settings, info)


def _require_plain(request: CompressRequest, what: str) -> None:
    """Edits, containers and what is left out of a file are of clips; a bound of the frame rate comes with some
    destinations. Raises UsageError.
    """
    if replace(request.edits, fps=None):
        raise UsageError(
            f"{what} is made whole, without edits: {request.source} was to be edited too.",
            hint="Edit the clip first, with an output that ends in .mp4.",
        )
    asked: list[tuple[str, object]] = [("--container", request.container), ("--private", request.private)]
    asked += [("--hdr", request.hdr != "auto"), ("--report", request.report)]
    asked += [("--min-quality", request.min_quality)]
    if options := [name for name, is_asked in asked if is_asked]:
        raise UsageError(f"{what} takes no {' or '.join(options)}: {request.source}.", hint="Leave it out.")


def _heard(request: CompressRequest, settings: Settings, info: MediaInfo, job: Job) -> Craft | MediaInfo:
    """The craft for sounds where there is nothing else, or where only that was asked for."""
    stream, named = info.main_audio, named_extension(request)
    video = info.main_video
    if video is not None and named == ".gif":
        _require_plain(request, "A GIF")
        from tightfit.engine.animation import Animations

        return Animations(request, settings, aliased(info, job), video)
    if stream is None or (video is not None and named is None):
        return info
    from tightfit.domain.sound_file import format_named

    if video is not None and format_named(named or "") is None:
        return info
    _require_plain(request, "A sound file")
    for doubt in info.doubts:
        job.warn(f"About the source: {doubt}.")
    from tightfit.engine.sound import Sounds

    return Sounds(request, settings, aliased(info, job), stream)
