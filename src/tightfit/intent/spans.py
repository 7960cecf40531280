"""Times become stretches of the clip: from 0:20 to 0:35, the first 30 seconds, the last ten, from 1:00 on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tightfit.intent.items import Item

_NEUTRAL = frozenset(("this", "filler", "of", "part", "about", "video", "only", "label"))
_BETWEEN = frozenset(("to", "end", "dash", "limit", "begin"))


@dataclass(frozen=True)
class Span:
    """Seconds of the clip; ``edge`` says where it is held: "first", "last", "open" at its far side, or nowhere."""

    start: float | None = None
    end: float | None = None
    last: float | None = None
    edge: str = ""


def with_spans(items: Sequence[Item], *, postposed: bool) -> list[Item]:
    """``items`` with stretches of time in place of what tells them; ``postposed``: 1:30以前 says "until" last."""
    made: list[Item] = []
    at = 0
    while at < len(items):
        found = _range(items, at, postposed=postposed) or _past_the_first(items, at, postposed=postposed)
        found = found or _edge(items, at) or _open(items, at, postposed=postposed)
        if found is None:
            made.append(items[at])
            at += 1
            continue
        taken, span = found
        first, last = items[at], items[at + taken - 1]
        text = " ".join(item.text for item in items[at : at + taken])
        made.append(Item("span", text, first.start, last.end, span))
        at += taken
    return made


def _skip(items: Sequence[Item], at: int, concepts: frozenset[str] = _NEUTRAL, most: int = 3) -> int:
    stop = at + most
    while at < min(len(items), stop) and items[at].concept in concepts:
        at += 1
    return at


def _is_time(items: Sequence[Item], at: int) -> bool:
    return at < len(items) and items[at].concept in ("clock", "duration")


def _is_number(items: Sequence[Item], at: int) -> bool:
    return at < len(items) and items[at].concept == "number" and items[at].value is not None


def _concept(items: Sequence[Item], at: int) -> str:
    return items[at].concept if 0 <= at < len(items) else ""


def _range(items: Sequence[Item], start: int, *, postposed: bool) -> tuple[int, Span] | None:
    """From one time to another. A number without a unit takes the other's."""
    at = start
    opened = _concept(items, at) in ("from", "between", "begin", "by", "of")
    if _concept(items, at) == "label" and _is_time(items, at + 1):
        at += 1  # 第15秒到第25秒
    between = _concept(items, at) == "between"
    if opened:
        at = _skip(items, at + 1, _NEUTRAL | ({"to", "statement"} if _concept(items, at) == "begin" else set()))
    if not (_is_time(items, at) or _is_number(items, at)):
        return None
    first = at
    if (whole := _to_the_end(items, start, at, postposed=postposed)) is not None:
        return whole
    at += 1
    behind = _concept(items, at) in ("from", "begin") or (opened and _concept(items, at) == "first")
    joiners = _BETWEEN | {"from"} | ({"begin"} if not opened else frozenset()) | ({"and"} if between else frozenset())
    middle = _skip(items, at, joiners | _NEUTRAL, most=4)
    if not any(item.concept in joiners for item in items[at:middle]):
        middle = _second_thought(items, at + behind) if opened else at
        if middle in (at, at + behind):
            return None
    second = middle
    if not (_is_time(items, second) or _is_number(items, second)):
        return None
    a, b = items[first], items[second]
    if not ({a.concept, b.concept} & {"clock", "duration"}):
        return None
    numbered = a.concept == "clock" and ":" not in a.text  # seconds 1 to 4
    if "number" in (a.concept, b.concept) and not (opened or behind or numbered):
        return None
    lasting = {item.concept for item in items[at:middle]} <= {"from", "begin"} | _NEUTRAL and a.concept == "duration"
    if lasting and b.concept == "clock" and not opened and _concept(items, second + 1) not in ("end", "limit"):
        return second + 1 - start, Span(float(b.value), float(b.value) + float(a.value))  # 10 seconds from 0:30
    begin, end = _in_seconds(a, b), _in_seconds(b, a)
    if begin is None or end is None or begin >= end:
        return None
    stop = second + 1
    if _concept(items, stop) == "end":
        stop += 1
    stop = _with_part(items, stop)
    return stop - start, Span(begin, end)


def _to_the_end(items: Sequence[Item], start: int, at: int, *, postposed: bool) -> tuple[int, Span] | None:
    """From 1:05 to the end, 3分20秒から最後まで."""
    after = _skip(items, at + 1, _BETWEEN | {"from", "this", "filler", "video"}, most=4)
    joined = {item.concept for item in items[at + 1 : after]} & (_BETWEEN | {"from"})
    opened = start < at or (postposed and _concept(items, at + 1) == "from")
    if not joined or (items[at].concept != "clock" and not (items[at].concept == "duration" and opened)):
        return None
    if _concept(items, after) != "last" or _is_time(items, after + 1) or _is_number(items, after + 1):
        return None
    stop = after + 1
    if _concept(items, stop) in ("limit", "end") and items[stop].start == items[after].end:
        stop += 1  # 最後まで
    return stop - start, Span(start=float(items[at].value), edge="open")


