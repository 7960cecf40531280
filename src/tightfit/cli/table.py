"""The table at the end of a run over several inputs: what became of each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING

from tightfit.cli.text import counted, percent, printable
from tightfit.units import format_bytes

if TYPE_CHECKING:
    from tightfit.domain.result import Result

_LONGEST_NAME = 40
_WORDS = {
    "met": "fits now",
    "already_fits": "fitted already",
    "infeasible": "too small a limit",
    "cancelled": "stopped",
}


def table(results: Sequence[Result]) -> list[str]:
    """What became of each, one line a result, and their sum."""
    rows = [(_short(result), _became(result), _facts(result)) for result in results]
    names, words = (max(len(row[column]) for row in rows) for column in (0, 1))
    lines = [f"  {name:<{names}}  {became:<{words}}  {facts}".rstrip() for name, became, facts in rows]
    return [*lines, _sum(results)]


def _short(result: Result) -> str:
    name = PurePath(result.input).name
    if result.destination:
        name += f" for {result.destination}"
    if result.part:
        name += f" part {result.part}"
    shown = printable(name)
    return shown if len(shown) <= _LONGEST_NAME else f"{shown[: _LONGEST_NAME - 1]}…"


def _became(result: Result) -> str:
    if result.status in _WORDS:
        return _WORDS[result.status]
    return f"failed ({result.error.code})" if result.error else "failed"


def _facts(result: Result) -> str:
    if result.output is None or result.bytes is None or not result.limit_bytes:
        return ""
    share = percent(result.bytes / result.limit_bytes)
    return f"{format_bytes(result.bytes)} of {format_bytes(result.limit_bytes)} ({share})  {printable(result.output)}"


def _sum(results: Sequence[Result]) -> str:
    counts: dict[str, int] = {}
    for result in results:
        word = _WORDS.get(result.status, "failed")
        counts[word] = counts.get(word, 0) + 1
    total = sum(result.bytes or 0 for result in results)
    each = ", ".join(f"{count} {word}" for word, count in counts.items())
    return f"{counted(len(results), 'output')}: {each}; {format_bytes(total)} in all."
