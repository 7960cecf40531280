"""Changes to the clip itself: text, music, speed, turning, volume, fades, cropping, silence for a while."""

from __future__ import annotations

from collections.abc import Collection

from tightfit.intent.concepts import named
from tightfit.intent.cuts import muted_by_pronoun, told_of
from tightfit.intent.fades import read_fades
from tightfit.intent.lexer import AUDIO_NAMES
from tightfit.intent.model import Edit
from tightfit.intent.reading import ACTING, ANCHORS, NEUTRAL, Reading
from tightfit.intent.spans import Span

_AUDIO = tuple(f".{name}" for name in AUDIO_NAMES.split())
_SLOWEST, _FASTEST = 0.1, 16  # a bare number is a speed between these
_QUARTER, _WHOLE = 90, 360
_NEAR = 4  # items between a denial and the verb that it denies
_DENIABLE = named(
    "rotate crop fade fade_in fade_out faster slower trim cut split music text write upside_down touch export"
)
_UNTOUCHED = named("this video filler part picture of want unknown quality can equal pieces rate_noun bitrate")
_MEASURED = named(
    "span duration clock degrees percent fraction factor size aspect sound mute preset lines quote fps kbps codec"
)
_ADDED = named("span position write percent volume fraction filler this of make video limit to end label")


def read_edits(reading: Reading) -> None:
    """Every edit, each with the words that it takes."""
    _unwanted(reading)
    _texts(reading)
    _music(reading)
    _rotations(reading)
    read_fades(reading)
    _volumes(reading)
    _tempos(reading)
    _silences(reading)
    _crops(reading)


def _unwanted(reading: Reading) -> None:
    """As in "don't crop anything": an edit that is denied. Another wish in its clause keeps its words."""
    last = bool(reading.lexicon.grammar.get("verbs_last"))
    for at in reading.find(*_DENIABLE):
        clause = reading.clause(at)
        if reading.concept(at) == "touch" and reading.find("sound", "definition", "volume", "music", among=clause):
            continue  # a wish of its own: what stays as it is
        told_after = last or reading.concept(at) != "export"  # "the output does not exceed 72 MB"
        near = range(max(clause.start, at - _NEAR), min(clause.stop, at + _NEAR + 2) if told_after else at)
        denials = reading.find("not", "no", among=near)[: None if last else 1]
        if not denials:
            denials = [at - 1] if reading.concept(at - 1) == "and" and _denied_before(reading, at) else []
        apart = range(min(denials[0], at) + 1, max(denials[-1], at)) if denials else range(0)
        if not denials or any(reading.concept(place) in ANCHORS for place in apart):
            continue
        stop = at + 1
        while stop < clause.stop and _goes_on(reading, stop):
            stop += 1
        measured = reading.concept(stop) if stop < clause.stop and not last else ""
        if measured in _MEASURED or (last and reading.find(*_MEASURED, among=clause)):
            continue
        places = range(min(denials[0], at), max(stop, denials[-1] + 1))
        reading.use(*(place for place in places if reading.concept(place) != "file"))


def _goes_on(reading: Reading, at: int) -> bool:
    """As in "don't crop it or anything", "sans rotation ni recadrage": what is denied with the verb."""
    if reading.concept(at) in ("not", "no", "or"):
        return reading.concept(at + 1) in _UNTOUCHED | _DENIABLE
    return reading.concept(at) in _UNTOUCHED | _DENIABLE


def _denied_before(reading: Reading, at: int) -> bool:
    """As in "don't rotate or crop it": the denial of the verb before holds on."""
    earlier = range(max(0, at - 1 - _NEAR), at - 1)
    return any(reading.concept(place) in ("not", "no") and place in reading.used for place in earlier)


def _reach(reading: Reading, at: int) -> list[int]:
    """The clause of ``at``, and the next one where it only adds to it (", from 3 to 8 seconds")."""
    clause = reading.clause(at)
    places = list(clause)
    following = reading.next_clause(clause)
    while following and all(reading.concept(place) in _ADDED for place in following):
        places += following
        following = reading.next_clause(following)
    return places


def _texts(reading: Reading) -> None:
    for at in reading.find("quote"):
        reach = _reach(reading, at)
        asked = reading.find("write", "text", "fade_in", among=reach)
        shown = reading.find("make", "want", among=reach) if not asked and reading.find("position", among=reach) else []
        captions = [place for place in (at - 1, at + 1) if reading.concept(place) == "caption"]
        if asked or shown:
            reading.use(*captions)
            _text(reading, at, str(reading.items[at].value or ""), reach, [*asked, *shown])
    for at in reading.find("text"):
        if at not in reading.used and reading.find("write", among=reading.clause(at)):
            _unquoted(reading, at)


