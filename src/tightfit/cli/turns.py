"""One input after another: what fails is told, and every other input is still done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tightfit.errors import ExitCode, Interrupted, OutputError

if TYPE_CHECKING:
    from tightfit.settings import Settings


def load_settings() -> Settings:
    """The environment, with a state folder that exists. Raises OutputError where there can be none."""
    from tightfit.engine.disk import disk_of
    from tightfit.settings import Settings

    settings = Settings()
    try:
        disk_of(settings).make_folder(settings.home, "home")
    except OSError as exc:
        raise OutputError(
            f"tightfit can't keep its state in {settings.home} ({exc.strerror}).",
            hint="Name a folder that can be written to with TIGHTFIT_HOME.",
        ) from exc
    return settings


def in_turn(paths: Sequence[Path], do: Callable[[int], Awaitable[int]]) -> int:
    """Await ``do(i)`` for each of ``paths`` and return the first exit code that is not 0.

    Raises Interrupted, naming the file in work, on Ctrl-C; by then every child is dead.
    """
    import anyio

    at = 0

    async def all_of_them() -> int:
        nonlocal at
        codes = []
        for at in range(len(paths)):
            codes.append(await do(at))
        return next((code for code in codes if code), ExitCode.OK)

    try:
        return anyio.run(all_of_them)
    except KeyboardInterrupt:
        raise Interrupted(
            f"Stopped while working on {paths[at]}; nothing was written for it.",
            hint="Run the same command again to go on.",
        ) from None
