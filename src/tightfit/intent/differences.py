"""Whether a share or a size is what goes or what stays: "by 30 %", "to 30 %", "50 MB less"."""

from __future__ import annotations

from collections.abc import Sequence

from tightfit.intent.reading import ANCHORS, Reading

_GOVERNING = frozenset(("compress", "remove", "cut", "make", "keep", "want", "is"))


def taken_away(reading: Reading, at: int) -> list[int]:
    """As in "50 MB less", "reduce it by 50 MB": what goes is told, not what stays; none where it is a limit."""
    before = [place for place in reading.before(at) if reading.concept(place) not in ("filler", "about", "this")]
    after = [place for place in reading.after(at) if reading.concept(place) not in ("filler", "of", "this", "by")]
    first, verb = before[:1], before[1:3]
    lessened = {"compress", "remove", "cut", "smaller"}
    words = [at for at in [*first, *after[:1]] if reading.items[at].text in reading.lexicon.lessens]
    if words and not {"to", "limit"} & {reading.concept(place) for place in [*first, *after[:1]]}:
        return words
    if after and reading.concept(after[0]) in ("smaller", "remove") and not _limited(reading, before):
        return after[:1]
    text = reading.items[first[0]].text if first else ""
    if text in reading.lexicon.either:
        return first if any(reading.items[place].text in reading.lexicon.lessens for place in verb) else []
    by = first and reading.concept(first[0]) == "by" and not reading.lexicon.grammar.get("verbs_last")
    if by and any(reading.concept(place) in lessened for place in [*verb, *after[:1]]):
        return first
    removed = bool(first) and reading.concept(first[0]) == "remove" and not after
    return first if removed and not _has_its_object(reading, first[0]) else []


def _has_its_object(reading: Reading, verb: int) -> bool:
    """As in 音は消して10MB, where the object stands before its verb: what follows is another wish."""
    ahead = (verb - 1, verb - 2)
    return reading.lexicon.script != "latin" and any(reading.concept(place) in ANCHORS for place in ahead)


def _limited(reading: Reading, before: Sequence[int]) -> bool:
    return any(reading.concept(place) in ("to", "limit", "is", "want") for place in before)


def ambiguous_verb(reading: Reading, at: int) -> int | None:
    """A verb that governs a share and does not tell whether the share goes or stays.

    That is an unknown word ("frobnicate 22 %"), and one right before a share of the original
    ("compress 30 % of the original"); "reduce some 30 % of the size" has its share as an object.
    """
    if reading.lexicon.grammar.get("verbs_last"):
        return None
    before = [place for place in reading.before(at) if reading.concept(place) != "filler"]
    if reading.concept(at) == "fraction":
        return before[0] if before and reading.concept(before[0]) == "unknown" else None
    of_original = [reading.concept(place) for place in before[:2]] == ["original", "compress"]
    if of_original and reading.lexicon.script == "han" and reading.items[before[1]].text not in reading.lexicon.lessens:
        return None if _leads_to(reading, before[1] + 1) else before[1]  # 压缩原来的30%
    after = {reading.concept(place) for place in list(reading.after(at))[:3]}
    governing = reading.concept(before[0]) if before else ""
    if governing == "compress" and at - before[0] == 1 and "original" in after and not _leads_to(reading, at):
        return before[0]
    before = [place for place in before if reading.concept(place) not in ("this", "about")]
    strange = bool(before) and reading.concept(before[0]) == "unknown"
    return before[0] if strange and not after & {"smaller", "to", "remove"} else None


def _leads_to(reading: Reading, at: int) -> bool:
    """As in "baisse à 30 %", 压缩到30%: the verb that stands before has the word for the goal within."""
    text = reading.items[at - 1].text if reading.concept(at - 1) == "compress" else ""
    last = text.split()[-1] if text.isascii() and text else text[-1:]
    term = reading.lexicon.phrases.get(last) if last != text else None
    return term is not None and term.concept == "to"


def is_difference(reading: Reading, at: int) -> bool:
    """Whether the share goes ("cut 30 % off", "30 % smaller") or stays ("to 30 %", "30 % of the original")."""
    before = [reading.concept(place) for place in reading.before(at)]
    after = [reading.concept(place) for place in reading.after(at)]
    passing = ("filler", "this", "about", *(("of", "weight") if reading.lexicon.script == "han" else ()))
    near = [concept for concept in before if concept not in passing]
    verbs_last = reading.lexicon.grammar.get("verbs_last")
    if verbs_last and after[:1] == ["to"]:
        return False
    if near[:1] in (["to"], ["by"]) and _is_either(reading, at):
        governing = next((concept for concept in near[1:] if concept in _GOVERNING), "")
        return governing in ("compress", "remove", "cut") or "smaller" in after[:3]
    if near[:1] in (["to"], ["limit"], ["end"]) or (near[:1] == ["original"] and not verbs_last):
        # "Cut the size 40 %": the size is the object, and the share what goes.
        return near[:1] == ["original"] and _is_object(reading, at)
    if _leads_to(reading, at):
        return False
    if near[:1] in (["by"], ["compress"]):
        return True  # "reduce some 30% of the size": the share is the object of the verb
    if "smaller" in after[:3] or {"remove", "cut", "crop", "trim"} & set(before) or "remove" in after:
        return True
    if "original" in after[:3] or "original" in near[:2] or "only" in before or "keep" in before:
        return False
    if "smaller" in before or ("compress" in after and verbs_last):
        return True
    return "compress" in before


def _is_object(reading: Reading, at: int) -> bool:
    """Whether the size before a share is what a verb of shrinking acts on; 压缩到原来的30% has its goal there."""
    place = next((place for place in reading.before(at) if reading.concept(place) == "original"), at)
    while reading.concept(place - 1) in ("this", "filler", "of", "weight"):
        place -= 1
    acted = reading.concept(place - 1) in ("compress", "remove", "cut", "trim")
    return acted and place - 1 in reading.clause(at) and not _leads_to(reading, place)


def _is_either(reading: Reading, at: int) -> bool:
    """Whether the word before a share is one as "em": reduzir em 30 % is by, deixar em 30 % is at."""
    word = next((place for place in reading.before(at) if reading.concept(place) in ("to", "by")), at)
    return reading.items[word].text in reading.lexicon.either
