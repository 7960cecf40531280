"""What an encoder is told of one encode, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tightfit.domain.codec import H264, Codec
from tightfit.domain.light import Light


@dataclass(frozen=True)
class ConstantQuality:
    """One pass at ``crf``."""

    crf: float


@dataclass(frozen=True)
class FirstPass:
    """A quick pass at ``crf`` that writes what it saw into files named ``stats``-0.log, beside the output."""

    crf: float
    stats: str


@dataclass(frozen=True)
class SecondPass:
    """A pass that makes ``kbps`` (1000 bits per second), from the ``stats`` of a first one at ``first_preset``, whose
    frames are taken to last ``stretch`` times as long."""

    kbps: int
    stats: str
    first_preset: str
    stretch: float = 1.0


Rate = ConstantQuality | FirstPass | SecondPass


@dataclass(frozen=True)
class Coding:
    """Settings of one encode; ``fps`` only informs the encoder, timestamps rule the timing. ``level`` is H.264's, times
    ten; ``tuning`` are further parameters of the encoder's own, joined by colons. ``light`` is there where the pictures
    are HDR, in 10 bits."""

    rate: Rate
    preset: str
    threads: int
    fps: Fraction
    tags: dict[str, str]
    level: int
    tuning: str = ""
    codec: Codec = H264
    light: Light | None = None
