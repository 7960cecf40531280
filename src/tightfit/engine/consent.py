"""Whether anything may be sent to a render service at all; asked before any of its code is loaded."""

from __future__ import annotations

from tightfit.cloud.identity import FILE
from tightfit.domain.request import CompressRequest, Where
from tightfit.errors import UsageError
from tightfit.settings import Settings


def require_possible(request: CompressRequest, settings: Settings) -> None:
    """Raise UsageError where the cloud is named and no socket may be opened."""
    if request.where is Where.CLOUD and settings.offline:
        raise UsageError(
            "Working offline opens no socket, and --where cloud needs one.",
            hint="Leave --offline or TIGHTFIT_OFFLINE out.",
        )


def may_use_cloud(request: CompressRequest, settings: Settings) -> bool:
    """Whether the user has agreed: by naming the cloud, by ``connect``, or by a token in the environment."""
    if request.where is Where.LOCAL or settings.offline:
        return False
    named = request.where is Where.CLOUD or settings.cloud.token is not None
    return named or (settings.home / FILE).exists()