def _second_thought(items: Sequence[Item], at: int) -> int:
    """Start at 0:15 and stop at 0:45: where the second time stands."""
    after = _skip(items, at, frozenset(("and", "then", "comma", "this", "filler")), most=4)
    paused = after > at
    if not paused or _concept(items, after) not in ("end", "to"):
        return at
    return _skip(items, after + 1, _NEUTRAL | {"to", "statement"})


def _with_part(items: Sequence[Item], stop: int) -> int:
    """0:20到0:35这段, the bit between 0:30 and 1:00: the word for the stretch belongs to it."""
    after = _skip(items, stop, frozenset(("of", "filler", "this")), most=2)
    return after + 1 if _concept(items, after) == "part" else stop


def _in_seconds(item: Item, other: Item) -> float | None:
    value = float(item.value)
    if item.concept != "number":
        return value
    # "From 3 to 8 seconds": eight seconds are 8, so three are 3; in minutes both count sixty times.
    text = other.text.lower()
    minutes = other.value >= 60 and other.value % 60 == 0 and ":" not in text
    return value * 60 if minutes else value


def _past_the_first(items: Sequence[Item], start: int, *, postposed: bool) -> tuple[int, Span] | None:
    """Everything after the first minute; 最初の1分以降."""
    at = _skip(items, start + 1, _NEUTRAL) if _concept(items, start) == "begin" else start
    if at == start and not postposed:
        return None
    if _concept(items, at) != "first" or (found := _edge(items, at)) is None:
        return None
    taken, span = found
    stop = at + taken
    if at == start:
        if _concept(items, stop) != "begin":
            return None
        stop += 1
    return stop - start, Span(start=span.end, edge="open")


def _edge(items: Sequence[Item], start: int) -> tuple[int, Span] | None:
    """The first 30 seconds; the last minute; 8 seconds at the end."""
    concept = _concept(items, start)
    if concept in ("first", "last"):
        at = _skip(items, start + 1, _NEUTRAL | {"to", "from"})
        if _concept(items, at) == "duration" and not _joins_on(items, at + 1):
            return at + 1 - start, _edged(concept, items[at].value)
        if (
            _is_number(items, at)
            and _concept(items, at + 1) not in ("unit", "size")
            and (unit := _told_before(items, start))
        ):
            return at + 1 - start, _edged(concept, items[at].value * unit)
    if (
        _is_number(items, start)
        and _concept(items, start + 1) in ("first", "last")
        and (unit := _told_before(items, start))
    ):
        return 2, _edged(_concept(items, start + 1), items[start].value * unit)
    if concept == "duration":
        at = _skip(items, start + 1, _NEUTRAL | {"from", "to"})
        edge = _concept(items, at)
        if edge in ("first", "last") and not _is_time(items, at + 1) and not _is_number(items, at + 1):
            return at + 1 - start, _edged(edge, items[start].value)
    return None


def _told_before(items: Sequence[Item], at: int) -> int:
    """As in "the first ten seconds and the last five": the unit of the time before, in seconds; 0 without one."""
    before = at - 1
    while before >= 0 and items[before].concept in ("and", "comma", "this", "video", "filler"):
        before -= 1
    if before < 1 or before == at - 1 or items[before].concept not in ("duration", "first", "last"):
        return 0
    told = next((items[place] for place in (before, before - 1) if items[place].concept == "duration"), None)
    if told is None:
        return 0
    return 60 if told.value >= 60 and told.value % 60 == 0 else 1


def _joins_on(items: Sequence[Item], at: int) -> bool:
    return _concept(items, at) in ("dash",) and _is_time(items, at + 1)


def _edged(edge: str, seconds: float) -> Span:
    return Span(0.0, seconds, edge="first") if edge == "first" else Span(last=seconds, edge="last")


def _open(items: Sequence[Item], start: int, *, postposed: bool) -> tuple[int, Span] | None:
    """From 0:30 on; until 0:45."""
    concept = _concept(items, start)
    if concept in ("begin", "from"):
        at = _skip(items, start + 1, _NEUTRAL | ({"to", "statement"} if concept == "begin" else set()))
        followed = _concept(items, at + 1) in ("begin", "first")  # 从30秒开始
        if _is_time(items, at) and (concept == "begin" or items[at].concept == "clock" or followed):
            stop = at + 1
            while _concept(items, stop) in ("begin", "first") and followed:
                stop += 1
            return stop - start, Span(start=float(items[at].value), edge="open")
    if concept == "end":
        at = _skip(items, start + 1, _NEUTRAL | {"to", "statement"})
        if _is_time(items, at):
            return at + 1 - start, Span(0.0, float(items[at].value), edge="open")
    if not postposed and concept != "clock":
        return None  # "5 minutes before my meeting"
    if _is_time(items, start) and _concept(items, start + 1) == "begin":
        return 2, Span(start=float(items[start].value), edge="open")
    if postposed and _is_time(items, start) and _concept(items, start + 1) == "end":
        return 2, Span(0.0, float(items[start].value), edge="open")
    return None
