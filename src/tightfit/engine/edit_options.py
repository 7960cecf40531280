"""The edits as people write them in options, each spelled in one place for every door."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import TypedDict

from tightfit.domain.edits import Aspect, Crop, Edits, Fade, Fit, Stretch
from tightfit.domain.shape import LEAST_SIDE
from tightfit.errors import UsageError

_TIME = re.compile(r"(?:(?:(?P<h>\d+):)?(?P<m>\d{1,3}):)?(?P<s>\d+(?:\.\d*)?|\.\d+)")
_GEOMETRY = re.compile(r"(\d{1,5})[x×](\d{1,5})(?:\+(\d{1,5})\+(\d{1,5}))?", re.IGNORECASE)
_RATIO = re.compile(r"(\d+(?:\.\d+)?)\s*[:/]\s*(\d+(?:\.\d+)?)")
_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_RATE = re.compile(r"(\d+)/(\d+)")
# Beyond these no one sees, hears or wants anything.
_SLOWEST, _FASTEST = 0.1, 16.0
_LOUDEST = 16.0
_LEAST_FPS, _MOST_FPS = 1.0, 480.0
_NARROWEST, _WIDEST = 0.1, 10.0
_TURNS = {"90": 90, "180": 180, "270": 270}


class EditOptions(TypedDict, total=False):
    """The options of ``compress`` and ``plan`` that edit, as written on the command line; None is not said."""

    trim: str | None
    cut: Sequence[str] | str | None
    fps: str | float | None
    speed: str | float | None
    crop: str | None
    rotate: str | int | None
    aspect: str | None
    fit: str | None
    mute: Sequence[str] | str | None
    volume: str | float | None
    fade: str | None


def parse_edits(options: EditOptions) -> Edits:
    """Raises UsageError naming the option and a value that works, TypeError for an option that there is not."""
    if unknown := sorted(options.keys() - EditOptions.__annotations__.keys()):
        raise TypeError(f"unexpected keyword arguments: {', '.join(unknown)}")
    trim, crop, fade = options.get("trim"), options.get("crop"), options.get("fade")
    fps = options.get("fps")
    return Edits(
        trim=parse_stretch("--trim", trim) if trim is not None else Stretch(),
        cuts=tuple(_part("--cut", text) for text in _several(options.get("cut"))),
        fps=_fps(fps),
        every_frame=fps == "source",
        speed=_factor("--speed", options.get("speed"), _SLOWEST, _FASTEST, "--speed 1.5"),
        crop=_crop(crop) if crop is not None else None,
        rotate=_rotation(options.get("rotate")),
        aspect=_aspect(options.get("aspect"), options.get("fit")),
        mutes=tuple(_part("--mute", text) for text in _several(options.get("mute"))),
        volume=_factor("--volume", options.get("volume"), 0.0, _LOUDEST, "--volume 0.5"),
        fades=(_fade(fade),) if fade is not None else (),
    )


def parse_stretch(option: str, text: str) -> Stretch:
    """``START-END`` in seconds or ``[h:]mm:ss(.fff)``; either side may be empty."""
    hint = f"Write {option} 0:10-0:30, {option} 10- or {option} -30.5."
    start, dash, end = text.strip().partition("-")
    if not dash:
        raise UsageError(f"{option} {text} is no stretch of time.", hint=hint)
    found = Stretch(_seconds(option, start, hint), _seconds(option, end, hint))
    if found.end_s is not None and found.end_s <= (found.start_s or 0):
        raise UsageError(f"{option} {text} ends before it begins.", hint=hint)
    return found


def _seconds(option: str, text: str, hint: str) -> float | None:
    text = text.strip()
    if not text:
        return None
    found = _TIME.fullmatch(text)
    if found is None or (found["m"] and float(found["s"]) >= 60) or (found["h"] and int(found["m"]) >= 60):
        raise UsageError(f"{option}: {text!r} is no time.", hint=hint)
    return int(found["h"] or 0) * 3600 + int(found["m"] or 0) * 60 + float(found["s"])


def _several(texts: Sequence[str] | str | None) -> Sequence[str]:
    return [texts] if isinstance(texts, str) else texts or ()


def _part(option: str, text: str) -> Stretch:
    found = parse_stretch(option, text)
    if not found:
        instead = "--audio none" if option == "--mute" else f"{option} 0:10-0:30"
        raise UsageError(f"{option} {text} means all of the clip.", hint=f"Write {instead}.")
    return found


def _number(option: str, text: str | float, hint: str) -> float:
    cleaned = str(text).strip().lower()
    if not _NUMBER.fullmatch(cleaned):
        raise UsageError(f"{option} {text} is no number.", hint=hint)
    return float(cleaned)


def _factor(option: str, text: str | float | None, least: float, most: float, example: str) -> float:
    if text is None:
        return 1.0
    value = _number(option, str(text).strip().lower().removesuffix("x"), f"Write {example}.")
    if not least <= value <= most:
        raise UsageError(f"{option} {text} is not between {least:g} and {most:g}.", hint=f"Write {example}.")
    return value


def _fps(text: str | float | None) -> float | None:
    if text is None or text in ("auto", "source"):
        return None
    hint = "Write --fps 30, --fps 30000/1001, --fps auto or --fps source."
    if (ratio := _RATE.fullmatch(str(text).strip())) and int(ratio[2]):
        value = float(Fraction(int(ratio[1]), int(ratio[2])))
    else:
        value = _number("--fps", text, hint)
    if not _LEAST_FPS <= value <= _MOST_FPS:
        raise UsageError(f"--fps {text} is not between {_LEAST_FPS:g} and {_MOST_FPS:g}.", hint=hint)
    return value


def _crop(text: str) -> Crop:
    found = _GEOMETRY.fullmatch(text.strip())
    hint = "Write --crop 640x360+0+60: width, height, and how far from the left and the top."
    if found is None:
        raise UsageError(f"--crop {text} is no part of a picture.", hint=hint)
    width, height, x, y = (int(n or 0) for n in found.groups())
    if min(width, height) < LEAST_SIDE:
        raise UsageError(f"--crop {text} leaves less than {LEAST_SIDE}x{LEAST_SIDE} pixels.", hint=hint)
    return Crop(width, height, x, y)


def _rotation(text: str | int | None) -> int:
    if text is None:
        return 0
    turn = _TURNS.get(str(text).strip())
    if turn is None:
        raise UsageError(f"--rotate {text} is no quarter turn.", hint="Write --rotate 90, 180 or 270 (clockwise).")
    return turn


def _aspect(text: str | None, fit: str | None) -> Aspect | None:
    hint = "Write --aspect 9:16 --fit contain (black beside the picture) or --fit cover (cut off what sticks out)."
    if fit is not None and fit not in list(Fit):
        raise UsageError(f"--fit {fit} means nothing.", hint=hint)
    if text is None or text == "source":
        if fit is not None:
            raise UsageError("--fit says how to reach a shape, and none is named.", hint=hint)
        return None
    found = _RATIO.fullmatch(text.strip())
    if found is None or float(found[2]) == 0:
        raise UsageError(f"--aspect {text} is no shape.", hint=hint)
    aspect = Aspect(float(found[1]), float(found[2]), Fit(fit or Fit.CONTAIN))
    if not _NARROWEST <= aspect.ratio <= _WIDEST:
        raise UsageError(f"--aspect {text} is not between 1:10 and 10:1.", hint=hint)
    return aspect


def _fade(text: str) -> Fade:
    hint = "Write --fade 1,2: seconds in and out."
    first, comma, last = (part.strip() for part in text.partition(","))
    if not comma:
        raise UsageError(f"--fade {text} does not say in and out.", hint=hint)
    fade = Fade(_number("--fade", first or "0", hint), _number("--fade", last or "0", hint))
    if not fade.in_s and not fade.out_s:
        raise UsageError(f"--fade {text} fades nothing.", hint=hint)
    return fade
