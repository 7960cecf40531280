"""`tightfit ask`: say it in words."""

from __future__ import annotations

from typing import Annotated

import typer

from tightfit.cli import options
from tightfit.cli.asking import Asked, do

SHORT = "Say in words what you need."
HELP = f"""{SHORT}

English, 中文, Español, Deutsch, Français, Português, 日本語; no model, no network.

\b
  tightfit ask "compress vacation.mp4 to under 50MB, no sound"
  tightfit ask "half the size, 720p" clip.mov talk.mov
  tightfit ask "für Discord, ohne Ton" clip.mp4 --dry-run
  tightfit "压缩旅行.mp4到25MB"                      ask is what a sentence alone means

It says in one line what it understood and what it assumed, asks where something is unclear (without a terminal that
is exit code 2), and then does it. --dry-run stops before anything happens; with --json it prints what was understood.
"""


def ask(
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="What you need, in your words.")],
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="Files, where the sentence names none.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what was understood, and do nothing.")] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "-o", "--output", metavar="PATH", help="A file, or a folder for several files.", show_default=False
        ),
    ] = None,
    jobs: options.Jobs = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an output that is there already.")] = False,
    as_json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> int:
    return do(Asked(sentence, tuple(files or ()), dry_run, output, jobs, overwrite, as_json, quiet, verbose))
