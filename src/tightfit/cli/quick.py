"""`ask` without the parser of the command line, whose loading takes longer than understanding a sentence.

Only the plainest forms are read here; whatever else is there, the parser reads, with all it has to say about it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tightfit.cli.asking import Asked, do
from tightfit.cli.bare import spelled_out
from tightfit.errors import UsageError

_FLAGS = {
    "--dry-run": "dry_run",
    "--json": "as_json",
    "-q": "quiet",
    "--quiet": "quiet",
    "-v": "verbose",
    "--verbose": "verbose",
    "--overwrite": "overwrite",
}
_OUTPUT = ("-o", "--output")


def asked(words: Sequence[str]) -> Asked | None:
    """What `ask`, or a sentence alone, is told by ``words``; None where the parser is to read them."""
    if "_TIGHTFIT_COMPLETE" in os.environ:
        return None
    try:
        spelled = spelled_out(words)
    except UsageError:
        return None
    if spelled[0] != "ask":
        return None
    plain: list[str] = []
    wishes: dict[str, Any] = {}
    rest = iter(spelled[1:])
    for word in rest:
        if word in _FLAGS:
            wishes[_FLAGS[word]] = True
        elif word in _OUTPUT:
            value = next(rest, "-")
            if value.startswith("-"):
                return None
            wishes["output"] = value
        elif word.startswith("-"):
            return None
        else:
            plain.append(word)
    return replace(Asked(plain[0], tuple(plain[1:])), **wishes) if plain else None


def run_quickly(sentence: Asked) -> int:
    """Do what was asked and return the exit code; what went wrong is told on stderr in one paragraph."""
    from tightfit.cli import logs
    from tightfit.cli.failures import told
    from tightfit.cli.streams import make_patient

    make_patient()
    logs.keep()
    try:
        return int(do(sentence))
    except Exception as error:
        return told(error)
