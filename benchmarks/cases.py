"""The cases: every video of a folder at three shares of its bytes, each limit once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SHARES = (0.35, 0.12, 0.04)
# Below this no encoder makes a picture at the source's size, so the comparison would say nothing.
LEAST_KBPS = 60
_VIDEO_SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".ts", ".mpg", ".flv", ".avi", ".gif"}


@dataclass(frozen=True)
class Case:
    """One clip under one limit; ``share`` is None where the least bitrate replaced it."""

    clip: Path
    limit: int
    share: float | None

    @property
    def key(self) -> str:
        return f"{self.clip.name}@{self.limit}"


def cases_of(clip: Path, duration_s: float) -> list[Case]:
    """The limits for one clip, largest first; equal ones once, none at or above the clip's own size."""
    size = clip.stat().st_size
    least = int(LEAST_KBPS * 1000 / 8 * duration_s)
    cases: dict[int, Case] = {}
    for share in SHARES:
        wanted = int(size * share)
        limit = max(wanted, least)
        if limit < size:
            cases.setdefault(limit, Case(clip, limit, share if limit == wanted else None))
    return list(cases.values())


def clips_in(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in _VIDEO_SUFFIXES)
