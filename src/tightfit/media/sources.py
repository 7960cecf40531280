"""The facts about a file of any kind: pictures by Pillow, everything else by libavformat, each in a child."""

from __future__ import annotations

from pathlib import Path

from tightfit.domain.images import HEAD_BYTES, ImageFormat, format_of
from tightfit.domain.media_info import MediaInfo
from tightfit.domain.policy import LOCAL, Policy
from tightfit.errors import SourceUnreadable
from tightfit.media.images import look
from tightfit.media.probe import identify, probe


def image_format(path: Path) -> ImageFormat | None:
    """The format of the picture at ``path`` by its first bytes; None for what is none. Raises SourceUnreadable."""
    try:
        with path.open("rb") as file:
            return format_of(file.read(HEAD_BYTES))
    except OSError as exc:
        raise SourceUnreadable(
            f"{path} can't be read: {exc.strerror or exc}.", hint="Check the disk it is on."
        ) from exc


async def read(path: Path, policy: Policy = LOCAL) -> MediaInfo:
    """Raises SourceError as ``probe`` and ``look``."""
    identity = identify(path)
    form = image_format(path)
    return await probe(path, policy) if form is None else await look(path, form, identity, policy)
