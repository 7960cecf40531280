"""How, where and into how many: quality, speed, the machine, splitting, one limit for all."""

from __future__ import annotations

from tightfit.intent.reading import Reading

_MOST_PARTS = 1000


def read_manner(reading: Reading) -> None:
    """The wishes that are about the work rather than the picture."""
    _split(reading)
    _total(reading)
    _stays_here(reading)
    for at in reading.find("best"):
        reading.wish("quality", "best", at)
    for at in reading.find("fast"):
        reading.wish("speed", "fast", at)
    for at in reading.find("local", "cloud", "cluster"):
        if reading.concept(at) != "local" and _denied(reading, at):
            reading.wish("where", "local", at, *_denial(reading, at))
        elif reading.concept(at) == "cloud" and reading.find("upload", among=reading.clause(at)):
            continue
        else:
            reading.wish("where", reading.concept(at), at)


def _stays_here(reading: Reading) -> None:
    """As in "this must not leave my laptop": what is denied to go out is done here."""
    for at in reading.find("leave"):
        clause = reading.clause(at)
        denials = reading.find("not", "no", among=clause)
        if denials and not reading.find("size", "percent", "span", "sound", "lines", among=clause):
            reading.wish("where", "local", at, *denials)


def _denial(reading: Reading, at: int) -> list[int]:
    return [place for place in reading.before(at) if reading.concept(place) in ("not", "no")]


def _denied(reading: Reading, at: int) -> bool:
    return len(_denial(reading, at)) % 2 == 1


def _split(reading: Reading) -> None:
    for at in reading.find("split", "parts", "unit"):
        if at in reading.used or (reading.concept(at) == "unit" and reading.items[at].value != "parts"):
            continue
        clause = reading.clause(at)
        counted = reading.find("parts", among=clause)
        verbs = reading.find("split", "cut", among=clause) or _in_shares(reading, at)
        numbers = reading.find("number", "count", among=clause)
        if reading.find("weight", "original", among=clause) and not reading.find("parts", "pieces", among=clause):
            continue  # "divide the size by two"
        if not verbs and (reading.concept(at) != "parts" or reading.concept(at - 1) == "label"):
            continue
        if reading.find("size", among=clause):
            # 1個25MB: the word for one part says "each".
            ones = [place for place in [*numbers, *counted] if reading.items[place].value == 1]
            reading.use(*ones)
            numbers = [place for place in numbers if place not in ones]
            counted = [place for place in counted if place not in ones]
        parts: int | bool = True
        words = [*verbs, *reading.find("pieces", "equal", "to", "inwards", "each", "part", among=clause)]
        if counted or (numbers and verbs):
            place = (counted or numbers)[0]
            parts = int(reading.items[place].value or 0)
            words = [*words, place]
        elif (halves := reading.find("fraction", among=clause)) and (
            at in verbs or reading.find("split", among=clause)
        ):
            parts = round(1 / reading.items[halves[0]].value)
            words = [*words, *halves]
        elif not reading.find("split", among=clause):
            continue
        if parts is not True and not 2 <= parts <= _MOST_PARTS:
            reading.doubt(*words)
            continue
        reading.wish("split", parts, *words)
        reading.use(*reading.find("pieces", "each", "equal"))
    _pieces_of_a_size(reading)


def _in_shares(reading: Reading, at: int) -> list[int]:
    """As in 半分に分割して: the verb is a word for parts too, and a share stands before it."""
    return [at] if reading.concept(at) == "unit" and reading.concept(at - 1) == "fraction" else []


def _pieces_of_a_size(reading: Reading) -> None:
    """As in "chunks of 24 MB each": without a verb, but nothing else makes pieces of a size."""
    for at in reading.find("pieces"):
        clause = reading.clause(at)
        each = reading.find("each", among=clause)
        if reading.find("size", among=clause) and (each or _have_a_size(reading, at)):
            reading.wish("split", True, at, *each)


def _have_a_size(reading: Reading, at: int) -> bool:
    """As in "pieces of at most 15 MB": between the noun and the size stands nothing but how they are joined."""
    after = at + 1
    while reading.concept(after) in ("of", "from", "by", "limit", "about", "filler", "to"):
        after += 1
    joined = after > at + 1 and reading.concept(after) == "size"
    told = reading.concept(at - 1) in ("", "this", "filler", "from", "to", "make", "comma", "want", "and")
    return joined and told and reading.lexicon.script == "latin"


def _total(reading: Reading) -> None:
    strong = reading.find("together")
    weak = reading.find("total")
    several = (
        len(reading.files) > 1
        or reading.find("several")
        or any(item.concept == "count" and item.value and item.value > 1 for item in reading.items)
    )
    if strong or (weak and several):
        reading.wish("total", True, *strong, *weak)
    reading.use(*weak)
