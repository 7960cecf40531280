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
    if "only" in concepts or "trim" in concepts:
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


def _only_so_long(reading: Reading, at: int) -> None:
    """As in "Trim it to 30 seconds": the first thirty."""
    clause = reading.clause(at)
    acting = [place for place in reading.acting_on(at) if reading.concept(place) in ("trim", "cut", "only", "keep")]
    to = [place for place in reading.before(at) if reading.concept(place) in ("to", "limit")]
    if acting and (to or {"only", "trim"} & {reading.concept(place) for place in acting}):
        end = float(reading.items[at].value)
        reading.wish("trim", Trim(0.0, end), at, *acting, *to)
        reading.assume("assumed_first", seconds=reading.items[at].text)
    elif any(reading.concept(place) in ("remove", "cut") for place in clause):
        reading.doubt(at, *[place for place in clause if reading.concept(place) in ("remove", "cut")])
