"""As in "20, no, 30 MB": the last word counts. "20 or 30 MB" is a question."""

from __future__ import annotations

import re
from dataclasses import replace

from tightfit.intent.concepts import named
from tightfit.intent.reading import NEUTRAL, Reading

_MEASURES = named("size percent fraction lines fps number duration kbps preset codec container")
_PAUSES = frozenset(("comma", "stop", "dash"))
_JOINTS = named("to dash end and limit")
_LEADING = re.compile(r"\d+(?:[.,]\d+)?")
_BETWEEN = named(
    "comma stop dash filler to make limit not no correction then about can want compress by is statement greeting"
)


def read_corrections(reading: Reading) -> None:
    """What was taken back is used up; what is offered as a choice is doubtful."""
    _ranges(reading)
    _carried_units(reading)
    for at, item in enumerate(reading.items):
        if item.concept not in _MEASURES:
            continue
        stop = at + 1
        while stop < len(reading.items) and (reading.concept(stop) in _BETWEEN | {"or"} or _thinks(reading, at, stop)):
            stop += 1
        if stop >= len(reading.items) or stop == at + 1:
            continue
        other = reading.items[stop]
        between = [reading.concept(place) for place in range(at + 1, stop)]
        if item.concept == "size" and other.concept == "number" and between[-1] == "not":
            reading.use(stop - 1, stop)  # "I said 3 MB, not 30"
            continue
        if item.concept == "size" and other.concept == "number" and _is_correction(between):
            if _is_asked(reading, stop):
                reading.doubt(at, stop)  # "20 MB, or rather 25?"
                reading.questions.append("ask_which")
                continue
            if "correction" not in between and between[-1] not in _PAUSES:
                reading.doubt(at, stop)  # "3 MB, no 30": in which language?
                continue
            if not _takes_the_unit(reading, at, stop):
                reading.doubt(at, stop)
                continue
            other = reading.items[stop]
        if item.concept == "size" and other.concept == "number" and "or" in between:
            reading.doubt(at, stop)  # "20 MB or 25?"
            reading.questions.append("ask_which")
            continue
        if item.concept == "size" == other.concept and between[-1] in ("not", "no") and _corrected_before(reading, at):
            reading.use(*range(at + 1, stop + 1))  # "sorry, typo: 14 MB, not 41 MB"
            continue
        shares = {item.concept, other.concept} <= {"percent", "fraction"}
        alike = item.concept == other.concept or item.concept == "number" or shares
        if not alike or other.concept not in _MEASURES:
            continue
        denied = _denied_before(reading, at)
        if between[-1] == "or" and _settles(reading, stop):
            reading.use(at, *range(at + 1, stop))
            continue
        if _is_correction(between) or (denied and not {"not", "no"} & set(between)):
            reading.use(*denied)
            said = [place for place in range(at + 1, stop) if reading.concept(place) not in ("by", "to")]
            reading.use(at, *said)
        elif "or" in between and item.value != other.value:
            reading.doubt(at, *[place for place in range(at + 1, stop) if reading.concept(place) == "or"], stop)
            reading.questions.append("ask_which")


def _thinks(reading: Reading, at: int, place: int) -> bool:
    """As in "12 MB… ops, errei, é 21 MB": words of a second thought that are not known, after one that is."""
    between = [reading.concept(each) for each in range(at + 1, place)]
    passing = reading.concept(place) in ("and", "unknown", "cancel")  # "no, stop, 9 MB"
    return "correction" in between and passing and between.count("unknown") < 2


def _corrected_before(reading: Reading, at: int) -> bool:
    """Whether the text begins with the words of a second thought: what follows is the thought, and what it is not."""
    return all(reading.concept(place) in _PAUSES | {"correction", "filler", "is", "then"} for place in range(at)) and (
        "correction" in {reading.concept(place) for place in range(at)}
    )


def _settles(reading: Reading, at: int) -> bool:
    """As in 40MB，嗯，还是38MB吧: after a pause, with the particle of who makes up one's mind."""
    after = reading.items[at + 1].text if at + 1 < len(reading.items) else ""
    return reading.concept(at - 2) in _PAUSES and reading.lexicon.script == "han" and after.startswith("吧")


def _is_asked(reading: Reading, at: int) -> bool:
    """Whether the text ends with ``at`` and a question mark."""
    return at + 1 == len(reading.items) - 1 and reading.items[at + 1].text[:1] == "?"


