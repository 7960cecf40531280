"""`tightfit presets`: destinations, their limits, and where the numbers come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from tightfit.cli import options
from tightfit.cli.streams import say
from tightfit.cli.text import counted
from tightfit.cli.views import say_json
from tightfit.errors import ExitCode, UsageError
from tightfit.units import format_bytes

if TYPE_CHECKING:
    from tightfit.presets import Preset

SHORT = "List destinations, show one, or check which are old."
HELP = f"""{SHORT}

\b
  tightfit presets
  tightfit presets show discord
  tightfit presets check
"""


def presets(
    words: Annotated[list[str] | None, typer.Argument(metavar="list | show NAME | check", hidden=True)] = None,
    as_json: options.Json = False,
) -> int:
    from tightfit.presets import load, load_all, stale

    action, name = _understood(words or ["list"])
    chosen = [load(name)] if name else load_all()
    old = stale(chosen, date.today())
    if action == "check":
        chosen = old
    if as_json:
        listed = [{**preset.model_dump(mode="json"), "stale": preset in old} for preset in chosen]
        say_json({"type": "presets", "presets": listed})
    else:
        for line in _told(action, chosen):
            say(line)
    return ExitCode.OK


def _understood(words: list[str]) -> tuple[str, str | None]:
    match words:
        case ["list" | "check" as action]:
            return action, None
        case ["show", name]:
            return "show", name
    raise UsageError(
        f"tightfit presets {' '.join(words)} means nothing.",
        hint="Write tightfit presets, tightfit presets show discord, or tightfit presets check.",
    )


def _told(action: str, chosen: Sequence[Preset]) -> list[str]:
    if action == "show":
        return _in_full(chosen[0])
    if action == "list":
        return [f"{p.name:<15} {format_bytes(p.limit_bytes):>8}  {p.title}" for p in chosen]
    from tightfit.presets import STALE_AFTER_MONTHS

    if not chosen:
        return [f"Every preset was checked within the last {STALE_AFTER_MONTHS} months."]
    due = f"{counted(len(chosen), 'preset')} checked more than {STALE_AFTER_MONTHS} months ago:"
    return [due, *(f"  {p.name:<15} {p.source.checked}  {p.source.url}" for p in chosen)]


def _in_full(preset: Preset) -> list[str]:
    limit = f"{preset.limit_bytes} bytes ({format_bytes(preset.limit_bytes)})"
    lines = [
        f"{preset.name}: {preset.title}",
        f"  limit       {limit}; the host says {preset.nominal_bytes}",
        f"  containers  {', '.join(preset.containers) or 'any'}",
    ]
    for part, rules in (("video", preset.video), ("audio", preset.audio)):
        said = [_rule(key, value) for key, value in rules.model_dump().items() if value]
        lines.append(f"  {part:<11} {', '.join(said) or 'no rules'}")
    if preset.min_duration_s or preset.max_duration_s:
        lines.append(f"  duration    {preset.min_duration_s or 0:g} s to {preset.max_duration_s or float('inf'):g} s")
    if not preset.edit_lists:
        lines.append("  edit lists  refused")
    source = preset.source
    lines.append(f"  source      {source.url}")
    lines.append(f"  checked     {source.checked}, confidence {source.confidence}: {source.cited}")
    return lines + [f"  note        {note}" for note in preset.notes]


def _rule(key: str, value: tuple[str, ...] | float) -> str:
    words = key.replace("_", " ").replace("kbps", "kb/s").replace("hz", "Hz")
    return f"{words} {', '.join(value) if isinstance(value, tuple) else f'{value:g}'}"
