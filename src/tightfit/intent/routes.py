"""Which action a text asks for. Some are only meant when they are the head of a short message."""

from __future__ import annotations

from tightfit.intent.concepts import named
from tightfit.intent.model import Action
from tightfit.intent.reading import BREAKS, Reading
from tightfit.intent.statements import Form, form_of

# Longer messages that happen to begin with "export" or "download" are edits (the service's own rule).
_SHORT_MESSAGE = 6
_SHORT_QUESTION = 12
_ROUTES = (
    ("cancel", Action.CANCEL),
    ("credits", Action.CREDITS),
    ("status", Action.STATUS),
    ("upload", Action.UPLOAD),
    ("help", Action.HELP),
)
_AROUND = named(
    """
    filler greeting can want what this make statement of comma is then correction music with to from
    need and by file video part rest purpose
    """
)
_FORMAT = frozenset(("container", "codec", "resolution", "fps", "aspect"))


def route(reading: Reading) -> Action | None:
    """The action that is not about a file's size: asked before any wish is looked for."""
    if reading.find("size", "percent", "quote", "junk", "attack", "beyond", "caption"):
        return None
    if _is_question(reading) and reading.find("preset", "lines", "container", "codec"):
        reading.use(*range(len(reading.items)))
        return Action.HELP
    if _brings_up(reading):
        reading.use(*range(len(reading.items)))
        return Action.UPLOAD
    for concept, action in _ROUTES:
        for at in reading.find(concept):
            head = _is_head(reading, at) or (action is Action.STATUS and _asks_by_its_mark(reading, at))
            if head and _fits(reading, action, at):
                reading.use(*range(len(reading.items)))
                return action
    return None


def _brings_up(reading: Reading) -> bool:
    """As in "put talk.mp4 in the cloud": a file, a place for it, and nothing to be done with it."""
    concepts = {item.concept for item in reading.items}
    verbs = concepts & {"make", "write", "upload"}
    brought = {"file", "cloud"} <= concepts and bool(verbs)
    return brought and not concepts & (_WISHES | {"export", "unknown", "not", "no", "quality", "best", "fast"})


def _is_head(reading: Reading, at: int) -> bool:
    return all(reading.concept(place) in _AROUND or _is_a_no(reading, place) for place in range(at))


def _is_a_no(reading: Reading, at: int) -> bool:
    """As in "no, cancel it": an answer, and no denial of what follows."""
    return at == 0 and reading.concept(at) in ("no", "not") and reading.concept(at + 1) in ("comma", "stop")


def _asks_by_its_mark(reading: Reading, at: int) -> bool:
    """As in "Ist das Video inzwischen fertig?": one word that is not known, in a question."""
    strange = [place for place in range(at) if reading.concept(place) not in _AROUND]
    asked = reading.original(reading.items[-1].start, reading.items[-1].end) in ("?", "？")
    return asked and len(strange) == 1 and reading.concept(strange[0]) == "unknown"


def _is_question(reading: Reading) -> bool:
    """As in "what's the limit for Discord?": asked, and nothing to be done."""
    first = next((item for item in reading.items if item.concept not in ("filler", "greeting", "comma", "stop")), None)
    asked = first is not None and first.concept == "what"
    return asked and not reading.find("compress", "make", "size", "percent", "export", "file")


def _words(reading: Reading) -> int:
    told = {at for clause in reading.clauses[1:] if form_of(reading, clause) is Form.STATEMENT for at in clause}
    return sum(
        max(1, len(item.text.split())) if item.text.isascii() else max(1, len(item.text) // 2)
        for at, item in enumerate(reading.items)
        if item.concept not in BREAKS and at not in told
    )


_WISHES = named(
    """
    span lines fps kbps preset fraction degrees factor sound mute compress smaller split fade fade_in
    fade_out rotate text crop
    """
)


def _fits(reading: Reading, action: Action, at: int) -> bool:
    concepts = {item.concept for item in reading.items}
    if action is Action.HELP:
        return not concepts & {"span", "degrees", "compress", "preset", "sound"} or (
            at == 0 and _words(reading) <= _SHORT_MESSAGE
        )
    if action is Action.UPLOAD:
        strange = [item for item in reading.items if item.concept in ("unknown", "preset")]
        return not concepts & _WISHES and _words(reading) <= _SHORT_QUESTION and not strange
    if action is Action.CANCEL:
        return not concepts & _WISHES and _words(reading) <= _SHORT_MESSAGE and not reading.find("file")
    return not concepts & _WISHES and _words(reading) <= _SHORT_QUESTION


def action_of(reading: Reading) -> Action:
    """The action of a text whose wishes are known."""
    wishes = reading.wishes
    if wishes.get("target"):
        return Action.COMPRESS
    exporting = reading.find("export") and _may_export(reading)
    if exporting:
        reading.use(*reading.find("export"))
        return Action.EXPORT
    if reading.find("compress", "smaller") or reading.find("size"):
        return Action.COMPRESS
    if "split" in wishes and wishes["split"] is True:
        return Action.COMPRESS
    if _FORMAT & set(wishes) and not (reading.edits or wishes.get("trim")) and set(wishes) & _FORMAT != {"aspect"}:
        return Action.EXPORT
    if reading.edits or wishes.get("trim") or {"audio", "aspect", "split"} & set(wishes):
        return Action.EDIT
    if _FORMAT & set(wishes):
        return Action.EXPORT
    return _talk(reading)


def _may_export(reading: Reading) -> bool:
    """An export verb in a sentence about something else is content, not a command."""
    at = reading.find("export")[0]
    short = _words(reading) <= _SHORT_MESSAGE
    known = bool(set(reading.wishes) & (_FORMAT | {"quality", "speed", "where", "audio", "trim"}))
    return (_is_head(reading, at) and short) or known


def _talk(reading: Reading) -> Action:
    if reading.find("help", "what") and not reading.find("junk", "attack"):
        return Action.HELP
    if _asks_for_size(reading):
        return Action.COMPRESS
    if reading.find("greeting") and not reading.find("junk", "attack", "beyond", "caption", "unknown"):
        return Action.HELP
    return Action.UNKNOWN


def _asks_for_size(reading: Reading) -> bool:
    """As in "Make it 50", "target size: 30": a number that is to be a size."""
    if reading.find("junk", "attack", "beyond", "caption"):
        return False
    return bool(reading.find("number") and reading.find("make", "limit", "weight", "to", "want", "end"))
