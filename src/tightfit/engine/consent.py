"""Whether anything may be sent to a render service at all; asked before any of its code is loaded."""

from __future__ import annotations

from tightfit.cloud.identity import FILE
from tightfit.domain.request import CompressRequest, Where
from tightfit.settings import Settings


def may_use_cloud(request: CompressRequest, settings: Settings) -> bool:
    """Whether the user has agreed: by naming the cloud, by ``connect``, or by a token in the environment."""
    if request.where is Where.LOCAL or settings.offline:
        return False
    named = request.where is Where.CLOUD or settings.cloud.token is not None
    return named or (settings.home / FILE).exists()
