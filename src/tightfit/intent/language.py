"""Which language a text is in: the one whose words cover most of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence

from tightfit.intent.folding import Folded
from tightfit.intent.items import UNKNOWN, Item, items
from tightfit.intent.lexer import Kind, Token
from tightfit.intent.lexicon import languages, load, script_of

_KANA = re.compile("[\u3041-\u30fa]")
_WIDE = re.compile("[，。！？；]")
_SHARED = frozenset(
    (
        *(
            "digits",
            "comma",
            "stop",
            "dash",
            "junk",
            "quote",
            "file",
            "clock",
            "ratio",
            "box",
            "lines",
            "factor",
            "date",
        ),
        *("codec", "container", "hd", "full_hd", "ultra_hd", "quad_hd", UNKNOWN, "preset"),
    )
)
_MEASURED = frozenset(("unit", "number", "fraction"))
_EVERYWHERE = frozenset(("filler", "this", "statement", "of"))
_FAINT = 0.5  # short words that several languages share say less than others
_ENDING = 1.5  # letters that a stem leaves to chance
_RARE = 1.0  # what it adds that no other language has a word
_SHAPE_BONUS = 2  # ção, sch, eau: letters that stand together in one language more than in others
_LETTER_BONUS = 3  # a ñ, an ã or an ß says as much as a word of three letters


def detect(folded: Folded, found: Sequence[Token], usual: str = "") -> str:
    """The language of a text; where nothing tells, the ``usual`` one of a conversation, else English."""
    han = [token for token in found if token.kind is Kind.CJK]
    if han:
        scripts = {"kana"} if any(_KANA.search(token.text) for token in han) else {"han", "kana"}
    else:
        scripts = {"kana"} if "、" in folded.source else {"han"} if _WIDE.search(folded.source) else {"latin"}
    # Of Han alone a Japanese has as many words as a Chinese; there are more texts of the latter.
    candidates = sorted(
        (language for language in languages() if script_of(language) in scripts),
        key=lambda language: (language != usual, script_of(language) == "kana"),
    )
    if len(candidates) == 1 or _is_covered(candidates[0], found):
        return candidates[0]
    if (marked := _before_a_shell(candidates, found)) is not None:
        return marked
    said = {language: _said(language, found) for language in candidates}
    shared = Counter(item.text for items_said in said.values() for item in items_said)
    scores = {language: _score(language, folded, found, said[language], shared) for language in candidates}
    return max(candidates, key=lambda language: scores[language])


def _before_a_shell(candidates: Sequence[str], found: Sequence[Token]) -> str | None:
    """As in "15 Mo && cat …": the one language that has a word before the junk; what follows is no language."""
    junk = next((at for at, token in enumerate(found) if token.kind is Kind.JUNK), 0)
    marked = [name for name in candidates if any(token.text in load(name).marks for token in found[:junk])]
    return marked[0] if len(marked) == 1 else None


def _said(language: str, found: Sequence[Token]) -> list[Item]:
    return [item for item in items(found, load(language)) if item.concept not in _SHARED]


def tells(folded: Folded, found: Sequence[Token], language: str) -> bool:
    """Whether a text has words that show its language: "8MB" and "discord" have none."""
    said = items(found, load(language))
    return bool(folded.text.strip()) and any(item.concept not in _SHARED | _MEASURED for item in said)


def _is_covered(language: str, found: Sequence[Token]) -> bool:
    """Whether a language has every word of a text, some of them its own: then the others need not be looked at."""
    words = [item for item in items(found, load(language)) if item.concept not in _SHARED - {UNKNOWN}]
    own = any(item.concept not in _EVERYWHERE | {"unit", "limit"} for item in words)
    return own and not any(item.concept == UNKNOWN for item in words)


def _score(
    language: str, folded: Folded, found: Sequence[Token], said: Sequence[Item], shared: Mapping[str, int]
) -> float:
    """How many letters of a text are words of a language. A word that fewer languages have says more."""
    lexicon = load(language)
    covered = sum(
        (len(item.text) - (_ENDING if item.text not in lexicon.phrases else 0))
        * (_FAINT if item.concept in _EVERYWHERE else 1)
        * (1 + _RARE / shared[item.text])
        for item in said
    )
    covered += sum(_LETTER_BONUS for token in found if token.text in lexicon.marks)
    letters = sum(char in lexicon.letters for char in folded.source.lower())
    shapes = sum(folded.source.lower().count(shape) for shape in lexicon.shapes)
    return covered + _LETTER_BONUS * letters + _SHAPE_BONUS * shapes
