"""The size that is asked for, among all the sizes, shares and destinations of a text."""

from __future__ import annotations

from collections.abc import Sequence

from tightfit.intent.concepts import named
from tightfit.intent.differences import ambiguous_verb, is_difference, taken_away
from tightfit.intent.model import Goal
from tightfit.intent.reading import ANCHORS, Reading

_LIMITING = named("limit to want make about weight compress each together total end export split keep pieces")
_DESCRIBING = frozenset(("is", "shot"))
_NEAR = 4
_ARTICLE = 2  # letters
_PASSING = frozenset(("filler", "this", "of", "about", "statement", "weight"))


def read_goal(reading: Reading) -> None:
    """The target, if there is one; sizes that tell what the source is are understood and used up."""
    _denied(reading)
    sizes = _limits(reading)
    shares = _shares(reading)
    presets = reading.find("preset")
    goals = [*(("bytes", at) for at in sizes), *(("percent", at) for at in shares)]
    goals = _strictest(reading, goals)
    values = {_value(reading, kind, at, shares) for kind, at in goals}
    if len(values) > 1:
        reading.doubt(*(at for _, at in goals))
        reading.questions.append("ask_which")
        return
    if goals:
        kind, at = goals[0]
        value = _value(reading, kind, at, shares)[1]
        reading.wishes["target"] = Goal(bytes=int(value)) if kind == "bytes" else Goal(percent=value)
        for _, place in goals:
            reading.use(place, *_context(reading, place))
        reading.use(*reading.find("compress"))
        _looser_words(reading, sizes)
        if uploads := reading.find("upload"):
            reading.use(*uploads)
            reading.assume("assumed_not_uploaded")
        if presets:
            reading.assume("assumed_size_wins", preset=reading.items[presets[0]].value)
            reading.use(*presets)
            for place in presets:
                clause = reading.clause(place)
                if not any(reading.concept(at) == "size" for at in clause):
                    reading.use(*reading.find("not", "no", among=clause))  # "I don't have Nitro on Discord"
        return
    _destination(reading, presets)


def _denied(reading: Reading) -> None:
    """As in "don't make it 20 MB": whatever is meant, it is not that."""
    for at in reading.find("size", "percent"):
        governing = reading.after(at) if reading.lexicon.grammar.get("verbs_last") else reading.before(at)
        near = [place for place in governing if place not in reading.used]
        denials = [place for place in near if reading.concept(place) in ("not", "no")]
        if denials and not any(reading.concept(place) == "atleast" for place in near):
            reading.doubt(at, *denials)


