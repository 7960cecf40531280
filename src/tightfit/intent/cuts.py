"""What stays of the clip, and what is taken out of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tightfit.intent.concepts import named
from tightfit.intent.model import Trim
from tightfit.intent.reading import ANCHORS, NEUTRAL, Reading
from tightfit.intent.spans import Span

_KEPT = named("keep only trim except as_is rest mute")
_MOST_TOLD = 3  # clauses between a stretch and the pronoun that removes it
_POINTING = NEUTRAL | named("remove cut part want need position several then statement each only outwards with")


def muted_by_pronoun(reading: Reading, at: int) -> list[int]:
    """The stretch that the word for silence at ``at`` is about: "from 0:20 to 0:35 a phone rings, mute that part"."""
    clause = reading.clause(at)
    concepts = {reading.concept(place) for place in clause}
    earlier = [place for place in reading.find("span") if place < clause.start]
    if not earlier or not concepts <= _POINTING | {"mute", "sound"}:
        return []
    span: Span = reading.items[earlier[-1]].value
    told = [reading.concept(place) for place in range(earlier[-1] + 1, clause.start)]
    if set(told) & ((ANCHORS | _KEPT | named("remove cut want need not no file")) - {"mute"}):
        return []
    unclear = span.edge and "part" not in concepts
    strange = set(told) - NEUTRAL - {"comma", "stop", "and", "then", "part"}
    governed = _KEPT & {reading.concept(place) for place in reading.acting_on(earlier[-1])}
    return earlier[-1:] if not unclear and not governed and (strange or "part" in concepts) else []


def read_cuts(reading: Reading) -> None:
    """The trim wish and the removed stretches, from the spans that no other wish has taken."""
    for at in reading.find("span"):
        span: Span = reading.items[at].value
        acting = reading.acting_on(at)
        concepts = [reading.concept(place) for place in acting]
        kept = {reading.concept(place) for place in acting if reading.concept(place) != "only" or abs(place - at) == 1}
        pointed = [] if _KEPT & kept else _removed_by_pronoun(reading, at)
        if pointed or _goes(span, concepts) or _cuts_the_part(reading, at, concepts):
            acting = [*acting, *pointed, *_lessening(reading, reading.clause(at))]
            if pointed:
                reading.use(*told_of(reading, at))
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


def _cuts_the_part(reading: Reading, at: int, concepts: Collection[str]) -> bool:
    """As in "coupe le passage de 2:15 à 2:50": a part that is cut goes; a stretch that is cut to stays."""
    part = [place for place in (at - 1, at - 2) if reading.concept(place) == "part"]
    return bool(part) and "cut" in concepts and not {"keep", "only", "trim", "not", "no", "except"} & set(concepts)


def _removed_by_pronoun(reading: Reading, at: int) -> list[int]:
    """As in "between 1:05 and 1:12 the dog barks, remove that part": the verb in a clause without an object.

    "Cut it" takes out what something was told of; after a bare stretch it may as well mean to keep it.
    """
    clause = reading.clause(at)
    told = any(reading.concept(place) not in (NEUTRAL - {"statement"}) | {"span", "part"} for place in clause)
    passed: list[int] = []
    for following in _clauses_after(reading, clause):
        concepts = {reading.concept(place) for place in following}
        if concepts & ANCHORS or concepts & {"file", "lines", "preset", "rest", "crop"}:
            return []
        verbs = reading.find("remove", among=following) + _lessening(reading, following)
        cuts = reading.find("cut", among=following)
        if verbs or cuts:
            half = _second_half(reading, following)
            pointing = concepts - {"compress"} <= _POINTING and (verbs or told)
            if reading.find("music", "sound", among=clause) and not reading.find("part", among=(*following, *half)):
                return []  # "there is music, remove it": the music or the stretch?
            halves = reading.find("remove", among=half)
            return [*passed, *verbs, *cuts, *halves] if pointing else []
        if concepts & (_KEPT | {"write", "not", "no", "can"}):
            return []
        told = True
        passed += reading.find("unknown", "make", "want", "beyond", among=following)
    return []


def _clauses_after(reading: Reading, clause: range) -> Iterator[range]:
    following = reading.next_clause(clause)
    for _ in range(_MOST_TOLD):
        if following is None:
            return
        yield following
        following = reading.next_clause(following)


def _second_half(reading: Reading, clause: range) -> range:
    """As in "cut that bit out", where "that" may begin a clause: what belongs to the verb all the same."""
    following = reading.next_clause(clause)
    if following and reading.joined_by(following) == "then" and {reading.concept(at) for at in following} <= _POINTING:
        return following
    return range(0)


def _lessening(reading: Reading, clause: range) -> list[int]:
    """Verbs of shrinking that take away what they are about (削って), where no size is what they are about."""
    if reading.find("size", "percent", "fraction", among=clause):
        return []
    return [at for at in reading.find("compress", among=clause) if reading.items[at].text in reading.lexicon.lessens]


def told_of(reading: Reading, at: int) -> list[int]:
    """What is told of the stretch, up to its own verbs: "it is blurry" asks for nothing there."""
    return [place for place in reading.after(at) if reading.concept(place) not in ("junk", "attack", "quote", "file")]


def _keep(reading: Reading, at: int, span: Span, acting: list[int]) -> None:
    """What stays; "start at 0:12, end at 0:48" are the two ends of one stretch."""
    told: Trim | None = reading.wishes.get("trim")
    begun = told.start_s if told and told.end_s is None and told.last_s is None else None
    if begun is not None and span.edge == "open" and span.end is not None and begun < span.end:
        reading.wishes["trim"] = Trim(begun, span.end)
        reading.use(at, *acting)
        return
    if not acting and (strange := _strange_verb(reading, at)):
        reading.doubt(*strange, at)
        return
    if reading.concept(at + 1) == "is" and not acting and at + 2 in reading.clause(at):
        reading.doubt(*range(at, reading.clause(at).stop))  # "the first minute is boring": does it stay?
        return
    reading.wish("trim", Trim(span.start, span.end, span.last), at, *acting)
    following = reading.next_clause(reading.clause(at))
    others = {reading.concept(place) for place in following} if following else set()
    if following and "rest" in others and others <= _POINTING | {"rest"}:
        reading.use(*reading.find("remove", "cut", among=following))  # "keep the first minute, drop the rest"


def _strange_verb(reading: Reading, at: int) -> list[int]:
    """As in "frobnicate the last 30 seconds": the one word that could tell whether they stay is not known."""
    if reading.lexicon.script != "latin":
        return []
    ahead = [place for place in reading.before(at) if reading.concept(place) not in ("this", "filler", "greeting")]
    return ahead if [reading.concept(place) for place in ahead] == ["unknown"] else []


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
