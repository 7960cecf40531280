"""How much a picture looks like another: the structural similarity index, with nothing but Pillow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PIL import Image, ImageMath

# Wang, Bovik, Sheikh and Simoncelli (2004): (0.01 · 255)² and (0.03 · 255)².
_C1, _C2 = 6.5025, 58.5225
# Windows of 8x8 without weights, as in ffmpeg's ssim filter, at two offsets.
_WINDOW, _OFFSETS = 8, (0, 4)
# Luma counts as much as it has samples in 4:2:0, as in the "All" of that filter.
_WEIGHTS = (4, 1, 1)
# Larger pictures are compared at half the size: nobody sees their pixels one by one, and the planes take memory.
_MOST_PIXELS = 16_000_000
_BEHIND = (128, 128, 128)


def ssim(reference: Image.Image, shown: Image.Image) -> float:
    """From 0 to 1, at the reference's size; transparent parts are seen before grey."""
    if shown.size != reference.size:
        shown = shown.resize(reference.size, Image.Resampling.BICUBIC)
    pairs = zip(_planes(reference), _planes(shown), _WEIGHTS, strict=True)
    return sum(weight * _of_planes(a, b) for a, b, weight in pairs) / sum(_WEIGHTS)


def _planes(image: Image.Image) -> list[Image.Image]:
    if image.mode == "RGBA":
        flat = Image.new("RGB", image.size, _BEHIND)
        flat.paste(image, mask=image.getchannel("A"))
        image = flat
    while image.width * image.height > _MOST_PIXELS:
        image = image.reduce(2)
    return list(image.convert("RGB").convert("YCbCr").split())


def _of_planes(reference: Image.Image, shown: Image.Image) -> float:
    x, y = reference.convert("F"), shown.convert("F")
    found = []
    for offset in _OFFSETS:
        if min(x.size) - offset < 1:
            continue
        box = (offset, offset, x.width, x.height)
        found.append(_mean(_map(x.crop(box), y.crop(box))))
    return sum(found) / len(found)


def _map(x: Image.Image, y: Image.Image) -> Image.Image:
    def product(a: Image.Image, b: Image.Image) -> Image.Image:
        return _each(lambda of: of["a"] * of["b"], a=a, b=b).reduce(_WINDOW)

    return _each(
        lambda of: (
            (2 * of["x"] * of["y"] + _C1)
            * (2 * (of["xy"] - of["x"] * of["y"]) + _C2)
            / (of["x"] * of["x"] + of["y"] * of["y"] + _C1)
            / (of["xx"] - of["x"] * of["x"] + of["yy"] - of["y"] * of["y"] + _C2)
        ),
        x=x.reduce(_WINDOW),
        y=y.reduce(_WINDOW),
        xx=product(x, x),
        yy=product(y, y),
        xy=product(x, y),
    )


def _each(formula: Callable[[dict[str, Any]], Any], **planes: Image.Image) -> Image.Image:
    made: Image.Image = ImageMath.lambda_eval(formula, **planes)
    return made


def _mean(image: Image.Image) -> float:
    value = image.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))
    assert isinstance(value, float), "a plane of floats"
    return value
