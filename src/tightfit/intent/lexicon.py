"""The words of a language, ready for finding the longest phrase at a place in a text.

A language file has about three thousand phrases, and a Latin text is looked at in five languages, so a file is
folded and split as a whole: what is done here once per phrase is felt at every start.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "languages"
_ELISION = re.compile(r"\b(l|d|qu|j|n|s|c|m|t|jusqu|lorsqu|puisqu)'(?=\w)")
_ACCENTS = re.compile("[\u0300-\u036f]")
_SCRIPT = re.compile(r'^script = "(\w+)"', re.MULTILINE)
_HEAD = 200  # characters; the script stands in the third line
_SEPARATOR = re.compile(r"\s*,\s*")
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue"}  # groesse for Größe: the spelling of keyboards without them
_SMALL_TALK = ("statement", "filler", "greeting")
_HAN = "\u3000"  # Han, kana and their punctuation come after this character
_LONGEST_PHRASE = 9  # words
_SHORTEST_STEM = 2  # letters

# The tables of a language file and the concept of what stands in them; in [terms] each key is a concept itself.
_TABLES = {
    **{"units": "unit", "numbers": "number", "fractions": "fraction", "presets": "preset"},
    **{"positions": "position", "moods": "mood", "codecs": "codec", "containers": "container"},
}


class Term(NamedTuple):
    """What a phrase means: a concept, and what belongs to it ("mb" for a unit, a preset's name, a number)."""

    concept: str
    value: Any = None


Found = tuple[int, Term]  # how many words or characters a phrase takes, and what it means


@dataclass
class Lexicon:
    """One language. ``phrases`` are of folded words with one space between, or of Han and kana without any."""

    language: str
    script: str
    letters: frozenset[str]  # letters that few other languages have
    shapes: frozenset[str]  # letters in a row that are commoner in it than elsewhere
    marks: frozenset[str]  # words that no other language has
    endings: frozenset[str]  # what a stem may end in; empty for anything
    either: frozenset[str]  # what says "by" after a verb of shrinking, and "at" after others
    lessens: frozenset[str]  # verbs beside whose size that size goes: 减少50MB
    openers: frozenset[str]  # what a remark begins with, rather than a request
    grammar: dict[str, bool]
    say: dict[str, str]
    forms: dict[str, str]  # how a statement and a wish look, as written in the file
    phrases: dict[str, Term] = field(default_factory=dict)
    stems: dict[str, Term] = field(default_factory=dict)  # of the last word of a phrase, without its *
    separable: dict[str, dict[str, Term]] = field(default_factory=dict)  # brich … ab: a verb, its particles
    units: dict[str, Term] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)

    def phrase(self, words: Sequence[str]) -> Found | None:
        """The longest phrase that ``words`` begin with."""
        for taken in range(min(len(words), _LONGEST_PHRASE), 0, -1):
            text = " ".join(words[:taken])
            exact = self.phrases.get(text)
            if exact and exact.concept not in _SMALL_TALK:
                return taken, exact
            # Small talk never hides a stem that asks for something: "upload" is no mere opening of a remark.
            if stem := self._stem(text, len(words[taken - 1])) or exact:
                return taken, stem
        return None

    def _stem(self, text: str, last_word: int) -> Term | None:
        shortest = len(text) - last_word + _SHORTEST_STEM
        for length in range(len(text), shortest - 1, -1):
            term = self.stems.get(text[:length])
            if term and (length == len(text) or not self.endings or text[length:] in self.endings):
                return term
        return None

    def unit(self, words: Sequence[str]) -> Found | None:
        """The longest unit that ``words`` begin with: what may stand after a number."""
        for taken in range(min(len(words), _LONGEST_PHRASE), 0, -1):
            if term := self.units.get(" ".join(words[:taken])):
                return taken, term
        return None

    def run(self, text: str, at: int) -> Found | None:
        """The longest phrase of Han or kana at ``text[at:]``."""
        return _longest_run(self.phrases, text, at)

    def unit_run(self, text: str, at: int) -> Found | None:
        """As ``run``, for what may stand after a number."""
        return _longest_run(self.units, text, at)

    def single_words(self) -> Iterator[tuple[str, Term]]:
        """Every phrase of one word: what a typo may have been meant to be."""
        for table in (self.phrases, self.stems):
            for phrase, term in table.items():
                if " " not in phrase:
                    yield phrase, term


