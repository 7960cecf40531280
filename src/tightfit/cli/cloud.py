"""`tightfit connect` and `tightfit credits`: consent to the render service, and what is left to spend there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from tightfit.cli import options
from tightfit.cli.streams import say
from tightfit.cli.text import printable
from tightfit.cli.turns import load_settings
from tightfit.cli.views import say_json
from tightfit.errors import ExitCode, Interrupted, UsageError

if TYPE_CHECKING:
    from tightfit.cloud.client import CloudClient
    from tightfit.cloud.models import CreditBalance
    from tightfit.settings import CloudSettings, Settings

T = TypeVar("T")
Offline = Annotated[bool, typer.Option("--offline", help="Open no socket: refused here, where the service is asked.")]

CONNECT_SHORT = "Let tightfit use a cloud render service; says what is sent."
CONNECT_HELP = f"""{CONNECT_SHORT}

Obtains a free account (100 credits, 7 days) or, with NEMO_TOKEN set, checks that one. From then on --where auto may
send pieces of video to the service. NEMO_API_URL names another service than the hosted one.
"""
CREDITS_SHORT = "Show the credits that are left at the cloud service."
CREDITS_HELP = f"""{CREDITS_SHORT}

When none are left it names the page that gets more. Rendering costs none.
"""

# docs/cloud.md says the same.
SENT = (
    "the picture of clips that are rendered there, in pieces or whole: without sound, metadata and file names",
    "how it is to be encoded; with --where cloud in words too, where a service wants that (message, about 50 credits)",
    "with every request the name and version of this program, and where it runs (X-Skill-Source, -Version, -Platform)",
    "a random number for this computer (X-Client-Id) when a free account is obtained",
)


def connect(as_json: options.Json = False, offline: Offline = False) -> int:
    settings = load_settings()
    require_online(settings, offline=offline, command="connect")
    cloud = _cloud_settings()
    if not as_json:
        say(f"Connecting to {printable(_shown(cloud.api_url))}. What is sent there:")
        for line in SENT:
            say(f"  - {line}")
        say("Nothing is sent of clips that are compressed here, which --where local makes sure of.")

    async def look(client: CloudClient) -> tuple[Any, CreditBalance, Any]:
        return await client.account(), await client.credits(), await client.features()

    account, credits, features = _run(settings, cloud, look)
    _agree(settings, cloud)
    expires = account.expires_at.isoformat(timespec="seconds") if account.expires_at else None
    if as_json:
        facts = {"anonymous": account.is_anonymous, "user_id": account.user_id, "expires_at": expires}
        service = {"url": _shown(cloud.api_url), "features": sorted(features.features)}
        say_json({"type": "connect", "service": service, **facts, "credits": _wired(credits), "sent": list(SENT)})
        return ExitCode.OK
    whose = "A free account" if account.is_anonymous else "The account of NEMO_TOKEN"
    until = f" until {expires}" if expires else ""
    say(f"{whose} is ready{until}: {_told(credits)}.")
    return ExitCode.OK


def credits(as_json: options.Json = False, offline: Offline = False) -> int:
    settings = load_settings()
    require_online(settings, offline=offline, command="credits")
    cloud = _cloud_settings()

    async def look(client: CloudClient) -> tuple[CreditBalance, str | None]:
        balance = await client.credits()
        return balance, await client.page_for_more() if balance.available == 0 else None

    balance, link = _run(settings, cloud, look, needs_account=True)
    if as_json:
        say_json({"type": "credits", **_wired(balance), "service": _shown(cloud.api_url), "link": link})
        return ExitCode.OK
    say(f"{_told(balance)}.")
    if link:
        say(f"To get more: {printable(link)}")
        if cloud.token is None and "bind=" not in link:
            say("The service does not say whose this free account is, so a new one will not go on with its work.")
    return ExitCode.OK


def _agree(settings: Settings, cloud: CloudSettings) -> None:
    from tightfit.engine.cloud import identity_of

    identity_of(settings, cloud).agree()


def _wired(credits: CreditBalance) -> dict[str, int]:
    return {"available": credits.available, "frozen": credits.frozen, "total": credits.all}


def _told(credits: CreditBalance) -> str:
    return f"{credits.available} credits available, {credits.frozen} frozen, {credits.all} in total"


def _cloud_settings() -> CloudSettings:
    """Raises UsageError before anything is said, where they name something impossible."""
    from tightfit.cloud.api import checked_url
    from tightfit.settings import CloudSettings

    cloud = CloudSettings()
    checked_url(cloud.api_url, "NEMO_API_URL")
    return cloud


def _shown(url: str) -> str:
    from tightfit.net.redact import place

    return place(url)


def require_online(settings: Settings, *, offline: bool, command: str) -> None:
    """Raises UsageError where no socket may be opened."""
    if offline or settings.offline:
        by = "--offline" if offline else "TIGHTFIT_OFFLINE"
        raise UsageError(f"{by} opens no socket, and tightfit {command} asks the service.", hint="Leave it out.")


def _run(
    settings: Settings,
    cloud: CloudSettings,
    look: Callable[[CloudClient], Awaitable[T]],
    *,
    needs_account: bool = False,
) -> T:
    import anyio

    from tightfit.engine.cloud import cloud_client, identity_of
    from tightfit.engine.leftovers import cancel_left

    if needs_account and identity_of(settings, cloud).account is None:
        # Asking would make an account, which only connect has the consent for.
        raise UsageError("There is no cloud account yet.", hint="Run tightfit connect, or set NEMO_TOKEN.")

    async def opened() -> T:
        async with cloud_client(settings, cloud) as client:
            found = await look(client)
            await cancel_left(client, settings)
            return found

    try:
        return anyio.run(opened)
    except KeyboardInterrupt:
        raise Interrupted("Stopped while asking the service.") from None
