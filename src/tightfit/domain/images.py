"""Formats of pictures: which one a file is in, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass

# What a look at a file's beginning needs to tell its format.
HEAD_BYTES = 64


@dataclass(frozen=True)
class ImageFormat:
    """``name`` is what results and JSON say; the first extension is the one that we give."""

    name: str
    title: str
    extensions: tuple[str, ...]
    alpha: bool
    animated: bool
    lossless: bool


FORMATS = {
    f.name: f
    for f in (
        ImageFormat("jpeg", "JPEG", (".jpg", ".jpeg"), alpha=False, animated=False, lossless=False),
        ImageFormat("png", "PNG", (".png",), alpha=True, animated=False, lossless=True),
        ImageFormat("webp", "WebP", (".webp",), alpha=True, animated=True, lossless=False),
        ImageFormat("avif", "AVIF", (".avif",), alpha=True, animated=False, lossless=False),
        ImageFormat("gif", "GIF", (".gif",), alpha=True, animated=True, lossless=True),
    )
}
STILL_EXTENSIONS = tuple(extension for f in FORMATS.values() for extension in f.extensions)


def format_for(extension: str) -> ImageFormat | None:
    """The format that files with this extension are in; None where it is no picture's."""
    return next((f for f in FORMATS.values() if extension.lower() in f.extensions), None)


def format_of(head: bytes) -> ImageFormat | None:
    """The format of a file that begins with ``head``, by its signature and not its name; None for any other file."""
    if head.startswith(b"\xff\xd8\xff"):
        return FORMATS["jpeg"]
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return FORMATS["png"]
    if head.startswith((b"GIF87a", b"GIF89a")):
        return FORMATS["gif"]
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return FORMATS["webp"]
    # ISO/IEC 23000-22: the brand of AV1 pictures is the major one or one of the compatible ones.
    if head[4:8] == b"ftyp" and (head[8:12] in (b"avif", b"avis") or (head[8:10] == b"mi" and b"avif" in head[16:])):
        return FORMATS["avif"]
    return None


_LEAST_SHOWN_MS, _UNSAID_MS = 20, 100


@dataclass(frozen=True)
class ImageFacts:
    """What a picture's file says beside its pixels. ``orientation`` is Exif's, 1 where it is upright as stored.

    ``durations_ms`` has one entry for each frame of an animation, ``loops`` is how often it is played (0: for ever).
    The other numbers are bytes.
    """

    format: str
    mode: str
    alpha: bool
    orientation: int = 1
    exif_bytes: int = 0
    icc_bytes: int = 0
    xmp_bytes: int = 0
    durations_ms: tuple[int, ...] = ()
    loops: int | None = None

    @property
    def is_animated(self) -> bool:
        return len(self.durations_ms) > 1

    @property
    def shown_ms(self) -> tuple[int, ...]:
        """Each frame's time on the screen: as browsers and ffmpeg, less than 20 ms is read as 100."""
        return tuple(d if d >= _LEAST_SHOWN_MS else _UNSAID_MS for d in self.durations_ms)
