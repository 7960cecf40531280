"""What `tightfit ask` does, apart from how its command line is read: loading a parser takes longer than this."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tightfit.cli.streams import complain, say
from tightfit.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from tightfit.engine.several import Gathered
    from tightfit.intent.model import Intent

_MOST_QUESTIONS = 3  # after that a person is better served by --help


@dataclass(frozen=True)
class Asked:
    """What stands on the command line."""

    sentence: str
    files: tuple[str, ...] = ()
    dry_run: bool = False
    output: str | None = None
    jobs: int | None = None
    overwrite: bool = False
    as_json: bool = False
    quiet: bool = False
    verbose: bool = False


def do(asked: Asked) -> int:
    """Understand and do it; the exit code. Raises UsageError where something is unclear and nobody can be asked."""
    from tightfit.intent.model import Action

    intent = _read(asked.sentence, asked.files)
    if asked.dry_run:
        _show(intent, as_json=asked.as_json)
        return ExitCode.OK
    intent = _cleared(intent, asked.sentence, asked.files)
    if intent.action is Action.HELP:
        from tightfit.cli.ask import HELP

        say(HELP)
        return ExitCode.OK
    gathered = _gathered(intent, asked.output, asked.jobs, overwrite=asked.overwrite)
    if not asked.quiet:
        for line in _told(intent):
            complain(line)
    from tightfit.cli.compress import compress_gathered
    from tightfit.cli.turns import load_settings
    from tightfit.cli.views import view_for

    view = view_for(as_json=asked.as_json, quiet=asked.quiet, verbose=asked.verbose)
    total, split = bool(intent.total), intent.split or False
    return compress_gathered(gathered, load_settings(), view, total=total, split=split)


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

    requests = requests_for(intent, output=output, overwrite=overwrite, jobs=jobs, together=True)
    return of_requests(requests, output, split=bool(intent.split))


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
        from tightfit.cli.views import say_json

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
