"""`tightfit chat`: a session. Keep talking, keep what was made."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tightfit.cli import options
from tightfit.cli.failures import failure_of, paragraph
from tightfit.cli.streams import complain, say
from tightfit.cli.text import printable
from tightfit.cli.turns import load_settings
from tightfit.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from tightfit.domain.session import Session
    from tightfit.engine.chat import Chat
    from tightfit.engine.session_log import SessionLog
    from tightfit.settings import Settings

SHORT = "A session: keep talking, keep what was made."
HELP = f"""{SHORT}

English, 中文, Español, Deutsch, Français, Português, 日本語; no model, and no network unless you connected.

\b
  tightfit chat a.mov b.mov c.mov
  > a.mov to 8MB, no sound
  > a bit better quality
  > same for the other two
  > now for WhatsApp
  > undo that                      the result before counts again; no file is removed
  > where is it?
  > what did you do?

\b
While something is made the next request can be typed; it is queued. Ctrl-C stops what is being made, not the session;
at an empty prompt Ctrl-C or Ctrl-D leaves. --resume goes on with the newest session, also after a crash.
Without a terminal each line of stdin is a request, done before the next one is read.
"""


def chat(
    files: Annotated[list[str] | None, typer.Argument(metavar="FILE", help="Files to talk about.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the newest session.")] = False,
    offline: options.Offline = False,
) -> int:
    settings = load_settings()
    if offline:
        settings = replace(settings, offline=True)
    return _run(settings, list(files or ()), resume=resume)


def _run(settings: Settings, files: list[str], *, resume: bool) -> int:
    import anyio

    from tightfit.engine.durable import journal_of
    from tightfit.engine.session_log import SessionLog
    from tightfit.engine.sessions import owned

    for name in files:
        if not _is_there(name):
            raise UsageError(f"{name} is not a file.", hint="Name files that are there, or none and talk first.")
    journal = journal_of(settings)
    if journal.notice:
        complain(journal.notice)
    with owned(settings, SessionLog(journal), files, resume=resume, language=_usual_language()) as opened:
        try:
            return anyio.run(_talk, settings, SessionLog(journal), opened, resume)
        except KeyboardInterrupt:
            raise Interrupted("Stopped.", hint="tightfit chat --resume goes on.") from None


async def _talk(settings: Settings, log: SessionLog, session: Session, resume: bool) -> int:
    from tightfit.engine.chat import Chat

    if sys.stdin and sys.stdin.isatty() and sys.stdout.isatty():
        from tightfit.cli.chat_terminal import Terminal

        door: Terminal | Lines = Terminal(settings.home / "chat_history")
    else:
        door = Lines()
    async with Chat(settings, log, session, door.say, lambda error: _explained(error, settings)) as chat:
        chat.greet(resumed=resume)
        await door.talk(chat)
    return next(iter(chat.failures), 0) if isinstance(door, Lines) else 0


class Lines:
    """A session without a terminal: each line is done before the next one is read."""

    def say(self, line: str) -> None:
        say(printable(line))

    async def talk(self, chat: Chat) -> None:
        import anyio
        import anyio.to_thread

        from tightfit.cli.dropped import taken_out

        while line := await anyio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True):
            text, files = taken_out(line.strip())
            if not text and not files:
                continue
            if not await chat.hear(text, files):
                break
            await chat.idle()
        chat.leave()


def _explained(error: Exception, settings: Settings) -> str:
    """What went wrong, in one paragraph; nothing of it is a traceback, a token or a raw answer."""
    failure = failure_of(error, settings.home)
    hint = failure.hint
    if options_there := getattr(error, "options", ()):
        hint = f"{'; '.join(option.change for option in options_there)}."
    return paragraph(failure.message, hint)


def _is_there(name: str) -> bool:
    from pathlib import Path

    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _usual_language() -> str:
    """The language that the environment asks for, where it is one that is spoken here; else English."""
    import os

    from tightfit.intent.lexicon import languages

    wished = next((os.environ[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(name)), "")
    return wished[:2] if wished[:2] in languages() else "en"