_LONGEST_RUN = 14  # characters: 画質を落とさないように and its like


def _longest_run(table: dict[str, Term], text: str, at: int) -> Found | None:
    for length in range(min(_LONGEST_RUN, len(text) - at), 0, -1):
        if term := table.get(text[at : at + length]):
            return length, term
    return None


def languages() -> list[str]:
    """The languages there are files for, English first."""
    names = {entry.name.removesuffix(".toml") for entry in FOLDER.iterdir() if entry.name.endswith(".toml")}
    return sorted(names - {"common"}, key=lambda name: (name != "en", name))


@cache
def script_of(language: str) -> str:
    """The script of a language, from the head of its file: a text is looked at in few languages, not in all."""
    with (FOLDER / f"{language}.toml").open(encoding="utf-8") as file:
        head = file.read(_HEAD)
    found = _SCRIPT.search(head)
    return found[1] if found else str(read(language)["script"])


@cache
def load(language: str) -> Lexicon:
    """The lexicon of one language, with the words that all languages share."""
    data = read(language)
    lexicon = Lexicon(
        data["language"],
        data["script"],
        letters=frozenset(data.get("letters", "")),
        shapes=frozenset(data.get("shapes", "").split()),
        marks=frozenset(split(data.get("marks", ""))),
        endings=frozenset(split(data.get("endings", ""))),
        either=frozenset(split(data.get("either", ""))),
        lessens=frozenset(split(data.get("lessens", ""))),
        openers=frozenset(split(data["terms"].get("statement", ""))),
        grammar=data.get("grammar", {}),
        say=data["say"],
        forms=data["forms"],
    )
    # A phrase means what it is first said to mean, so the last word is written first.
    for term, text in reversed([*_entries(data), *_entries(read("common"))]):
        _add(lexicon, term, split(text))
        if any(umlaut in text for umlaut in _UMLAUTS):
            _add(lexicon, term, split(text.translate(str.maketrans(_UMLAUTS))))
    return lexicon


def _add(lexicon: Lexicon, term: Term, phrases: list[str]) -> None:
    lexicon.phrases.update(dict.fromkeys(phrases, term))
    for phrase in phrases:
        if "~" in phrase:
            lexicon.phrases.pop(phrase, None)
            verb, _, particle = phrase.partition("~")
            lexicon.separable.setdefault(verb, {})[particle] = term
        elif phrase.endswith("*"):
            lexicon.phrases.pop(phrase, None)
            lexicon.stems[phrase[:-1]] = term
    if term.concept == "unit":
        lexicon.units.update(dict.fromkeys(phrases, term))
    elif term.concept == "number":
        lexicon.numbers.update(dict.fromkeys(phrases, term.value))


def _entries(data: dict[str, Any]) -> Iterator[tuple[Term, str]]:
    """What is said for what, in the order of precedence: small talk hides nothing."""
    terms = data.get("terms", {})
    for key, text in terms.items():
        if key not in _SMALL_TALK:
            yield Term(key), text
    for table, concept in _TABLES.items():
        for key, text in data.get(table, {}).items():
            yield Term(concept, float(key) if concept in ("number", "fraction") else key), text
    for key in _SMALL_TALK:
        if key in terms:
            yield Term(key), terms[key]


def split(text: str) -> list[str]:
    """The phrases of ``text``, folded, and with their words as the lexer splits them: d'origine is two."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text).casefold()
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    text = _ELISION.sub(r"\1 ", text.lower()).replace("-", " ").replace("'", "")
    return [
        " ".join(phrase.split()) if "\n" in phrase else phrase for phrase in _SEPARATOR.split(text.strip()) if phrase
    ]


def reply(language: str, key: str, **values: object) -> str:
    """What a session answers in ``language``, with its places filled."""
    said: str = read(language)["reply"][key]
    return said.format(**values)


@cache
def read(name: str) -> dict[str, Any]:
    """The file of that name as it stands."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