def _text(reading: Reading, at: int, text: str, reach: list[int], asked: list[int]) -> None:
    edit: Edit = {"kind": "text", "text": text}
    places = [*asked]
    for place in reading.find("span", among=reach):
        span: Span = reading.items[place].value
        if span.last is not None:
            reading.doubt(place)  # when that begins is not known before the clip is
            continue
        edit |= {"start_s": span.start, "end_s": span.end}
        places.append(place)
        break
    if positions := reading.find("position", among=reach):
        # "At the top, in the middle" is at the top.
        named = [reading.items[place].value for place in positions]
        edit["position"] = next((name for name in named if name != "center"), "center")
        places += positions if len(set(named) - {"center"}) < 2 else positions[:1]
    reading.edit(at, edit, *places, *_small_words(reading, reach))


def _small_words(reading: Reading, reach: Collection[int]) -> list[int]:
    return [place for place in reach if reading.concept(place) in ("with", "make", "inwards")]


def _unquoted(reading: Reading, at: int) -> None:
    """Add the title Summer at the top; add text: Hello World."""
    clause = reading.clause(at)
    first = at + 1
    if at == clause.stop - 1:
        following = reading.next_clause(clause)
        if (
            following is None
            or reading.original(reading.items[at].end, reading.items[following.start].start).strip() != ":"
        ):
            return
        clause, first = following, following.start
    stop = first
    while stop < clause.stop and reading.concept(stop) not in ("position", "span", "size", "inwards", "preset"):
        stop += 1
    while stop > first and reading.concept(stop - 1) in ("filler", "this", "from", "to") and stop < clause.stop:
        stop -= 1
    if stop == first:
        return
    text = reading.original(reading.items[first].start, reading.items[stop - 1].end)
    reach = [*reading.clause(at), *clause]
    asked = reading.find("write", "text", among=reach)
    _text(reading, at, text, [place for place in reach if not first <= place < stop], asked)
    reading.use(*range(first, stop))


def _music(reading: Reading) -> None:
    for at in reading.find("file"):
        if str(reading.items[at].value).lower().endswith(_AUDIO):
            reach = _reach(reading, at)
            edit: Edit = {"kind": "music", "file": reading.items[at].value}
            words = reading.find("write", "music", "sound", "make", "with", "position", "inwards", "limit", among=reach)
            _with_volume(reading, at, edit, reach, words)
    for at in reading.find("music"):
        if at in reading.used:
            continue
        reach = _reach(reading, at)
        asked = reading.find("write", "make", "want", "with", among=reach)
        acting = [reading.concept(place) for place in reading.acting_on(at)]
        mood = reading.find("mood", among=reach) or _described(reading, at)
        if asked and mood and not {"no", "not", "remove", "keep"} & set(acting):
            told = reading.items[mood[0]].value or reading.original(
                reading.items[mood[0]].start, reading.items[mood[-1]].end
            )
            _with_volume(reading, at, {"kind": "music", "mood": told}, reach, [*asked, *mood])


def _described(reading: Reading, at: int) -> list[int]:
    """The unknown words right before the word for music: "jazzy music"."""
    first = at
    while first > reading.clause(at).start and reading.concept(first - 1) == "unknown":
        first -= 1
    return list(range(first, at))


def _with_volume(reading: Reading, at: int, edit: Edit, reach: list[int], words: list[int]) -> None:
    level = reading.find("percent", "fraction", among=reach)[:1]
    if level:
        edit["volume"] = _share(reading, level[0])
        words = [*words, *reading.find("volume", "to", "quieter", among=reach)]
    reading.edit(at, edit, *level, *words)


def _share(reading: Reading, at: int) -> float:
    item = reading.items[at]
    return float(item.value) / 100 if item.concept == "percent" else float(item.value)


