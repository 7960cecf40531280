"""Text as the grammar reads it: one case, one width, no accents, nothing invisible.

Every folded character knows where it came from, so that names, quotations and what was not understood are
given back exactly as they were typed.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

# Accents of Latin letters go; the marks that tell か from が are other characters and stay.
_FIRST_ACCENT, _LAST_ACCENT = "\u0300", "\u036f"
_SPECIAL = {"’": "'", "‘": "‘", "、": "、", "…": "…", "⁄": "/", "−": "-", "×": "x", "‐": "-", "‑": "-"}


@dataclass(frozen=True)
class Folded:
    """``text`` is what is read; character ``i`` of it stands for ``source[starts[i]:ends[i]]``."""

    source: str
    text: str
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def original(self, start: int, end: int) -> str:
        """What was typed for ``text[start:end]``."""
        return self.source[self.starts[start] : self.ends[end - 1]] if end > start else ""


def fold(source: str) -> Folded:
    """``source`` folded; takes time in proportion to its length."""
    out: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for start, end in _clusters(source):
        folded = _folded(source[start:end])
        out.append(folded)
        starts.extend([start] * len(folded))
        ends.extend([end] * len(folded))
    return Folded(source, "".join(out), tuple(starts), tuple(ends))


def fold_words(text: str) -> str:
    """``text`` folded, for comparing words with words."""
    return "".join(_folded(text[start:end]) for start, end in _clusters(text))


def _clusters(source: str) -> list[tuple[int, int]]:
    """A character with the marks that are written onto it, as macOS spells names."""
    clusters: list[tuple[int, int]] = []
    for at, char in enumerate(source):
        if clusters and char > _FIRST_ACCENT and unicodedata.combining(char):
            clusters[-1] = (clusters[-1][0], at + 1)
        else:
            clusters.append((at, at + 1))
    return clusters


def _folded(cluster: str) -> str:
    if cluster.isascii():
        return _visible(cluster.lower())
    if cluster in _SPECIAL:
        return _SPECIAL[cluster]
    if cluster == "，":
        return "、"  # the Chinese comma never stands inside a number: 帧率30，80兆
    compatible = unicodedata.normalize("NFKC", cluster).casefold()
    apart = unicodedata.normalize("NFD", compatible)
    bare = "".join(c for c in apart if not _FIRST_ACCENT <= c <= _LAST_ACCENT)
    return "".join(_SPECIAL.get(c, _visible(c)) for c in unicodedata.normalize("NFC", bare))


def _visible(char: str) -> str:
    """What has no width is nothing at all; a control character is junk that nobody types."""
    if char in "\n\t" or char.isprintable():
        return char
    kind = unicodedata.category(char)
    if kind == "Cf":
        return ""
    if char == "\r":
        return "\n"
    return "\ufffd" if kind in ("Cs", "Co", "Cn", "Cc") else " "
