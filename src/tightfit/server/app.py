"""The application: its routes, and how whatever goes wrong becomes an answer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from tightfit import __version__
from tightfit.errors import TightfitError
from tightfit.server import routes_account, routes_files, routes_render, routes_run, routes_test, routes_upload
from tightfit.server.bodies import Bodies
from tightfit.server.config import ServerSettings
from tightfit.server.faults import Faults, FaultyApp, Transports
from tightfit.server.json_text import JsonResponse
from tightfit.server.refusals import Code, Refusal, envelope, response_to
from tightfit.server.services import make_services
from tightfit.settings import Settings

_ROUTERS = (routes_account, routes_run, routes_upload, routes_render, routes_files)


def home_of(engine: Settings) -> Path:
    """Where the server keeps everything."""
    return engine.home / "server"


def make_app(
    engine: Settings,
    settings: ServerSettings,
    *,
    hosts: Sequence[str] = ("*",),
    test_mode: bool = False,
    transports: Transports | None = None,
    report: Callable[[Exception], None],
) -> tuple[ASGIApp, Callable[[], TightfitError | None]]:
    """The server as an ASGI application, and why it could not start; ``hosts`` are the names it answers to.

    ``transports`` lets the faults of ``test_mode`` reach the sockets; ``report`` hears what nobody foresaw.
    """
    faults = Faults()
    failed: list[TightfitError] = []

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            try:
                app.state.services = made = make_services(home_of(engine), engine, settings, tasks, report)
            except TightfitError as exc:
                failed.append(exc)
                raise
            shell.clock = made.clock
            yield
            tasks.cancel_scope.cancel()
        made.store.close()

    app = FastAPI(title="tightfit render API", version=__version__, lifespan=life, docs_url=None, redoc_url=None)
    app.state.faults = faults
    for module in _ROUTERS:
        app.include_router(module.router)
    if test_mode:
        app.include_router(routes_test.router)
    _answer_errors(app, settings.http_mode, report)
    bounded = Bodies(TrustedHostMiddleware(app, allowed_hosts=list(hosts), www_redirect=False))
    shell = FaultyApp(bounded, faults, transports if transports is not None else {}, settings.http_mode)
    return shell, lambda: failed[0] if failed else None


def _answer_errors(app: FastAPI, mode: str, report: Callable[[Exception], None]) -> None:
    async def refused(_: Request, exc: Exception) -> Response:
        assert isinstance(exc, Refusal), "registered for nothing else"
        return response_to(exc, mode)

    async def invalid(_: Request, exc: Exception) -> Response:
        assert isinstance(exc, RequestValidationError), "registered for nothing else"
        found = [{"at": ".".join(map(str, error["loc"])), "message": error["msg"]} for error in exc.errors()[:20]]
        return JsonResponse(envelope(Code.INVALID, "The request is not valid.", {"errors": found}), 422)

    async def http(_: Request, exc: Exception) -> Response:
        assert isinstance(exc, HTTPException), "registered for nothing else"
        # A body that is no JSON at all: 400 is what a missing client id is told.
        status = Code.INVALID if exc.status_code == Code.BAD_REQUEST else exc.status_code
        return JsonResponse(envelope(status, str(exc.detail)), status, dict(exc.headers or {}))

    async def broken(_: Request, exc: Exception) -> Response:
        report(exc)
        return JsonResponse(envelope(Code.INTERNAL, "The server failed; its log says more."), 500)

    app.add_exception_handler(Refusal, refused)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, broken)
