"""Telling a statement from a further wish by the form of its clause, not by its words.

Beside a wish people say why they have it ("the projector hates big files", 硬盘快满了), in words that nobody can
list. That must not be asked about; an operation that is not known ("stabilise it") must. What tells them apart is
grammar: a connective, a subject before its finite verb; an imperative, "please", "I want". It is data, ``[forms]``.
"""

from __future__ import annotations

import re
from enum import Enum
from functools import cache

from tightfit.intent.lexicon import load, split
from tightfit.intent.reading import Reading

_LONGEST = 4  # words of a connective or of what asks
_STRANGE = frozenset(("unknown", "beyond", "caption"))
_POLITE = frozenset(("greeting", "filler", "junk"))
_SUBJECT = frozenset(("が",))
_GENITIVE = frozenset(["de", "d", "du", "del", "da", "do", "dos", "das", "of", "von", "from"])


class Form(Enum):
    """What a clause does, as far as its form shows."""

    STATEMENT = "statement"
    WISH = "wish"
    OPEN = "open"  # it could be either


def form_of(reading: Reading, clause: range) -> Form:
    """Whether the clause tells something or asks for something."""
    if reading.lexicon.script == "latin":
        return _Latin(reading, clause).form()
    return _form_of_run(reading, clause)


def _form_of_run(reading: Reading, clause: range) -> Form:
    """Chinese shows it at a clause's head and within, Japanese at its end, where a connective may follow."""
    first, last = clause.start, clause.stop - 1
    if reading.lexicon.script == "kana" and reading.concept(last + 1) in ("then", "is"):
        last += 1
        while reading.items[last].text in _SUBJECT and (following := reading.next_clause(clause)):
            clause, last = following, following.stop - 1  # 騒音がうるさい is one clause, whatever else が says
            last += reading.concept(last + 1) in ("then", "is")
    if reading.lexicon.script == "han" and reading.joined_by(clause) == "then":
        first -= 1
    text = reading.original(reading.items[first].start, reading.items[last].end).strip(" ,.!?~…、。！？～，")
    language = reading.lexicon.language
    for key, form in (("because", Form.STATEMENT), ("wish", Form.WISH), ("tells", Form.STATEMENT)):
        if _pattern(language, key).search(text):
            return form
    return Form.OPEN


@cache
def _pattern(language: str, key: str) -> re.Pattern[str]:
    return re.compile(load(language).forms[key])


@cache
def _words(language: str, key: str) -> frozenset[str]:
    text = load(language).forms.get(key, "")
    return frozenset((*split(text), *(word for word in text.split(", ") if not word.isascii())))


@cache
def _endings(language: str, key: str) -> tuple[str, ...]:
    """Endings are compared with the text as it was typed: an accent is what tells salió from salio."""
    return tuple(part.strip() for part in load(language).forms.get(key, "").split(",") if part.strip())