def _carried_units(reading: Reading) -> None:
    """As in "it weighs 900 MB and I need it at 80": a bare number that is all a later clause asks for has that unit."""
    sizes = reading.find("size")
    if len(sizes) != 1:
        return
    size = sizes[0]
    counted = leading_number(reading.items[size].text)
    for at in reading.find("number"):
        value = reading.items[at].value
        if value and value < counted and (_goes_down_to(reading, size, at) or _is_asked_later(reading, size, at)):
            _give_unit(reading, size, at)


def _goes_down_to(reading: Reading, size: int, at: int) -> bool:
    """As in "from 900 MB to 80"."""
    joined = [reading.concept(place) for place in (size - 1, size + 1)]
    ends = at + 1 not in reading.clause(at)
    return at == size + 2 and joined[1] == "to" and joined[0] in ("from", "by", "of") and ends


def _is_asked_later(reading: Reading, size: int, at: int) -> bool:
    clause = reading.clause(at)
    concepts = {reading.concept(place) for place in clause}
    told = any(reading.concept(place) == "is" for place in [*reading.before(size), *reading.after(size)])
    asked = at > size and size not in clause and concepts & {"want", "make", "compress"}
    if not told or not asked or not concepts <= NEUTRAL | named("number to by limit want make compress then"):
        return False
    if reading.lexicon.grammar.get("verbs_last"):
        return reading.concept(at + 1) in ("make", "to", "compress")
    brought = reading.items[at - 1].text in reading.lexicon.either and "compress" not in concepts  # fique em 80
    return at + 1 not in clause and (reading.concept(at - 1) in ("to", "limit", "about") or brought)


def _ranges(reading: Reading) -> None:
    """As in "20-30 MB", "between 20 and 30 MB": which of them, nobody can tell. "From 500 to 50 MB" tells."""
    for at in reading.find("size"):
        joint = at - 1
        while reading.concept(joint) in ("about", "filler"):
            joint -= 1
        number = joint - 1
        if reading.concept(number) not in ("number", "size") or not reading.find("number", "size", among=[number]):
            continue
        around = {reading.concept(place) for place in (number - 2, number - 1, at + 1, at + 2)}
        between = "between" in around and reading.concept(joint) in _JOINTS | {"from"}
        if between or (reading.concept(joint) in _JOINTS - {"and"} and _ascends(reading, number, at)):
            reading.doubt(number, joint, at)
            reading.questions.append("ask_which")


def _ascends(reading: Reading, number: int, at: int) -> bool:
    """Whether a bare number is the lower end of a range: not "day 2 to 30 MB", not "2019 to 30 MB"."""
    value = reading.items[number].value
    if reading.concept(number) == "size" or not value:
        return False
    told = reading.concept(number - 1) in ("from", "label", "unknown", "video", "date", "file", "text")
    return not told and value < (leading_number(reading.items[at].text) or _in_words(reading.items[at].value))


def _in_words(size: float) -> float:
    """The number of a size that is told in words: "ten to fifteen MB"."""
    scale = next((scale for scale in (10**9, 10**6, 10**3) if size >= scale), 1)
    return size / scale


def _takes_the_unit(reading: Reading, at: int, number: int) -> bool:
    """As in "12 MB, no, 14": the number is one of the same unit, where it is not far from the first."""
    first, second = reading.items[at], reading.items[number]
    counted = leading_number(first.text)
    if not counted or not second.value or not 0.1 <= second.value / counted <= 10:
        return False
    _give_unit(reading, at, number)
    return True


def _give_unit(reading: Reading, at: int, number: int) -> None:
    """Make the number a size in the unit of the size at ``at``."""
    first, second = reading.items[at], reading.items[number]
    value = round(first.value / leading_number(first.text) * second.value)
    meant = replace(second, concept="size", value=value)
    reading.items = [meant if place == number else item for place, item in enumerate(reading.items)]


def leading_number(text: str) -> float:
    """The number that a measure begins with; 0 where it is in words."""
    found = _LEADING.match(text)
    return float(found[0].replace(",", ".")) if found else 0.0


def _denied_before(reading: Reading, at: int) -> list[int]:
    """As in "not 50, I meant 15 MB", 不是20MB，是30MB: what is denied and told otherwise right after."""
    before = at - 1
    while reading.concept(before) in ("to", "filler", "about", "is", "by"):
        before -= 1
    return [before] if reading.concept(before) in ("not", "no") else []


def _is_correction(between: list[str]) -> bool:
    if "correction" in between:
        return True
    for at, concept in enumerate(between):
        ahead = at > 0 and between[at - 1] in _PAUSES
        behind = at + 1 < len(between) and between[at + 1] in _PAUSES
        # "20, no 30" takes the first back; "20, not 30" denies the second.
        if (concept == "no" and (ahead or behind)) or (concept == "not" and ahead and behind):
            return "or" not in between
    return False
