"""Numbers with their units become measures: sizes, shares, times, rates, angles, picture sizes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tightfit.intent.concepts import named
from tightfit.intent.items import Item
from tightfit.intent.lexicon import Lexicon
from tightfit.intent.numerals import adds, seconds_of, spoken_number
from tightfit.units import parse_number

BYTES = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 2**10, "mib": 2**20, "gib": 2**30}
SECONDS = {"s": 1, "min": 60, "h": 3600}
_NEXT_SMALLER = {"h": "min", "min": "s"}  # 1h05 is 65 minutes, 2min30 is 150 seconds
_KILOLINES = {2: 1440, 4: 2160, 5: 2880, 8: 4320}  # what "4K" and its like are called
_NAMED_LINES = {"hd": 720, "full_hd": 1080, "quad_hd": 1440, "ultra_hd": 2160, "dci_8k": 4320}
ASPECTS = named("16:9 9:16 4:3 3:4 1:1 4:5 5:4 21:9 9:21 2:3 3:2 2:1 1:2 18:9 9:18 16:10 10:16 2.35:1 2.39:1")
_PLAIN_UNITS = {
    **{"percent": "percent", "fps": "fps", "kbps": "kbps", "mbps": "mbps", "degrees": "degrees"},
    **{"times": "factor", "playback": "playback", "people": "count", "parts": "parts"},
}
_TURNS = {"quarter_turn": 90.0, "half_turn": 180.0}
_MOST_LINES, _FEWEST_LINES = 4320, 144
_AFTER_A_TIME = named("comma stop dash and to end from then limit")
_APART = re.compile(r"\d+\s?\w+ \d\d")
_MINUS = frozenset(("マイナス", "负", "負"))
_LEAST_WORD_OF_SOUND = 2  # items between "96k" and the word for sound


@dataclass(frozen=True)
class _Number:
    value: float
    taken: int


class Composer:
    """Walks over the items of a text once and puts measures in their place."""

    def __init__(self, items: Sequence[Item], original: Callable[[int, int], str], lexicon: Lexicon) -> None:
        self._items = items
        self._original = original
        self._spaced = lexicon.grammar.get("spaced_thousands", False)
        self._han = lexicon.script == "han"
        self._words_for_numbers = lexicon.numbers
        self._made: list[Item] = []
        self._at = 0

    def compose(self) -> list[Item]:
        """Every item, with measures in place of numbers and their units."""
        while self._at < len(self._items):
            item = self._items[self._at]
            made = self._measure() or self._single(item)
            if made is None:
                self._made.append(item)
                self._at += 1
        return self._made

    def _peek(self, ahead: int = 0) -> Item | None:
        at = self._at + ahead
        return self._items[at] if at < len(self._items) else None

    def _put(self, concept: str, taken: int, value: Any) -> bool:
        first, last = self._items[self._at], self._items[self._at + taken - 1]
        text = self._original(first.start, last.end)
        self._made.append(Item(concept, text, first.start, last.end, value))
        self._at += taken
        return True

    def _single(self, item: Item) -> bool | None:
        """What is a measure by itself: 1080p, 1280x720, 0:45, 9:16, 2x, 4K."""
        if item.concept in _NAMED_LINES:
            before = self._made[-1] if self._made else item
            full = item.concept == "hd" and before.concept == "same" and before.end == item.start  # フルHD
            return self._put("lines", 1, (None, _NAMED_LINES["full_hd" if full else item.concept], None))
        if item.concept == "lines":
            lines, _, rate = item.text.replace(" ", "").replace("i", "p").partition("p")
            return self._put("lines", 1, (None, int(lines), float(rate) if rate else None))
        if item.concept == "box":
            width, height = (int(side) for side in item.text.replace("*", "x").split("x"))
            return self._put("lines", 1, (width, height, None))
        if item.concept in _TURNS:
            return self._put("degrees", 1, _TURNS[item.concept])
        if item.concept == "half_more" and self._is_half_a_unit():
            return self._fraction(0.5, 1)
        if item.concept == "clock":
            return self._put("clock", 1, seconds_of(item.text))
        if item.concept == "ratio":
            return self._ratio(item)
        if item.concept == "factor":
            return self._put("factor", 1, float(item.text.replace("x", "").strip().replace(",", ".")))
        if item.concept == "percent_of":
            self._at += 1
            number = self._number()
            self._at -= 1
            return self._put("percent", 1 + number.taken, number.value) if number else None
        if item.concept == "unit":
            return self._lonely_unit(item)
        return None

    def _is_half_a_unit(self) -> bool:
        """As in 最后半分钟, 半个G: the half that others are told with stands before a unit of its own."""
        after = [item for item in (self._peek(1), self._peek(2)) if item]
        if after and after[0].concept == "unit" and after[0].value == "people":
            after = after[1:]
        return self._han and bool(after) and after[0].concept == "unit" and after[0].value in (*BYTES, *SECONDS)

    def _ratio(self, item: Item) -> bool:
        text = item.text.replace(" ", "").replace("x", ":")
        if text in ASPECTS:
            return self._put("aspect", 1, text)
        above, _, below = text.replace(":", "/").partition("/")
        if ":" not in text and 0 < float(above) < float(below):
            return self._fraction(float(above) / float(below), 1)
        return self._put("number", 1, None)

    def _lonely_unit(self, item: Item) -> bool | None:
        """A unit without a number: "second 2", "the last minute", "a minute", "fps 30"."""
        if item.value == "fps":
            return self._rate_after_its_unit()
        following = self._peek(1)
        if item.value in BYTES and following and following.concept == "half_more":
            return self._put("size", 2, round(1.5 * BYTES[item.value]))  # gigabyte y medio
        if item.value not in SECONDS:
            return None
        if following and following.concept == "clock":
            return self._put("clock", 2, seconds_of(following.text))
        self._at += 1
        number = self._number()
        after = self._peek(number.taken) if number else None
        self._at -= 1
        if number and not (after and after.concept == "unit"):
            return self._put("clock", 1 + number.taken, number.value * SECONDS[item.value])
        article = bool(self._made) and self._words_for_numbers.get(self._made[-1].text.split()[-1]) == 1
        if article and self._made[-1].concept == "to":
            return self._put("duration", 1, float(SECONDS[item.value]))  # to a minute
        if any(before.concept in ("first", "last") for before in self._made[-2:]):
            more = bool(following and following.concept == "half_more")
            return self._put("duration", 1 + more, SECONDS[item.value] * (1.5 if more else 1.0))
        return None

    def _rate_after_its_unit(self) -> bool | None:
        """As in "fps 30", "fps: 30", "fotogramas a 24"."""
        ahead = 2 if (between := self._peek(1)) and between.concept in ("to", "is", "limit") else 1
        self._at += ahead
        number = self._number()
        after = self._peek(number.taken) if number else None
        self._at -= ahead
        if number is None or math.isnan(number.value) or (after and after.concept == "unit"):
            return None
        return self._put("fps", ahead + number.taken, number.value)

    def _measure(self) -> bool | None:
        """A number and its unit at this place; a number alone where no unit follows."""
        first = self._peek()
        if first and first.concept == "fraction":
            return self._fraction(first.value, 1)
        number = self._number()
        if number is None:
            return None
        value, taken = number.value, number.taken
        edge = self._peek(taken)
        unit = self._peek(taken)
        inside = 0
        if edge and edge.concept in ("first", "last"):
            # Les 8 dernières secondes: the edge stands inside the measure.
            unit, inside = self._peek(taken + 1), 1
            if not (unit and unit.concept == "unit" and unit.value in SECONDS):
                unit, inside = None, 0
        elif edge and edge.concept == "half_more":
            value, taken = value + 0.5, taken + 1
            unit = self._peek(taken)
        if unit is None or unit.concept != "unit":
            return self._bare(value, taken)
        if unit.value == "people" and (measured := self._counted(taken + inside)):
            # 一个G, 一个半G: the word for counting stands between.
            more, unit = measured
            return self._with_unit(value + more / 2, taken + inside + 1 + more, unit)
        if inside and edge:
            self._made.append(edge)
        return self._with_unit(value, taken + inside, unit)

    def _counted(self, at: int) -> tuple[int, Item] | None:
        """The unit of size or time after a word for counting, and whether a half stands between."""
        for more in (0, 1):
            unit, half = self._peek(at + 1 + more), self._peek(at + 1)
            halved = not more or bool(half and (half.concept == "half_more" or half.value == 0.5))
            if halved and unit and unit.concept == "unit" and unit.value in (*BYTES, *SECONDS):
                return more, unit
        return None

    def _with_unit(self, value: float, taken: int, unit: Item) -> bool:
        name: str = unit.value
        if math.isnan(value):
            return self._put("bad", taken + 1, None)
        glued = self._items[self._at + taken - 1].end == unit.start
        letter = self._original(unit.start, unit.end)
        after = self._peek(taken + 1)
        if after and after.concept == "half_more" and name in (*BYTES, *SECONDS):
            value, taken = value + 0.5, taken + 1
        if name == "over":
            return self._han_fraction(value, taken)
        if name == "tenths":
            return self._put("percent", taken + 1, value * 10)
        if name == "kb" and unit.text == "k":
            if glued and value in _KILOLINES:
                return self._put("lines", taken + 1, (None, _KILOLINES[int(value)], None))
            if self._sound_is_near(taken + 1):
                return self._put("kbps", taken + 1, value)
        if name == "mb" and letter == "m" and self._is_minutes(taken + 1):
            name = "min"
        if name in BYTES and (pace := self._pace(taken + 1)) is not None:
            return self._put("pace", taken + 1 + pace, None)
        if name in BYTES:
            return self._put("bad" if self._negative() or value <= 0 else "size", taken + 1, round(value * BYTES[name]))
        if name in SECONDS:
            return self._duration(value, taken, name)
        if name == "lines":
            return self._bare(value, taken)
        return self._put(_PLAIN_UNITS[name], taken + 1, value)

    def _pace(self, at: int) -> int | None:
        """How many items after a size make a pace of it ("5 MB a minute"); None where it stays a size."""
        if self._made and self._made[-1].concept == "per":
            return 0
        first, second = self._peek(at), self._peek(at + 1)
        if first and first.concept == "per":
            return 1
        article = first is not None and self._words_for_numbers.get(first.text) == 1
        timed = second is not None and second.concept == "unit" and second.value in SECONDS
        return 2 if article and timed else None

    def _duration(self, value: float, taken: int, name: str) -> bool:
        seconds, taken = value * SECONDS[name], taken + 1
        following = self._peek(taken)
        previous = self._items[self._at + taken - 1]
        if following and following.concept == "digits" and name in _NEXT_SMALLER:
            after = self._peek(taken + 1)
            # 1 min 05: apart, but two digits with nothing behind them that they could count.
            apart = following.start - previous.end == 1 and len(following.text) == 2
            another = any(item.concept == "duration" and _APART.fullmatch(item.text) for item in self._made[-4:])
            apart = apart and (another or after is None or after.concept in _AFTER_A_TIME)
            if (following.start == previous.end or apart) and not (after and after.concept == "unit"):
                seconds += float(following.text) * SECONDS[_NEXT_SMALLER[name]]
                taken += 1
        last = self._made[-1] if self._made else None
        if last and last.concept == "and" and len(self._made) > 1 and self._made[-2].concept == "duration":
            last = self._made[-2]
        if last and last.concept == "duration" and seconds < 60 <= last.value:
            # One minute (and) five seconds.
            while self._made[-1] is not last:
                self._made.pop()
            self._made.pop()
            first = self._items[self._at]
            end = self._items[self._at + taken - 1].end
            self._made.append(Item("duration", self._original(last.start, end), last.start, end, last.value + seconds))
            assert first.start >= last.end, "items stand in the order of the text"
            self._at += taken
            return True
        return self._put("duration", taken, seconds)

    def _han_fraction(self, below: float, taken: int) -> bool:
        """4分の1: the denominator comes first."""
        self._at += taken + 1
        number = self._number()
        self._at -= taken + 1
        if number is None or below <= number.value:
            return self._put("number", taken + 1, None)
        return self._fraction(number.value / below, taken + 1 + number.taken)

    def _fraction(self, value: float, taken: int) -> bool:
        """A share of the whole; before a unit of size or time it is a number ("half a gig")."""
        ahead = taken
        while (filler := self._peek(ahead)) and _is_between(filler) and ahead < taken + 2:
            ahead += 1
        unit = self._peek(ahead)
        if unit and unit.concept == "unit" and unit.value in (*BYTES, *SECONDS):
            concept = "size" if unit.value in BYTES else "duration"
            scale = BYTES.get(unit.value) or SECONDS[unit.value]
            return self._put(
                concept, ahead + 1, round(value * scale, 3) if concept == "duration" else round(value * scale)
            )
        return self._put("fraction", taken, value)

    def _bare(self, value: float, taken: int) -> bool:
        fraction = self._peek(taken)
        if fraction and fraction.concept == "fraction" and fraction.value < 1:
            return self._fraction(value * fraction.value, taken + 1)
        if fraction and fraction.concept == "percent_of":
            return self._put("percent", taken + 1, value)
        if (
            _FEWEST_LINES <= value <= _MOST_LINES
            and fraction
            and fraction.concept == "unit"
            and fraction.value == "lines"
        ):
            return self._put("lines", taken + 1, (None, int(value), None))
        return self._put("number", taken, None if math.isnan(value) else value)

    def _number(self) -> _Number | None:
        item = self._peek()
        if item is None:
            return None
        if item.concept == "digits":
            whole = self._digits(item)
            return self._with_decimals(whole) if whole else None
        if item.concept == "number":
            return self._with_decimals(self._words(item.value))
        if item.concept == "point" and (after := self._peek(1)) and after.concept in ("number", "digits"):
            return self._with_decimals(_Number(0.0, 0))
        # "A gig", "un giga y medio", "one and a half": words that are numbers before a unit only.
        following = self._peek(1)
        if item.text in self._words_for_numbers and following and following.concept in ("unit", "half_more"):
            return self._words(self._words_for_numbers[item.text])
        if item.text in self._words_for_numbers and following and following.concept == "point":
            return self._with_decimals(_Number(self._words_for_numbers[item.text], 1))
        return None

    def _with_decimals(self, whole: _Number) -> _Number:
        """As in "one point five", "uno coma setenta y cinco": what follows the word counts by its digits."""
        point, after = self._peek(whole.taken), self._peek(whole.taken + 1)
        if not (point and point.concept == "point" and after and after.concept in ("digits", "number")):
            return whole
        if after.concept == "digits":
            decimals, taken = after.text, 1
        else:
            self._at += whole.taken + 1
            part = self._words(after.value)
            self._at -= whole.taken + 1
            decimals, taken = f"{part.value:g}", part.taken
        if not decimals.isdigit():
            return _Number(math.nan, whole.taken + 1 + taken)
        return _Number(float(f"{whole.value:g}.{decimals}"), whole.taken + 1 + taken)

    def _digits(self, item: Item) -> _Number | None:
        text, taken = item.text, 1
        while self._spaced and (group := self._peek(taken)) and _continues(self._items[self._at + taken - 1], group):
            text, taken = text + group.text, taken + 1
        try:
            value = float(parse_number(text))
        except ValueError:
            return _Number(math.nan, taken)  # 1,2,3 can be read in no one way
        following = self._peek(taken)
        if following and following.concept == "number" and following.value in (100, 1000) and value < following.value:
            return _Number(value * following.value, taken + 1)  # 2 hundred, 1,5 mil
        return _Number(value, taken)

    def _words(self, first: float) -> _Number:
        values, taken = [first], 1
        while following := self._peek(taken):
            if following.concept == "number" and adds(values, following.value):
                values.append(following.value)
                taken += 1
                continue
            after = self._peek(taken + 1)
            joined = following.concept in ("and", "then") and after and after.concept == "number"
            if joined and after and values[-1] >= 20 and after.value < values[-1] and after.value < 100:
                values.append(after.value)
                taken += 2
                continue
            break
        return _Number(spoken_number(values), taken)

    def _negative(self) -> bool:
        before = self._made[-1] if self._made else None
        if before is None or before.concept != "dash" or before.end != self._items[self._at].start:
            return before is not None and before.text in _MINUS
        return len(self._made) < 2 or self._made[-2].end != before.start

    def _sound_is_near(self, taken: int) -> bool:
        following = [self._peek(taken + n) for n in range(_LEAST_WORD_OF_SOUND)]
        near = [*self._made[-_LEAST_WORD_OF_SOUND:], *(item for item in following if item)]
        return any(item.concept == "sound" for item in near)

    def _is_minutes(self, taken: int) -> bool:
        if any(item.concept in ("first", "last") for item in self._made[-2:]):
            return True
        seconds, unit = self._peek(taken), self._peek(taken + 1)
        return bool(seconds and unit and seconds.concept == "digits" and unit.concept == "unit" and unit.value == "s")


def _continues(before: Item, group: Item) -> bool:
    """Whether ``group`` is the next three digits of one number: 1 500."""
    return (
        group.concept == "digits"
        and len(group.text) == 3
        and len(before.text) <= 3
        and group.start - before.end == 1
        and group.text.isdigit()
        and before.text.isdigit()
    )


def _is_between(item: Item) -> bool:
    """As in "a quarter of a gig", "un quart de giga", 四分之一个G: what stands between a share and its unit."""
    return item.concept in ("this", "filler", "of", "from", "by") or (item.concept, item.value) == ("unit", "people")
