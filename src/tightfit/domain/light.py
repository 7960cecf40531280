"""What an HDR file says of its light, beside how it is coded."""

from __future__ import annotations

from dataclasses import dataclass

# ISO/IEC 14496-12 (mdcv) and ITU-T H.265 D.3.28: chromaticities in 0.00002, luminance in 0.0001 cd/m².
CHROMATICITY_UNIT, LUMINANCE_UNIT = 50_000, 10_000
Point = tuple[int, int]


@dataclass(frozen=True)
class MasteringDisplay:
    """The display that the picture was made on (SMPTE ST 2086): x and y of its primaries and its white in 0.00002,
    luminance in 0.0001 cd/m²."""

    red: Point
    green: Point
    blue: Point
    white: Point
    most: int
    least: int

    @property
    def points(self) -> dict[str, Point]:
        """By the names that encoders have for them, in the order in which files store them."""
        return {"G": self.green, "B": self.blue, "R": self.red, "WP": self.white}

    @property
    def most_nits(self) -> float:
        return self.most / LUMINANCE_UNIT

    @property
    def least_nits(self) -> float:
        return self.least / LUMINANCE_UNIT


@dataclass(frozen=True)
class Light:
    """``content`` is the lightest pixel and the mean of the lightest frame, in cd/m² (MaxCLL and MaxFALL of
    CTA-861.3). Either is None where the file doesn't say. ``dynamic``: it says it scene by scene too (HDR10+)."""

    mastering: MasteringDisplay | None = None
    content: tuple[int, int] | None = None
    dynamic: bool = False

    @property
    def is_known(self) -> bool:
        """Whether anything is said for the whole file."""
        return self.mastering is not None or self.content is not None

    @property
    def static(self) -> Light:
        """What holds for the whole file."""
        return Light(self.mastering, self.content)


UNKNOWN = Light()
