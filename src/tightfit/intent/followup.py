"""What is said of what was done before: "make it smaller", "same for the other two", "undo that". Pure.

The phrases stand in ``[talk]`` of each language file. A text is a follow-up only where every word of it is taken by
one or is small talk: what names a size, a destination or anything else is a request (``understand``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

from tightfit.intent.concepts import named
from tightfit.intent.folding import fold
from tightfit.intent.items import UNKNOWN, Item, items, with_typos_read
from tightfit.intent.language import detect, tells
from tightfit.intent.lexer import Exists, Token, tokens
from tightfit.intent.lexicon import Lexicon, Term, languages, load, read, script_of, split
from tightfit.intent.numerals import han_count

LONGEST = 200  # characters; what refers to something before is short
_MARK = "talk:"
_AROUND = named(
    """
    filler greeting statement this video of make can want and then comma stop to from by file for
    need is what dash please several number digits purpose music label rest with quality
    """
)
_ENDING = re.compile("[\u3041-\u309f]{1,2}")  # the end of a Japanese verb or a particle


class Kind(StrEnum):
    """What is meant of what was done before."""

    SMALLER = "smaller"
    BETTER = "better"
    SAME = "same"
    UNDO = "undo"
    WHERE = "where"
    DID = "did"
    CONNECT = "connect"
    QUIT = "quit"


@dataclass(frozen=True)
class FollowUp:
    """``number`` and ``files`` say which others; ``little`` that a small step is meant."""

    kind: Kind
    language: str
    little: bool = False
    others: bool = False
    number: int | None = None
    files: tuple[str, ...] = ()


def follow_up(text: str, exists: Exists, language: str = "en") -> FollowUp | None:
    """What ``text`` says of something before; None where it is a request of its own.

    ``language`` is that of the session: it is tried first, since "ok" and "undo" are at home in several.
    """
    if len(text) > LONGEST:
        return None
    folded = fold(text)
    found = tokens(folded, exists)
    heard = detect(folded, found, language)
    scripts = {script_of(heard)}
    rest = [name for name in languages() if script_of(name) in scripts and name not in (heard, language)]
    for name in dict.fromkeys([heard, language, *rest]):
        if meant := _meant(_read(found, name), name):
            return meant
    return None


def language_of(text: str, exists: Exists, usual: str) -> str:
    """The language a conversation goes on in: the text's own where its words tell, else the ``usual`` one."""
    folded = fold(text[:LONGEST])
    found = tokens(folded, exists)
    heard = detect(folded, found, usual)
    return heard if tells(folded, found, heard) else usual


def is_beyond(text: str, exists: Exists, language: str) -> bool:
    """Whether ``text`` names what only a timeline or a generative service could do: subtitles, filters, an avatar."""
    lexicon = load(language)
    return any(item.concept in ("beyond", "caption") for item in items(tokens(fold(text[:LONGEST]), exists), lexicon))


def _read(found: Sequence[Token], language: str) -> list[Item]:
    lexicon = talk(language)
    return with_typos_read(items(found, lexicon), lexicon)


@cache
def talk(language: str) -> Lexicon:
    """The lexicon of a language with the phrases of ``[talk]`` before all others."""
    plain = load(language)
    said = {key: split(text) for key, text in read(language)["talk"].items()}
    own = {phrase: Term(_MARK + key) for key, phrases in said.items() for phrase in phrases}
    if plain.script != "latin":
        # Without spaces the longest phrase counts, and もう少し小さくして is one that asks for a size.
        for key in ("smaller", "better"):
            own |= {bit + phrase: Term(f"{_MARK}{key}+little") for bit in said["little"] for phrase in said[key]}
    return replace(plain, phrases={**plain.phrases, **own})


def _meant(found: Sequence[Item], language: str) -> FollowUp | None:
    marks = [item.concept.removeprefix(_MARK) for item in found if item.concept.startswith(_MARK)]
    said = {key for mark in marks for key in mark.split("+")}
    plain = [item for item in found if not item.concept.startswith(_MARK)]
    if not said or not all(_is_small_talk(item) for item in plain):
        return None
    kinds = said - {"little", "others"}
    if said == {"others"}:
        kinds = {"same"}  # "and the others?"
    if len(kinds) != 1:
        return None
    kind = Kind(kinds.pop())
    files = tuple(str(item.value) for item in plain if item.concept == "file")
    number = next((many for item in plain if (many := _number(item)) is not None), None)
    if (number is not None or files or "others" in said) and kind is not Kind.SAME:
        return None
    return FollowUp(kind, language, "little" in said, "others" in said, number, files)


def _is_small_talk(item: Item) -> bool:
    counted = item.concept == "unit" and item.value in ("parts", "people")  # 3つ, "3 videos"
    return counted or item.concept in _AROUND or (item.concept == UNKNOWN and bool(_ENDING.fullmatch(item.text)))


def _number(item: Item) -> int | None:
    """How many are meant: 2, "two", 两个."""
    if item.concept == "digits":
        return int(item.text) if item.text.isdigit() else None
    if item.concept == "number":
        return int(item.value)
    return han_count(item.text) if item.concept == "several" else None
