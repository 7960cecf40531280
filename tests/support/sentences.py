"""Sentences with what they mean, and whether an intent is that."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tightfit.intent.understand import understand

DATA = Path(__file__).resolve().parents[1] / "data" / "intent"


@dataclass(frozen=True)
class Case:
    """One line of the data: a sentence, the files beside it and around it, and what is expected of it."""

    id: str
    text: str
    lang: str
    expect: dict[str, Any]
    tags: Sequence[str] = ()
    files: Sequence[str] = ()
    present: Sequence[str] = ()


def cases(path: Path) -> list[Case]:
    return [Case(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def differences(expected: Any, found: Any, where: str = "") -> list[str]:
    """What of ``expected`` is not in ``found``: compared in part and in depth, as the contract says."""
    if isinstance(expected, dict):
        return _in_a_table(expected, found, where)
    if isinstance(expected, list):
        if not isinstance(found, list) or len(found) != len(expected):
            return [f"{where}: {found!r} is not {expected!r}"]
        pairs = zip(expected, found, strict=True)
        return [line for at, (a, b) in enumerate(pairs) for line in differences(a, b, f"{where}[{at}]")]
    return [] if expected == found else [f"{where}: {found!r} is not {expected!r}"]


def _in_a_table(expected: dict[str, Any], found: Any, where: str) -> list[str]:
    lines: list[str] = []
    rest = dict(expected)
    if "any_of" in rest:
        options = rest.pop("any_of")
        tried = [differences(option, found, where) for option in options]
        if all(tried):
            lines += min(tried, key=len)
    if rest.pop("nonempty", False):
        return lines + ([] if found else [f"{where}: {found!r} is empty"])
    if rest and not isinstance(found, dict):
        return [*lines, f"{where}: {found!r} is not {expected!r}"]
    for key, value in rest.items():
        lines += differences(value, found.get(key, "(absent)"), f"{where}.{key}".lstrip("."))
    return lines


def understood(case: Case) -> dict[str, Any]:
    """The intent object for the sentence of ``case``."""
    return understand(case.text, case.files, lambda name: name in case.present).wire
