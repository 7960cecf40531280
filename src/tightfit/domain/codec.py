"""The formats that pictures are coded in, and what of them decisions hang on. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Codec:
    """One format, coded by one encoder.

    ``name`` is what requests, results and the journal call it, ``title`` what people do; ``encoder`` is ffmpeg's name.
    """

    name: str
    title: str
    encoder: str

    def __str__(self) -> str:
        return self.name


H264 = Codec("h264", "H.264", "libx264")
