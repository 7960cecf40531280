"""The session on a terminal: an editable line below, answers above it, progress beside it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit import PromptSession, print_formatted_text
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.patch_stdout import patch_stdout

from tightfit import presets
from tightfit.cli.dropped import taken_out
from tightfit.cli.text import printable
from tightfit.intent.lexer import AUDIO_NAMES, PICTURE_NAMES, VIDEO_NAMES

if TYPE_CHECKING:
    from tightfit.engine.chat import Chat

_PROMPT = "> "
_BAR = 24  # characters of the bar of progress
_FILES = frozenset(f"{VIDEO_NAMES} {PICTURE_NAMES} {AUDIO_NAMES}".split())
_MOST_COMPLETIONS = 50
_LONGEST_NAME = 40  # characters: the line of progress is one line


class Terminal:
    """Reads lines while work goes on; what is said appears above the line."""

    def __init__(self, history: Path) -> None:
        history.touch(mode=0o600)
        self._chat: Chat | None = None
        self._session: PromptSession[str] = PromptSession(
            self._prompt,
            history=FileHistory(str(history)),
            completer=Names(),
            complete_while_typing=False,
            key_bindings=self._keys(),
            refresh_interval=0.5,
            enable_open_in_editor=False,
        )

    def say(self, line: str) -> None:
        # Given as plain text, never as markup; what would move the cursor is an escape.
        print_formatted_text(FormattedText([("", printable(line))]))

    async def talk(self, chat: Chat) -> None:
        self._chat = chat
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._end)
        # Raw from the first prompt to the last: a key that is pressed between two of them is read by the next one.
        with self._session.app.input.raw_mode(), patch_stdout():
            while True:
                try:
                    typed = await self._session.prompt_async()
                except (EOFError, KeyboardInterrupt):
                    break
                for line in filter(str.strip, typed.splitlines()):
                    text, files = taken_out(line.strip())
                    if not await chat.hear(text, files):
                        chat.leave()
                        return
        chat.leave()

    def _end(self) -> None:
        """Being told to end, as against Ctrl-C: what is unfinished is gone on with another time."""
        if self._session.app.is_running:
            self._session.app.exit(exception=EOFError)

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("c-c")
        @keys.add("<sigint>")
        def _(event: KeyPressEvent) -> None:
            """Stop the work; without any, clear the line; of an empty one, leave."""
            if self._chat is not None and self._chat.stop():
                return
            if event.current_buffer.text:
                event.current_buffer.reset()
            else:
                event.app.exit(exception=KeyboardInterrupt)

        return keys

    def _prompt(self) -> FormattedText:
        """The prompt, with progress above it while something is being made."""
        work = self._chat.at_work if self._chat else None
        if self._chat is None or work is None:
            return FormattedText([("", _PROMPT)])
        done = self._chat.percent
        filled = int(_BAR * done / 100)
        bar = "█" * filled + "░" * (_BAR - filled)
        waiting = len(self._chat.session.open_works) - 1
        more = f"  +{waiting}" if waiting > 0 else ""
        name = printable(work.source or work.text)[:_LONGEST_NAME]
        return FormattedText([("", f"{name}  {bar} {done:3.0f} %{more}\n{_PROMPT}")])


class Names(Completer):
    """Files of the folder that the word before the cursor begins, and destinations."""

    def get_completions(self, document: Document, _: CompleteEvent) -> Iterable[Completion]:
        word = document.get_word_before_cursor(WORD=True)
        found = [*_files(word), *(name for name in presets.names() if name.startswith(word.lower()) and word)]
        for name in found[:_MOST_COMPLETIONS]:
            yield Completion(name, start_position=-len(word))


def _files(word: str) -> list[str]:
    """Clips, pictures, sounds and folders that ``word`` may become; a name with spaces is quoted."""
    quote = word[:1] if word[:1] in ("'", '"') else ""
    plain = word.removeprefix(quote)
    folder, _, start = plain.rpartition("/")
    at = Path(folder or ("/" if plain.startswith("/") else "."))
    names = []
    with suppress(OSError):
        for entry in sorted(at.expanduser().iterdir()):
            if not entry.name.startswith(start) or entry.name.startswith("."):
                continue
            if entry.is_dir():
                names.append(f"{quote}{folder}{'/' if folder else ''}{entry.name}/")
            elif entry.suffix.lower().lstrip(".") in _FILES:
                name = f"{folder}{'/' if folder else ''}{entry.name}"
                names.append(f'"{name}"' if " " in name else name)
    return names