class _Latin:
    """One clause of a language that writes its words apart."""

    def __init__(self, reading: Reading, clause: range) -> None:
        self._reading = reading
        self._language = reading.lexicon.language
        self._clause = clause
        self._words: list[str] = []
        self._places: list[int] = []
        for at in clause:
            for word in reading.items[at].text.replace("'", "").split():
                self._words.append(word)
                self._places.append(at)
        joint = reading.items[clause.start - 1] if clause.start else None
        self._joint = joint.text if joint and joint.concept in ("then", "and") else ""
        if joint and self._joint.isascii() and not (typed := reading.original(joint.start, joint.end)).isascii():
            self._joint = typed.lower()  # the Portuguese "é" is no "e"

    def form(self) -> Form:
        if not self._words:
            return Form.OPEN
        head = self._head()
        if self._begins("because", head) or self._joins("because"):
            return Form.STATEMENT
        if self._asks():
            return Form.WISH
        if self._begins("opening", head) or self._joins("opening"):
            return Form.STATEMENT
        if self._is_imperative(head) or self._is_infinitive(head):
            return Form.WISH
        if self._begins("hence", head) or self._joins("hence"):
            return Form.STATEMENT if self._has_finite(head) else Form.OPEN
        return Form.STATEMENT if self._tells(head) else Form.OPEN

    def _head(self) -> int:
        """Where the clause begins, after "ok", "and", "well"; words that may be its subject are none of these."""
        subject = self._set("pronoun") | self._set("determiner") | self._set("opening") | self._set("because")
        at = 0
        while at < len(self._words) - 1:
            polite = self._reading.concept(self._places[at]) in _POLITE
            if not polite or self._words[at] in subject | self._set("finite") | self._set("hence"):
                break
            at += 1
        return at

    def _set(self, key: str) -> frozenset[str]:
        return _words(self._language, key)

    def _begins(self, key: str, at: int) -> bool:
        return any(" ".join(self._words[at : at + taken]) in self._set(key) for taken in range(1, _LONGEST + 1))

    def _joins(self, key: str) -> bool:
        """Whether the clause before ended with the connective of this one: "since" and "sonst" break clauses."""
        joint = self._joint.split()
        return bool(joint) and (self._joint in self._set(key) or joint[-1] in self._set(key))

    def _asks(self) -> bool:
        return any(self._begins("wish", at) for at in range(len(self._words)))

    def _concept(self, at: int) -> str:
        return self._reading.concept(self._places[at])

    def _is_imperative(self, head: int) -> bool:
        """As in "stabilise the footage": a word that is not known, and right after it what it acts on."""
        if self._concept(head) not in _STRANGE or self._is_finite(head):
            return False
        following = self._words[head + 1 : head + 2]
        return bool(following) and following[0] in self._set("object")

    def _is_infinitive(self, head: int) -> bool:
        endings = _endings(self._language, "infinitive")
        if not endings or self._has_finite(head):
            return False
        last = self._reading.lexicon.grammar.get("compounds")  # German has it at the end
        at = len(self._words) - 1 if last else head
        if self._concept(at) not in _STRANGE or (self._words[head] in self._set("pronoun") and not last):
            return False
        typed = self._typed(at)
        following = self._words[at + 1 : at + 2]
        lower = not last or typed[:1].islower()
        return lower and typed.endswith(endings) and not (following and following[0] in _GENITIVE)

    def _typed(self, at: int) -> str:
        """The word as it was typed, with its accents, where its item has no other word."""
        item = self._reading.items[self._places[at]]
        return self._reading.original(item.start, item.end) if " " not in item.text else self._words[at]

    def _has_finite(self, head: int) -> bool:
        return any(self._is_finite(at) for at in range(head, len(self._words)))

    def _is_finite(self, at: int) -> bool:
        return self._words[at] in self._set("finite") or self._concept(at) == "is" or self._has_verbal_ending(at)

    def _has_verbal_ending(self, at: int) -> bool:
        typed = self._typed(at).lower()
        ending = next((end for end in _endings(self._language, "verbs") if typed.endswith(end)), "")
        if not ending or self._concept(at) != "unknown" or len(typed) < len(ending) + 2:
            return False
        # A German participle ends its clause, a finite verb of a main clause stands second.
        return self._typed(at)[:1].islower() and (at < len(self._words) - 1 or self._language != "de")

    def _tells(self, head: int) -> bool:
        """A subject and its finite verb; after a pronoun any word that is no known operation is one."""
        words, rest = self._words, range(head + 1, len(self._words))
        if words[head] in self._set("pronoun") and head + 1 < len(words):
            demonstrative = words[head] in self._set("determiner")
            last = head + 2 == len(words)  # "it reversed" may be what is to become of it
            told = () if demonstrative else ("unknown",) if last else tuple(_STRANGE)
            if self._is_finite(head + 1) or self._concept(head + 1) in told:
                return True
        if self._has_verbal_ending(head):
            return True
        if words[head] in self._set("determiner") or self._concept(head) in ("unknown", "someone", "video", "sound"):
            return any(self._is_finite(at) for at in rest)
        spoken = self._concept(head) in ("statement", "filler", "this") and words[head] not in self._set("object")
        return spoken and any(self._is_finite(at) for at in rest[:2])
