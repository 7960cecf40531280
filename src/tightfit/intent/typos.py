"""One slip of the finger is forgiven where a single meaning is left; digits and units never are."""

from __future__ import annotations

from collections.abc import Set

from rapidfuzz.distance import OSA

from tightfit.intent.lexicon import Lexicon, Term

# Shorter words have too many neighbours: "mate" is one letter from "make", "movie" from "move".
_SHORTEST = 5
_TWO_SLIPS_FROM = 9


def guess(word: str, lexicon: Lexicon, never: Set[str]) -> tuple[str, Term] | None:
    """The word that ``word`` was meant to be, if all those nearest to it mean the same.

    Words for the concepts of ``never`` are known but not guessed: a word as near to one of them is left alone.
    """
    if len(word) < _SHORTEST or not word.isalpha():
        return None
    allowed = 2 if len(word) >= _TWO_SLIPS_FROM else 1
    nearest: dict[Term, str] = {}
    best = allowed
    for known, term in lexicon.single_words():
        if known[0] != word[0] or abs(len(known) - len(word)) > best or len(known) < _SHORTEST - 1:
            continue
        distance = OSA.distance(word, known, score_cutoff=best)
        if distance > best:
            continue
        if distance < best:
            best, nearest = distance, {}
        nearest.setdefault(term, known)
    if len(nearest) != 1:
        return None
    term, known = next(iter(nearest.items()))
    return None if term.concept in never else (known, term)