def _rotations(reading: Reading) -> None:
    for at in reading.find("upside_down"):
        words = reading.find("rotate", "make", among=reading.clause(at))
        words += [place for place in reading.find("rotate") if not _has_its_angle(reading, place)]
        reading.edit(at, {"kind": "rotate", "degrees": 180}, *words)
    for at in reading.find("degrees", "rotate"):
        if at in reading.used:
            continue
        clause = reading.clause(at)
        angles = reading.find("degrees", among=clause) or _bare_angles(reading, clause)
        ways = reading.find("left", "right", "ccw", "cw", among=clause)
        if not angles and not ways:
            continue
        angle = float(reading.items[angles[0]].value) if angles else float(_QUARTER)
        if angles and reading.concept(angles[0]) == "fraction":
            angle *= _WHOLE
        if not angles:
            reading.assume("assumed_quarter")
        if any(reading.concept(place) in ("left", "ccw") for place in ways):
            angle = 360 - angle
        words = reading.find("rotate", "make", "by", "to", among=clause)
        reading.edit(at, {"kind": "rotate", "degrees": angle % 360}, *angles, *ways, *words)


def _has_its_angle(reading: Reading, at: int) -> bool:
    """Whether a verb of turning is told how far; "it is upside down, turn it round" is told before."""
    told = reading.find("degrees", "number", "left", "right", "ccw", "cw", among=reading.clause(at))
    return bool(told)


def _bare_angles(reading: Reading, clause: range) -> list[int]:
    """As in "rotate it 180": by whole quarters nothing else is counted; 4分の1回転 is a share of a turn."""
    shares = [at for at in reading.find("fraction", among=clause) if reading.concept(at + 1) == "rotate"]
    if shares:
        return shares[:1]
    return [at for at in reading.find("number", among=clause) if reading.items[at].value in (90, 180, 270)]


def _volumes(reading: Reading) -> None:
    for at in reading.find("volume", "louder", "quieter"):
        if at in reading.used:
            continue
        clause = reading.clause(at)
        acting = {reading.concept(place) for place in reading.acting_on(at)}
        if acting & {"touch", "as_is", "keep"}:
            reading.use(at, *reading.acting_on(at))
            continue
        level = reading.find("percent", "fraction", "factor", among=clause)[:1]
        if not level:
            continue
        louder = reading.find("louder", among=clause)
        quieter = reading.find("quieter", "compress", "smaller", among=clause)
        share = _share(reading, level[0])
        aims = ("to", "limit") if reading.lexicon.grammar.get("verbs_last") else ("to",)  # 60%まで下げて
        to = [place for place in (level[0] - 1, level[0] + 1) if reading.concept(place) in aims]
        by = [place for place in (level[0] - 1, level[0] + 1) if reading.concept(place) == "by"]
        percent = reading.concept(level[0]) == "percent"
        if percent and louder and not to:
            share = 1 + share
        elif percent and quieter and not to:
            share = 1 - share
        words = reading.find("volume", "sound", "make", "write", "rotate", among=clause)
        beside = [place for place in reading.elsewhere(clause) if reading.concept(place) in ("louder", "quieter")]
        reading.use(*beside)  # "a bit quieter, volume to 65 %"
        for place in reading.find("smaller", among=_beside_sound(reading, clause)):
            reading.use(place, *reading.find("sound", "volume", among=reading.clause(place)))  # 声音太小了
        reading.edit(at, {"kind": "volume", "level": round(share, 3)}, *level, *louder, *quieter, *to, *by, *words)
    for at in reading.find("sound"):
        _comparative_volume(reading, at)


def _comparative_volume(reading: Reading, at: int) -> None:
    """As in 声音小30%: less of the sound is a lower volume."""
    clause = reading.clause(at)
    level = reading.find("percent", among=clause)
    less, more = reading.find("smaller", among=clause), reading.find("bigger", among=clause)
    if len(level) != 1 or bool(less) == bool(more) or reading.find("weight", "original", "compress", among=clause):
        return
    share = 1 - _share(reading, level[0]) if less else 1 + _share(reading, level[0])
    reading.edit(at, {"kind": "volume", "level": round(share, 3)}, *level, *less, *more)


def _beside_sound(reading: Reading, clause: range) -> list[int]:
    """The places of other clauses that speak of the sound and of no size."""
    return [
        place
        for place in reading.elsewhere(clause)
        if reading.find("sound", "volume", among=reading.clause(place))
        and not reading.find("size", "percent", "fraction", among=reading.clause(place))
    ]


