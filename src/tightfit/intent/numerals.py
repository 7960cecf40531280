"""Numbers in words, and numbers in Han characters."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tightfit.intent.lexicon import Lexicon

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_TENS = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4}
_HAN = re.compile(r"[零〇一二两兩三四五六七八九十百千万萬]{1,12}")
_POINT = re.compile(r"点([零〇一二两兩三四五六七八九]{1,4})")
_AND_A_HALF = "einhalb"
_MOST_MORPHEMES = 7  # neun|hundert|neun|und|neunzig


def han_number(
    text: str, at: int, lexicon: Lexicon, *, following_is_unit: bool, awaited: bool = False
) -> tuple[int, float] | None:
    """The number at ``text[at:]``, if a unit follows it, and how many characters it takes.

    ``awaited`` says that what stands before it, as 百分之 does, can only be followed by a number.

    一 is in half of all Chinese words; only what is counted tells that it is a number.
    """
    match = _HAN.match(text, at)
    if match is None:
        return None
    for end in range(match.end(), at, -1):
        point = _POINT.match(text, end)
        stop = point.end() if point else end
        if awaited or lexicon.unit_run(text, stop) or (stop == len(text) and following_is_unit):
            value = _han_value(text[at:end])
            if value is None:
                continue
            if point:
                value += float("0." + "".join(str(_DIGITS[char]) for char in point[1]))
            return stop - at, value
    return None


def han_count(text: str) -> int | None:
    """How many ``text`` begins with: 两个 is 2, 二つ is 2; None where it begins with no number."""
    match = _HAN.match(text)
    value = _han_value(match[0]) if match else None
    return None if value is None else int(value)


def _han_value(text: str) -> float | None:
    """二十五 is 25, 一百二 is 120, 二〇 is 20; None for what is no number (百百)."""
    if all(char in _DIGITS for char in text):
        return float("".join(str(_DIGITS[char]) for char in text))
    total = section = 0
    digit: int | None = None
    unit = 0
    for char in text:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _TENS:
            unit = _TENS[char]
            section += (1 if digit is None else digit) * unit
            digit = None
        else:
            total += (section + (digit or 0) or 1) * _MYRIADS[char]
            section, digit, unit = 0, None, _MYRIADS[char]
    if digit is not None:
        # 一百二 is 120, 一百零二 is 102, 十二 is 12.
        short = unit >= 100 and text[-2] in {**_TENS, **_MYRIADS}
        section += digit * (unit // 10 if short else 1)
    return float(total + section)


def spoken_number(values: Sequence[float]) -> float:
    """Number words in a row as one number: twenty five, two hundred five, quatre vingt (4, 20)."""
    total = current = 0.0
    for value in values:
        if value == 1000:
            total += (current or 1) * 1000
            current = 0
        elif value == 100 or (value == 20 and current == 4):
            current = (current or 1) * value
        else:
            current += value
    return total + current


def compound_number(word: str, lexicon: Lexicon) -> float | None:
    """A number written as one word: fünfunddreißig, zweihundert. None for any other word."""
    if word.endswith(_AND_A_HALF) and (whole := word.removesuffix(_AND_A_HALF)):
        value = lexicon.numbers.get(whole, compound_number(whole, lexicon))
        return None if value is None else value + 0.5  # sechzehneinhalb
    values: list[float] = []
    at = 0
    while at < len(word):
        if values and word.startswith("und", at):
            at += 3
            continue
        for end in range(min(len(word), at + 9), at + 2, -1):
            if (value := lexicon.numbers.get(word[at:end])) is not None:
                values.append(value)
                at = end
                break
        else:
            return None
        if len(values) > _MOST_MORPHEMES:
            return None
    return spoken_number(values) if len(values) > 1 else None


def adds(values: Sequence[float], following: float) -> bool:
    """Whether the next number word goes on with a number: twenty five, two hundred, quatre vingt."""
    last = values[-1]
    return following in (100, 1000) or (last >= 20 and following < last) or (last == 4 and following == 20)


def seconds_of(text: str) -> float:
    """The seconds of a time as it is written: 1:05 is 65."""
    seconds = 0.0
    for part in text.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds
