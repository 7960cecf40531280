"""What is to happen to the sound as a whole: silent, kept, or at so many kilobits."""

from __future__ import annotations

from collections.abc import Sequence

from tightfit.intent.reading import NEUTRAL, Reading

_FEWEST_KBPS, _MOST_KBPS = 8, 512
_MOST_UNNAMED = 320  # kb/s; above the highest of MP3 and AAC a rate is more likely the picture's


def read_sound(reading: Reading) -> None:
    """The audio wish; what is said of a part of the time was an edit and is used already."""
    _bitrate(reading)
    _bare_bitrate(reading)
    for at in reading.find("sound", "mute"):
        if at not in reading.used:
            _one(reading, at)
    if reading.wishes.get("audio") == "none":
        _require_silence(reading)


def _bitrate(reading: Reading) -> None:
    for at in reading.find("kbps"):
        value = reading.items[at].value
        clause = reading.clause(at)
        words = reading.find("sound", among=clause)
        named = reading.find("bitrate", among=clause)
        pictured = "video" in (reading.concept(at - 1), reading.concept(at + 1)) or value > _MOST_UNNAMED
        if ((named or pictured) and not words) or not _FEWEST_KBPS <= value <= _MOST_KBPS:
            reading.doubt(at, *named)
            continue
        reading.wish("audio", int(value), at, *words, *named)
        if not words:
            reading.assume("assumed_kbps", kbps=int(value))


def _bare_bitrate(reading: Reading) -> None:
    """As in "audio at 128": of sound nothing else is counted in such numbers."""
    for at in reading.find("sound"):
        number = at + 2
        if reading.concept(at + 1) != "to" or reading.concept(number) != "number" or number in reading.used:
            continue
        value = reading.items[number].value
        if value and _FEWEST_KBPS <= value <= _MOST_KBPS:
            reading.wish("audio", int(value), at, at + 1, number)
            reading.assume("assumed_kbps", kbps=int(value))


def _one(reading: Reading, at: int) -> None:
    acting = reading.acting_on(at)
    concepts = [reading.concept(place) for place in acting]
    if "remove" in concepts and not {"no", "not"} & set(concepts) and at + 2 == reading.clause(at).stop:
        denied = reading.find("not", among=[at + 1])  # lösch den Ton nicht
        acting, concepts = [*acting, *denied], [*concepts, *("not" for _ in denied)]
    if reading.concept(at) == "mute":
        concepts, acting = [*(c for c in concepts if c in ("not", "no")), "mute"], [*acting, at]
        others = reading.find("sound", among=[*reading.before(at), *_next_sound(reading, at)])
        others = [place for place in others if not _is_kept(reading, place)]
    else:
        others = []
    silent = verdict(concepts)
    with_it = [place for place in reading.before(at) if reading.concept(place) == "with"]
    if silent is None and with_it:
        silent = False
    if silent is None and not acting and _shares_its_verb(reading, at):
        silent = False
    if silent is None and not acting and (words := _told_after(reading, at)):
        reading.wish("audio", "none", at, *words)
        return
    if silent is None and not acting and _simply_stays(reading, at):
        silent, acting = False, [place for place in reading.clause(at) if place != at]
    if silent is None:
        return
    if "touch" in concepts:
        acting = [*acting, *reading.find("not", among=list(reading.after(at)))]  # "não mexe no som não"
    reading.wish("audio", "none" if silent else "keep", at, *acting, *others, *with_it[:1])


def _is_kept(reading: Reading, at: int) -> bool:
    """As in ミュートだけど音は残して: a verb of its own, which contradicts."""
    last = reading.lexicon.grammar.get("verbs_last")
    return bool(last) and any(reading.concept(place) == "keep" for place in reading.after(at))


def _simply_stays(reading: Reading, at: int) -> bool:
    """As in "o som fica", "mute it, but with sound": the sound and one small word are all there is in the clause."""
    clause = reading.clause(at)
    said = [place for place in clause if reading.concept(place) not in ("this", "filler")]
    if reading.lexicon.script != "latin" or len(said) != 2:
        return False
    if at == said[0]:
        return reading.concept(said[1]) == "make"
    return reading.joined_by(clause) == "then" and reading.concept(said[0]) in ("to", "make", "statement", "with")


def _shares_its_verb(reading: Reading, at: int) -> bool:
    """As in 声音和分辨率都别动: what stays as it is, told after the second of two."""
    following = reading.next_clause(reading.clause(at))
    if following is None or reading.joined_by(following) != "and":
        return False
    concepts = {reading.concept(place) for place in following}
    return "as_is" in concepts or ("touch" in concepts and bool(concepts & {"not", "no"}))


def _told_after(reading: Reading, at: int) -> list[int]:
    """As in "the sound is terrible, so bin it": a clause of nothing but the verb."""
    following = reading.next_clause(reading.clause(at))
    while following and not {reading.concept(place) for place in following} - NEUTRAL:
        following = reading.next_clause(following)
    if following is None or {reading.concept(place) for place in following} - NEUTRAL - {"remove", "mute", "as_is"}:
        return []
    return reading.find("remove", "mute", among=following)


def _require_silence(reading: Reading) -> None:
    """ "Mute it, but the music stays" is a contradiction: music is sound."""
    for at in reading.find("music"):
        concepts = {reading.concept(place) for place in reading.acting_on(at)}
        kept = concepts & {"keep", "as_is"} or reading.concept(at - 1) == "with"
        if at not in reading.used and kept and not concepts & {"no", "not", "remove"}:
            reading.doubt(at, *reading.acting_on(at))


def _next_sound(reading: Reading, at: int) -> Sequence[int]:
    """As in "Mute the audio": the object of the verb."""
    following = range(at + 1, min(at + 4, reading.clause(at).stop))
    return [place for place in following if reading.concept(place) == "sound"][:1]


def verdict(concepts: Sequence[str]) -> bool | None:
    """Whether what is said makes the sound silent (True) or keeps it (False); None where it says neither."""
    negations = sum(concept in ("no", "not") for concept in concepts)
    negative = negations % 2 == 1
    if "mute" in concepts:
        return not negative
    if "as_is" in concepts:
        return False
    if "touch" in concepts:
        return False if negations else None  # "ni el audio ni la resolución" denies once
    if "remove" in concepts or "cut" in concepts:
        return not negative
    if "keep" in concepts:
        return negative
    if negative:
        return True
    if negations:
        return False  # "I'd rather not lose the sound"
    if "need" in concepts or "want" in concepts:
        return False
    return None
