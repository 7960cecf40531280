"""Which language a text is in: the one whose words cover most of it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tightfit.intent.folding import Folded
from tightfit.intent.items import UNKNOWN, items
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
    scores = {language: _score(language, folded, found) for language in candidates}
    return max(candidates, key=lambda language: scores[language])


def tells(folded: Folded, found: Sequence[Token], language: str) -> bool:
    """Whether a text has words that show its language: "8MB" and "discord" have none."""
    said = items(found, load(language))
    return bool(folded.text.strip()) and any(item.concept not in _SHARED | _MEASURED for item in said)


def _is_covered(language: str, found: Sequence[Token]) -> bool:
    """Whether a language has every word of a text, some of them its own: then the others need not be looked at."""
    words = [item for item in items(found, load(language)) if item.concept not in _SHARED - {UNKNOWN}]
    own = any(item.concept not in _EVERYWHERE | {"unit", "limit"} for item in words)
    return own and not any(item.concept == UNKNOWN for item in words)


def _score(language: str, folded: Folded, found: Sequence[Token]) -> float:
    lexicon = load(language)
    covered = sum(
        len(item.text) * (_FAINT if item.concept in _EVERYWHERE else 1)
        for item in items(found, lexicon)
        if item.concept not in _SHARED
    )
    covered += sum(_LETTER_BONUS for token in found if token.text in lexicon.marks)
    letters = sum(char in lexicon.letters for char in folded.source.lower())
    return covered + _LETTER_BONUS * letters
