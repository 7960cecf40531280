"""The picture and its wrapping: resolution, frame rate, codec, container, aspect."""

from __future__ import annotations

from tightfit.intent.measures import ASPECTS
from tightfit.intent.model import Picture
from tightfit.intent.reading import Reading

_MOST_FPS = 240
_SHAPES = {"vertical": "9:16", "square": "1:1", "landscape": "16:9"}
_NEAR = 3  # items between a description and the noun that it describes
_BARE = frozenset(("fps", "lines", "codec", "container"))
_ROUND_HEIGHTS = frozenset((480, 540, 720, 1080, 1440, 2160))


def read_picture(reading: Reading) -> None:
    """The wishes that are about form rather than size."""
    _frame_rates(reading)
    _resolutions(reading)
    _named(reading, "codec")
    _named(reading, "container")
    _aspects(reading)


def describes_the_source(reading: Reading, at: int) -> bool:
    """Whether what stands at ``at`` tells what the source is: "my 4K drone footage", "filmed in 4K"."""
    clause = reading.clause(at)
    # 60fpsで撮ったやつを30fpsに: what stands before the verb, or right before a noun.
    anywhere = not reading.lexicon.grammar.get("verbs_last") or reading.concept(at + 1) in ("video", "picture")
    if any(reading.concept(place) == "shot" and (place > at or anywhere) for place in clause):
        return True
    if _is_told(reading, at, clause):
        return True
    ahead = range(max(clause.start, at - _NEAR), at)
    behind = range(at + 1, min(clause.stop, at + 1 + _NEAR))
    noun_after = next((place for place in behind if reading.concept(place) in ("video", "picture")), None)
    owned = [place for place in ahead if _is_possessive(reading, place)]
    between = [reading.concept(place) for place in range(at + 1, noun_after or at)]
    if noun_after is not None and owned and not {"to", "limit"} & {*between, reading.concept(owned[-1] + 1)}:
        return True
    noun_before = [place for place in ahead if reading.concept(place) == "video"]
    joined = {reading.concept(place) for place in range(noun_before[-1] + 1, at)} if noun_before else {"?"}
    owned = [place for place in clause if _is_possessive(reading, place) and place < at]
    asked = [place for place in clause if reading.concept(place) in ("make", "want", "export") and place < at]
    of_something = reading.concept(at + 1) in ("from", "of") and reading.concept(at + 2) in (
        "unknown",
        "this",
        "filler",
    )
    leads_to_size = of_something or (reading.concept(at + 1) in ("to", "limit") and reading.concept(at + 2) == "size")
    allowed = {"of", "from", "filler", "by"} | ({"to"} if leads_to_size else set())
    if of_something and reading.concept(at + 2) == "this":
        owned.append(at + 2)
    return bool(noun_before and owned) and joined <= allowed and not asked


def _is_possessive(reading: Reading, at: int) -> bool:
    """My, this, the; "a 1080p version" is one that is still to be made."""
    return reading.concept(at) == "this" and reading.items[at].text not in reading.lexicon.numbers


def _is_told(reading: Reading, at: int, clause: range) -> bool:
    """As in "the original is 4K, 60 fps": a clause that tells and asks nothing, beside another that asks."""
    concepts = {reading.concept(place) for place in clause}
    number = reading.clauses.index(clause)
    if number and concepts <= _BARE and reading.joined_by(clause) == "comma":
        clause = reading.clauses[number - 1]  # "it is 150 MB, 60 fps"
        concepts = {reading.concept(place) for place in clause}
        at = clause.stop
    told = "is" in {reading.concept(place) for place in range(clause.start, at)} or _takes_its_size(reading, at, clause)
    if reading.lexicon.grammar.get("verbs_last"):
        nouns = [place for place in clause if place > at and reading.concept(place) == "video"]
        told = told or bool(nouns and reading.concept(nouns[-1] + 1) == "is")  # 4Kの動画があるんですが
    asked = any(reading.concept(place) in ("size", "lines", "preset") for place in reading.elsewhere(clause))
    return told and asked and not concepts & {"want", "make", "export", "can"}


