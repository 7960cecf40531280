"""Destinations as dated data: one TOML file each, with where its numbers come from.

Hosts change their limits, so every preset names its source and the day it was checked;
``tightfit presets check`` reports the old ones. A rule that is absent from a file is no rule.
"""

from __future__ import annotations

import tomllib
from calendar import monthrange
from collections.abc import Iterable
from datetime import date
from difflib import get_close_matches
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt, StringConstraints, model_validator

from tightfit.errors import UsageError
from tightfit.units import format_bytes

VideoCodec = Literal["h264", "hevc", "av1", "vp9"]
AudioCodec = Literal["aac", "opus"]
Container = Literal["mp4", "mov", "mkv", "webm"]
Variant = Literal["user", "bot", "web", "api"]
Confidence = Literal["A", "B", "C"]
HttpsUrl = Annotated[str, StringConstraints(pattern=r"^https://\S+$")]
Sentence = Annotated[str, StringConstraints(min_length=1)]

STALE_AFTER_MONTHS = 6  # Discord's free limit changed three times from April 2023 to August 2026

# difflib's own 0.6 offers discord-nitro for "discrod"; two names are as many as help.
_CLOSE_ENOUGH = 0.7
_MOST_SUGGESTIONS = 2


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VideoRules(_Table):
    """What the picture must keep to; the first codec is the preferred one, none listed means any.

    Width and height are meant for a landscape picture; a portrait one may turn the box on its side. ``hdr``: HDR
    pictures are shown as such there.
    """

    codecs: tuple[VideoCodec, ...] = ()
    min_fps: PositiveFloat | None = None
    max_fps: PositiveFloat | None = None
    min_width: PositiveInt | None = None
    min_height: PositiveInt | None = None
    max_width: PositiveInt | None = None
    max_height: PositiveInt | None = None
    max_kbps: PositiveInt | None = None
    hdr: bool = False


class AudioRules(_Table):
    """What the sound must keep to; the first codec is the preferred one, none listed means any."""

    codecs: tuple[AudioCodec, ...] = ()
    max_tracks: PositiveInt | None = None
    max_channels: PositiveInt | None = None
    max_rate_hz: PositiveInt | None = None
    max_kbps: PositiveInt | None = None


class Source(_Table):
    """Where the numbers come from.

    Confidence A is the vendor's own page or code, B is several projects that agree, C is contested.
    """

    url: HttpsUrl
    cited: Sentence
    checked: date
    confidence: Confidence


class Preset(_Table):
    """One destination. ``nominal_bytes`` is what the host says, ``limit_bytes`` what is safe to use.

    ``limit_bytes`` is never above ``nominal_bytes``. ``edit_lists`` is False where the host refuses
    MP4 edit lists. The first container is the preferred one, none listed means any.
    """

    name: str
    title: Sentence
    limit_bytes: PositiveInt
    nominal_bytes: PositiveInt
    variant: Variant
    containers: tuple[Container, ...] = ()
    edit_lists: bool = True
    min_duration_s: PositiveFloat | None = None
    max_duration_s: PositiveFloat | None = None
    video: VideoRules = VideoRules()
    audio: AudioRules = AudioRules()
    source: Source
    notes: tuple[Sentence, ...] = ()

    @model_validator(mode="after")
    def _safe_is_not_above_nominal(self) -> Self:
        if self.limit_bytes > self.nominal_bytes:
            raise ValueError(f"limit_bytes {self.limit_bytes} is above nominal_bytes {self.nominal_bytes}")
        return self

    def __str__(self) -> str:
        return f"{self.name}: {format_bytes(self.limit_bytes)} ({self.title})"


def names() -> list[str]:
    """Every preset's name in alphabetical order; no file is opened."""
    return sorted(entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml"))


def load(name: str) -> Preset:
    """The preset of that name, in upper or lower case.

    Raises UsageError, with the names that come close, where there is none.
    """
    known = names()
    wanted = name.strip().lower()
    if wanted not in known:
        raise UsageError(f"There is no preset {name!r}.", hint=_suggestion(wanted, known))
    data = tomllib.loads((_folder() / f"{wanted}.toml").read_text(encoding="utf-8"))
    return Preset.model_validate({**data, "name": wanted})


def load_all() -> list[Preset]:
    """Every preset, in the order of ``names()``."""
    return [load(name) for name in names()]


def stale(presets: Iterable[Preset], today: date, months: int = STALE_AFTER_MONTHS) -> list[Preset]:
    """Those checked more than ``months`` calendar months before ``today``, in the order given."""
    oldest_fresh = _months_before(today, months)
    return [preset for preset in presets if preset.source.checked < oldest_fresh]


def _folder() -> Traversable:
    packaged = files("tightfit") / "_presets"
    if packaged.is_dir():
        return packaged
    # An editable install has no copy inside the package: src/tightfit/presets.py -> presets/.
    return Path(__file__).resolve().parents[2] / "presets"


def _suggestion(wanted: str, known: list[str]) -> str:
    close = get_close_matches(wanted, known, n=_MOST_SUGGESTIONS, cutoff=_CLOSE_ENOUGH)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Presets are {', '.join(known)}."


def _months_before(day: date, months: int) -> date:
    """The same day of the month, or the month's last day where it is shorter."""
    year, month_index = divmod(day.year * 12 + day.month - 1 - months, 12)
    month = month_index + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))
