"""A still picture made to a size, inside a child: decoded once, encoded until the best file that fits is found.

The highest quality that fits at full size; below a quality that looks good also smaller pictures, as long as they look
more like the source (by SSIM, at the source's size). PNG and GIF have no quality: fewer colours, then fewer pixels.
"""

from __future__ import annotations

import io
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from PIL import Image

from tightfit.domain.images import FORMATS
from tightfit.domain.search import Search
from tightfit.media._image_codecs import (
    CAN_KEEP_COLOUR,
    FULL_COLOUR,
    LADDERS,
    PALETTES,
    encode,
    encode_exactly,
    in_palette,
    is_drawn,
)
from tightfit.media._image_open import Facts, essential_of, in_srgb
from tightfit.media._image_score import ssim

# Sizes tried, each side 0.8 of the one before, down to a stamp.
_STEP, _LEAST_SIDE = 0.8, 48
# What a file carries beside its picture may take this share of it.
_FACTS_SHARE = 0.1
# A picture in full size that looks this much like its source beats any smaller one.
_ALIKE = 0.995
_SCALED_ROUNDS, _SCALED_PALETTES = 8, (256, 64)
_PAPER = (255, 255, 255)


@dataclass(frozen=True)
class Made:
    """A file that fits. ``quality`` is on its encoder's scale, ``colours`` of its palette; None where there is none."""

    data: bytes
    size: tuple[int, int]
    score: float
    quality: float | None = None
    colours: int | None = None


