"""From folded text to tokens: words, runs of Han and kana, numbers, quotations, file names, breaks, junk.

Nothing here knows a language. Every pattern is bounded, so reading takes time in proportion to the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from tightfit.intent.folding import Folded

VIDEO_NAMES = "mp4 mov mkv webm avi m4v wmv flv mpg mpeg mts m2ts ts 3gp 3g2 ogv gif vob mxf"
AUDIO_NAMES = "mp3 wav m4a aac flac ogg opus wma aiff"
PICTURE_NAMES = "png jpg jpeg webp avif"
_NAMES = f"{VIDEO_NAMES} {AUDIO_NAMES} {PICTURE_NAMES}".split()
_LONGEST_NAME = 200  # characters; file systems allow 255 bytes
_MOST_SPACES = 6  # "my trip to the sea 2024.mp4" has six

CJK = "\u3005\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_EXTENSION = re.compile(rf"\.({'|'.join(_NAMES)})(?![a-z0-9_])")
_STOPS_A_NAME = frozenset(' \t\n"<>|,;:?!、，。「」『』“”„«»‹›《》{}`*')
_QUOTES = (
    *('"([^"\n]{0,300})"', "“([^”\n]{0,300})”", "„([^“”\n]{0,300})[“”]", "«([^»\n]{0,300})»", "‹([^›\n]{0,300})›"),
    *("「([^」\n]{0,300})」", "『([^』\n]{0,300})』", "《([^》\n]{0,300})》", "‘([^'\n]{0,300})'"),
    r"(?<!\w)'([^'\n]{1,200})'(?!\w)",
)
_PATTERN = re.compile(
    rf"""
    (?P<space>[ \t]+)
  | (?P<code>`[^`\n]{{0,300}}` | \$\([^)\n]{{0,300}}\) | <[/!]?[a-z][^<>\n]{{0,300}}> | [a-z]{{2,10}}://[^\s"'<>]{{1,500}}
      | (?<![\w/])(?:~|\.{{1,2}})?(?:/[\w.*-]+){{2,}}/? )
  | (?P<quote>{"|".join(_QUOTES)})
  | (?P<box>(?<![\d.])\d{{3,5}}\s?[x*]\s?\d{{3,5}}(?![\d]))
  | (?P<lines>(?<![\d.])\d{{3,4}}\s?[pi]\d{{0,3}}(?![a-z0-9]))
  | (?P<date>\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}(?!\d) | \d{{1,2}}[/.]\d{{1,2}}[/.]\d{{4}}(?!\d))
  | (?P<clock>\d{{1,2}}:\d{{2}}(?::\d{{2}})?(?:[.]\d{{1,3}})?(?![\d:]))
  | (?P<ratio>\d{{1,2}}(?:[.]\d{{1,2}})?(?::|\s?/\s?)\d{{1,2}}(?![\d:/]))
  | (?P<wide>(?<![\d.])(?:16x9|9x16|4x3|3x4|1x1|4x5|5x4|21x9)(?![\d]))
  | (?P<factor>\d{{1,3}}(?:[.,]\d{{1,2}})?\s?x(?![a-z0-9]) | (?<![a-z0-9])x\s?\d{{1,2}}(?:[.,]\d{{1,2}})?(?![\w.,]))
  | (?P<ordinal>\d{{1,4}}(?:st|nd|rd|th)(?![a-z0-9]))
  | (?P<format>(?<![a-z0-9])(?:[hx][. ]?26[45]|3gp|3g2)(?![a-z0-9]))
  | (?P<number>\d+(?:[.,]\d+)* | (?<![\w.,])[.,]\d+)
  | (?P<rate>(?:[kmg]i?(?:b(?:it)?s?|o)?/s|kilobits?/s|bilder/s|images/s|i/s|f/s)(?![a-z]))
  | (?P<prefix>fps(?=\d))
  | (?P<cjk>[{CJK}]+)
  | (?P<word>(?:l|d|qu|j|n|s|c|m|t|jusqu|lorsqu|puisqu)'(?=[^\W\d]) | [^\W\d_{CJK}](?:[^\W_{CJK}]|'(?=[a-z]))*)
  | (?P<bound>[<≤]=?\s?(?=\d))
  | (?P<arrow>[-=]+>|→|⇒|@(?=\s?\d))
  | (?P<dash>[-–—~〜])
  | (?P<stop>[.!?。？！;\n]+)
  | (?P<comma>[,、·/()\[\]…]+)
  | (?P<percent>%)
  | (?P<and>[&+](?=\s))
  | (?P<junk>[|&<>$`\\{{}}=^#@*_\x7f\ufffd]+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Kind(Enum):
    """What a token is, as far as its form tells."""

    WORD = auto()
    CJK = auto()
    NUMBER = auto()
    CLOCK = auto()
    RATIO = auto()
    BOX = auto()
    LINES = auto()
    FACTOR = auto()
    DATE = auto()
    QUOTE = auto()
    FILE = auto()
    DASH = auto()
    STOP = auto()
    COMMA = auto()
    JUNK = auto()
    BOUND = auto()
    ARROW = auto()


