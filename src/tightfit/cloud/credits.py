"""The balance, and where more credits come from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from tightfit.cloud.api import Api
from tightfit.cloud.errors import BadAnswer
from tightfit.cloud.models import CreditBalance
from tightfit.net.urls import origin, parts_of


async def balance(api: Api) -> CreditBalance:
    """Raises ApiError, BadAnswer, NetworkError."""
    reply = await api.call("GET", "/api/credits/balance/simple")
    try:
        return CreditBalance.model_validate(reply.data)
    except ValidationError:
        raise BadAnswer("The service told a balance that is none.") from None


def more_credits(web_url: str, *, is_anonymous: bool, user_id: str | None, told: Mapping[str, Any]) -> str:
    """The page that gets more. An anonymous user's work is bound to the new account by its id, which is no secret.

    What the service told of it in ``told`` counts where it leads to the same web page.
    """
    key = "register_url" if is_anonymous else "topup_url"
    offered = told.get(key)
    if isinstance(offered, str) and _same_site(offered, web_url):
        return offered
    if not is_anonymous:
        return web_url
    bind = told.get("bind_id") or user_id
    return f"{web_url}/register" + (f"?bind={quote(str(bind), safe='')}" if bind else "")


def _same_site(url: str, web_url: str) -> bool:
    if any(ord(c) <= 32 for c in url) or "nmv_usr_" in url:
        return False
    return origin(url) == origin(web_url) and not parts_of(url).username