def _takes_its_size(reading: Reading, at: int, clause: range) -> bool:
    """As in "my drone footage in 4K takes 6 GB": a video, what it is in, and what it takes now."""
    following = reading.next_clause(clause)
    last = reading.lexicon.grammar.get("verbs_last")
    nouns = [place for place in clause if reading.concept(place) in ("video", "picture")]
    if following and last and nouns and nouns[-1] == clause.stop - 1:
        told = {reading.concept(place) for place in following}  # 4K映像が6GBある
        return {"size", "is"} <= told and not told & {"make", "to", "want"}
    behind = [place for place in range(at + 1, clause.stop) if reading.concept(place) == "is"]
    sized = bool(behind) and any(reading.concept(place) == "size" for place in range(behind[0], clause.stop))
    return sized and any(place < behind[0] for place in nouns)


def _frame_rates(reading: Reading) -> None:
    for at in reading.find("fps"):
        value = float(reading.items[at].value)
        if describes_the_source(reading, at):
            reading.use(at)
        elif not 1 <= value <= _MOST_FPS:
            reading.doubt(at)
        else:
            reading.wish("fps", value, at, *reading.find("rate_noun", among=reading.clause(at)))
    for noun in reading.find("rate_noun"):
        numbers = [at for at in reading.find("number", among=reading.clause(noun)) if reading.items[at].value]
        if numbers and 1 <= reading.items[numbers[0]].value <= _MOST_FPS:
            words = reading.find("to", "limit", "make", "remove", "compress", among=reading.clause(noun))
            reading.wish("fps", float(reading.items[numbers[0]].value), noun, numbers[0], *words)


def _resolutions(reading: Reading) -> None:
    wanted = []
    for at in reading.find("lines"):
        denied = _denied(reading, at)
        if not denied and (words := _refused(reading, at)):
            reading.doubt(at, *words)
        elif denied or describes_the_source(reading, at) or _leads_on(reading, at):
            reading.use(at, *denied)
        else:
            wanted.append(at)
    for at in wanted:
        width, height, rate = reading.items[at].value
        nouns = reading.find("definition", among=reading.clause(at))
        reading.wish("resolution", Picture(width, height), at, *nouns)
        if rate:
            reading.wish("fps", rate, at)
    if len({reading.items[at].value[:2] for at in wanted}) > 1:
        reading.wishes.pop("resolution")
        reading.doubt(*wanted)
    _other_resolutions(reading)


def _denied(reading: Reading, at: int) -> list[int]:
    """As in "no need for full HD, 720p": what says that it is not wanted, beside another that is."""
    clause = reading.clause(at)
    others = any(reading.concept(place) == "lines" for place in reading.elsewhere(clause))
    return reading.find("not", "no", among=clause) if others else []


def _refused(reading: Reading, at: int) -> list[int]:
    """As in "no 4K", where nothing else is named instead."""
    before = at - 1
    while reading.concept(before) in ("filler", "to", "limit", "make", "need"):
        before -= 1
    return [before] if before in reading.clause(at) and reading.concept(before) in ("not", "no") else []


def _other_resolutions(reading: Reading) -> None:
    for at in reading.find("definition"):
        clause = reading.clause(at)
        same = [place for place in clause if reading.concept(place) in ("same", "keep", "original", "touch", "as_is")]
        if reading.find("not", among=clause):
            same += reading.find("compress", "quieter", "export", among=clause)
        numbers = [place for place in reading.find("number", among=clause) if reading.items[place].value]
        if same and not numbers:
            reading.wish("resolution", Picture(), at, *same, *reading.find("not", "no", among=clause))
        elif numbers and reading.items[numbers[0]].value >= 100:
            value = int(reading.items[numbers[0]].value)
            tall = reading.find("tall", among=clause)
            bound = Picture(height=value) if tall else Picture(width=value)
            reading.wish("resolution", bound, at, *numbers, *tall)
    if "resolution" in reading.wishes:
        return
    for at in reading.find("number"):
        # "20MB 1080": a height that everyone knows needs no p.
        alone = reading.concept(at + 1) in ("", "stop", "comma", "and", "then", "size")
        if reading.items[at].value in _ROUND_HEIGHTS and alone and reading.find("size", "export", "preset"):
            reading.wish("resolution", Picture(height=int(reading.items[at].value)), at)
            reading.assume("assumed_lines", number=int(reading.items[at].value))


