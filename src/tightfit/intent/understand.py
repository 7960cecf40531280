"""Words in, an Intent out. Pure: what files there are, the door says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tightfit.intent.corrections import read_corrections
from tightfit.intent.cuts import read_cuts
from tightfit.intent.edits import read_edits
from tightfit.intent.folding import Folded, fold
from tightfit.intent.goal import read_goal
from tightfit.intent.items import Item, items, with_typos_read
from tightfit.intent.language import detect
from tightfit.intent.leftovers import read_leftovers
from tightfit.intent.lexer import AUDIO_NAMES, Exists, Kind, Token, tokens
from tightfit.intent.lexicon import Lexicon, load
from tightfit.intent.manner import read_manner
from tightfit.intent.measures import BYTES, Composer
from tightfit.intent.model import Action, Edit, Intent
from tightfit.intent.picture import read_picture
from tightfit.intent.reading import Reading
from tightfit.intent.routes import action_of, route
from tightfit.intent.sound import read_sound
from tightfit.intent.spans import with_spans
from tightfit.intent.statements import set_told_aside

_ASKING = frozenset(("compress", "make", "export", "upload", "can", "want", "write"))
_WRITING = frozenset(("write", "text", "caption", "position", "fade_in"))  # words beside a text that is to be shown
_HANDING = "把将请帮给"  # what puts the object in front of the verb
LONGEST = 2000  # characters; nobody asks for a video's size at greater length
_AUDIO = tuple(f".{name}" for name in AUDIO_NAMES.split())
_LONGEST_ECHO = 200  # characters of what was not understood, said back


def _no_such_file(_: str) -> bool:
    return False


def understand(text: str, files: Sequence[str] = (), exists: Exists = _no_such_file, usual: str = "") -> Intent:
    """What ``text`` asks for. ``files`` were named beside it; ``exists`` knows the names of files that are there.

    ``usual`` is the language of the conversation, for a text that could be in several.
    """
    folded = fold(text[:LONGEST])
    known = frozenset(files)
    found = tokens(folded, lambda name: name in known or exists(name))
    language = detect(folded, found, usual)
    lexicon = load(language)
    if (plain := _with_limits_unquoted(folded, found, lexicon)) is not folded:
        found = tokens(plain, lambda name: name in known or exists(name))
    if len(text) > LONGEST:
        return Intent(
            language=language,
            files=tuple(files),
            unclear=(text[:_LONGEST_ECHO] + "…",),
            question=lexicon.say["ask_shorter"],
        )
    reading = _reading(folded, found, lexicon, files, exists)
    return _intent(reading, language)


def _with_limits_unquoted(folded: Folded, found: Sequence[Token], lexicon: Lexicon) -> Folded:
    """As in 'the form says "max 48 MB"': a size in quotation marks that nobody asks to be written is one."""
    quotes = [token for token in found if token.kind is Kind.QUOTE]
    if not quotes:
        return folded
    around = items(found, lexicon)
    if any(item.concept in _WRITING and item.text not in lexicon.numbers for item in around):
        return folded
    text = folded.text
    for quote in quotes:
        inside = items(tokens(fold(quote.value), _no_such_file), lexicon)
        if any(item.concept == "unit" and item.value in BYTES for item in inside):
            marks = (quote.start, quote.end - 1)
            text = "".join(" " if at in marks else char for at, char in enumerate(text))
    return replace(folded, text=text) if text != folded.text else folded


def _reading(folded: Folded, found: Sequence[Token], lexicon: Lexicon, files: Sequence[str], exists: Exists) -> Reading:
    english = load("en") if lexicon.language != "en" else None
    tagged = with_typos_read(items(found, lexicon, english), lexicon)
    composed = Composer(tagged, folded.original, lexicon).compose()
    spanned = with_spans(composed, postposed=lexicon.script != "latin")
    named = [_peeled(str(item.value), lexicon, exists) for item in spanned if _is_input(item)]
    everything = tuple(dict.fromkeys([*files, *named]))
    reading = Reading(spanned, lexicon, folded.original, everything)
    for item in tagged:
        if item.meant:
            reading.assume("assumed_typo", word=item.text, meant=item.meant)
    reading.use(*(at for at, item in enumerate(spanned) if _is_input(item)))
    return reading


def _peeled(name: str, lexicon: Lexicon, exists: Exists) -> str:
    """Without what is asked of it: 把旅行.mp4 is 旅行.mp4, unless there is a file of the whole name."""
    if exists(name):
        return name
    while found := lexicon.run(name, 0):
        rest = name[found[0] :]
        asking = found[1].concept in _ASKING or name[0] in _HANDING
        if not asking or rest.startswith(".") or not rest:
            break
        name = rest
    return name


def _is_input(item: Item) -> bool:
    return item.concept == "file" and not str(item.value).lower().endswith(_AUDIO)


def _intent(reading: Reading, language: str) -> Intent:
    routed = route(reading)
    if routed:
        return Intent(routed, language, reading.files)
    read_corrections(reading)
    set_told_aside(reading)
    read_edits(reading)
    read_picture(reading)
    read_manner(reading)
    read_sound(reading)
    read_cuts(reading)
    read_goal(reading)
    action = action_of(reading)
    if action in (Action.HELP, Action.UNKNOWN):
        return _talk(reading, action, language)
    if action is Action.COMPRESS and not reading.wishes.get("target"):
        _without_size(reading)
    read_leftovers(reading, any_wish=bool(reading.wishes or reading.edits))
    return _finished(reading, action, language)


def _without_size(reading: Reading) -> None:
    """As in "Compress it": the question is the size. A bare number is most of the answer."""
    numbers = [at for at in reading.find("number") if reading.concept(at - 1) != "label"]
    asking = reading.find("compress", "smaller", "weight", "make", "limit")
    if numbers:
        reading.doubt(*numbers)
        reading.questions.append("ask_unit")
        return
    reading.questions.append("ask_size")
    if asking and not reading.doubts:
        reading.doubt(*asking[:1])


def _talk(reading: Reading, action: Action, language: str) -> Intent:
    if action is Action.UNKNOWN:
        reading.wishes.clear()
        read_leftovers(reading, any_wish=False)
    unclear = _unclear(reading) if action is Action.UNKNOWN else ()
    return Intent(action, language, reading.files, unclear=unclear, question=_question(reading))


def _finished(reading: Reading, action: Action, language: str) -> Intent:
    _bounds(reading)
    return Intent(
        action,
        language,
        reading.files,
        **reading.wishes,
        edits=_in_order(reading.edits),
        assumed=tuple(reading.assumed),
        unclear=_unclear(reading),
        question=_question(reading),
    )


def _in_order(found: Sequence[tuple[int, Edit]]) -> tuple[Edit, ...]:
    """The edits in the order of the text; one that is said twice is meant once."""
    edits: list[Edit] = []
    for _, edit in sorted(found, key=lambda pair: pair[0]):
        if edit not in edits:
            edits.append(edit)
    return tuple(edits)


def _bounds(reading: Reading) -> None:
    picture = reading.wishes.get("resolution")
    if picture and picture.height:
        reading.assume("assumed_bound", height=picture.height)


def _unclear(reading: Reading) -> tuple[str, ...]:
    """The doubtful stretches in their own words, each once, in the order of the text."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(reading.doubts):
        if merged and start <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((start, end))
    said = (reading.original(start, end).strip() for start, end in merged)
    return tuple(text[:_LONGEST_ECHO] for text in dict.fromkeys(said) if text)


def _question(reading: Reading) -> str:
    if not reading.doubts:
        return ""
    key = reading.questions[0] if reading.questions else "ask_what"
    return reading.say(key, what=", ".join(_unclear(reading)))