def _tempos(reading: Reading) -> None:
    for at in reading.find("tempo", "faster", "slower", "factor", "playback", "fraction"):
        if at in reading.used:
            continue
        clause = reading.clause(at)
        if reading.find("smaller", "compress", "weight", among=clause):
            continue
        amount = reading.find("playback", "factor", "fraction", "percent", among=clause)[:1] or _bare_factor(
            reading, at
        )
        if reading.concept(at) == "fraction" and reading.concept(at + 1) != "fast":
            continue
        named = reading.find("tempo", "faster", "slower", "playback", among=clause)
        fast = bool(amount) and reading.concept(amount[0] + 1) == "fast"
        if not amount or not (named or fast or reading.find("make", among=clause)):
            continue
        if reading.concept(amount[0]) == "percent":
            factor = _share(reading, amount[0])
            words_up = reading.find("faster", among=clause)
            factor = 1 + factor if words_up and factor < 1 else factor
        else:
            factor = float(reading.items[amount[0]].value)
        if reading.find("slower", among=clause) and factor > 1:
            factor = 1 / factor
        words = reading.find("make", "to", "by", "original", "write", among=clause)
        if reading.concept(amount[0] + 1) == "fast":
            words.append(amount[0] + 1)  # halb so schnell
        words += reading.find("slower" if factor < 1 else "faster")
        reading.edit(at, {"kind": "speed", "factor": round(factor, 3)}, *amount, *named, *words)


def _bare_factor(reading: Reading, at: int) -> list[int]:
    """As in "speed 1.5", "tempo to 2": the number that follows, with nothing that is counted behind it."""
    if reading.concept(at) not in ("tempo", "faster", "slower"):
        return []
    number = at + 1
    while reading.concept(number) in ("to", "is", "filler", "by", "of", "from", "original", "this"):
        number += 1
    if reading.concept(at) != "tempo" and reading.concept(number - 1) != "to":
        return []
    ends = number + 1 not in reading.clause(at) or reading.concept(number + 1) in ("filler", "make", "to", "want")
    if not ends or number not in reading.clause(at) or not reading.find("number", among=[number]):
        return []
    return [number] if _SLOWEST <= (reading.items[number].value or 0) <= _FASTEST else []


def _silences(reading: Reading) -> None:
    """Mute, or no sound, for a part of the time only."""
    for at in reading.find("mute", "sound"):
        if at in reading.used:
            continue
        clause = reading.clause(at)
        spans = reading.find("span", among=clause)
        if not spans and reading.concept(at) == "mute":
            spans = muted_by_pronoun(reading, at)
            reading.use(*(place for stretch in spans for place in told_of(reading, stretch)))
        verbs = [place for place in clause if reading.concept(place) in ACTING]
        concepts = {reading.concept(place) for place in verbs}
        if len(spans) != 1 or concepts & {"keep", "trim", "not", "touch", "as_is"}:
            continue
        if "only" in concepts and not _mutes_only(reading, clause, spans[0]):
            continue
        if "mute" not in concepts and not concepts & {"remove", "no", "cut"}:
            continue
        if "no" in concepts and "mute" not in concepts and reading.items[spans[0]].value.edge:
            continue  # "no sound first 30 seconds": two wishes as likely as one
        span: Span = reading.items[spans[0]].value
        edit: Edit = {"kind": "mute"}
        edit |= {"last_s": span.last} if span.last is not None else {"start_s": span.start, "end_s": span.end}
        sounds = reading.find("sound", among=clause)
        reading.edit(at, edit, *spans, *verbs, *sounds)


def _mutes_only(reading: Reading, clause: range, span: int) -> bool:
    """As in "mute only from 0:10 to 0:15"; "only the first 30 seconds, muted" is a trim and a silence."""
    only = reading.find("only", among=clause)[0]
    if reading.find("mute", among=clause):
        return not reading.items[span].value.edge or reading.find("mute", among=clause)[0] < only < span
    silent = reading.find("sound", among=clause)[:1] and reading.find("remove", "cut", among=clause)[:1]
    return bool(silent) and silent[0] < only < span


_SHAPES = named("aspect clock square vertical landscape")


def _crops(reading: Reading) -> None:
    for at in reading.find("crop", "trim", "cut"):
        # What some languages call a crop is a trim where it is about time.
        clause = reading.clause(at)
        if reading.find(*_SHAPES, among=clause) and not reading.find("span", "duration", among=clause):
            reading.use(at)  # cropping is how the new shape comes about
            reading.wishes["fit"] = "cover"
    for at in reading.find("crop"):
        clause = reading.clause(at)
        if reading.find(*_SHAPES, "span", among=clause):
            reading.use(at)
            continue
        if reading.find("percent", "fraction", among=clause) and not reading.find("part", "picture", among=clause):
            continue  # "rogne 15 %": of the size
        taken = (NEUTRAL | {"remove", "cut", "trim", "no"}) - {"video"}
        reading.edit(at, {"kind": "crop"}, *[place for place in clause if reading.concept(place) in taken])
