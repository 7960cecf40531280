"""`tightfit ask`: say it in words."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tightfit.cli import options
from tightfit.cli.streams import complain, say
from tightfit.cli.turns import load_settings
from tightfit.cli.views import say_json, view_for
from tightfit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tightfit.engine.several import Gathered
    from tightfit.intent.model import Intent

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

_MOST_QUESTIONS = 3  # after that a person is better served by --help


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
    from tightfit.intent.model import Action

    intent = _read(sentence, files or ())
    if dry_run:
        _show(intent, as_json=as_json)
        return ExitCode.OK
    intent = _cleared(intent, sentence, files or ())
    if intent.action is Action.HELP:
        say(HELP)
        return ExitCode.OK
    gathered = _gathered(intent, output, jobs, overwrite=overwrite)
    if not quiet:
        for line in _told(intent):
            complain(line)
    from tightfit.cli.compress import compress_gathered

    view = view_for(as_json=as_json, quiet=quiet, verbose=verbose)
    return compress_gathered(gathered, load_settings(), view, total=bool(intent.total), split=_split(intent))


def _split(intent: Intent) -> bool | int:
    """How many parts a clip becomes; True where the sentence leaves that open."""
    return intent.split or False


def _read(sentence: str, files: Sequence[str]) -> Intent:
    from tightfit.intent.understand import understand

    return understand(sentence, files, _is_there)


def _is_there(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):  # longer than any name, or holding what no name can
        return False


def _gathered(intent: Intent, output: str | None, jobs: int | None, *, overwrite: bool) -> Gathered:
    from tightfit.engine.several import of_requests
    from tightfit.engine.spoken import requests_for

    return of_requests(requests_for(intent, output=output, overwrite=overwrite, jobs=jobs), output)


def _cleared(intent: Intent, sentence: str, files: Sequence[str]) -> Intent:
    """``intent`` with nothing unclear in it: a person is asked. Raises UsageError with the question otherwise."""
    asked = 0
    while question := _question(intent):
        asked += 1
        if asked > _MOST_QUESTIONS or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(question)
        complain(question)
        for part in intent.unclear:
            sentence = sentence.replace(part, " ", 1)
        sentence = f"{sentence}, {_answer()}"
        intent = _read(sentence, files)
    return intent


def _answer() -> str:
    try:
        answer = input("> ").strip()
    except EOFError:
        answer = ""
    if not answer:
        raise UsageError("Nothing was answered, so nothing was done.")
    return answer


def _question(intent: Intent) -> str:
    """What has to be known before ``intent`` can be done; empty where all is."""
    from tightfit.intent.lexicon import load
    from tightfit.intent.model import Action

    words = load(intent.language).say
    if intent.question or intent.unclear:
        return intent.question or words["ask_what"].format(what=", ".join(intent.unclear))
    if intent.action is Action.UNKNOWN:
        return words["ask_size"]
    if intent.action in (Action.COMPRESS, Action.EDIT, Action.EXPORT) and not intent.files:
        return words["ask_file"]
    return ""


def _show(intent: Intent, *, as_json: bool) -> None:
    if as_json:
        say_json(intent.wire)
        return
    for line in _told(intent):
        say(line)
    if question := _question(intent):
        say(question)


def _told(intent: Intent) -> list[str]:
    """One line about what was understood, and one about what was assumed, where anything was."""
    from tightfit.intent.explain import explain
    from tightfit.intent.lexicon import load

    words = load(intent.language).say
    lines = []
    if wishes := explain(intent):
        lines.append(words["understood"].format(wishes=wishes))
    if intent.assumed:
        lines.append(words["assumed"].format(assumed=words["joiner"].join(intent.assumed)))
    return [" ".join(lines)] if lines else []
