"""As in "20, no, 30 MB": the last word counts. "20 or 30 MB" is a question."""

from __future__ import annotations

from tightfit.intent.concepts import named
from tightfit.intent.reading import Reading

_MEASURES = named("size percent fraction lines fps number duration kbps preset codec container")
_PAUSES = frozenset(("comma", "stop", "dash"))
_BETWEEN = named(
    "comma stop dash filler to make limit not no correction then about can want compress by is statement greeting"
)


def read_corrections(reading: Reading) -> None:
    """What was taken back is used up; what is offered as a choice is doubtful."""
    for at, item in enumerate(reading.items):
        if item.concept not in _MEASURES:
            continue
        stop = at + 1
        while stop < len(reading.items) and reading.concept(stop) in _BETWEEN | {"or"}:
            stop += 1
        if stop >= len(reading.items) or stop == at + 1:
            continue
        other = reading.items[stop]
        between = [reading.concept(place) for place in range(at + 1, stop)]
        shares = {item.concept, other.concept} <= {"percent", "fraction"}
        alike = item.concept == other.concept or item.concept == "number" or shares
        if not alike or other.concept not in _MEASURES:
            continue
        if _is_correction(between):
            said = [place for place in range(at + 1, stop) if reading.concept(place) not in ("by", "to")]
            reading.use(at, *said)
        elif "or" in between and item.value != other.value:
            reading.doubt(at, *[place for place in range(at + 1, stop) if reading.concept(place) == "or"], stop)
            reading.questions.append("ask_which")


def _is_correction(between: list[str]) -> bool:
    if "correction" in between:
        return True
    for at, concept in enumerate(between):
        ahead = at > 0 and between[at - 1] in _PAUSES
        behind = at + 1 < len(between) and between[at + 1] in _PAUSES
        # "20, no 30" takes the first back; "20, not 30" denies the second.
        if (concept == "no" and (ahead or behind)) or (concept == "not" and ahead and behind):
            return "or" not in between
    return False
