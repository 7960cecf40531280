"""What is to be changed of a clip beside its size: which part of it stays, and what is done to picture and sound."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True)
class Stretch:
    """Seconds of the source from its first picture on, ``end_s`` exclusive; None is the clip's own beginning or end.

    ``last_s`` means so many seconds at the end instead.
    """

    start_s: float | None = None
    end_s: float | None = None
    last_s: float | None = None

    def __bool__(self) -> bool:
        return self != Stretch()


@dataclass(frozen=True)
class Crop:
    """A part of the picture as it is shown, in square pixels from its upper left corner."""

    width: int
    height: int
    x: int = 0
    y: int = 0

    def __str__(self) -> str:
        return f"{self.width}x{self.height}+{self.x}+{self.y}"


class Fit(StrEnum):
    """How a picture gets another shape: whole, with black beside it, or filling it, with what sticks out cut off."""

    CONTAIN = "contain"
    COVER = "cover"


@dataclass(frozen=True)
class Aspect:
    """Width to height, in parts that are numbers."""

    width: float
    height: float
    fit: Fit = Fit.CONTAIN

    @property
    def ratio(self) -> float:
        return self.width / self.height


@dataclass(frozen=True)
class Fade:
    """Seconds at the edited clip's beginning and end, from and to black and silence."""

    in_s: float = 0.0
    out_s: float = 0.0
    picture: bool = True
    sound: bool = True


@dataclass(frozen=True)
class Edits:
    """All edits of one clip. Every stretch of time is one of the source, so that no edit moves another.

    ``trim`` is what stays, and ``cuts`` are taken out of that. ``fps`` is an upper bound; what is sped up keeps the
    source's rate unless ``every_frame`` is to stay. The picture is cropped first, then turned by ``rotate`` degrees
    clockwise, then brought to ``aspect``. ``speed`` 2 takes half the time; ``volume`` is a factor.
    """

    trim: Stretch = Stretch()
    cuts: tuple[Stretch, ...] = ()
    fps: float | None = None
    every_frame: bool = False
    speed: float = 1.0
    crop: Crop | None = None
    rotate: int = 0
    aspect: Aspect | None = None
    mutes: tuple[Stretch, ...] = ()
    volume: float = 1.0
    fades: tuple[Fade, ...] = ()

    def __bool__(self) -> bool:
        return self != Edits()


NO_EDITS = Edits()
