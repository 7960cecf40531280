"""Everything that the routes need, made once, and the checks that come before most of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import anyio
import anyio.abc
from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from tightfit.net.fetch import Fetcher
from tightfit.server.accounts import TOKEN_PREFIX, Accounts, User
from tightfit.server.agent import SizeAgent
from tightfit.server.clock import Clock
from tightfit.server.config import ServerSettings
from tightfit.server.files import Files
from tightfit.server.refusals import Code, Refusal, no_session, no_token
from tightfit.server.render_queue import RenderQueue
from tightfit.server.render_rows import Renders
from tightfit.server.rendering import Renderer
from tightfit.server.runs import Runs
from tightfit.server.sessions import Session, Sessions
from tightfit.server.signing import Signer
from tightfit.server.store import Store
from tightfit.settings import Settings

# Uploads read at once by a child each.
_PROBES = 2


@dataclass
class Services:
    settings: ServerSettings
    clock: Clock
    store: Store
    accounts: Accounts
    sessions: Sessions
    renders: Renders
    files: Files
    signer: Signer
    fetcher: Fetcher
    renderer: Renderer
    queue: RenderQueue
    runs: Runs
    probes: anyio.CapacityLimiter


def make_services(
    home: Path,
    engine: Settings,
    settings: ServerSettings,
    tasks: anyio.abc.TaskGroup,
    report: Callable[[Exception], None],
) -> Services:
    """Open the store below ``home``, settle what a crash left, and start the workers in ``tasks``.

    ``report`` hears what nobody foresaw.

    Raises OutputError where the store or a folder can't be used.
    """
    clock, store, files = Clock(), Store(home / "server.db"), Files(home)
    accounts = Accounts(store, settings)
    sessions, renders = Sessions(store, accounts), Renders(store)
    sessions.fail_interrupted_runs(clock.now())
    renders.requeue_interrupted(clock.now_ms())
    files.sweep(sessions.has_asset_file)
    renderer = Renderer(replace(engine, home=home / "engine"), home / "outputs")
    queue = RenderQueue(renders, sessions, renderer, files, clock, settings, report)
    queue.start(tasks)
    return Services(
        settings=settings,
        clock=clock,
        store=store,
        accounts=accounts,
        sessions=sessions,
        renders=renders,
        files=files,
        signer=Signer(store.secret("addresses")),
        fetcher=Fetcher(settings.url_hosts),
        renderer=renderer,
        queue=queue,
        runs=Runs(sessions, SizeAgent(), clock, settings, tasks, report),
        probes=anyio.CapacityLimiter(_PROBES),
    )


async def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Here = Annotated[Services, Depends(services)]
_bearer = HTTPBearer(auto_error=False)


async def caller(here: Here, bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> User:
    """Whoever the token belongs to. Raises Refusal (1001)."""
    if bearer is None or not bearer.credentials.startswith(TOKEN_PREFIX):
        raise no_token()
    user = here.accounts.user_of(bearer.credentials, here.clock.now())
    if user is None:
        raise no_token()
    return user


def may(scope: str) -> Any:
    """A caller whose token allows ``scope``. Raises Refusal (1001, 403)."""

    async def checked(user: Annotated[User, Depends(caller)]) -> User:
        if scope not in user.scopes:
            raise Refusal(Code.FORBIDDEN, f"The token does not allow {scope}.")
        return user

    return Depends(checked)


Reader = Annotated[User, may("read")]
Writer = Annotated[User, may("write")]
Uploader = Annotated[User, may("upload")]


def session_of(here: Services, user: User, session: str, named_user: str = "me") -> Session:
    """The caller's own session; unknown ones and other people's are told in the same words. Raises Refusal (1002)."""
    found = here.sessions.find(session, user.id) if named_user in ("me", user.id) else None
    if found is None:
        raise no_session()
    return found


def base_of(request: Request) -> str:
    """Where this server is: as its operator says, else as the caller called it."""
    here: Services = request.app.state.services
    return (here.settings.public_url or str(request.base_url)).rstrip("/")
