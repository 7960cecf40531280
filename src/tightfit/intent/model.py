"""What a sentence asks for, as a value; ``wire`` gives the object that scripts see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Edit = dict[str, Any]  # one of the kinds that docs/languages.md lists; on its way to JSON, so it is plain data


class Action(StrEnum):
    """What the user wants done."""

    COMPRESS = "compress"
    EXPORT = "export"
    CREDITS = "credits"
    STATUS = "status"
    UPLOAD = "upload"
    EDIT = "edit"
    HELP = "help"
    CANCEL = "cancel"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Goal:
    """The size wished for: at most one of bytes, percent of the source, and a destination's name."""

    bytes: int | None = None
    percent: float | None = None
    preset: str | None = None

    def __bool__(self) -> bool:
        return self != Goal()


@dataclass(frozen=True)
class Picture:
    """An upper bound on the picture in pixels; both None asks for the source's own size."""

    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Trim:
    """The part that stays, in seconds of the source."""

    start_s: float | None = None
    end_s: float | None = None
    last_s: float | None = None

    def __bool__(self) -> bool:
        return self != Trim()


@dataclass(frozen=True)
class Intent:
    """Everything a sentence asks for. A wish that is None was not uttered."""

    action: Action = Action.UNKNOWN
    language: str = "en"
    files: tuple[str, ...] = ()
    target: Goal = Goal()
    resolution: Picture | None = None
    fps: float | None = None
    container: str | None = None
    codec: str | None = None
    trim: Trim = Trim()
    aspect: str | None = None
    fit: str | None = field(default=None, compare=False)  # "cover" where the new shape is to come about by cropping
    audio: str | int | None = None  # "none", "keep", or kb/s
    quality: str | None = None
    speed: str | None = None
    edits: tuple[Edit, ...] = ()
    where: str | None = None
    split: bool | int | None = None  # True, or into how many parts
    total: bool | None = None
    assumed: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    question: str = field(default="", compare=False)  # what to ask where something is unclear

    @property
    def wire(self) -> dict[str, Any]:
        """The intent object of ``ask --dry-run --json``."""
        return {
            "type": "intent",
            "action": self.action.value,
            "language": self.language,
            "files": list(self.files),
            "target": {
                "bytes": self.target.bytes,
                "percent": _plain(self.target.percent),
                "preset": self.target.preset,
            },
            "resolution": self.resolution and {"width": self.resolution.width, "height": self.resolution.height},
            "fps": _plain(self.fps),
            "container": self.container,
            "codec": self.codec,
            "trim": {
                "start_s": _plain(self.trim.start_s),
                "end_s": _plain(self.trim.end_s),
                "last_s": _plain(self.trim.last_s),
            },
            "aspect": self.aspect,
            "audio": {"kbps": self.audio} if isinstance(self.audio, int) else self.audio,
            "quality": self.quality,
            "speed": self.speed,
            "edits": [{key: _plain(value) for key, value in edit.items()} for edit in self.edits],
            "where": self.where,
            "split": self.split if self.split is None or isinstance(self.split, bool) else {"parts": self.split},
            "total": self.total,
            "assumed": list(self.assumed),
            "unclear": list(self.unclear),
        }


def from_wire(wire: Mapping[str, Any]) -> Intent:
    """The intent that ``wire`` was made of; a session remembers its requests in this form, with ``fit`` beside it."""
    picture, sound, split = wire.get("resolution"), wire.get("audio"), wire.get("split")
    return Intent(
        action=Action(wire["action"]),
        language=wire["language"],
        files=tuple(wire["files"]),
        target=Goal(**wire["target"]),
        resolution=Picture(**picture) if picture else None,
        fps=wire.get("fps"),
        container=wire.get("container"),
        codec=wire.get("codec"),
        trim=Trim(**wire["trim"]),
        aspect=wire.get("aspect"),
        fit=wire.get("fit"),
        audio=sound["kbps"] if isinstance(sound, Mapping) else sound,
        quality=wire.get("quality"),
        speed=wire.get("speed"),
        edits=tuple(dict(edit) for edit in wire["edits"]),
        where=wire.get("where"),
        split=split["parts"] if isinstance(split, Mapping) else split,
        total=wire.get("total"),
        assumed=tuple(wire["assumed"]),
        unclear=tuple(wire["unclear"]),
    )


def _plain(value: Any) -> Any:
    """30 rather than 30.0: the same number, as people write it."""
    if isinstance(value, float):
        rounded = round(value, 3)
        return int(rounded) if rounded == int(rounded) else rounded
    return value
