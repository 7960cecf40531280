"""Sizes as people write them. The one module that decides what "50MB" means.

``50MB`` is 50 000 000 bytes: the decimal reading is the safe one, since a host that counts MiB
accepts it too. ``50MiB`` is 52 428 800.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Context, Decimal

from tightfit.errors import UsageError

_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_WORDS = {"kilo": "k", "mega": "m", "giga": "g", "tera": "t"}

_SIZE = re.compile(
    r"(?P<number>\d[\d.,]*)\s*"
    r"(?:(?P<word>kilo|mega|giga|tera)bytes?"
    r"|(?P<prefix>[kmgt])(?P<binary>i?)b?"
    r"|(?P<cjk>兆|千|吉)(?:字节|字節)?"
    r"|(?P<plain>bytes?|b))",
    re.IGNORECASE,
)
_SHOWN = (("G", 10**9), ("M", 10**6), ("k", 10**3))
_CJK = {"千": "k", "兆": "m", "吉": "g"}
_PERCENT = re.compile(r"(?P<number>\d[\d.,]*)\s*(?:%|percent|pct)", re.IGNORECASE)
_BARE = re.compile(r"\d[\d.,]*")
_PRESET = re.compile(r"[a-z][a-z0-9-]*")

# Beyond this many digits nothing that is counted here exists, and Python refuses to read 4300 of them.
_WHOLE = re.compile(r"-?[0-9]{1,18}")

SIZE_HELP = (
    "Write 50MB (50 000 000 bytes), 50MiB (52 428 800), 700KB, 1.5GB, 25%, half, or a destination such as discord."
)


@dataclass(frozen=True)
class Target:
    """What the user named: exactly one of bytes, percent of the source, or a preset's name.

    ``text`` is what was typed; output names are made from it.
    """

    text: str
    bytes: int | None = None
    percent: Decimal | None = None
    preset: str | None = None

    def resolve(self, source_bytes: int) -> int:
        """The limit in bytes for a source of ``source_bytes`` bytes (rounded down: never over).

        Raises ValueError for a preset, whose limit its own file knows.
        """
        if self.bytes is not None:
            return self.bytes
        if self.percent is not None:
            return int(source_bytes * self.percent / 100)
        raise ValueError(f"the preset {self.preset} has its limit in its own file")

    @property
    def slug(self) -> str:
        """The limit for use in a file name: as typed, without spaces, ``%`` as ``pct``."""
        compact = "".join(self.text.split()).replace("%", "pct")
        return "".join(c if c.isalnum() or c in "-._," else "_" for c in compact)


def parse_number(text: str) -> Decimal:
    """A number with ``.`` or ``,`` as its decimal mark.

    Before exactly three digits after a non-zero lead the mark groups thousands: ``1,500`` is 1500,
    ``0,500`` is one half. With both marks present the last one is the decimal mark.
    Raises ValueError where no reading is left ("1,2,3").
    """
    marks = [c for c in text if c in ".,"]
    if not marks:
        return Decimal(text)
    last = marks[-1]
    if len(set(marks)) == 2:
        other = "." if last == "," else ","
        if marks.count(last) != 1:
            raise ValueError(text)
        _require_groups(text.split(last)[0], other)
        return Decimal(text.replace(other, "").replace(last, "."))
    lead, *groups = text.split(last)
    if len(marks) > 1:
        _require_groups(text, last)
        return Decimal(text.replace(last, ""))
    if len(groups[0]) == 3 and last == "," and int(lead) != 0:
        return Decimal(lead + groups[0])
    if len(groups[0]) == 3 and last == "." and int(lead) != 0:
        return Decimal(lead + groups[0])
    if not groups[0]:
        raise ValueError(text)
    return Decimal(f"{lead}.{groups[0]}")


def _require_groups(text: str, mark: str) -> None:
    lead, *groups = text.split(mark)
    if not 1 <= len(lead) <= 3 or any(len(g) != 3 for g in groups):
        raise ValueError(text)


def parse_target(text: str) -> Target:
    """What ``text`` names: a size, a share of the source, or (by its form) a preset.

    Whether a preset of that name exists is for the presets to say.
    Raises UsageError with a value that works.
    """
    cleaned = text.strip()
    if cleaned.lower() == "half":
        return Target(cleaned, percent=Decimal(50))
    try:
        if match := _SIZE.fullmatch(cleaned):
            return Target(cleaned, bytes=_positive(_bytes_of(match), text))
        if match := _PERCENT.fullmatch(cleaned):
            return Target(cleaned, percent=_share(parse_number(match["number"]), text))
        if _BARE.fullmatch(cleaned):
            raise UsageError(f"{cleaned} what?", hint=f"Write {cleaned}MB or {cleaned}%.")
    except ValueError:
        raise UsageError(f"{text!r} is not a number that can be read one way.", hint=SIZE_HELP) from None
    if _PRESET.fullmatch(cleaned.lower()):
        return Target(cleaned, preset=cleaned.lower())
    raise UsageError(f"{text!r} is not a size.", hint=SIZE_HELP)


def _bytes_of(match: re.Match[str]) -> Decimal:
    number = parse_number(match["number"])
    if match["plain"]:
        return number
    letter = (_WORDS.get((match["word"] or "").lower()) or _CJK.get(match["cjk"] or "") or match["prefix"]).lower()
    return number * (_BINARY if match["binary"] else _DECIMAL)[letter]


def _positive(size: Decimal, text: str) -> int:
    if size < 1:
        raise UsageError(f"{text!r} is less than one byte.", hint=SIZE_HELP)
    return int(size)


def _share(percent: Decimal, text: str) -> Decimal:
    if not 0 < percent <= 100:
        raise UsageError(
            f"{text!r} is not a share of the source.", hint="Write a percentage above 0 and up to 100, such as 25%."
        )
    return percent


def format_bytes(size: int) -> str:
    """``size`` in decimal units with three significant digits: 4983120 → "4.98 MB"."""
    if size < 1000:
        return f"{size} B"
    rounded = Decimal(size).normalize(Context(prec=3))
    letter, factor = next((item for item in _SHOWN if rounded >= item[1]), _SHOWN[-1])
    value = rounded / factor
    digits = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f} {letter}B"


def format_seconds(seconds: float) -> str:
    """A duration for people: "9 s", "2 min 05 s", "1 h 02 min"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def whole_number(text: str) -> int | None:
    """The whole number that ``text`` writes in ASCII digits; None for anything else (``²`` is a digit too)."""
    return int(text) if _WHOLE.fullmatch(text) else None
