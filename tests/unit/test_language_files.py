"""Every language file there is holds to one form, and a new one needs no other change."""

from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import pytest

from tightfit import presets
from tightfit.intent import lexicon
from tightfit.intent.concepts import SAID
from tightfit.intent.folding import fold
from tightfit.intent.lexer import Kind, tokens
from tightfit.intent.schema import LanguageFile
from tightfit.intent.understand import understand

FOLDER = Path(lexicon.__file__).parent / "languages"
LANGUAGES = lexicon.languages()


def parsed(language: str) -> LanguageFile:
    return LanguageFile.model_validate(tomllib.loads((FOLDER / f"{language}.toml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_file_has_its_form(language: str):
    assert parsed(language).language == language
    assert lexicon.script_of(language) == parsed(language).script


@pytest.mark.parametrize("language", LANGUAGES)
def test_presets_go_by_their_names(language: str):
    assert set(parsed(language).presets) <= set(presets.names())


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_said_has_its_places_filled(language: str):
    for key, template in parsed(language).say.items():
        fields = {field for _, field, _, _ in string.Formatter().parse(template) if field}
        assert fields <= set(re.findall(r"{(\w+)}", SAID[key])) | {"name", "size"}, key


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_star_stands_for_an_ending_only(language: str):
    for table in (parsed(language).terms, parsed(language).units, parsed(language).presets):
        for text in table.values():
            assert not [phrase for phrase in lexicon.split(text) if "*" in phrase[:-1]]


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_is_split_otherwise_than_in_a_sentence(language: str):
    """A phrase that the lexer never gives back whole would never be found."""
    marks = re.compile(r"[\d°%/″.]")
    for phrase, _ in lexicon.load(language).phrases.items():
        if not phrase.isascii() or "x.com" in phrase or marks.search(phrase):
            continue
        words = [
            token.text.replace("'", "") for token in tokens(fold(phrase), lambda _: False) if token.kind is Kind.WORD
        ]
        assert " ".join(words) == phrase


def test_a_new_language_is_one_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Italian, as a copy of the Spanish file with a handful of its words."""
    for path in FOLDER.glob("*.toml"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    spanish = (FOLDER / "es.toml").read_text(encoding="utf-8")
    italian = spanish.replace('language = "es"', 'language = "it"').replace(
        "comprim*, comprim,", "comprimi*, rimpicciolisc*,"
    )
    italian = italian.replace('no = "sin,', 'no = "senza, sin,').replace('sound = "audio,', 'sound = "suono, audio,')
    (tmp_path / "it.toml").write_text(italian, encoding="utf-8")
    monkeypatch.setattr(lexicon, "FOLDER", tmp_path)
    for cached in (lexicon.load, lexicon.read, lexicon.script_of):
        cached.cache_clear()
    try:
        intent = understand("rimpicciolisci questo video sotto 20 MB senza suono")
        assert "it" in lexicon.languages()
        assert (intent.language, intent.target.bytes, intent.audio) == ("it", 20_000_000, "none")
    finally:
        for cached in (lexicon.load, lexicon.read, lexicon.script_of):
            cached.cache_clear()
