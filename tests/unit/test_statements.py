"""A statement beside a wish is let go, a wish that is not understood is asked about: told apart by their form."""

from __future__ import annotations

from pathlib import Path

import pytest

from tightfit.intent.understand import understand

FOLDER = Path(__file__).parent.parent / "data" / "intent" / "forms"
MEGA = 1_000_000
WISH = {
    "en": "make it 30 MB",
    "de": "mach 30 MB daraus",
    "fr": "compresse à 30 Mo",
    "es": "comprímelo a 30 MB",
    "pt": "comprime o vídeo para 30 MB",
    "ja": "30MBにして",
    "zh": "压缩到30MB",
}
JOINTS = {"ja": ("{wish}。{clause}", "{clause}。{wish}"), "zh": ("{wish}，{clause}", "{clause}，{wish}")}
LATIN = ("{wish}, {clause}", "{clause}. {wish}")


def clauses(kind: str, folder: Path = FOLDER) -> list[tuple[str, str]]:
    """Each clause of the kind (T or A) with its language."""
    found = []
    for path in sorted(folder.glob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        found += [(path.stem, line[2:]) for line in lines if line.startswith(f"{kind} ")]
    return found


def beside_a_wish(language: str, clause: str) -> list[str]:
    """The clause after a complete wish, and before it."""
    return [form.format(wish=WISH[language], clause=clause) for form in JOINTS.get(language, LATIN)]


@pytest.mark.parametrize(("language", "clause"), clauses("T"))
def test_what_is_told_beside_a_wish_changes_nothing(language: str, clause: str):
    for text in beside_a_wish(language, clause):
        intent = understand(text)
        plain = understand(WISH[language])
        assert (intent.unclear, intent.target.bytes) == ((), 30 * MEGA), text
        assert (intent.edits, intent.audio, intent.trim) == (plain.edits, plain.audio, plain.trim), text


@pytest.mark.parametrize(("language", "clause"), clauses("S"))
def test_a_signature_asks_for_nothing(language: str, clause: str):
    intent = understand(beside_a_wish(language, clause)[0])
    assert (intent.unclear, intent.target.bytes) == ((), 30 * MEGA)


@pytest.mark.parametrize(("language", "clause"), clauses("A"))
def test_what_is_asked_for_and_not_understood_is_said_back(language: str, clause: str):
    for text in beside_a_wish(language, clause):
        assert understand(text).unclear, text


@pytest.mark.parametrize(("language", "text"), clauses("T", FOLDER / "whole"))
def test_a_sentence_that_tells_something_has_its_size_and_no_other_wish(language: str, text: str):
    intent = understand(text)
    assert (intent.unclear, intent.target.bytes) == ((), 30 * MEGA)
    assert (intent.edits, intent.audio, bool(intent.trim), intent.speed) == ((), None, False, None), language


@pytest.mark.parametrize(("language", "text"), clauses("A", FOLDER / "whole"))
def test_a_sentence_with_a_strange_operation_is_asked_about(language: str, text: str):
    assert understand(text).unclear, language


def test_there_are_as_many_wishes_as_statements_in_every_language():
    for kinds in ("TS", "A"):
        told = [language for kind in kinds for language, _ in clauses(kind)]
        assert {language: told.count(language) for language in WISH} == dict.fromkeys(WISH, 40)
