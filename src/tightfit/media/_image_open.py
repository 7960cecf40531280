"""Opening an untrusted picture, inside a child: its size is asked before a pixel is decoded, then it is set upright."""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin

_ORIENTATION = int(ExifTags.Base.Orientation)
# What is kept of Exif where there is no room for all of it: when, where and with what.
_ESSENTIAL = (
    *(ExifTags.Base.DateTime, ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.Artist),
    *(ExifTags.Base.Copyright, ExifTags.Base.ImageDescription),
)
_ESSENTIAL_OF_EXIF = (
    *(ExifTags.Base.DateTimeOriginal, ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeOriginal),
    ExifTags.Base.SubsecTimeOriginal,
)
# A JPEG segment holds no more (ITU-T T.81, B.1.1.4: two bytes of length), less its own header.
_LONGEST_EXIF = 65_500
# Larger chunks of words are no titles.
_LONGEST_TEXT = 10_000


class Refused(Exception):
    """The reason why a picture is not read, as what follows its name in a sentence."""


@dataclass(frozen=True)
class Facts:
    """Bytes that a picture carries beside its pixels, and words by their keys."""

    exif: bytes = b""
    icc: bytes = b""
    xmp: bytes = b""
    text: tuple[tuple[str, str], ...] = ()

    @property
    def bytes(self) -> int:
        return len(self.exif) + len(self.icc) + len(self.xmp) + sum(len(k) + len(v) for k, v in self.text)

    def without(self, *names: str) -> Facts:
        empty: dict[str, Any] = {"exif": b"", "icc": b"", "xmp": b"", "text": ()}
        return replace(self, **{name: empty[name] for name in names})


def opened(path: str, form: str, most_pixels: int) -> Image.Image:
    """The picture at ``path``, in the format ``form`` and no other; nothing is decoded yet. Raises Refused, OSError."""
    # Pillow's own guard is by a number of its own; ours is asked here, before anything is decoded.
    Image.MAX_IMAGE_PIXELS = None
    image = Image.open(path, formats=[form.upper()])
    require_size(image.size, most_pixels)
    return image


def require_size(size: tuple[int, int], most_pixels: int) -> None:
    width, height = size
    if width * height > most_pixels:
        raise Refused(f"has {width}x{height}, {width * height:,} pixels; at most {most_pixels:,} are decoded")
    if width < 1 or height < 1:
        raise Refused("has no pixels")


def has_alpha(image: Image.Image) -> bool:
    return bool(image.has_transparency_data)


def upright(image: Image.Image) -> tuple[Image.Image, Facts]:
    """The first frame decoded and turned as its Exif says, in a mode that encoders take, with what it carries."""
    image.load()
    turned = ImageOps.exif_transpose(image)
    exif = turned.getexif()
    exif.pop(_ORIENTATION, None)
    written = exif.tobytes() if len(exif) else b""
    xmp = turned.info.get("xmp") or turned.info.get("XML:com.adobe.xmp") or b""
    facts = Facts(
        written if len(written) <= _LONGEST_EXIF else essential(exif),
        turned.info.get("icc_profile") or b"",
        xmp.encode() if isinstance(xmp, str) else bytes(xmp),
        tuple(_words(getattr(image, "text", {}).items())),
    )
    return _plain(turned, facts)


def _words(items: Iterable[tuple[Any, Any]]) -> Iterable[tuple[str, str]]:
    for key, value in items:
        if key != "XML:com.adobe.xmp" and isinstance(value, str) and len(value) <= _LONGEST_TEXT:
            yield str(key), str(value)


def essential(exif: Image.Exif) -> bytes:
    """Exif with nothing but date, place, camera and author."""
    kept = Image.Exif()
    for tag in _ESSENTIAL:
        if tag in exif:
            kept[tag] = exif[tag]
    details = exif.get_ifd(ExifTags.IFD.Exif)
    if found := {int(tag): details[tag] for tag in _ESSENTIAL_OF_EXIF if tag in details}:
        kept.get_ifd(ExifTags.IFD.Exif).update(found)
    if place := exif.get_ifd(ExifTags.IFD.GPSInfo):
        kept.get_ifd(ExifTags.IFD.GPSInfo).update(place)
    return kept.tobytes() if len(kept) else b""


def essential_of(exif: bytes) -> bytes:
    """As ``essential``, of written Exif."""
    read = Image.Exif()
    read.load(exif)
    return essential(read)


def _plain(image: Image.Image, facts: Facts) -> tuple[Image.Image, Facts]:
    """L, RGB or RGBA, or a palette as it is; a profile that no longer fits the pixels is applied to them."""
    mode = image.mode
    if mode in ("L", "RGB") and "transparency" in image.info:
        # One colour that stands for holes.
        return image.convert("RGBA"), facts
    if mode in ("L", "RGB", "RGBA", "P"):
        return image, facts
    if mode == "1":
        return image.convert("L"), facts
    if mode in ("LA", "La", "PA", "RGBa"):
        return image.convert("RGBA"), facts
    if mode.startswith("I;16") or mode == "I":
        # Sixteen bits a sample: the upper eight.
        return image.convert("I").point(lambda value: value / 256).convert("L"), facts.without("icc")
    if mode == "CMYK" and facts.icc:
        return in_srgb(image, facts.icc), facts.without("icc")
    return image.convert("RGB"), facts.without("icc")


def in_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """The same colours in sRGB, which is what viewers take a picture without a profile for."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        colours = image.convert("RGB") if image.mode in ("RGBA", "P") else image
        changed = ImageCms.profileToProfile(colours, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        assert changed is not None, "not changed in place"
        if alpha is not None:
            changed.putalpha(alpha)
        return changed
    except (ImageCms.PyCMSError, ValueError, OSError):
        return image.convert("RGBA" if image.mode == "RGBA" else "RGB")


def words_for_png(facts: Facts) -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    for key, value in facts.text:
        info.add_itxt(key, value)
    if facts.xmp:
        info.add_itxt("XML:com.adobe.xmp", facts.xmp.decode("utf-8", "replace"))
    return info