def _strictest(reading: Reading, goals: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Of several limits told in different clauses the smallest: it keeps to all of them."""
    if len(goals) < 2 or any(kind != "bytes" or _grade(reading, at) < 1 for kind, at in goals):
        return goals
    clauses = {reading.clause(at) for _, at in goals}
    named = [clause for clause in clauses if any(reading.concept(place) == "file" for place in clause)]
    if len(named) > 1 or len(clauses) < len(goals) or any(_offered(reading, at) for _, at in goals):
        return goals
    least = min(goals, key=lambda goal: reading.items[goal[1]].value)
    reading.use(*(at for _, at in goals if at != least[1]))
    if len({reading.items[at].value for _, at in goals}) > 1:
        reading.assume("assumed_least", size=reading.items[least[1]].text)
    return [least]


def _value(reading: Reading, kind: str, at: int, shares: dict[int, float]) -> tuple[str, float]:
    return (kind, float(reading.items[at].value)) if kind == "bytes" else (kind, shares[at])


def _context(reading: Reading, at: int) -> list[int]:
    """The words around a size that say no more than that it is the size."""
    around = [*reading.before(at), *reading.after(at)]
    kinds = _LIMITING | {"by", "smaller", "original", "remove", "cut", "crop", "trim", "is", "or"}
    return [place for place in around if reading.concept(place) in kinds] + _too_much(reading, at)


def _too_much(reading: Reading, at: int) -> list[int]:
    """As in "more than 25 MB can't be sent": the words that make a limit of a lower bound; none where there is none."""
    after = list(reading.after(at))[:2] if reading.lexicon.grammar.get("verbs_last") else []
    over = [place for place in [*_leading(reading, at), *after] if reading.concept(place) == "atleast"]
    clause = reading.clause(at)
    following = reading.next_clause(clause)
    if after and following and reading.joined_by(following) == "and" and over:
        clause = range(clause.start, following.stop)  # 14MBより大きいと受け付けない
    denials = reading.find("not", "no", "refused", among=clause)
    return [*over, *denials] if over and denials else []


def _looser_words(reading: Reading, sizes: Sequence[int]) -> None:
    for at in sizes:
        text = reading.items[at].text
        if text.endswith(("Mb", "Gb", "Kb")) or "Mbs" in text:
            reading.assume("assumed_bytes", text=text)


def _destination(reading: Reading, presets: list[int]) -> None:
    presets = [at for at in presets if not _elsewhere(reading, at)]
    names = {str(reading.items[at].value) for at in presets}
    for special in [name for name in names if "-" in name]:
        names.discard(special.split("-")[0])  # Discord with Nitro is one place
    if "gmail" in names or "outlook" in names:
        names.discard("email")
    if len(names) > 1:
        reading.doubt(*presets)
        reading.questions.append("ask_which")
    elif names:
        reading.wishes["target"] = Goal(preset=names.pop())
        reading.use(*presets)
        if uploads := reading.find("upload"):
            reading.use(*uploads)
            reading.assume("assumed_not_uploaded")
        for at in presets:
            if (reading.concept(at - 1), reading.concept(at + 1)) == ("atleast", "remove"):
                reading.use(at + 1)  # "muss über Outlook raus": the way it goes out


def _elsewhere(reading: Reading, at: int) -> bool:
    """A place that the clip came from, or must not go to."""
    # Where verbs come last, a denial that stands ahead is of something else: LINEやってないのでWhatsAppで.
    ahead = list(reading.before(at))
    if reading.lexicon.grammar.get("verbs_last") and any(reading.concept(place) == "is" for place in ahead):
        ahead = ahead[: next(n for n, place in enumerate(ahead) if reading.concept(place) == "is")]
    denied = [place for place in ahead if reading.concept(place) in ("not", "no")]
    came = any(reading.concept(place) in ("shot",) for place in reading.before(at)) or (
        # "O vídeo do WhatsApp", but "o grupo do Telegram" and "pro meu grupo do Telegram".
        reading.concept(at - 1) == "from" and reading.concept(at - 2) in ("", "video", "file", "this", "filler", "is")
    )
    if denied or came:
        reading.use(at, *denied)
        return True
    return False


def _limits(reading: Reading) -> list[int]:
    """The sizes that are limits; the others tell what the source is."""
    sizes = reading.find("size")
    for at in sizes:
        if _is_lower_bound(reading, at):
            reading.doubt(at, *[place for place in _leading(reading, at) if reading.concept(place) == "atleast"])
    for at in sizes:
        if at not in reading.used and (words := taken_away(reading, at)):
            reading.doubt(at, *words)
    sizes = [at for at in sizes if at not in reading.used]
    graded = {at: _grade(reading, at) for at in sizes}
    if len(sizes) == 1 and graded[sizes[0]] == 0 and _asks(reading):
        graded[sizes[0]] = 1
    wanted = [at for at in sizes if graded[at] > 0]
    neutral = [at for at in sizes if graded[at] == 0]
    source = [at for at in sizes if graded[at] < 0]
    if not wanted:
        wanted, neutral = neutral, []
    # What is neither asked for nor said of the source is the source's if it is the larger one.
    least = min((reading.items[at].value for at in wanted), default=0)
    doubtful = [at for at in neutral if reading.items[at].value <= least or at > min(wanted) or _offered(reading, at)]
    if source or len(neutral) > len(doubtful):
        reading.use(*source, *(at for at in neutral if at not in doubtful))
        for at in source:
            reading.use(*_source_words(reading, at))
    return _smallest_of_source(reading, [*wanted, *doubtful], sizes)


def _offered(reading: Reading, at: int) -> bool:
    """As in "25 MB and 8 MB": two of one kind, side by side."""
    return reading.concept(at + 1) in ("and", "or", "comma") and reading.concept(at + 2) == "size"


def _smallest_of_source(reading: Reading, wanted: list[int], sizes: list[int]) -> list[int]:
    """As in "From 500MB to 50MB": the first is what it is."""
    if len(wanted) == 2 and len(sizes) == 2:
        first, second = wanted
        apart = [reading.concept(place) for place in range(first + 1, second)]
        if reading.concept(first - 1) in ("from", "of", "by") and ({"to", "limit", "end", "dash"} & set(apart)):
            reading.use(first)
            return [second]
    return wanted


def _is_lower_bound(reading: Reading, at: int) -> bool:
    """As in "at least 30 MB", which no limit is; "it's over 500 MB" tells of the source."""
    ahead = {reading.concept(place) for place in reading.before(at)}
    after = {reading.concept(place) for place in list(reading.after(at))[:2]}
    close = {reading.concept(place) for place in _leading(reading, at)}
    behind = list(reading.after(at))[:1]
    bounded = "atleast" in close or (bool(reading.lexicon.grammar.get("verbs_last")) and "atleast" in after)
    if [reading.concept(place) for place in behind] == ["atleast"]:
        bounded = bounded or reading.concept(behind[0] + 1) not in ANCHORS  # "20 MB minimum"
    return bounded and not ahead & {"is", "shot", "original", "not", "no", "limit"} and not _too_much(reading, at)


def _leading(reading: Reading, at: int) -> list[int]:
    """The words right before ``at``, up to the first that is about something else."""
    found = []
    for place in reading.before(at):
        found.append(place)
        if reading.concept(place) not in _PASSING | {"atleast"} or len(found) == _NEAR:
            break
    return found


def _source_words(reading: Reading, at: int) -> list[int]:
    return [
        place
        for place in [*reading.before(at), *reading.after(at)]
        if reading.concept(place) in ("is", "shot", "original", "weight", "atleast", "video")
    ]


def _grade(reading: Reading, at: int) -> int:
    """1 for a size that is asked for, -1 for one that the source has, 0 where nothing tells."""
    # "20, no, it's 30 MB": the "is" of what was taken back is used up.
    before = [place for place in reading.before(at) if not (place in reading.used and reading.concept(place) == "is")]
    if (
        before
        and reading.concept(at - 1) != "is"
        and ":" in reading.original(reading.items[at - 1].end, reading.items[at].start)
    ):
        before = []  # "it is simple: 9 MB"
    leading = [reading.concept(place) for place in before[:_NEAR]]
    after = [reading.concept(place) for place in reading.after(at)]
    verbs_last = reading.lexicon.grammar.get("verbs_last")
    if verbs_last and _opens_with_what_is(reading, before):
        return -1
    if verbs_last:
        # 元は1.2GBある, 300MBに: what follows a size is said of it, and not of the next one.
        leading = [concept for concept in leading if concept not in _DESCRIBING | {"to", "end"}]
    close = next((concept for concept in leading if concept not in _PASSING - {"weight"}), "")
    if close in ("limit", "to", "end") or after[:1] == ["limit"] or (after[:1] == ["each"]):
        return 1
    if _too_much(reading, at):
        return 1
    if _attributive(reading, at):
        wanted = {"want", "make"} & {reading.concept(place) for place in before}
        return 0 if wanted else -1
    if verbs_last and after[:2] == ["about", "is"] and sum(item.concept == "size" for item in reading.items) > 1:
        return -1  # 300MBくらいあって
    if verbs_last and after[:1] in (["to"], ["end"], ["about"]):
        return 1
    if "limit" in after or "limit" in leading:
        return 1
    if (close == "is" or leading[:2] == ["by", "is"]) and (_is_made(reading, at) or _is_the_limit(reading, before)):
        return 1
    if close in ("is", "shot", "original", "atleast") or (verbs_last and _is_said_of(after)):
        return -1
    told = [concept for concept in leading if concept in _LIMITING | _DESCRIBING]
    if told:
        return -1 if told[0] in _DESCRIBING else 1
    if "is" in after[:3] and "want" not in after and any(c in ("weight", "video", "original") for c in leading):
        return -1
    return 0


def _after_a_colon(reading: Reading, at: int) -> bool:
    return ":" in reading.original(reading.items[at - 1].end, reading.items[at].start)


def _is_said_of(after: Sequence[str]) -> bool:
    """1.2GBあります, 1.2GBくらいです; but 25MBにしたいです is what is wanted."""
    return after[:1] == ["is"] or (after[1:2] == ["is"] and after[0] not in ("make", "want", "compress"))


def _opens_with_what_is(reading: Reading, before: Sequence[int]) -> bool:
    """As in 今は150MBで: the clause begins with the word for what is."""
    told = next((place for place in before if reading.concept(place) not in _PASSING), None)
    return told is not None and reading.concept(told) == "is" and told == reading.clause(told).start


def _is_made(reading: Reading, at: int) -> bool:
    """As in "turn it into an mkv that's 75MB": what is told of a form that is yet to be made is a wish."""
    before = {reading.concept(place) for place in reading.before(at - 1)} | {
        reading.concept(place) for place in reading.clause(at) if place < at
    }
    alone = sum(item.concept == "size" for item in reading.items) == 1
    return alone and "container" in before and bool(before & {"make", "export"})


def _is_the_limit(reading: Reading, before: Sequence[int]) -> bool:
    """As in "the limit that the form shows is 56 MiB": the noun is what the size is told of."""
    number = reading.clauses.index(reading.clause(before[0]))
    if number > 1 and before[-1] == reading.clauses[number].start and len(before) == 1:
        before = tuple(reversed(reading.clauses[number - 2]))  # "das Limit, das dort steht, ist 56 MB"
    nouns = (place for place in reversed(before) if len(reading.items[place].text) > _ARTICLE)
    first = next((place for place in nouns if reading.concept(place) not in _PASSING), None)
    return first is not None and reading.concept(first) == "limit"


def _attributive(reading: Reading, at: int) -> bool:
    """As in "This 500MB video", "el vídeo de 500 MB", 这个500MB的视频."""
    following = [reading.concept(place) for place in range(at + 1, min(at + 3, reading.clause(at).stop))]
    if following[:1] == ["video"] or following[:2] in (["of", "video"], ["filler", "video"], ["unknown", "video"]):
        return True
    ahead = [reading.concept(place) for place in reading.before(at)]
    return ahead[:2] == ["of", "video"] or ahead[:2] == ["from", "video"]


def _asks(reading: Reading) -> bool:
    return bool(reading.find("want", "make", "compress"))


def _is_of_the_sound(reading: Reading, at: int) -> bool:
    """As in "mute it down by 30 %": a share beside words for the sound, where nothing speaks of a size."""
    clause = reading.clause(at)
    heard = any(reading.concept(place) in ("mute", "louder", "sound") for place in clause)
    sized = {"compress", "weight", "original", "to", "limit"} & {reading.concept(place) for place in clause}
    return heard and not sized


def _tells_a_part(reading: Reading, at: int) -> bool:
    """As in "la parte del medio": a half that says which part, where nothing speaks of a size."""
    ahead = {reading.concept(place) for place in range(at - 2, at)}
    sized = reading.find("compress", "smaller", "weight", "original", among=reading.clause(at))
    return "part" in ahead and not sized


def _shares(reading: Reading) -> dict[int, float]:
    """The percentages of the source that are asked for, by place."""
    found: dict[int, float] = {}
    for at in reading.find("percent", "fraction", "factor"):
        item = reading.items[at]
        clause = reading.clause(at)
        if any(reading.concept(place) in ("quality", "volume", "music", "tempo", "rotate") for place in clause):
            reading.doubt(at)
            continue
        if _is_of_the_sound(reading, at) or (item.concept == "fraction" and _tells_a_part(reading, at)):
            reading.doubt(at)
            continue
        smaller = [place for place in clause if reading.concept(place) == "smaller"]
        if item.concept == "percent":
            share = float(item.value)
        elif item.value > 1:
            # Twice as small, 3x smaller.
            if not smaller and not reading.find("compress", "weight", "original", among=clause):
                continue
            found[at] = round(100 / item.value, 2)
            continue
        else:
            share = float(item.value) * 100
        if reading.find("bigger", among=clause):
            reading.doubt(at, *reading.find("bigger", among=clause))
            continue
        if (verb := ambiguous_verb(reading, at)) is not None:
            reading.doubt(verb, at)
            continue
        share = 100 - share if is_difference(reading, at) else share
        if not 0 < share <= 100:
            reading.doubt(at)
            continue
        found[at] = round(share, 2)
    return found
