"""Text subtitles between the forms that containers want: SubRip read and written, 3GPP timed text written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tightfit.domain.cargo import Cue

_TIMES = re.compile(r"(\d+):(\d\d):(\d\d)[,.](\d{1,3})\s*-->\s*(\d+):(\d\d):(\d\d)[,.](\d{1,3})")
# Positions of ASS in braces, and the few tags that SubRip has.
_BRACES, _TAGS = re.compile(r"\{\\[^}]*\}"), re.compile(r"</?(?:[bius]|font)\b[^>]*>", re.IGNORECASE)
_FONTS, _NO_MARKUP = re.compile(r"</?font\b[^>]*>", re.IGNORECASE), re.compile(r"<(?!/?[biu]>)")
_EMPTY_LINES = re.compile(r"\n\s*\n")
_LONGEST_SAMPLE = 0xFFFF


@dataclass(frozen=True)
class TextTrack:
    """Text subtitles as they go into a file."""

    cues: tuple[Cue, ...]
    language: str | None = None
    default: bool = False
    forced: bool = False
    title: str | None = None


@dataclass(frozen=True)
class BitmapTrack:
    """Subtitles of drawn pictures, copied packet by packet: ``samples`` are (start, duration) in milliseconds,
    ``path`` where their payloads lie in the same order; ``bytes`` are those of all payloads there.
    """

    path: str
    codec: str
    samples: tuple[tuple[int, int], ...]
    bytes: int
    description_bytes: int = 0
    language: str | None = None
    default: bool = False
    forced: bool = False
    title: str | None = None

    def fitted(self, start_s: float, duration_s: float) -> BitmapTrack:
        """On the clock of an output that begins at ``start_s`` of the source's, up to the first that is beyond its end.

        What begins before the picture is shown with its first.
        """
        first, end, kept = round(start_s * 1000), round(duration_s * 1000), []
        for start, length in self.samples:
            begin = max(0, start - first)
            if begin >= end:
                break
            kept.append((begin, min(length, end - begin)))
        return replace(self, samples=tuple(kept))


@dataclass(frozen=True)
class TextPacket:
    """One sample of a text track; times in milliseconds."""

    start_ms: int
    duration_ms: int
    data: bytes


def parse_srt(text: str) -> list[Cue]:
    """The cues of a SubRip file; what is not one is skipped."""
    found = []
    for block in re.split(r"\n\s*\n", text.replace("\r\n", "\n").replace("\ufeff", "")):
        lines = block.strip("\n").split("\n")
        at = next((n for n, line in enumerate(lines) if _TIMES.search(line)), None)
        if at is None:
            continue
        times = _TIMES.search(lines[at])
        assert times is not None, "found just now"
        h, m, s, ms, *end = times.groups()
        start_s = _seconds(h, m, s, ms)
        found.append(Cue(start_s, _seconds(*end), _BRACES.sub("", "\n".join(lines[at + 1 :])).strip()))
    return found


def _seconds(hours: str, minutes: str, seconds: str, fraction: str) -> float:
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + int(fraction.ljust(3, "0")) / 1000


def plain(text: str) -> str:
    """Without the tags of SubRip."""
    return _TAGS.sub("", text)


def _webvtt(text: str) -> str:
    """The text of a cue: no fonts, no empty lines, and no sign of markup that is none (WebVTT, 4.2.2)."""
    bare = _NO_MARKUP.sub("&lt;", _FONTS.sub("", text).replace("&", "&amp;"))
    return _EMPTY_LINES.sub("\n", bare.replace("-->", "--&gt;"))


def packets_of(cues: Sequence[Cue], codec: str) -> Iterator[TextPacket]:
    """Cues as samples of ``codec``: ``subrip`` (Matroska) and ``webvtt`` (WebM) are the text, ``mov_text`` (3GPP TS
    26.245) is its length and the text.

    Timed text shows one sample at a time, so that there a cue ends where the next one begins and those of one
    moment share a sample.
    """
    if codec != "mov_text":
        for cue in cues:
            text = cue.text if codec == "subrip" else _webvtt(cue.text)
            yield TextPacket(_ms(cue.start_s), max(1, _ms(cue.end_s) - _ms(cue.start_s)), text.encode())
        return
    for start, end, text in _one_at_a_time(cues):
        said = text.encode()[:_LONGEST_SAMPLE].decode(errors="ignore").encode()
        yield TextPacket(start, end - start, len(said).to_bytes(2, "big") + said)


def _one_at_a_time(cues: Sequence[Cue]) -> Iterator[tuple[int, int, str]]:
    edges = sorted({_ms(t) for cue in cues for t in (cue.start_s, cue.end_s)})
    active: list[Cue] = []
    waiting = list(reversed(cues))
    for start, end in pairwise(edges):
        active = [cue for cue in active if _ms(cue.end_s) > start]
        while waiting and _ms(waiting[-1].start_s) <= start:
            cue = waiting.pop()
            if _ms(cue.end_s) > start:
                active.append(cue)
        if active:
            yield start, end, "\n".join(plain(cue.text) for cue in active)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
