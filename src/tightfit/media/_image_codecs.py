"""The encoders of still pictures, each with a ladder of qualities, inside a child."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import cache
from typing import Any

from PIL import Image

from tightfit.media._image_open import Facts, words_for_png

# Above these a picture can't be told from its source and more bytes buy nothing; below ``good`` a smaller picture may
# look better. On the scales of the encoders.
_BEST_JPEG, _GOOD_JPEG, _LEAST_JPEG = 96.0, 60.0, 4.0
_BEST_WEBP, _GOOD_WEBP = 98.0, 60.0
_BEST_AVIF, _GOOD_AVIF, _LEAST_AVIF = 95.0, 45.0, 2.0
# From this quality on colour at full resolution may be worth its bytes.
FULL_COLOUR = 85.0
_AVIF_SPEED, _WEBP_METHOD = 6, 4
# Colours of a palette, most first. Fewer than sixteen are a poster and no picture.
PALETTES = (256, 192, 128, 96, 64, 48, 32, 24, 16)
# A picture with no more colours than this was drawn; dithering would only add noise to its areas.
_DRAWN_COLOURS = 4096
_HALF = 128


@dataclass(frozen=True)
class Ladder:
    """Qualities of a lossy encoder on its own scale; ``step`` 0 where it takes any number."""

    low: float
    high: float
    good: float
    first: float
    step: float = 0.0


CAN_KEEP_COLOUR = ("jpeg", "avif")
LADDERS = {
    "jpeg": Ladder(_LEAST_JPEG, _BEST_JPEG, _GOOD_JPEG, 75.0),
    "webp": Ladder(0.0, _BEST_WEBP, _GOOD_WEBP, 70.0),
    "avif": Ladder(_LEAST_AVIF, _BEST_AVIF, _GOOD_AVIF, 55.0, step=1.0),
}


def encode(image: Image.Image, form: str, quality: float, facts: Facts, *, full_colour: bool = False) -> bytes:
    """``image`` in a lossy format at ``quality``; ``full_colour`` has an effect where the format offers the choice."""
    options: dict[str, Any] = _carried(form, facts)
    subsampling = "4:4:4" if full_colour else "4:2:0"
    if form == "jpeg":
        options |= _jpeg(quality) | {"subsampling": subsampling}
    elif form == "webp":
        options |= {"quality": quality, "method": _WEBP_METHOD, "alpha_quality": 100 if quality >= _GOOD_WEBP else 80}
    else:
        options |= {"quality": round(quality), "speed": _AVIF_SPEED, "subsampling": subsampling, "max_threads": 2}
    return _saved(image, form, options)


def encode_exactly(image: Image.Image, form: str, facts: Facts) -> bytes:
    """``image`` without any loss, in a format that can: png, webp, or gif for a palette."""
    options: dict[str, Any] = _carried(form, facts)
    options |= {"webp": {"lossless": True, "quality": 100, "method": 4}}.get(form, {"optimize": True})
    return _saved(image, form, options)


def in_palette(image: Image.Image, colours: int, form: str, *, dithered: bool = False) -> Image.Image:
    """``image`` in at most so many colours; png keeps their alpha, gif knows all or nothing."""
    if image.mode == "RGBA":
        if form == "gif":
            image = _with_holes(image)
        coloured = image.quantize(colours, method=Image.Quantize.FASTOCTREE)
        alphas = (coloured.getpalette("RGBA") or [])[3::4]
        if form == "gif" and 0 in alphas:
            coloured.info["transparency"] = alphas.index(0)
        return coloured
    rgb = image.convert("RGB")
    palette = rgb.quantize(colours, method=Image.Quantize.MEDIANCUT)
    if not dithered:
        return palette
    return rgb.quantize(colours, palette=palette, dither=Image.Dither.FLOYDSTEINBERG)


def _with_holes(image: Image.Image) -> Image.Image:
    """What is more than half transparent becomes a hole, all else opaque."""
    mask = image.getchannel("A").point(lambda alpha: 255 if alpha >= _HALF else 0)
    holed = Image.new("RGBA", image.size, (0, 0, 0, 0))
    opaque = image.convert("RGB").convert("RGBA")
    holed.paste(opaque, mask=mask)
    return holed


def is_drawn(image: Image.Image) -> bool:
    return image.getcolors(_DRAWN_COLOURS) is not None


def _saved(image: Image.Image, form: str, options: dict[str, Any]) -> bytes:
    written = io.BytesIO()
    image.save(written, form.upper(), **options)
    return written.getvalue()


def _carried(form: str, facts: Facts) -> dict[str, Any]:
    """What the file carries beside pixels. None where there is nothing: Pillow would take the source's own."""
    if form == "gif":
        return {"comment": b""}
    options: dict[str, Any] = {"exif": facts.exif, "icc_profile": facts.icc or None}
    if form == "png":
        return options | {"pnginfo": words_for_png(facts)}
    return options | {"xmp": facts.xmp}


def _jpeg(quality: float) -> dict[str, Any]:
    """Tables for a quality between two whole ones, where libjpeg itself knows steps of up to 4 % of the bytes."""
    percent = 5000 / quality if quality < 50 else 200 - 2 * quality
    # libjpeg's jpeg_quality_scaling and jpeg_add_quant_table (jcparam.c), with a percentage that is no whole number.
    tables = [[min(255, max(1, int((q * percent + 50) / 100))) for q in table] for table in _jpeg_tables()]
    return {"qtables": tables, "optimize": True, "progressive": True}


@cache
def _jpeg_tables() -> tuple[tuple[int, ...], ...]:
    """The standard's tables (ITU-T T.81, K.1), as libjpeg has them: quality 50 is 100 %."""
    written = io.BytesIO()
    Image.new("RGB", (8, 8)).save(written, "JPEG", quality=50)
    tables = Image.open(written).quantization  # type: ignore[attr-defined]  # JpegImageFile's own
    return tuple(tuple(tables[n]) for n in (0, 1))
