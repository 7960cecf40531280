"""A piece made to a size by an encoder that can't be told one: at the quality, of those it knows, that comes nearest.

What comes of it is never larger than wanted where any quality makes it so: what is missing then is at most what one
step of its quality takes, and the corrections of the whole file (``domain.settle``) choose stretches that fit steps.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tightfit.domain.codec import Codec
from tightfit.domain.pieces import Part
from tightfit.domain.rate import slope
from tightfit.media.encode import Clip, Setting, encode
from tightfit.media.tools import Ffmpeg
from tightfit.media.two_pass import Measured

# Encodes of one piece at most, the first look not counted; and what is near enough for there to be no more of them.
_MOST_TRIES, _NEAR = 4, 0.994
# Where more is missing than this, no shade of a quality makes good for it.
_MOST_SHADED = 0.03


async def first_look(
    ffmpeg: Ffmpeg,
    clip: Clip,
    first: int,
    last: int,
    setting: Setting,
    out: Path,
    *,
    on_frames: Callable[[int], None],
    keeps: bool = False,  # noqa: ARG001 - its encode is worth more than its pictures
) -> Measured:
    """Encode frames ``[first, last)``, which may be all that is needed. Raises EncoderError."""
    part = await encode(ffmpeg, clip, first, last, setting, out, on_frames=on_frames)
    return Measured(part, setting, "", 0.0, 0.0)


async def nearest_to(
    ffmpeg: Ffmpeg,
    clip: Clip,
    seen: list[Part],
    wanted_bytes: float,
    setting: Setting,
    make_out: Callable[[], tuple[Path, Callable[[int], None]]],
) -> Part:
    """The largest encode of the range within ``wanted_bytes``, or the smallest where none is; ``seen`` are those there
    are, at least one, and grow. Raises EncoderError."""
    codec = setting.codec

    async def make(quality: float, tuning: str = "") -> None:
        out, on_frames = make_out()
        again = replace(setting, crf=codec.nearest(quality), tuning=tuning)
        seen.append(await encode(ffmpeg, clip, seen[0].first, seen[0].last, again, out, on_frames=on_frames))

    for _ in range(_MOST_TRIES):
        quality = _next_quality(seen, wanted_bytes, codec)
        if quality is None:
            break
        await make(quality)
    best = _best(seen, wanted_bytes)
    for shade in codec.shades:
        if not _NEAR * wanted_bytes > best.bytes >= (1 - _MOST_SHADED) * wanted_bytes:
            break
        await make(best.crf, shade)
        best = _best(seen, wanted_bytes)
    return best


def _best(seen: list[Part], wanted: float) -> Part:
    fitting = [part for part in seen if part.bytes <= wanted]
    return max(fitting, key=lambda part: part.bytes) if fitting else min(seen, key=lambda part: part.bytes)


def _next_quality(seen: list[Part], wanted: float, codec: Codec) -> float | None:
    """What to try next; None where nothing nearer is to be had."""
    grain = codec.grain
    fitting = min((p for p in seen if p.bytes <= wanted), key=lambda p: p.crf, default=None)
    above = max((p for p in seen if p.bytes > wanted), key=lambda p: p.crf, default=None)
    if fitting and (fitting.bytes >= _NEAR * wanted or (above and fitting.crf - above.crf <= 1.5 * grain)):
        return None
    nearest = min(seen, key=lambda p: abs(math.log(p.bytes / wanted)))
    fall = codec.steepness * slope(nearest.crf)
    if fitting and above and fitting.bytes < above.bytes:
        fall = math.log2(above.bytes / fitting.bytes) / (fitting.crf - above.crf)
    steps = math.log2(nearest.bytes / wanted) / (fall * grain)
    # Half a step is given away rather than missed: what is too large is of no use.
    crf = nearest.crf + grain * math.ceil(steps - 0.25)
    low = above.crf + grain if above else -math.inf
    high = fitting.crf - grain if fitting else math.inf
    crf = min(high, max(low, crf))
    return None if any(abs(p.crf - crf) < grain / 2 for p in seen) else crf
