"""Pictures made for tests: something to look at in each mode, and what a camera writes beside it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from PIL import ExifTags, Image, ImageCms, ImageDraw

SIZE = (240, 160)
WHEN, PLACE = "2024:01:02 03:04:05", {1: "N", 2: (48.0, 51.0, 30.0), 3: "E", 4: (2.0, 17.0, 40.0)}


def scene(size: tuple[int, int] = SIZE, *, alpha: bool = False) -> Image.Image:
    """A gradient with noise and edges, which costs bytes in every format; its upper left corner is red."""
    width, height = size
    ramp = Image.linear_gradient("L").resize(size)
    noise = Image.effect_noise(size, 40)
    image = Image.merge("RGB", (ramp, noise, Image.radial_gradient("L").resize(size)))
    draw = ImageDraw.Draw(image)
    for n in range(0, width, 17):
        draw.line((n, 0, width - n, height), fill=(255, n % 255, 40), width=2)
    draw.rectangle((0, 0, width // 4, height // 4), fill=(230, 20, 20))
    if alpha:
        image.putalpha(Image.radial_gradient("L").resize(size))
    return image


def camera_exif(orientation: int = 6) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Canon"
    exif[ExifTags.Base.Orientation] = orientation
    exif.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base.DateTimeOriginal: WHEN})
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(PLACE)
    return exif.tobytes()


@cache
def srgb_profile() -> bytes:
    """The same one each time: it holds the second it was made in."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def write(path: Path, image: Image.Image, **options: object) -> Path:
    """``image`` at the best quality that its extension has."""
    quality = {".jpg": 97, ".webp": 97, ".avif": 92}.get(path.suffix)
    image.save(path, **({"quality": quality} if quality else {}), **options)
    return path


def frames(count: int = 10) -> list[Image.Image]:
    """A ball that rolls over a scene."""
    made = []
    for n in range(count):
        image = scene((120, 80)).quantize(64).convert("RGB")
        ImageDraw.Draw(image).ellipse((n * 9, 20, n * 9 + 36, 56), fill=(240, 240, 20))
        made.append(image)
    return made


def timing(path: Path) -> tuple[int | None, list[int]]:
    """How often an animation is played, and each frame's time in milliseconds."""
    with Image.open(path) as image:
        times = []
        for n in range(image.n_frames):  # type: ignore[attr-defined]  # of formats that can be animated
            image.seek(n)
            image.load()
            times.append(int(image.info["duration"]))
        return image.info.get("loop"), times
