"""Items: what the tokens of a text mean in one language, before anything is made of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tightfit.intent.lexer import Kind, Token
from tightfit.intent.lexicon import Lexicon, Term
from tightfit.intent.numerals import compound_number, han_number

UNKNOWN = "unknown"
_FORMS = {
    **{Kind.CLOCK: "clock", Kind.RATIO: "ratio", Kind.BOX: "box", Kind.LINES: "lines", Kind.FACTOR: "factor"},
    **{Kind.DATE: "date", Kind.QUOTE: "quote", Kind.FILE: "file", Kind.DASH: "dash", Kind.STOP: "stop"},
    **{Kind.COMMA: "comma", Kind.JUNK: "junk", Kind.BOUND: "limit", Kind.ARROW: "to", Kind.NUMBER: "digits"},
}
_LONGEST_PHRASE = 9  # words: "is it possible for you to make that smaller"
_SHORTEST_PART, _LONGEST_PART = 4, 14  # letters of the last half of a compound, as in Drohnenaufnahmen
_NOT_GUESSED = frozenset(("statement", "unit", "number", "fraction", "attack", "label", "correction"))


@dataclass(frozen=True)
class Item:
    """A stretch of the text and what it means; ``value`` belongs to the concept."""

    concept: str
    text: str
    start: int
    end: int
    value: Any = None
    meant: str = ""  # the word that a typo was read as

    def __repr__(self) -> str:
        return f"{self.concept}:{self.text}" + (f"={self.value}" if self.value is not None else "")


def items(found: Sequence[Token], lexicon: Lexicon, other: Lexicon | None = None) -> list[Item]:
    """What ``found`` means in the language of ``lexicon``, with ``other`` for the words that it lacks."""
    result: list[Item] = []
    parts = _unhyphenated(found)
    particles = _particles(parts, lexicon) if lexicon.separable else {}
    at = 0
    while at < len(parts):
        token = parts[at]
        if at in particles:
            term = particles[at]
            result.append(Item(term.concept, token.text, token.start, token.end, term.value))
            at += 1
        elif token.kind is Kind.WORD:
            taken, item = _word(parts, at, lexicon, other, after_number=_is_number(result, lexicon))
            result.append(item)
            at += taken
        elif token.kind is Kind.CJK:
            following = parts[at + 1] if at + 1 < len(parts) else None
            result.extend(_run(token, lexicon, following, after_number=_is_number(result, lexicon)))
            at += 1
        else:
            value = token.value or None
            result.append(Item(_FORMS[token.kind], token.text, token.start, token.end, value))
            at += 1
    return result


def _particles(parts: Sequence[Token], lexicon: Lexicon) -> dict[int, Term]:
    """Verbs whose second half ends their clause ("brich das bitte ab"), and those halves, by place."""
    found: dict[int, Term] = {}
    for at, token in enumerate(parts):
        halves = lexicon.separable.get(token.text) if token.kind is Kind.WORD else None
        if not halves:
            continue
        for place in range(at + 1, len(parts)):
            ends = place + 1 == len(parts) or _ends_clause(parts[place + 1], lexicon)
            if parts[place].kind is Kind.WORD and ends and parts[place].text in halves:
                found[at] = halves[parts[place].text]
                found[place] = Term("filler")
                break
            if _ends_clause(parts[place], lexicon):
                break
    return found


def _ends_clause(token: Token, lexicon: Lexicon) -> bool:
    if token.kind in (Kind.STOP, Kind.COMMA, Kind.DASH):
        return True
    term = lexicon.phrases.get(token.text) if token.kind is Kind.WORD else None
    return term is not None and term.concept in ("and", "then", "correction")


def _is_number(result: Sequence[Item], lexicon: Lexicon) -> bool:
    if not result:
        return False
    if result[-1].concept == "unit" and result[-1].value == "people":
        return _is_number(result[:-1], lexicon)  # 一个G: the word for counting stands between
    return result[-1].concept in ("digits", "number", "fraction", "clock") or result[-1].text in lexicon.numbers


def _unhyphenated(found: Sequence[Token]) -> list[Token]:
    """Without the hyphens inside words: twenty-five, fais-la, 500-MB-Video, 30-second."""
    kept: list[Token] = []
    for at, token in enumerate(found):
        if token.kind is Kind.DASH and 0 < at < len(found) - 1:
            before, after = found[at - 1], found[at + 1]
            glued = before.end == token.start and token.end == after.start
            words = Kind.WORD in (before.kind, after.kind)
            if glued and words and after.kind is not Kind.NUMBER:
                continue
        kept.append(token)
    return kept


def _word(
    parts: Sequence[Token], at: int, lexicon: Lexicon, other: Lexicon | None, *, after_number: bool
) -> tuple[int, Item]:
    """The longest phrase at ``at``, as one item, and how many tokens it takes."""
    words = []
    for token in parts[at : at + _LONGEST_PHRASE]:
        if token.kind is not Kind.WORD:
            break
        words.append(token.text.replace("'", ""))
    found = _phrase(words, lexicon, after_number)
    if found is None and lexicon.grammar.get("compounds") and (value := compound_number(words[0], lexicon)):
        found = 1, Term("number", value)
    if found is None and lexicon.grammar.get("compounds"):
        found = _compound(words[0], lexicon)
    if found is None and words[0].endswith("s") and parts[at].text.endswith("'s"):
        found = _phrase([words[0][:-1]], lexicon, after_number)  # grandma's
    if found is None and other is not None:
        found = _phrase(words, other, after_number)
    taken, term = found or (1, Term(UNKNOWN))
    first, last = parts[at], parts[at + taken - 1]
    text = " ".join(words[:taken])
    return taken, Item(term.concept, text, first.start, last.end, term.value)


def _compound(word: str, lexicon: Lexicon) -> tuple[int, Term] | None:
    """A video of some kind as one word: Drohnenvideo, Hochzeitsfilm."""
    for start in range(max(_SHORTEST_PART, len(word) - _LONGEST_PART), len(word) - _SHORTEST_PART + 1):
        found = lexicon.phrase([word[start:]])
        if found and found[1].concept == "video":
            return found
    return None


def _phrase(words: Sequence[str], lexicon: Lexicon, after_number: bool) -> tuple[int, Term] | None:
    """The longest phrase; one letter is a unit only after a number, a word there is a unit first of all."""
    if after_number and (found := lexicon.unit(words)):
        return found
    found = lexicon.phrase(words)
    if found and found[1].concept == "unit" and len(words[0]) < 2 and not after_number and found[0] == 1:
        return None
    return found


def _run(token: Token, lexicon: Lexicon, following: Token | None, *, after_number: bool) -> Iterable[Item]:
    """Han and kana have no spaces: the longest phrase at each place, and what lies between."""
    text, at, unknown = token.text, 0, 0
    found: list[Item] = []

    def put(concept: str, start: int, end: int, value: Any = None) -> None:
        found.append(Item(concept, text[start:end], token.start + start, token.start + end, value))

    while at < len(text):
        awaited = bool(found) and at == unknown and found[-1].concept == "percent_of"
        numeral = han_number(text, at, lexicon, following_is_unit=_may_be_unit(following), awaited=awaited)
        measured = after_number if at == 0 else at == unknown and _is_number(found, lexicon)
        hit = lexicon.run(text, at)
        unit = lexicon.unit_run(text, at) if measured else None
        if unit and not (hit and hit[0] > unit[0] and hit[1].concept == "rotate"):  # 4分の1回転 is no 4分の1回
            hit = unit
        if numeral and (hit is None or numeral[0] >= hit[0]):
            length, term = numeral[0], Term("number", numeral[1])
        elif hit:
            length, term = hit
        else:
            at += 1
            continue
        if unknown < at:
            put(UNKNOWN, unknown, at)
        put(term.concept, at, at + length, term.value)
        at = unknown = at + length
    if unknown < at:
        put(UNKNOWN, unknown, at)
    return found


def _may_be_unit(token: Token | None) -> bool:
    return token is not None and token.kind is Kind.WORD and len(token.text) <= 3


def with_typos_read(found: Sequence[Item], lexicon: Lexicon) -> list[Item]:
    """Unknown words that are one slip away from words of one meaning, read as those."""
    if not any(item.concept == UNKNOWN and item.text.isascii() for item in found):
        return list(found)
    from tightfit.intent.typos import guess

    result = []
    for item in found:
        meant = guess(item.text, lexicon, _NOT_GUESSED) if item.concept == UNKNOWN else None
        if meant:
            word, term = meant
            item = replace(item, concept=term.concept, value=term.value, meant=word)
        result.append(item)
    return result