@dataclass
class Fitting:
    """One picture on its way to ``limit`` bytes in the format ``form``; ``said`` is what its owner has to be told."""

    image: Image.Image
    facts: Facts
    form: str
    limit: int
    from_lossless: bool
    said: list[str] = field(default_factory=list)
    encodes: int = 0

    def run(self) -> Made | None:
        """The best file within the limit, None where there is none."""
        self.image = self._in_reach(self.image)
        self._trim_facts()
        made = self._best()
        if made is None and self.facts != Facts():
            self.facts = Facts()
            self.said.append("Date, place, camera and colour profile were left out: there was no room for them.")
            made = self._best()
        if made:
            self._tell(made)
        return made

    def _best(self) -> Made | None:
        return self._in_colours() if self.form in ("png", "gif") else self._in_quality()

    def smallest(self) -> int:
        """Bytes of the smallest file that is made: no size below it is possible."""
        if self.form in ("png", "gif"):
            small = self._sized(self._at_scale(self._least_scale))
            return len(self._exactly(in_palette(small, _SCALED_PALETTES[-1], self.form), Facts()))
        small = self._sized(self._sizes()[-1])
        return len(self._encoded(small, LADDERS[self.form].low, Facts()))

    def fair(self) -> int:
        """Bytes of a file that looks fair: half of each side, at a quality that is good, or in 64 colours."""
        half = self._sized((max(1, self.image.width // 2), max(1, self.image.height // 2)))
        if self.form in ("png", "gif"):
            return len(self._exactly(in_palette(half, 64, self.form), self.facts))
        return len(self._encoded(half, LADDERS[self.form].good, self.facts))

    def _in_reach(self, image: Image.Image) -> Image.Image:
        """In a mode that the format has."""
        if image.mode == "P" and self.form not in ("png", "gif"):
            image = image.convert("RGBA" if image.has_transparency_data else "RGB")
        if not FORMATS[self.form].alpha and image.mode == "RGBA":
            flat = Image.new("RGB", image.size, _PAPER)
            flat.paste(image, mask=image.getchannel("A"))
            if image.getchannel("A").getextrema() != (255, 255):
                self.said.append("JPEG knows no transparency: the picture stands on white now.")
            return flat
        return image

    def _trim_facts(self) -> None:
        """Leave out what takes too much of the file, the least important first."""
        room, whole, dropped = int(self.limit * _FACTS_SHARE), self.facts.bytes, []
        for names, what in ((("text",), "words"), (("xmp",), "XMP")):
            if self.facts.bytes > room and self.facts.without(*names) != self.facts:
                self.facts = self.facts.without(*names)
                dropped.append(what)
        if self.facts.bytes > room and self.facts.exif:
            self.facts = replace(self.facts, exif=essential_of(self.facts.exif))
            dropped.append("Exif but for date, place and camera")
        if self.facts.bytes > room and self.facts.icc:
            self.image = in_srgb(self.image, self.facts.icc)
            self.facts = self.facts.without("icc")
            dropped.append("the colour profile (its colours are in sRGB now)")
        if self.facts.bytes > room:
            self.facts = Facts()
            dropped.append("date, place and camera")
        if dropped:
            saved = whole - self.facts.bytes
            self.said.append(f"Left out, for {saved} bytes that the picture needs more: {', '.join(dropped)}.")

    def _sizes(self) -> list[tuple[int, int]]:
        """Largest first."""
        width, height = self.image.size
        sizes, scale = [(width, height)], _STEP
        while min(width, height) * scale >= _LEAST_SIDE:
            sizes.append((round(width * scale), round(height * scale)))
            scale *= _STEP
        return sizes

    @property
    def _least_scale(self) -> float:
        return min(1.0, _LEAST_SIDE / min(self.image.size))

    def _at_scale(self, scale: float) -> tuple[int, int]:
        return max(1, round(self.image.width * scale)), max(1, round(self.image.height * scale))

    def _sized(self, size: tuple[int, int]) -> Image.Image:
        if size == self.image.size:
            return self.image
        source = self.image
        if source.mode == "P":
            source = source.convert("RGBA" if source.has_transparency_data else "RGB")
        return source.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)

    def _scored(self, data: bytes) -> float:
        return ssim(_shown(self.image), _shown(decoded(data, self.form)))

    def _encoded(self, image: Image.Image, quality: float, facts: Facts, *, full_colour: bool = False) -> bytes:
        self.encodes += 1
        return encode(image, self.form, quality, facts, full_colour=full_colour)

    def _exactly(self, image: Image.Image, facts: Facts) -> bytes:
        self.encodes += 1
        return encode_exactly(image, self.form, facts)

    def _in_quality(self) -> Made | None:
        if self.form == "webp" and (self.from_lossless or is_drawn(self.image)):
            data = self._exactly(self.image, self.facts)
            if len(data) <= self.limit:
                return Made(data, self.image.size, 1.0)
        best: Made | None = None
        for size in self._sizes():
            found = self._at(size)
            if found is None:
                continue
            if best and found.score <= best.score:
                break
            best = found
            if found.quality is not None and found.quality >= LADDERS[self.form].good:
                break
        return best

    def _at(self, size: tuple[int, int]) -> Made | None:
        """The best quality that fits at one size, with colour at half resolution or, where there is room, at full."""
        found = self._best_quality(size, full_colour=False)
        if found is None or self.form not in CAN_KEEP_COLOUR or found.quality is None or found.quality < FULL_COLOUR:
            return found
        fuller = self._best_quality(size, full_colour=True)
        return fuller if fuller and fuller.score > found.score else found

    def _best_quality(self, size: tuple[int, int], *, full_colour: bool) -> Made | None:
        ladder, image = LADDERS[self.form], self._sized(size)
        search = Search(self.limit, ladder.low, ladder.high, ladder.first, ladder.step)
        best = b""
        while (quality := search.next()) is not None:
            data = self._encoded(image, quality, self.facts, full_colour=full_colour)
            search.saw(quality, len(data))
            if search.best == quality:
                best = data
        if search.best is None:
            return None
        return Made(best, size, self._scored(best), quality=search.best)

    def _in_colours(self) -> Made | None:
        exactly = self._exact_at(self.image)
        if exactly and len(exactly) <= self.limit:
            return Made(exactly, self.image.size, 1.0)
        found = [self._most_colours(dithered=dithered) for dithered in (False, True)]
        if any(made and made.score >= _ALIKE for made in found):
            return max((made for made in found if made), key=lambda made: made.score)
        found += [*(self._largest_in(colours) for colours in _SCALED_PALETTES)]
        if self.form == "png":
            found.append(self._largest(lambda image: self._exact_at(image) or b"", None))
        return max((made for made in found if made), key=lambda made: made.score, default=None)

    def _exact_at(self, image: Image.Image) -> bytes | None:
        if self.form == "gif" and image.mode not in ("P", "L"):
            return None
        return self._exactly(image, self.facts)

    def _most_colours(self, *, dithered: bool) -> Made | None:
        """The largest palette that fits at full size."""
        files: dict[int, bytes] = {}
        image = self.image

        def is_over(colours: int) -> bool:
            files[colours] = self._exactly(in_palette(image, colours, self.form, dithered=dithered), self.facts)
            return len(files[colours]) > self.limit

        at = bisect_left(PALETTES, True, key=lambda colours: not is_over(colours))
        if at == len(PALETTES):
            return None
        colours = PALETTES[at]
        return Made(files[colours], image.size, self._scored(files[colours]), colours=colours)

    def _largest_in(self, colours: int) -> Made | None:
        return self._largest(lambda image: self._exactly(in_palette(image, colours, self.form), self.facts), colours)

    def _largest(self, coded: Callable[[Image.Image], bytes], colours: int | None) -> Made | None:
        """The largest picture, coded in one way, that fits."""
        least = self._least_scale
        search = Search(self.limit, least, 1.0, max(least, 0.5), rounds=_SCALED_ROUNDS, close=0.98)
        best, best_size = b"", (0, 0)
        while (scale := search.next()) is not None:
            size = self._at_scale(scale)
            data = coded(self._sized(size))
            search.saw(scale, len(data))
            if search.best == scale:
                best, best_size = data, size
        return Made(best, best_size, self._scored(best), colours=colours) if best else None

    def _tell(self, made: Made) -> None:
        title = FORMATS[self.form].title
        if self.form in ("png", "gif") and made.score < 1.0:
            how = [f"{made.colours} colours"] if made.colours else []
            how += ["{}x{} pixels".format(*made.size)] if made.size != self.image.size else []
            self.said.append(
                f"{title} keeps every pixel as it is, which is too much here: it has {', '.join(how)} now."
            )
        if made.quality is not None and made.quality >= LADDERS[self.form].high and made.size == self.image.size:
            self.said.append("The picture can't be told from its source; more bytes would buy nothing.")


def decoded(data: bytes, form: str) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=[form.upper()])
    image.load()
    return image


def _shown(image: Image.Image) -> Image.Image:
    """In a mode that can be compared."""
    if image.mode in ("RGB", "RGBA", "L"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")
