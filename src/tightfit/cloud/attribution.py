"""The three headers that say which program asks; without them the service refuses to export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from tightfit import __version__

_WORD = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Where a program that runs us keeps its skills tells which one it is.
_HOMES = (("/.clawhub/", "clawhub"), ("/.cursor/skills/", "cursor"))


def platform_of(environment: Mapping[str, str], here: Path = Path(__file__)) -> str:
    """The platform named by ``SKILL_SOURCE``, else the one whose folder we are in, else ``unknown``."""
    named = environment.get("SKILL_SOURCE", "").strip()
    if _WORD.fullmatch(named):
        return named
    return next((name for folder, name in _HOMES if folder in here.as_posix()), "unknown")


def attribution(platform: str) -> dict[str, str]:
    return {"X-Skill-Source": "tightfit", "X-Skill-Version": __version__, "X-Skill-Platform": platform}