_KINDS = {
    **{"quote": Kind.QUOTE, "box": Kind.BOX, "lines": Kind.LINES, "date": Kind.DATE, "clock": Kind.CLOCK},
    **{"ratio": Kind.RATIO, "wide": Kind.RATIO, "factor": Kind.FACTOR, "ordinal": Kind.DATE, "format": Kind.WORD},
    **{"number": Kind.NUMBER, "rate": Kind.WORD, "cjk": Kind.CJK, "word": Kind.WORD, "percent": Kind.WORD},
    **{
        "bound": Kind.BOUND,
        "arrow": Kind.ARROW,
        "dash": Kind.DASH,
        "stop": Kind.STOP,
        "comma": Kind.COMMA,
        "junk": Kind.JUNK,
    },
    **{"code": Kind.JUNK, "and": Kind.WORD, "prefix": Kind.WORD},
}
Exists = Callable[[str], bool]


@dataclass(frozen=True)
class Token:
    """``text`` is folded; ``value`` is a quotation's or a file's text as it was typed."""

    kind: Kind
    text: str
    start: int
    end: int
    value: str = field(default="")


def tokens(folded: Folded, exists: Exists) -> list[Token]:
    """The tokens of a text. ``exists`` tells whether a name is that of a file."""
    names = _file_names(folded, exists)
    found: list[Token] = []
    at = 0
    for name in names:
        found.extend(_plain(folded, at, name.start, exists))
        found.append(name)
        at = name.end
    found.extend(_plain(folded, at, len(folded.text), exists))
    return found


def _plain(folded: Folded, start: int, end: int, exists: Exists) -> Iterator[Token]:
    at = start
    while at < end:
        match = _PATTERN.match(folded.text, at, end)
        assert match is not None, "the last alternative takes any character"
        at = match.end()
        kind = _KINDS.get(match.lastgroup or "")
        if match["quote"] is not None:
            inner = next(n for n in range(1, len(match.groups()) + 1) if _inside(match, n))
            value = folded.original(*match.span(inner)).strip()
            kind = Kind.FILE if value and exists(value) else Kind.QUOTE
            yield Token(kind, match[0], match.start(), at, value)
        elif kind is not None:
            yield Token(kind, match[0], match.start(), at)
        elif match.lastgroup == "other" and unicodedata.category(match[0]) in ("Sm", "Sc", "Cc"):
            yield Token(Kind.JUNK, match[0], match.start(), at)  # ∞ and € ask for something; an emoji doesn't


def _inside(match: re.Match[str], group: int) -> bool:
    """Whether ``group`` is the inner part of the quotation that matched."""
    return match[group] is not None and group not in match.re.groupindex.values()


def _file_names(folded: Folded, exists: Exists) -> list[Token]:
    """File names by their extension, and quotations that are names of files."""
    found: list[Token] = []
    at = 0
    for match in _EXTENSION.finditer(folded.text):
        start = max(_start_of_name(folded, match.start(), exists), at)
        end = match.end()
        if start >= match.start() or folded.text.startswith("//", start):
            continue  # ".mp4" alone is a format, and an address is no file
        opening = folded.text[start - 1] if start else ""
        quoted = _quoted_around(folded, start, end) if opening else None
        if quoted:
            found.append(
                Token(Kind.FILE, folded.text[slice(*quoted)], *quoted, folded.original(quoted[0] + 1, end).strip())
            )
            at = quoted[1]
            continue
        value = folded.original(start, end).replace("\\ ", " ")
        found.append(Token(Kind.FILE, folded.text[start:end], start, end, value))
        at = end
    return found


_CLOSING = {'"': '"', "“": "”", "„": "“”", "«": "»", "「": "」", "『": "』", "‘": "'", "'": "'", "《": "》", "‹": "›"}


def _quoted_around(folded: Folded, start: int, end: int) -> tuple[int, int] | None:
    """The span of the quotation that ends right after ``end``, if the name is all there is in it."""
    text = folded.text
    close = end + 1 if text[end : end + 1] == " " else end
    if close >= len(text):
        return None
    for opening in range(start - 1, max(start - _LONGEST_NAME, -1), -1):
        if text[close] in _CLOSING.get(text[opening], ""):
            return opening, close + 1
        if text[opening] == "\n":
            return None
    return None


def _start_of_name(folded: Folded, dot: int, exists: Exists) -> int:
    """Where the name that has its extension at ``dot`` begins."""
    text = folded.text
    start = _back_to_stop(text, dot)
    if start == dot:
        return dot
    end = _EXTENSION.match(text, dot)
    assert end is not None, "the extension was found there"
    longer, words = start, 0
    candidates = [start]
    while words < _MOST_SPACES and longer > 1 and text[longer - 1] == " " and dot - longer < _LONGEST_NAME:
        longer = _back_to_stop(text, longer - 1)
        words += 1
        candidates.append(longer)
    for candidate in reversed(candidates):
        if exists(folded.original(candidate, end.end())):
            return candidate
    if not text[start:dot].isascii():
        # 把旅行.mp4: no space tells where the name begins.
        for candidate in range(start, dot):
            if exists(folded.original(candidate, end.end())):
                return candidate
        # 上传视频clip.mp4: a name in other letters begins where they do.
        boundary = _last_boundary(text, start, dot)
        if boundary > start:
            return boundary
    return start + len(text[start:dot]) - len(text[start:dot].lstrip("(["))


def _last_boundary(text: str, start: int, dot: int) -> int:
    at = dot
    while at > start and text[at - 1].isascii():
        at -= 1
    return at if start < at < dot and text[at - 1] > "\u3000" else start


def _back_to_stop(text: str, at: int) -> int:
    lowest = max(0, at - _LONGEST_NAME)
    while at > lowest and (
        text[at - 1] not in _STOPS_A_NAME or (text[at - 1] == " " and text[at - 2 : at - 1] == "\\")
    ):
        at -= 1
    return at
