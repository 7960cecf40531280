"""What stays of the clip, and what is taken out of it."""

from __future__ import annotations

from collections.abc import Collection

from tightfit.intent.model import Trim
from tightfit.intent.reading import Reading
from tightfit.intent.spans import Span


def read_cuts(reading: Reading) -> None:
    """The trim wish and the removed stretches, from the spans that no other wish has taken."""
    for at in reading.find("span"):
        span: Span = reading.items[at].value
        acting = reading.acting_on(at)
        concepts = [reading.concept(place) for place in acting]
        if _goes(span, concepts):
            _remove(reading, at, span, acting)
        else:
            _keep(reading, at, span, acting)
            if "cut" in concepts and not span.edge:
                reading.assume("assumed_kept", part=reading.items[at].text)
    for at in reading.find("position"):
        if {"part", "span"} & {reading.concept(at - 1), reading.concept(at + 1)}:
            reading.use(at)  # "the middle bit from 0:40 to 1:10"
    for at in reading.find("duration"):
        _only_so_long(reading, at)


def _keep(reading: Reading, at: int, span: Span, acting: list[int]) -> None:
    """What stays; "start at 0:12, end at 0:48" are the two ends of one stretch."""
    told: Trim | None = reading.wishes.get("trim")
    begun = told.start_s if told and told.end_s is None and told.last_s is None else None
    if begun is not None and span.edge == "open" and span.end is not None and begun < span.end:
        reading.wishes["trim"] = Trim(begun, span.end)
        reading.use(at, *acting)
        return
    reading.wish("trim", Trim(span.start, span.end, span.last), at, *acting)


def _goes(span: Span, concepts: Collection[str]) -> bool:
    """Whether what is said takes the span out. "Cut" alone does so at the ends and not in the middle."""
    if "except" in concepts:
        return not {"remove", "cut", "no", "not"} & set(concepts)  # "keep all but the last 10 seconds"
    if "only" in concepts or ("trim" in concepts and not ("remove" in concepts and span.edge)):
        return False
    negative = sum(concept in ("not", "no") for concept in concepts) % 2 == 1
    if "remove" in concepts:
        return not negative
    if "keep" in concepts:
        return negative
    if "need" in concepts or "want" in concepts:
        return negative
    if "cut" in concepts:
        return bool(span.edge) and not negative
    return negative


def _remove(reading: Reading, at: int, span: Span, acting: list[int]) -> None:
    if span.edge == "first" or (span.edge == "open" and span.end is not None):
        reading.wish("trim", Trim(start_s=span.end), at, *acting)
    elif span.last is not None:
        reading.edit(at, {"kind": "remove_segment", "last_s": span.last}, *acting)
    elif span.end is None:
        reading.wish("trim", Trim(end_s=span.start), at, *acting)
    else:
        reading.edit(at, {"kind": "remove_segment", "start_s": span.start, "end_s": span.end}, *acting)


def _at_an_edge(reading: Reading, at: int, clause: range) -> bool:
    """As in 开头剪掉3秒, 冒頭を3秒カット: the edge is told apart from the time."""
    edges = reading.find("first", "last", among=clause)
    verbs = reading.find("remove", "cut", among=clause)
    if len(edges) != 1 or not verbs or len(reading.find("duration", "span", among=clause)) != 1:
        return False
    seconds = float(reading.items[at].value)
    first = reading.concept(edges[0]) == "first"
    span = Span(0.0, seconds, edge="first") if first else Span(last=seconds, edge="last")
    _remove(reading, at, span, [*edges, *verbs])
    return True


def _is_told(reading: Reading, at: int, clause: range) -> bool:
    """As in "it's 45 minutes long": the source's own length."""
    concepts = {reading.concept(place) for place in clause}
    if "is" not in concepts or concepts & {"want", "make", "keep", "only", "trim", "cut", "remove", "not", "no"}:
        return False
    reading.use(at)
    return True


def _only_so_long(reading: Reading, at: int) -> None:
    """As in "Trim it to 30 seconds": the first thirty."""
    clause = reading.clause(at)
    if _at_an_edge(reading, at, clause) or _is_told(reading, at, clause):
        return
    acting = [place for place in reading.acting_on(at) if reading.concept(place) in ("trim", "cut", "only", "keep")]
    if reading.lexicon.grammar.get("verbs_last") and reading.concept(at + 1) == "to":
        shortened = reading.find("compress", "trim", among=[at + 2])
        if shortened:
            reading.wish("trim", Trim(0.0, float(reading.items[at].value)), at, at + 1, *shortened)
            reading.assume("assumed_first", seconds=reading.items[at].text)
            return
    to = [place for place in reading.before(at) if reading.concept(place) in ("to", "limit")]
    if acting and (to or {"only", "trim"} & {reading.concept(place) for place in acting}):
        end = float(reading.items[at].value)
        reading.wish("trim", Trim(0.0, end), at, *acting, *to)
        reading.assume("assumed_first", seconds=reading.items[at].text)
    elif any(reading.concept(place) in ("remove", "cut") for place in clause):
        reading.doubt(at, *[place for place in clause if reading.concept(place) in ("remove", "cut")])
