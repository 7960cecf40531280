"""`tightfit serve`: the render API for others, with encoders of this machine."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import Annotated

import typer

from tightfit.cli.failures import failure_of
from tightfit.cli.streams import complain, say
from tightfit.cli.turns import load_settings
from tightfit.errors import ExitCode, UsageError

SHORT = "Serve the render API."
HELP = f"""{SHORT}

\b
  tightfit serve                         http://127.0.0.1:8747, for this machine alone
  tightfit serve --host 0.0.0.0          for everybody who can reach it
"""
_NEEDED = ("fastapi", "uvicorn", "sse_starlette", "python_multipart", "pydantic_settings", "httpcore")


def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", help="The port; 0 takes any that is free.")] = 8747,
    test_mode: Annotated[
        bool, typer.Option("--test-mode", help="Let anybody move the clock and plan faults: for tests only.")
    ] = False,
) -> int:
    if any(find_spec(name) is None for name in _NEEDED):
        raise UsageError("tightfit serve needs more packages than are installed: run pip install 'tightfit[server]'.")
    from tightfit.domain.policy import SERVER

    # What strangers send is held to tighter numbers than one's own files.
    settings = replace(load_settings(), policy=SERVER.name)
    import anyio
    from pydantic import ValidationError

    from tightfit.media.process import rung
    from tightfit.server.config import ServerSettings
    from tightfit.server.serve import listening, run

    try:
        limits = ServerSettings()
    except ValidationError as exc:
        first = exc.errors()[0]
        name = f"TIGHTFIT_SERVE_{'_'.join(map(str, first['loc'])).upper().removeprefix('TIGHTFIT_SERVE_')}"
        raise UsageError(f"{name} can't be used: {first['msg']}.") from exc
    at = listening(host, port)
    if not anyio.run(rung).landlock:
        complain("This kernel has no Landlock: whatever is uploaded here is read without a jail around the reader.")
    shown = f"[{host}]" if ":" in host else host
    if test_mode:
        complain("Test mode: anybody who reaches this server can move its clock and break its answers.")

    def report(error: Exception) -> None:
        failure = failure_of(error, settings.home)
        complain(f"Something failed while serving: {failure.message} {failure.hint}")

    run(
        settings,
        limits,
        at,
        test_mode=test_mode,
        ready=lambda: say(f"Serving on http://{shown}:{at.getsockname()[1]}"),
        report=report,
    )
    return ExitCode.OK
