"""Text from the service made harmless before anyone sees it."""

from __future__ import annotations

import unicodedata

from tightfit.net.redact import redacted

TEXT_CHARS, NOTE_CHARS = 64_000, 200
_KEPT = "\n\t"
# Joiners that emoji and several scripts are written with; they move nothing on the screen.
_JOINERS = "\u200c\u200d"


def harmless(text: str, most: int = TEXT_CHARS) -> str:
    """``text`` without control, direction and private characters, secrets, and whatever is beyond ``most``."""
    kept = (c for c in text[: most * 2] if c in _KEPT or c in _JOINERS or unicodedata.category(c)[0] != "C")
    clean = redacted("".join(kept))
    return clean if len(clean) <= most else clean[: most - 1] + "…"


def note(text: object) -> str:
    """A remark of the service on one short line."""
    return harmless(" ".join(str(text or "").split()), NOTE_CHARS).rstrip(".")
