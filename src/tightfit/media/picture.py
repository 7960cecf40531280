"""From a source's picture to the one that is encoded: size, pixel shape, range, matrix, HDR.

Each step is a (filter, options) pair; argv.py turns them into a graph. Colours: a tagged matrix is
kept, and what is untagged is tagged as players would have guessed it at the source's size, since at
a smaller size they would guess differently.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tightfit.domain.geometry import Size
from tightfit.domain.layout import Layout
from tightfit.domain.light import Light
from tightfit.domain.media_info import Colour, FieldOrder, Hdr, VideoStream
from tightfit.domain.shape import Shape, shape_of
from tightfit.errors import SourceError
from tightfit.media.argv import LEAD_S, Step
from tightfit.media.tools import Ffmpeg

# Players read untagged pictures of at least this height as BT.709, smaller ones as BT.601.
_HD_LINES = 720
_BT709 = Colour(1, 1, 1, False)
# The code point of its primaries and of its matrix with constant weights alike.
_BT2020 = 9
# H.273 matrix code points that libswscale knows by the names it wants; others are left to its guess.
_SWS_MATRIX = {1: "bt709", 4: "fcc", 5: "bt601", 6: "bt601", 7: "smpte240m", 9: "bt2020", 10: "bt2020"}
_PRIMARIES = {1: "bt709", 4: "bt470m", 5: "bt470bg", 6: "smpte170m", 7: "smpte240m", 8: "film", 9: "bt2020"}
_TRANSFERS = {
    1: "bt709",
    4: "gamma22",
    5: "gamma28",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    18: "arib-std-b67",
}
_MATRICES = {
    1: "bt709",
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    9: "bt2020nc",
    10: "bt2020c",
    14: "ictcp",
}
_PARITIES = {FieldOrder.TOP_FIRST: "tff", FieldOrder.BOTTOM_FIRST: "bff"}
# Nominal peak in cd/m² that maps to SDR white: BT.2408's reference white of HDR pictures is 203.
_REFERENCE_WHITE_NITS = 203
# Times that white, 2000 cd/m²: what a file says of its peak may be a lie, or told in some of its pieces alone.
_PEAK = 10


@dataclass(frozen=True)
class Picture:
    """How one stream's pictures are turned into square-pixel, 4:2:0, limited-range ones, of SDR and 8 bits unless
    ``keeps_hdr``: then light stays coded as it was, in 10 bits.

    They come upright: ffmpeg has turned them as the display matrix says. ``edited`` is what else is done to them.
    ``fields`` is the order of the fields that they were found to be made of.
    """

    video: VideoStream
    full: Size
    edited: Layout | None = None
    fields: FieldOrder = FieldOrder.PROGRESSIVE
    keeps_hdr: bool = False

    @property
    def light(self) -> Light | None:
        """What the file is to say of its light; None where it is not HDR."""
        return self.video.light.static if self.keeps_hdr else None

    @property
    def in_sdr(self) -> Picture:
        """The same with the colours that eyes and measures of SDR get."""
        return replace(self, keeps_hdr=False)

    @property
    def bytes_per_pixel(self) -> float:
        """Of an uncompressed picture, 4:2:0."""
        return 3.0 if self.keeps_hdr else 1.5

    @property
    def is_interlaced(self) -> bool:
        return self.fields in _PARITIES

    def whole(self) -> list[Step]:
        """What makes one whole picture of each pair of fields, at its own time; it looks at the pictures around each,
        and so stands before any cut."""
        if not self.is_interlaced:
            return []
        # Early versions of the filter count in half ticks.
        base = f"{self.video.time_base.numerator}/{self.video.time_base.denominator}"
        how = {"mode": "send_frame", "parity": _PARITIES[self.fields], "deint": "all"}
        return [("bwdif", how), ("settb", {"expr": base})]

    def as_decoded(self) -> list[Step]:
        """The pictures as they are; what gives them one form where the source changes its own in its middle."""
        size = self._upright
        return [("scale", {"w": size.width, "h": size.height}), ("format", {"pix_fmts": "yuv420p"})]

    def steps(self, size: Size, *, fast: bool = False) -> list[Step]:
        """The filters that make a picture of ``size``; ``fast`` trades sharpness for speed (analysis only)."""
        inner = self.shape.inner_of(size)
        becomes_sdr = self.video.colour.hdr is not Hdr.NONE and not self.keeps_hdr
        sized = self._tone_map(inner, self._coded) if becomes_sdr else self._scale(inner, fast=fast)
        return [*self._crop(), *self._turn(), *sized, *self._pad(inner, size), *self._fades()]

    @property
    def source_in_sdr(self) -> list[Step]:
        """The filters that make of the source's pictures what ``seen_in_sdr`` makes of encoded ones."""
        return self.steps(self.full) + (self.seen_in_sdr(self.full) if self.keeps_hdr else [])

    def seen_in_sdr(self, size: Size) -> list[Step]:
        """The filters that make SDR pictures of ``size``, of 8 bits, of encoded ones."""
        if self.keeps_hdr:
            return self._tone_map(size, {**self._coded, **self._named(self.tags), "range": "tv"})
        return [
            ("scale", {"w": size.width, "h": size.height, "flags": "bicubic"}),
            ("format", {"pix_fmts": "yuv420p"}),
        ]

    @cached_property
    def shape(self) -> Shape:
        return shape_of(self.video.display_size, *([self.edited.edits] if self.edited else []))

    @property
    def is_as_decoded(self) -> bool:
        """Whether its steps do as well with pictures that were stored as raw 4:2:0 ones, without a word on colours."""
        has_form = self.video.pix_fmt == "yuv420p" and not self._full_range and self.video.colour.hdr is Hdr.NONE
        return has_form and self.is_plain and not self.is_interlaced

    @property
    def is_plain(self) -> bool:
        """Whether the picture is shown as it is in the source, but for its size."""
        return self.shape.is_plain and not self._fades()

    def _scale(self, size: Size, *, fast: bool) -> list[Step]:
        options: dict[str, Any] = {
            "w": size.width,
            "h": size.height,
            "flags": "fast_bilinear" if fast else "bicubic+accurate_rnd",
            "in_range": "pc" if self._full_range else "tv",
            "out_range": "tv",
        }
        if self._rgb or self._transparent_yuv:
            options["out_color_matrix"] = self._sws_matrix
            del options["in_range"]
        elif matrix := _SWS_MATRIX.get(self.tags.matrix or 0):
            options |= {"in_color_matrix": matrix, "out_color_matrix": matrix}
        # Only x264 looks at fast ones. What came along with each picture is told for the whole of them, or left out.
        bits = "yuv420p10le" if self.keeps_hdr and not fast else "yuv420p"
        bare: list[Step] = [("sidedata", {"mode": "delete"})] if self.keeps_hdr else []
        shape: list[Step] = [("scale", options), ("setsar", {"sar": "1"}), ("format", {"pix_fmts": bits})]
        return [*bare, *self._opaque(), *shape]

    @property
    def tags(self) -> Colour:
        """What the encoded picture says of itself."""
        colour = self.video.colour
        if self.keeps_hdr:
            matrix = _BT2020 if self._rgb else colour.matrix or _BT2020
            return Colour(colour.primaries or _BT2020, colour.transfer, matrix, False)
        if colour.hdr is not Hdr.NONE or self._rgb:
            return _BT709
        if colour.matrix is None and self.video.height >= _HD_LINES:
            return Colour(colour.primaries or 1, colour.transfer or 1, 1, False)
        return Colour(colour.primaries, colour.transfer, colour.matrix, False)

    def tag_options(self) -> dict[str, str]:
        """The tags as encoder options of ffmpeg; what is unknown stays unsaid."""
        return {**self._named(self.tags), "color_range": "tv"}

    @staticmethod
    def _named(tags: Colour) -> dict[str, str]:
        named = {
            "color_primaries": _PRIMARIES.get(tags.primaries or 0),
            "color_trc": _TRANSFERS.get(tags.transfer or 0),
            "colorspace": _MATRICES.get(tags.matrix or 0),
        }
        return {key: value for key, value in named.items() if value}

    @property
    def _rgb(self) -> bool:
        return self.video.colour.matrix == 0 or (self.video.pix_fmt or "").startswith(
            ("rgb", "bgr", "argb", "abgr", "gbr", "pal8")
        )

    @property
    def _full_range(self) -> bool:
        return bool(self.video.colour.full_range) or (self.video.pix_fmt or "").startswith("yuvj")

    @property
    def _transparent_yuv(self) -> bool:
        return (self.video.pix_fmt or "").startswith("yuva")

    @property
    def _sws_matrix(self) -> str:
        """By its name, where it has to be said: what libswscale would take untagged pictures for."""
        return _SWS_MATRIX.get(self.tags.matrix or 0, "bt601")

    def _opaque(self) -> list[Step]:
        """Transparent pictures on black, as players show them; what is under the transparency may be anything."""
        name = self.video.pix_fmt or ""
        if self._transparent_yuv:
            read = {"in_range": "pc" if self._full_range else "tv", "in_color_matrix": self._sws_matrix}
            read |= {"out_range": "pc", "flags": "accurate_rnd+full_chroma_int+full_chroma_inp"}
            return [("scale", read), ("format", {"pix_fmts": "gbrap"}), ("premultiply", {"inplace": 1})]
        if name.startswith(("rgba", "bgra", "argb", "abgr", "gbrap", "pal8")):
            return [("format", {"pix_fmts": "gbrap"}), ("premultiply", {"inplace": 1})]
        return []

    def _crop(self) -> list[Step]:
        """One row or column off an odd picture is invisible, while resampling the whole of it by 0.6 % is not."""
        if part := self.shape.part:
            wide, high = self._coded_per_shown
            options = {"w": part.width * wide, "h": part.height * high, "x": part.x * wide, "y": part.y * high}
            return [("crop", {key: max(2, round(v)) if key in "wh" else round(v) for key, v in options.items()})]
        if self.video.sar == 1 and (self.video.width % 2 or self.video.height % 2):
            return [("crop", {"w": "trunc(iw/2)*2", "h": "trunc(ih/2)*2", "x": 0, "y": 0})]
        return []

    @property
    def _coded_per_shown(self) -> tuple[float, float]:
        """What a square pixel of the display is in the upright picture's own pixels."""
        shown, coded = self.video.display_size, self._upright
        return coded.width / shown[0], coded.height / shown[1]

    @property
    def _upright(self) -> Size:
        """Its pixels as ffmpeg hands them over, turned as they are shown."""
        wide, high = self.video.width, self.video.height
        return Size(high, wide) if self.video.rotation in (90, 270) else Size(wide, high)

    def _turn(self) -> list[Step]:
        turns: dict[int, list[Step]] = {
            90: [("transpose", {"dir": "clock"})],
            180: [("hflip", {}), ("vflip", {})],
            270: [("transpose", {"dir": "cclock"})],
        }
        return turns.get(self.shape.rotate, [])

    def _pad(self, inner: Size, size: Size) -> list[Step]:
        if inner == size:
            return []
        # Chroma is half as large: what stands at an odd place would bleed.
        left, top = ((size.width - inner.width) // 4 * 2, (size.height - inner.height) // 4 * 2)
        return [("pad", {"w": size.width, "h": size.height, "x": left, "y": top, "color": "black"})]

    def _fades(self) -> list[Step]:
        """On the timeline that pieces are encoded on: before a change of speed, and late by its lead."""
        if self.edited is None:
            return []
        factor, steps = float(self.edited.speed), []
        ends = LEAD_S + self.edited.end * float(self.edited.time_base)
        for fade in self.edited.edits.fades:
            if fade.picture and fade.in_s:
                steps.append(("fade", {"type": "in", "st": LEAD_S, "d": f"{fade.in_s * factor:.6f}"}))
            if fade.picture and fade.out_s:
                lasts = fade.out_s * factor
                steps.append(("fade", {"type": "out", "st": f"{ends - lasts:.6f}", "d": f"{lasts:.6f}"}))
        return steps

    @property
    def _coded(self) -> dict[str, str]:
        """How the light of the source's pictures is coded."""
        colour = self.video.colour
        return {
            "color_trc": _TRANSFERS[colour.transfer or 0],
            "color_primaries": _PRIMARIES.get(colour.primaries or _BT2020, "bt2020"),
            "colorspace": "gbr" if self._rgb else _MATRICES.get(colour.matrix or _BT2020, "bt2020nc"),
            "range": "pc" if self._full_range else "tv",
        }

    @staticmethod
    def _tone_map(size: Size, known: dict[str, str]) -> list[Step]:
        return [
            # Pictures that say too little of themselves can't even be resized.
            ("setparams", known),
            # Resized before the light is made linear: averaging linear light dims fine detail.
            ("zscale", {"w": size.width, "h": size.height, "filter": "bicubic"}),
            # The gamma of HLG is one of luminance: applied to each colour, as it is unless told, it saturates them.
            ("zscale", {"transfer": "linear", "npl": _REFERENCE_WHITE_NITS, "agamma": 0}),
            ("format", {"pix_fmts": "gbrpf32le"}),
            ("zscale", {"primaries": "bt709"}),
            ("tonemap", {"tonemap": "mobius", "desat": 0, "peak": _PEAK}),
            ("zscale", {"transfer": "bt709", "matrix": "bt709", "range": "limited"}),
            ("setsar", {"sar": "1"}),
            ("format", {"pix_fmts": "yuv420p"}),
        ]


def jpeg_steps(picture: Picture) -> list[Step]:
    """From a picture as it is encoded to what a JPEG file holds: BT.601, full range (JFIF 1.02)."""
    matrix = _SWS_MATRIX.get(picture.tags.matrix or 6, "bt601")
    colours = {"in_color_matrix": matrix, "out_color_matrix": "bt601", "in_range": "tv", "out_range": "pc"}
    return [("scale", colours), ("format", {"pix_fmts": "yuvj420p"})]


def require_tone_mapping(video: VideoStream, ffmpeg: Ffmpeg, path: str) -> None:
    """Raise SourceError where the picture is HDR and this ffmpeg can't turn it into SDR: washed out is no answer.

    And where it is Dolby Vision without colours that anything else could read, as of profile 5: green is none either.
    """
    if video.dolby_vision and video.colour.transfer is None:
        raise SourceError(
            f"{path} is Dolby Vision without a picture for other players: its colours can't be read.",
            hint="Export it again as HDR10, HLG or SDR with the program or the phone that made it.",
        )
    if video.colour.hdr is not Hdr.NONE and not ffmpeg.can_tone_map:
        raise SourceError(
            f"{path} is {video.colour.hdr.upper()} HDR video, and {ffmpeg.path} has no zscale and tonemap filters "
            "to turn it into SDR, which measures of quality need too.",
            hint="Unset TIGHTFIT_FFMPEG to use the bundled ffmpeg, which has them.",
        )
