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
_HASTE = frozenset(("快", "すぐ"))  # said of much that is soon; 快点 and 急ぎ ask for haste
_STRANGE = frozenset(("unknown", "beyond", "caption"))
_POLITE = frozenset(("greeting", "filler", "junk"))
_SUBJECT = "が"
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


def set_told_aside(reading: Reading) -> None:
    """Use up the haste that is told and not asked for, as in 手机快没电了, すぐ固まるので, beside what is not known."""
    if reading.lexicon.script == "latin":
        return
    for clause in reading.clauses:
        hasty = [at for at in reading.find("fast", among=clause) if reading.items[at].text in _HASTE]
        strange = any(reading.concept(at) == "unknown" for at in clause)
        if hasty and strange and form_of(reading, clause) is Form.STATEMENT:
            reading.use(*hasty)


def _form_of_run(reading: Reading, clause: range) -> Form:
    """Chinese shows it at a clause's head and within, Japanese at its end, where a connective may follow."""
    first, last = clause.start, clause.stop - 1
    if reading.lexicon.script == "han":
        return _matched(reading, first - (reading.joined_by(clause) == "then"), last)
    last += reading.concept(last + 1) in ("then", "is")
    following = reading.next_clause(clause)
    if following and len(following) == 1 and reading.items[last].end == reading.items[following.start].start:
        last = following.start  # 焼き込んでほしい, which んで cuts in two
    found = _matched(reading, first, last)
    if found is Form.OPEN and following and reading.items[last].text == _SUBJECT:
        # 工事の騒音がうるさい is one clause, whatever else が says.
        last = following.stop - 1
        last += reading.concept(last + 1) in ("then", "is")
        found = Form.STATEMENT if _matched(reading, first, last) is Form.STATEMENT else found
    return found


def _matched(reading: Reading, first: int, last: int) -> Form:
    text = reading.original(reading.items[first].start, reading.items[last].end).strip(" ,.!?~…、。！？～，")
    language = reading.lexicon.language
    for key, form in (("because", Form.STATEMENT), ("wish", Form.WISH), ("tells", Form.STATEMENT)):
        if _pattern(language, key).search(text):
            return form
    return Form.OPEN


def reason_before(reading: Reading, clause: range) -> int:
    """Where the reason ends that a clause begins with, as in LINEやってない友達なので, before what is asked for."""
    joints = _words(reading.lexicon.language, "joint")
    found = [at + 1 for at in clause if joints and reading.items[at].text in joints and at + 1 < clause.stop]
    return found[-1] if found else clause.start


@cache
def _pattern(language: str, key: str) -> re.Pattern[str]:
    return re.compile(load(language).forms[key])


@cache
def _words(language: str, key: str) -> frozenset[str]:
    text = load(language).forms.get(key, "")
    letters = [word for word in text.split(", ") if len(word) == 1 and not word.isascii()]
    folded = {word for letter in letters for word in split(letter)}  # the Portuguese "é" is no "e"
    return frozenset((*(word for word in split(text) if word not in folded), *letters))


@cache
def _endings(language: str, key: str) -> tuple[str, ...]:
    """Endings are compared with the text as it was typed: an accent is what tells salió from salio."""
    return tuple(part.strip() for part in load(language).forms.get(key, "").split(",") if part.strip())


def _said(reading: Reading, at: int) -> str:
    """The words of an item, folded, but for a single letter: there an accent makes another word of it."""
    item = reading.items[at]
    typed = reading.original(item.start, item.end).lower()
    return typed.strip("'’") if len(item.text) == 1 else item.text.replace("'", "")


class _Latin:
    """One clause of a language that writes its words apart."""

    def __init__(self, reading: Reading, clause: range) -> None:
        self._reading = reading
        self._language = reading.lexicon.language
        self._clause = clause
        self._words: list[str] = []
        self._places: list[int] = []
        for at in clause:
            for word in _said(reading, at).split():
                self._words.append(word)
                self._places.append(at)
        joint = clause.start - 1
        self._joint = _said(reading, joint) if reading.concept(joint) in ("then", "and") else ""

    def form(self) -> Form:
        if not self._words:
            return Form.OPEN
        head = self._head()
        if self._begins("because", head) or self._joins("because"):
            return Form.STATEMENT
        if self._asks() or (self._typed(head).lower() in self._set("jussive") and self._is_strange(head + 1)):
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

    def _is_strange(self, at: int) -> bool:
        return at < len(self._words) and self._concept(at) in _STRANGE and not self._is_finite(at)

    def _is_imperative(self, head: int) -> bool:
        """As in "stabilise the footage": a word that is not known, and right after it what it acts on."""
        if not self._is_strange(head) or self._begins("hence", head):
            return False
        following = self._words[head + 1 : head + 2]
        return bool(following) and following[0] in self._set("object")

    def _is_infinitive(self, head: int) -> bool:
        endings = _endings(self._language, "infinitive")
        finite = any(word in self._set("finite") for word in self._words[head:])
        if not endings or finite:
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
        if (
            not ending
            or not (self._concept(at) == "unknown" or self._reading.items[self._places[at]].meant)
            or len(typed) < len(ending) + 2
        ):
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
