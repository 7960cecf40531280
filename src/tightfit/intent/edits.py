"""Changes to the clip itself: text, music, speed, turning, volume, fades, cropping, silence for a while."""

from __future__ import annotations

from collections.abc import Collection

from tightfit.intent.concepts import named
from tightfit.intent.lexer import AUDIO_NAMES
from tightfit.intent.model import Edit
from tightfit.intent.reading import ACTING, NEUTRAL, Reading
from tightfit.intent.spans import Span

_AUDIO = tuple(f".{name}" for name in AUDIO_NAMES.split())
_FADE_S = 1.0  # where nobody says how long: as long as most editors' own
_QUARTER = 90
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
    _fades(reading)
    _joined_fades(reading)
    _volumes(reading)
    _tempos(reading)
    _silences(reading)
    _crops(reading)


def _unwanted(reading: Reading) -> None:
    """As in "don't crop anything": an edit that is denied, and nothing else in its clause to be done."""
    for at in reading.find("rotate", "crop", "fade", "faster", "slower"):
        clause = reading.clause(at)
        denials = reading.find("not", "no", among=clause)
        if denials and not reading.find(*_MEASURED, among=clause):
            reading.use(*[place for place in clause if reading.concept(place) != "file"])


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
        asked = reading.find("write", "text", among=reach)
        shown = reading.find("make", "want", among=reach) if not asked and reading.find("position", among=reach) else []
        if asked or shown:
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
    if position := reading.find("position", among=reach)[:1]:
        edit["position"] = reading.items[position[0]].value
        places += position
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
        if not angles:
            reading.assume("assumed_quarter")
        if any(reading.concept(place) in ("left", "ccw") for place in ways):
            angle = 360 - angle
        words = reading.find("rotate", "make", "by", "to", among=clause)
        reading.edit(at, {"kind": "rotate", "degrees": angle % 360}, *angles, *ways, *words)


def _bare_angles(reading: Reading, clause: range) -> list[int]:
    """As in "rotate it 180": by whole quarters nothing else is counted."""
    return [at for at in reading.find("number", among=clause) if reading.items[at].value in (90, 180, 270)]


def _fades(reading: Reading) -> None:
    for at in reading.find("fade_in", "fade_out", "fade"):
        if at in reading.used:
            continue
        clause = reading.clause(at)
        times = reading.find("span", "duration", among=clause)[:1]
        inwards = reading.find("fade_in", among=clause) or (
            reading.find("fade", among=clause) and reading.find("inwards", among=clause)
        )
        outwards = reading.find("fade_out", "outwards", among=clause)
        if reading.find("fade", among=clause):
            outwards += reading.find("remove", among=clause)  # fade the sound out
        edge = reading.items[times[0]].value.edge if times and reading.concept(times[0]) == "span" else ""
        edit: Edit = {"kind": "fade"}
        seconds = _seconds(reading, times[0]) if times else _FADE_S
        if inwards or edge == "first":
            edit["in_s"] = seconds
        if outwards or (edge == "last" and not inwards):
            edit["out_s"] = seconds
        if len(edit) == 1:
            continue
        if not times:
            reading.assume("assumed_fade")
        named = reading.find("sound", "picture", among=clause)[:1]
        if named:
            edit["target"] = "sound" if reading.concept(named[0]) == "sound" else "picture"
        if _also_out(reading, clause, inwards=bool(inwards)):
            edit["out_s"] = seconds
        words = reading.find(
            "fade", "fade_in", "fade_out", "inwards", "outwards", "write", "last", "first", "limit", among=clause
        )
        reading.edit(at, edit, *times, *named, *outwards, *words)


def _joined_fades(reading: Reading) -> None:
    """As in "fade in over 2 s and fade out over 3 s": the two ends of one fade."""
    fades = [pair for pair in reading.edits if pair[1]["kind"] == "fade"]
    if len(fades) != 2 or fades[0][1].get("target") != fades[1][1].get("target"):
        return
    first, second = fades
    if first[1].keys() & second[1].keys() <= {"kind", "target"}:
        reading.edits.remove(second)
        reading.edits[reading.edits.index(first)] = (first[0], {**first[1], **second[1]})


def _also_out(reading: Reading, clause: range, *, inwards: bool) -> bool:
    """As in "fade in and out": the second half is a clause of one word."""
    following = reading.next_clause(clause)
    if not (inwards and following and reading.concept(following.start) in ("outwards", "remove")):
        return False
    if reading.concept(following.start) == "remove" and reading.find("span", among=following):
        return False  # "fade in, remove the last 7 seconds"
    reading.use(following.start)
    return True


def _seconds(reading: Reading, at: int) -> float:
    value = reading.items[at].value
    if not isinstance(value, Span):
        return float(value)
    if value.last is not None:
        return value.last
    return (value.end or 0.0) - (value.start or 0.0)


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
        words = reading.find("volume", "sound", "make", "write", among=clause)
        beside = [place for place in reading.elsewhere(clause) if reading.concept(place) in ("louder", "quieter")]
        reading.use(*beside)  # "a bit quieter, volume to 65 %"
        reading.edit(at, {"kind": "volume", "level": round(share, 3)}, *level, *louder, *quieter, *to, *by, *words)


def _tempos(reading: Reading) -> None:
    for at in reading.find("tempo", "faster", "slower", "factor", "playback"):
        if at in reading.used:
            continue
        clause = reading.clause(at)
        if reading.find("smaller", "compress", "weight", among=clause):
            continue
        amount = reading.find("playback", "factor", "fraction", "percent", among=clause)[:1]
        named = reading.find("tempo", "faster", "slower", "playback", among=clause)
        if not amount or not (named or reading.find("make", among=clause)):
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


def _silences(reading: Reading) -> None:
    """Mute, or no sound, for a part of the time only."""
    for at in reading.find("mute", "sound"):
        if at in reading.used:
            continue
        clause = reading.clause(at)
        spans = reading.find("span", among=clause)
        verbs = [place for place in clause if reading.concept(place) in ACTING]
        concepts = {reading.concept(place) for place in verbs}
        if len(spans) != 1 or concepts & {"only", "keep", "trim", "not", "touch", "as_is"}:
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
        taken = (NEUTRAL | {"remove", "cut", "trim", "no"}) - {"video"}
        reading.edit(at, {"kind": "crop"}, *[place for place in clause if reading.concept(place) in taken])
