"""What no wish has taken: small talk is let go, everything else is said back."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tightfit.intent.concepts import named
from tightfit.intent.corrections import leading_number
from tightfit.intent.reading import BREAKS, Reading
from tightfit.intent.statements import Form, form_of, reason_before

# Words that would change the result if they were understood; none of them may be dropped in silence.
_WEIGHTY = frozenset(
    (
        *(
            "remove",
            "mute",
            "write",
            "text",
            "rotate",
            "fade",
            "fade_in",
            "fade_out",
            "split",
            "crop",
            "music",
            "volume",
        ),
        *("louder", "quieter", "faster", "slower", "upside_down", "bigger", "cut", "trim", "quote", "bad", "span"),
        *("duration", "clock", "degrees", "factor", "bitrate", "kbps", "mbps", "upload", "cancel", "file"),
        *("percent", "fraction", "size", "codec", "container", "lines", "sound", "touch", "not", "position", "parts"),
    )
)
# Of these a remark may speak: "my boss removes everything over 10 MB".
_TALKED_ABOUT = _WEIGHTY - {"bad", "quote", "span", "degrees", "clock"}
# With these around it a denial changes nothing.
_HARMLESS = named(
    """
    not no unknown filler this video statement greeting is of from to by about weight what purpose need want can
    someone each several first last quality number label count
    """
)
_ASKING = named("make compress can want keep write upload export cancel beyond caption")
_ASKS_IN_HAN = re.compile("^(?:[再把将将请請给給并並加换換]|顺便|順便|另外|同时)|帮|幫|给我|給我|麻烦|麻煩")
_ASKS_IN_KANA = re.compile(
    "(?:[てで]|下さい|ください|欲しい|ほしい|たい|ように?|頼む|お願い(?:します)?|しろ|くれ)[ねよ。！!]*$"
)
_LONGEST_TOPIC = 5  # words
_YEARS = range(1950, 2100)
_LONGEST_NAME = 3  # words
_ENDING = re.compile("[\u3041-\u309f]{1,2}")  # two kana are the end of a verb, not a wish
_GOALS = frozenset(("size", "percent", "fraction", "preset"))
_ALWAYS = frozenset(("junk", "attack", "beyond", "caption", "bad"))
_HARMFUL = _ALWAYS - {"beyond", "caption"}  # of the others a statement may speak: "there is noise in the background"
_MEASURES = named("size percent fraction span duration clock degrees factor kbps mbps bitrate fps lines quote bad")


def read_leftovers(reading: Reading, *, any_wish: bool) -> None:
    """Add to the doubts what is left in each clause and is not small talk."""
    for clause in reading.clauses:
        told_before = reason_before(reading, clause)
        left = [at for at in clause if at not in reading.used and reading.concept(at) not in BREAKS]
        left = [at for at in left if at >= told_before or reading.concept(at) in _HARMFUL | _MEASURES]
        if not left:
            continue
        form = form_of(reading, clause)
        spoken = form is Form.STATEMENT or _goes_on(reading, clause)
        told = any_wish and spoken and not _measures(reading, left)
        hostile = [at for at in left if reading.concept(at) in (_HARMFUL if told else _ALWAYS)]
        if hostile:
            _doubt_around(reading, clause, hostile)
            continue
        used = [at for at in clause if at in reading.used]
        if told and not _acts(reading, left):
            continue
        if form is Form.WISH and not used and (strange := _strange(reading, left) or _ways(reading, left)):
            reading.doubt(*strange)
            continue
        remark = told or _is_remark(reading, clause)
        weighty = [at for at in left if reading.concept(at) in (_WEIGHTY - _TALKED_ABOUT if remark else _WEIGHTY)]
        weighty += [at for at in left if reading.concept(at) == "unit" and reading.concept(at - 1) == "size"]
        # "No" and a word that is not known: something is not wanted, and nobody knows what.
        weighty += [at for at in left if used and reading.concept(at) == "no" and reading.concept(at + 1) == "unknown"]
        weighty = [at for at in weighty if not _is_noun(reading, at) and not _is_article(reading, at)]
        if weighty and not used and _denies_nothing(reading, left):
            continue
        if weighty:
            reading.doubt(*weighty, *_strange(reading, left, near=weighty))
            continue
        talk = _is_small_talk(reading, left, used, remark=remark)
        if not talk and not (any_wish and _is_aside(reading, clause, used)) and not _is_signature(reading, clause):
            strange = _strange(reading, left)
            reading.doubt(*(strange or left))
    _numbers(reading, any_wish=any_wish)


def _measures(reading: Reading, left: Sequence[int]) -> bool:
    """Whether something that is measured is left: nothing that tells a size, a time or a share is a mere remark."""
    return any(reading.concept(at) in _MEASURES for at in left)


def _acts(reading: Reading, left: Sequence[int]) -> bool:
    """Whether a word of an operation is left, which a statement may speak of as far as a remark may."""
    return any(reading.concept(at) in _WEIGHTY for at in left)


def _is_article(reading: Reading, at: int) -> bool:
    """As the German "ein": the second half of a verb that adds something, but far more often an article."""
    return reading.concept(at) == "write" and reading.items[at].text in reading.lexicon.numbers


def _denies_nothing(reading: Reading, left: Sequence[int]) -> bool:
    """As in "no importa lo que tarde", "not that it matters": a denial of what nobody would have done."""
    concepts = {reading.concept(at) for at in left}
    return "need" in concepts and concepts <= _HARMLESS


def _is_aside(reading: Reading, clause: range, used: Sequence[int]) -> bool:
    """A clause beside a wish that tells something and asks for nothing, as far as its form shows.

    Chinese and Japanese show what is asked for (请, 帮我 …, …て, …ください). Elsewhere an imperative looks like any
    other unknown word, so only what stands before all wishes is a topic: "graduation day, 30 MB".
    """
    concepts = {reading.concept(at) for at in clause}
    if used or concepts & _ASKING or reading.joined_by(clause) in ("and", "then"):
        return False
    text = reading.original(reading.items[clause.start].start, reading.items[clause.stop - 1].end).strip()
    if reading.lexicon.script == "han":
        return not _ASKS_IN_HAN.search(text)
    if reading.lexicon.script == "kana":
        return not _ASKS_IN_KANA.search(text)
    return clause.start == 0 and _weight(reading, clause) <= _LONGEST_TOPIC and clause.stop < len(reading.items)


def _is_noun(reading: Reading, at: int) -> bool:
    """As in "Version 2 of the cut": what it is called, not what is to be done."""
    ahead = [reading.concept(place) for place in (at - 1, at - 2)]
    return reading.concept(at) == "cut" and ahead[0] in ("of", "from", "by", "this") and "label" not in ahead[:1]


def _is_signature(reading: Reading, clause: range) -> bool:
    """The name under the regards."""
    number = reading.clauses.index(clause)
    last = number == len(reading.clauses) - 1 and number > 0
    before = reading.clauses[number - 1] if last else range(0)
    polite = any(reading.concept(at) == "greeting" for at in before)
    if last and not polite and before and reading.lexicon.script == "latin":
        capital = all(reading.original(item.start, item.end)[:1].isupper() for item in reading.items[clause.start :])
        closing = not reading.used.intersection(before) and _weight(reading, before) <= _LONGEST_TOPIC
        polite = capital and closing and form_of(reading, before) is Form.STATEMENT
    return last and polite and _weight(reading, clause) <= _LONGEST_NAME


def _goes_on(reading: Reading, clause: range) -> bool:
    """As in "it was raining cats and dogs": the end of a statement, which "and" has cut off."""
    number = reading.clauses.index(clause)
    if not number or reading.joined_by(clause) != "and" or reading.used.intersection(clause):
        return False
    before = form_of(reading, reading.clauses[number - 1])
    short = _weight(reading, clause) <= 2 or reading.concept(clause.start) == "is"
    spoken = before is Form.STATEMENT or _is_remark(reading, reading.clauses[number - 1])
    return spoken and form_of(reading, clause) is Form.OPEN and short


def _doubt_around(reading: Reading, clause: range, hostile: Sequence[int]) -> None:
    """The whole run of what is not understood around something that must not be let go."""
    first, last = min(hostile), max(hostile)
    while last + 1 < clause.stop and last + 1 not in reading.used:
        last += 1
    while first > clause.start and first - 1 not in reading.used:
        first -= 1
    reading.doubt(*(at for at in range(first, last + 1)))


def _strange(reading: Reading, left: Sequence[int], near: Sequence[int] = ()) -> list[int]:
    found = [at for at in left if reading.concept(at) == "unknown" and not _ENDING.fullmatch(reading.items[at].text)]
    if near:
        return [at for at in found if min(abs(at - place) for place in near) <= 2]
    return found


def _ways(reading: Reading, left: Sequence[int]) -> list[int]:
    """A way to turn where nothing turns: a word that means something else here, as in "quero o horário na imagem"."""
    return [at for at in left if reading.concept(at) in ("cw", "ccw", "left", "right")]


def _is_remark(reading: Reading, clause: range) -> bool:
    """A clause that begins as one tells something, not as one asks for it."""
    first = next((reading.items[at] for at in clause if reading.concept(at) not in ("greeting",)), None)
    if first is None:
        return True
    if first.concept in ("statement", "purpose") or any(reading.concept(at) == "refused" for at in clause):
        return True
    if first.concept in ("no", "not", "remove", "keep"):
        return False
    words = first.text.split()
    openers = reading.lexicon.openers
    return bool(words) and (first.text in openers or words[0] in openers)


def _weight(reading: Reading, places: Sequence[int]) -> int:
    """How many words these are; two characters of Han or kana count as one."""
    total = 0
    for at in places:
        text = reading.items[at].text
        total += len(text.split()) if text.isascii() else max(1, (len(text) + 1) // 2)
    return total


def _is_small_talk(reading: Reading, left: Sequence[int], used: Sequence[int], *, remark: bool) -> bool:
    unknown = [at for at in left if reading.concept(at) == "unknown" and not _ENDING.fullmatch(reading.items[at].text)]
    known = [at for at in left if reading.concept(at) != "unknown"]
    if not unknown:
        return True
    strange = _weight(reading, unknown)
    familiar = _weight(reading, known) + _weight(reading, used)
    if remark:
        return strange <= 3 * familiar + 4
    if used:
        # Where the goal is told, a word that is not known says who or what needs it, or is one more verb for it.
        goal = any(reading.concept(at) in _GOALS for at in used)
        return strange <= (2 * familiar + 4 if goal else familiar + 1)
    if any(reading.concept(at) in ("make", "compress", "want", "can", "keep") for at in known):
        return False
    return strange <= familiar


def _measured(reading: Reading, at: int) -> bool:
    """Whether the clause of a number has a wish or asks for one: what is told has neither."""
    return any(reading.concept(place) in ("size", "lines", "make", "want", "compress") for place in reading.clause(at))


def _is_kept_to(reading: Reading, at: int) -> bool:
    """Whether a bare number is told as a limit that the size which is asked for keeps to."""
    if reading.concept(at - 1) != "limit" or not reading.wishes.get("target"):
        return False
    sizes = [item.text for item in reading.items if item.concept == "size"]
    counted = [leading_number(text) for text in sizes]
    return bool(counted) and 0 < min(counted) <= (reading.items[at].value or 0)


def _numbers(reading: Reading, *, any_wish: bool) -> None:
    """A bare number is a distractor beside a target, and a question where it should be one."""
    # "Ein", "un" and "one" are articles more often than numbers, and no size either way.
    reading.use(
        *(at for at in reading.find("number") if reading.items[at].value == 1 and reading.items[at].text != "1")
    )
    for at in reading.find("pace"):
        if not reading.wishes.get("target"):
            reading.doubt(at)
    for at in reading.find("number"):
        if reading.wishes.get("target") and reading.concept(at + 1) == "unknown":
            reading.use(at)  # "mit 28 Schülern": things that are counted
            continue
        if _is_kept_to(reading, at):
            reading.use(at)  # "the forum allows 50, so 45 MB"
            continue
        year = any_wish and reading.items[at].value in _YEARS and len(reading.items[at].text) == 4
        if year and reading.find("size", "percent", among=reading.clause(at)) == [] and not _measured(reading, at):
            reading.use(at)  # "filmed in 2018"
        elif reading.concept(at - 1) == "by" and reading.concept(at - 2) in ("compress", "smaller"):
            reading.doubt(at)  # "reduz em 80": by 80 of what?
        elif reading.concept(at - 1) in ("first", "last", "begin", "between", "to", "limit"):
            reading.doubt(at - 1, at)  # "the last 10": seconds, or frames? "to 8": what?
    if any_wish:
        return
    for at in reading.find("number"):
        if reading.concept(at - 1) == "label":
            continue
        reading.doubt(at)
        reading.questions.append("ask_unit")
