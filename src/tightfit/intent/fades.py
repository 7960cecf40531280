"""Fades of the picture and the sound, at the beginning and at the end."""

from __future__ import annotations

from tightfit.intent.model import Edit
from tightfit.intent.reading import Reading
from tightfit.intent.spans import Span

_FADE_S = 1.0  # where nobody says how long: as long as most editors' own
_LONGEST_FADE = 60  # seconds; a bare number above it is no length of a fade


def read_fades(reading: Reading) -> None:
    """Every fade, with its length where one is told."""
    for at in reading.find("fade_in", "fade_out", "fade"):
        if at not in reading.used:
            _fade(reading, at)
    _joined_fades(reading)


def _fade(reading: Reading, at: int) -> None:
    clause = reading.clause(at)
    times = reading.find("span", "duration", among=clause)[:1] or _bare_seconds(reading, clause)
    inwards, outwards = _directions(reading, clause)
    edge = reading.items[times[0]].value.edge if times and reading.concept(times[0]) == "span" else ""
    edit: Edit = {"kind": "fade"}
    seconds = _seconds(reading, times[0]) if times else _FADE_S
    if inwards or edge == "first":
        edit["in_s"] = seconds
    if outwards or (edge == "last" and not inwards):
        edit["out_s"] = seconds
    if len(edit) == 1:
        return
    if not times and _is_told_already(reading, edit):
        reading.use(at)  # "dim it at the end over 4 seconds, like a fade out"
        return
    if not times:
        reading.assume("assumed_fade")
    named = reading.find("sound", "picture", among=clause)[:1]
    if named:
        edit["target"] = "sound" if reading.concept(named[0]) == "sound" else "picture"
    if inwards and (also := _also_out(reading, clause, seconds)):
        edit["out_s"] = also
    words = reading.find(
        *("fade", "fade_in", "fade_out", "inwards", "outwards", "write", "last", "first", "limit"),
        *("opening", "closing"),
        among=clause,
    )
    reading.edit(at, edit, *times, *named, *outwards, *words)


def _directions(reading: Reading, clause: range) -> tuple[list[int], list[int]]:
    """The words that say in, and those that say out."""
    plain = reading.find("fade", among=clause)
    inwards = reading.find("fade_in", among=clause) or (plain and reading.find("inwards", among=clause))
    outwards = reading.find("fade_out", "outwards", among=clause)
    if plain:
        outwards += reading.find("remove", among=clause)  # fade the sound out
    if plain and not (inwards or outwards):
        inwards, outwards = reading.find("opening", among=clause), reading.find("closing", among=clause)
    return inwards, outwards


def _bare_seconds(reading: Reading, clause: range) -> list[int]:
    """As in "fade in over 2 and out over 3": the number that ends the clause; a fade has no other."""
    numbers = [at for at in reading.find("number", among=clause) if 0 < (reading.items[at].value or 0) <= _LONGEST_FADE]
    last = bool(reading.lexicon.grammar.get("verbs_last"))
    return [at for at in numbers if at + 1 == clause.stop or last][:1]


def _is_told_already(reading: Reading, edit: Edit) -> bool:
    """Whether a fade without a length is one whose length was told before."""
    return any(pair[1]["kind"] == "fade" and edit.keys() <= pair[1].keys() for pair in reading.edits)


def _joined_fades(reading: Reading) -> None:
    """As in "fade in over 2 s and fade out over 3 s": the two ends of one fade."""
    fades = [pair for pair in reading.edits if pair[1]["kind"] == "fade"]
    if len(fades) != 2 or fades[0][1].get("target") != fades[1][1].get("target"):
        return
    first, second = fades
    if first[1].keys() & second[1].keys() <= {"kind", "target"}:
        reading.edits.remove(second)
        reading.edits[reading.edits.index(first)] = (first[0], {**first[1], **second[1]})


def _also_out(reading: Reading, clause: range, seconds: float) -> float:
    """The length out, as in "fade in and out", "fade in over 2 and out over 3": a clause of its own. 0 without one."""
    following = reading.next_clause(clause)
    if not (following and reading.concept(following.start) in ("outwards", "remove")):
        return 0
    if reading.concept(following.start) == "remove" and reading.find("span", among=following):
        return 0  # "fade in, remove the last 7 seconds"
    times = reading.find("duration", among=following) or _bare_seconds(reading, following)
    reading.use(following.start, *times[:1])
    return _seconds(reading, times[0]) if times else seconds


def _seconds(reading: Reading, at: int) -> float:
    value = reading.items[at].value
    if not isinstance(value, Span):
        return float(value)
    if value.last is not None:
        return value.last
    return (value.end or 0.0) - (value.start or 0.0)
