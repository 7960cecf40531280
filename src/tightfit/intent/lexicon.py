"""The words of a language, compiled for finding the longest phrase at a place in a text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

from tightfit.intent.folding import fold_words

_ELISIONS = frozenset(("l", "d", "qu", "j", "n", "s", "c", "m", "t", "jusqu", "lorsqu", "puisqu"))
_SMALL_TALK = frozenset(("statement", "filler", "greeting"))
_HAN = "\u3000"  # Han, kana and their punctuation come after this character
_SHORTEST_STEM = 2


@dataclass(frozen=True)
class Term:
    """What a phrase means: a concept, and what belongs to it ("mb" for a unit, a preset's name, a number)."""

    concept: str
    value: Any = None


@dataclass
class _Node:
    term: Term | None = None
    words: dict[str, _Node] = field(default_factory=dict)
    stems: dict[str, _Node] = field(default_factory=dict)


@dataclass
class Lexicon:
    """One language. ``words`` finds phrases of spaced words, ``characters`` those of Han and kana."""

    language: str
    script: str
    letters: frozenset[str]
    grammar: dict[str, bool]
    say: dict[str, str]
    endings: frozenset[str] = frozenset()  # what a stem may end in; empty for anything
    marks: frozenset[str] = frozenset()  # words that no other language has
    numbers: dict[str, float] = field(default_factory=dict)
    openers: frozenset[str] = frozenset()  # what a remark begins with, rather than a request
    words: _Node = field(default_factory=_Node)
    units: _Node = field(default_factory=_Node)
    characters: dict[str, Term] = field(default_factory=dict)
    unit_characters: dict[str, Term] = field(default_factory=dict)
    longest: int = 1

    def phrase(self, words: Sequence[str]) -> tuple[int, Term] | None:
        """The longest phrase that ``words`` begin with, and how many of them it takes."""
        return _longest(self.words, words, self.endings)

    def run(self, text: str, at: int) -> tuple[int, Term] | None:
        """The longest phrase of Han or kana at ``text[at:]``, and how many characters it takes."""
        for length in range(min(self.longest, len(text) - at), 0, -1):
            if term := self.characters.get(text[at : at + length]):
                return length, term
        return None

    def unit(self, words: Sequence[str]) -> tuple[int, Term] | None:
        """As ``phrase``, for what may stand after a number."""
        return _longest(self.units, words, self.endings)

    def unit_run(self, text: str, at: int) -> tuple[int, Term] | None:
        """As ``run``, for what may stand after a number."""
        for length in range(min(self.longest, len(text) - at), 0, -1):
            if term := self.unit_characters.get(text[at : at + length]):
                return length, term
        return None

    def single_words(self) -> Iterator[tuple[str, Term]]:
        """Every phrase of one whole word: what a typo may have been meant to be."""
        for word, node in self.words.words.items():
            if node.term:
                yield word, node.term
        for word, node in self.words.stems.items():
            if node.term:
                yield word, node.term

    def add_if_new(self, phrase: str, term: Term) -> None:
        """As ``add``, unless a stem covers the phrase: small talk never hides a word that asks for something."""
        if phrase[0] <= _HAN:
            words = split_words(phrase)
            found = self.phrase(words)
            if found and found[0] == len(words):
                return
        self.add(phrase, term)

    def add(self, phrase: str, term: Term) -> None:
        """Let ``phrase`` mean ``term``, unless it means something already."""
        if phrase[0] > _HAN:
            self.characters.setdefault(phrase, term)
            self.longest = max(self.longest, len(phrase))
            if term.concept == "unit":
                self.unit_characters.setdefault(phrase, term)
            return
        words = split_words(phrase)
        _grow(self.words, words, term)
        if term.concept == "unit":
            _grow(self.units, words, term)


def _grow(node: _Node, words: Sequence[str], term: Term) -> None:
    for word in words:
        children = node.stems if word.endswith("*") else node.words
        node = children.setdefault(word.rstrip("*"), _Node())
    if node.term is None:
        node.term = term


def _longest(root: _Node, words: Sequence[str], endings: frozenset[str]) -> tuple[int, Term] | None:
    best: tuple[int, Term] | None = None
    reached = [(root, 0)]
    while reached:
        node, taken = reached.pop()
        if node.term and (best is None or taken > best[0]):
            best = taken, node.term
        if taken < len(words):
            # The exact word is popped, and so tried, before any stem of it.
            reached.extend((next_node, taken + 1) for next_node in _continued(node, words[taken], endings))
    return best


def _continued(node: _Node, word: str, endings: frozenset[str]) -> list[_Node]:
    found = []
    if node.stems:
        for length in range(_SHORTEST_STEM, len(word) + 1):
            stem = node.stems.get(word[:length])
            if stem and (not endings or length == len(word) or word[length:] in endings):
                found.append(stem)
    if exact := node.words.get(word):
        found.append(exact)
    return found


def split_words(phrase: str) -> list[str]:
    """A phrase as its words, in the way that the lexer splits them: d'origine is two."""
    words: list[str] = []
    for word in phrase.replace("-", " ").split():
        head, mark, tail = word.partition("'")
        words.extend([head, tail] if mark and tail and head in _ELISIONS else [word.replace("'", "")])
    return words


def languages() -> list[str]:
    """The languages there are files for, English first."""
    names = {entry.name.removesuffix(".toml") for entry in _folder().iterdir() if entry.name.endswith(".toml")}
    return sorted(names - {"common"}, key=lambda name: (name != "en", name))


@cache
def load(language: str) -> Lexicon:
    """The lexicon of one language, with the words that all languages share."""
    data = read(language)
    lexicon = Lexicon(
        data["language"], data["script"], frozenset(data.get("letters", "")), data.get("grammar", {}), data["say"]
    )
    lexicon.openers = frozenset(_folded(phrase.strip()) for phrase in data["terms"].get("statement", "").split(","))
    lexicon.endings = frozenset(ending.strip() for ending in data.get("endings", "").split(",") if ending.strip())
    lexicon.marks = frozenset(_folded(word.strip()) for word in data.get("marks", "").split(","))
    talk = []
    for table in (data, read("common")):
        for phrase, term in _entries(table):
            if term.concept in _SMALL_TALK:
                talk.append((_folded(phrase), term))
                continue
            lexicon.add(_folded(phrase), term)
            if term.concept == "number":
                lexicon.numbers[_folded(phrase)] = term.value
            if (spelled := _spelled_out(phrase)) != phrase.lower():
                lexicon.add(_folded(spelled), term)
    for phrase, term in talk:
        lexicon.add_if_new(phrase, term)
    return lexicon


@cache
def read(name: str) -> dict[str, Any]:
    """The file of that name as it stands."""
    return tomllib.loads((_folder() / f"{name}.toml").read_text(encoding="utf-8"))


def _folder() -> Any:
    return files("tightfit.intent") / "languages"


_PLAIN = {"terms": None, "units": "unit", "numbers": "number", "fractions": "fraction", "presets": "preset"}
_TABLES = {**_PLAIN, "positions": "position", "moods": "mood", "codecs": "codec", "containers": "container"}


def _entries(data: dict[str, Any]) -> Iterator[tuple[str, Term]]:
    for table, concept in _TABLES.items():
        for key, phrases in data.get(table, {}).items():
            if concept is None:
                term = Term(key)
            else:
                term = Term(concept, float(key) if concept in ("number", "fraction") else key)
            for phrase in phrases.split(","):
                if stripped := phrase.strip():
                    yield stripped, term


def _folded(phrase: str) -> str:
    return phrase.lower() if phrase.isascii() else fold_words(phrase)


def _spelled_out(phrase: str) -> str:
    """The spelling of umlauts where the keyboard has none: groesse for Größe."""
    return phrase.lower().replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