def _leads_on(reading: Reading, at: int) -> bool:
    """As in "From 4K to 1080p": the first is what it is."""
    told = bool(reading.lexicon.grammar.get("verbs_last")) and reading.concept(at + 1) == "is"  # 4Kなので1080pに
    if reading.concept(at - 1) != "from" and not told:
        return False
    return any(place > at and reading.concept(place) == "lines" for place in reading.clause(at))


def _named(reading: Reading, key: str) -> None:
    """Codecs and containers; "mov to mp4" and "my mp4" begin with what the source is."""
    found = [at for at in reading.find(key) if not _is_source(reading, at, key)]
    for at in found:
        reading.wish(key, reading.items[at].value, at)


def _is_source(reading: Reading, at: int, key: str) -> bool:
    others = [place for place in reading.find(key) if place > at]
    if _is_one_format(reading, at):
        return False
    leads = bool(others) and any(reading.concept(place) == "to" for place in range(at + 1, others[0]))
    owned = reading.concept(at - 1) == "this" or (
        reading.concept(at - 1) == "video" and reading.concept(at - 2) == "this"
    )
    wanted = reading.find("export", among=reading.clause(at)) or reading.concept(at - 2) in (
        "to",
        "make",
        "want",
        "inwards",
        "with",
        "limit",
    )
    if leads or reading.concept(at - 1) == "from" or (owned and not wanted):
        reading.use(at)
        return True
    return False


def _is_one_format(reading: Reading, at: int) -> bool:
    """As in "an MP4 H.264", "du webm en vp9": a container and a codec that nothing was told of are one wish."""
    after = at + 1
    while reading.concept(after) in ("to", "by", "with", "inwards", "filler"):
        after += 1
    article = reading.concept(at - 1) == "this" and not _is_possessive(reading, at - 1)
    some = reading.concept(at - 1) == "from" and at - 1 == reading.clause(at).start
    told = reading.find("is", "shot", among=reading.clause(at))
    return reading.concept(at) == "container" and reading.concept(after) == "codec" and (article or some) and not told


def _aspects(reading: Reading) -> None:
    for at in reading.find("aspect"):
        words = reading.find(*_SHAPES, among=reading.clause(at))
        reading.wish("aspect", reading.items[at].value, at, *words)
    for at in reading.find("clock"):
        # 9:16 is a time of day too, but only a shape where no second time stands by it.
        text = reading.items[at].text
        if text in ASPECTS:
            reading.wish("aspect", text, at, *reading.find(*_SHAPES, among=reading.clause(at)))
    for at in reading.find(*_SHAPES):
        if at in reading.used:
            continue
        if _describes_shape(reading, at) or "aspect" in reading.wishes:
            reading.use(at)
            continue
        shape = _SHAPES[reading.concept(at)]
        reading.wish("aspect", shape, at)
        reading.assume("assumed_aspect", word=reading.items[at].text, aspect=shape)


def _describes_shape(reading: Reading, at: int) -> bool:
    """As in "My vertical video", "el vídeo vertical": no wish, unless something is to be made so."""
    if reading.find("make", "export", "want", "crop", "to", among=[*reading.before(at)]):
        return False
    turned = any(edit["kind"] == "rotate" for _, edit in reading.edits)  # "it lies on its side, turn it left"
    beside = "video" in (reading.concept(at + 1), reading.concept(at - 1))
    return turned or beside or describes_the_source(reading, at)
