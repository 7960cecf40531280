"""A text being read: its items by clause, which of them are understood, and the wishes found so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tightfit.intent.concepts import named
from tightfit.intent.items import Item
from tightfit.intent.lexicon import Lexicon
from tightfit.intent.model import Edit

BREAKS = frozenset(("stop", "comma", "and", "then", "dash"))
# What wishes are about. Words of action belong to the nearest of these.
ANCHORS = frozenset(
    (
        *("size", "percent", "fraction", "span", "duration", "sound", "music", "quote", "lines", "fps"),
        *("kbps", "degrees", "factor", "aspect", "volume", "text", "codec", "container", "parts"),
    )
)
ACTING = named("remove keep only cut trim mute touch no not need as_is want rest except")
NEUTRAL = named("filler this video of make want can statement about to is by")


@dataclass
class Reading:
    """``wishes`` has the fields of an Intent; ``edits`` carry the place in the text where they stand."""

    items: Sequence[Item]
    lexicon: Lexicon
    original: Callable[[int, int], str]
    files: tuple[str, ...] = ()
    wishes: dict[str, Any] = field(default_factory=dict)
    edits: list[tuple[int, Edit]] = field(default_factory=list)
    used: set[int] = field(default_factory=set)
    doubts: list[tuple[int, int]] = field(default_factory=list)  # places in the text that are unclear
    questions: list[str] = field(default_factory=list)
    assumed: list[str] = field(default_factory=list)
    clauses: list[range] = field(default_factory=list)
    _number_of: dict[int, int] = field(default_factory=dict)  # the clause in which a place is

    def __post_init__(self) -> None:
        start = 0
        for at, item in enumerate(self.items):
            if item.concept in BREAKS:
                if at > start:
                    self.clauses.append(range(start, at))
                start = at + 1
        if start < len(self.items):
            self.clauses.append(range(start, len(self.items)))
        self._number_of = {place: number for number, clause in enumerate(self.clauses) for place in clause}

    def clause(self, at: int) -> range:
        number = self._number_of.get(at)
        return range(at, at + 1) if number is None else self.clauses[number]

    def next_clause(self, clause: range) -> range | None:
        number = self._number_of[clause.start] + 1
        return self.clauses[number] if number < len(self.clauses) else None

    def elsewhere(self, clause: range) -> Iterator[int]:
        """Every place that is not in ``clause``."""
        return (place for place in range(len(self.items)) if place not in clause)

    def joined_by(self, clause: range) -> str:
        """The concept of what stands between this clause and the one before it."""
        return self.items[clause.start - 1].concept if clause.start else ""

    def concept(self, at: int) -> str:
        return self.items[at].concept if 0 <= at < len(self.items) else ""

    def find(self, *concepts: str, among: Collection[int] | None = None) -> list[int]:
        """Places of unused items of these concepts, in the order of the text."""
        places = range(len(self.items)) if among is None else among
        return [at for at in places if at not in self.used and self.items[at].concept in concepts]

    def use(self, *places: int) -> None:
        self.used.update(places)

    def say(self, key: str, **values: object) -> str:
        return self.lexicon.say[key].format(**values)

    def assume(self, key: str, **values: object) -> None:
        said = self.say(key, **values)
        if said not in self.assumed:
            self.assumed.append(said)

    def doubt(self, *places: int) -> None:
        """These items can't be done as they stand; they are said back together."""
        first, last = self.items[min(places)], self.items[max(places)]
        self.doubts.append((first.start, last.end))
        self.use(*places)

    def wish(self, key: str, value: Any, *places: int) -> None:
        """One more wish; a second, different one of the same kind contradicts it."""
        if key in self.wishes and self.wishes[key] != value:
            self.doubt(*places)
            return
        self.wishes[key] = value
        self.use(*places)

    def edit(self, place: int, edit: Edit, *places: int) -> None:
        self.edits.append((self.items[place].start, edit))
        self.use(place, *places)

    def before(self, at: int) -> Iterator[int]:
        """Places from ``at`` back to the nearest anchor, within the clause."""
        for place in range(at - 1, self.clause(at).start - 1, -1):
            if self.items[place].concept in ANCHORS:
                return
            yield place

    def after(self, at: int) -> Iterator[int]:
        for place in range(at + 1, self.clause(at).stop):
            if self.items[place].concept in ANCHORS:
                return
            yield place

    def acting_on(self, at: int) -> list[int]:
        """The words of action that are about the item at ``at``.

        Most languages put them before their object and some after it; "the sound off" and "Ton weg" are
        both, so what stands after counts where nothing stands before.
        """
        ahead = [place for place in self.before(at) if self.items[place].concept in ACTING]
        behind = [place for place in self.after(at) if self.items[place].concept in ACTING]
        if self.lexicon.grammar.get("verbs_last"):
            return sorted(behind) or self._inherited(at) or sorted(ahead)
        governing = [place for place in ahead if self.items[place].concept not in ("want",)]
        if not governing:
            return sorted([*ahead, *behind]) or self._inherited(at)
        # "Leave the sound alone", "schneide die ersten 8 Sekunden weg": the second half of the verb.
        particles = [place for place in behind if self.items[place].concept in ("as_is", "remove", "rest")]
        return sorted([*ahead, *particles])

    def _inherited(self, at: int) -> list[int]:
        """As in "Remove the sound and the first 5 seconds": the verb of the clause before; in Japanese of the next."""
        clause = self.clause(at)
        number = self._number_of.get(clause.start, 0)
        earlier = self.clauses[number - 1] if number else None
        last = self.lexicon.grammar.get("verbs_last")
        beside = self.next_clause(clause) if last else earlier
        joint = self.joined_by(beside if last and beside else clause)
        if earlier and self.joined_by(clause) == "comma" and self._explains(clause, earlier):
            beside, joint = earlier, "and"
        if beside is None or joint != "and":
            return []
        found = [place for place in beside if self.items[place].concept in ("remove", "keep", "no", "cut")]
        return found[:1] if last else found[-1:]

    def _explains(self, clause: range, earlier: range) -> bool:
        """As in "lose the intro (first 6 seconds)": a time and nothing else, after an edge that has none."""
        alone = all(self.items[place].concept in NEUTRAL | {"span"} for place in clause)
        told = {self.items[place].concept for place in earlier}
        return alone and bool(told & {"first", "last", "part"}) and not told & ANCHORS
