"""Paths that were dropped onto a terminal: quoted, escaped with backslashes, or as file:// addresses."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

# One word as a shell would read it: quoted stretches, escaped characters, everything but spaces.
_WORD = re.compile(r"""(?:'[^']*'|"(?:[^"\\]|\\.)*"|\\.|[^\s'"\\])+""")
_PIECE = re.compile(r"""'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)|([^\s'"\\]+)""")
_LONGEST = 100_000  # characters; more is no line that was typed or dropped


def taken_out(line: str) -> tuple[str, list[str]]:
    """``line`` without the paths in it that were dropped rather than typed, and those paths.

    A path is taken for dropped where it names a file that is there, and is absolute, escaped or an address, or where
    the whole line is names. What is quoted within a sentence stays in it: "put 'song.mp3' underneath".
    """
    if len(line) > _LONGEST:
        return line, []
    words = list(_WORD.finditer(line))
    named = [(word, path) for word in words if (path := _file(word[0]))]
    if named and len(named) == len(words):
        return "", [path for _, path in named]
    if _there(line):  # a name with spaces, typed as it is
        return "", [line]
    rest, files, end = "", [], 0
    for word, path in named:
        if _is_dropped(word[0]):
            rest += line[end : word.start()]
            end = word.end()
            files.append(path)
    return " ".join((rest + line[end:]).split()) if files else line, files


def _is_dropped(word: str) -> bool:
    return word.lstrip("'\"").startswith(("/", "file://")) or "\\" in word


def _file(word: str) -> str | None:
    """The name of the file that ``word`` stands for, if there is one."""
    pieces = _PIECE.findall(word)
    plain = "".join(single or re.sub(r"\\(.)", r"\1", double) or char or rest for single, double, char, rest in pieces)
    if plain.startswith("file://"):
        plain = unquote(urlsplit(plain).path)
    return next((name for name in (plain, word) if _there(name)), None)


def _there(name: str) -> bool:
    try:
        return bool(name) and Path(name).is_file()
    except (OSError, ValueError):
        return False
