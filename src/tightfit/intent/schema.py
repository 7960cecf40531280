"""The form of a language file. Adding a language is adding one such file (docs/languages.md says how)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, field_validator

from tightfit.intent.concepts import CONCEPTS, FORMS, MOODS, PLACES, REPLIES, SAID, TALK, UNITS

Phrases = Annotated[str, StringConstraints(min_length=1)]


class Grammar(BaseModel):
    """What differs between languages beside their words.

    ``verbs_last``: what is to be done stands after its object. ``compounds``: numbers are written as one word.
    ``spaced_thousands``: 1 500 is one number.
    """

    model_config = ConfigDict(extra="forbid")

    verbs_last: bool = False
    compounds: bool = False
    spaced_thousands: bool = False


class LanguageFile(BaseModel):
    """One language: its words by what they mean, comma-separated.

    ``*`` at a word's end stands for any ending, ``~`` for what stands between the halves of a verb (``brich~ab``).
    """

    model_config = ConfigDict(extra="forbid")

    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2}$")]
    name: str
    script: Literal["latin", "han", "kana"]
    letters: str = ""  # letters that few other languages here have
    shapes: str = ""  # letters in a row that few other languages here have, with spaces between: ção lh nh
    marks: str = ""  # words that no other language here has: Mo for megabytes
    endings: str = ""  # what a stem may end in; absent means anything
    either: str = ""  # what says "by" after a verb of shrinking and "at" after others: em
    lessens: str = ""  # verbs beside whose size that size goes, where no word for "by" is needed: 减少50MB
    grammar: Grammar = Grammar()
    terms: dict[str, Phrases]
    units: dict[str, Phrases]
    numbers: dict[str, Phrases] = {}
    fractions: dict[str, Phrases]
    presets: dict[str, Phrases]
    positions: dict[str, Phrases]
    moods: dict[str, Phrases]
    forms: dict[str, Phrases]
    say: dict[str, str]
    talk: dict[str, Phrases]
    reply: dict[str, str]

    @field_validator("terms")
    @classmethod
    def _terms_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        return _only(value, CONCEPTS, needed=frozenset())

    @field_validator("units")
    @classmethod
    def _units_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        return _only(value, UNITS, needed=frozenset(UNITS) - {"tenths", "over", "playback"})

    @field_validator("positions")
    @classmethod
    def _positions_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        return _only(value, PLACES, needed=frozenset(PLACES))

    @field_validator("moods")
    @classmethod
    def _moods_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        return _only(value, MOODS, needed=frozenset(MOODS))

    @field_validator("forms")
    @classmethod
    def _forms_are_known(cls, value: dict[str, str]) -> dict[str, str]:
        return _only(value, FORMS, needed=frozenset(("because", "wish")))

    @field_validator("say")
    @classmethod
    def _everything_can_be_said(cls, value: dict[str, str]) -> dict[str, str]:
        return _only(value, SAID, needed=frozenset(SAID))

    @field_validator("talk")
    @classmethod
    def _all_of_a_session_is_understood(cls, value: dict[str, str]) -> dict[str, str]:
        return _only(value, TALK, needed=frozenset(TALK))

    @field_validator("reply")
    @classmethod
    def _every_reply_is_there(cls, value: dict[str, str]) -> dict[str, str]:
        return _only(value, REPLIES, needed=frozenset(REPLIES))

    @field_validator("numbers", "fractions")
    @classmethod
    def _keys_are_numbers(cls, value: dict[str, str]) -> dict[str, str]:
        for key in value:
            float(key)
        return value


def _only(value: dict[str, str], known: frozenset[str] | dict[str, str], needed: frozenset[str]) -> dict[str, str]:
    if strange := sorted(set(value) - set(known)):
        raise ValueError(f"nothing means {', '.join(strange)}")
    if missing := sorted(needed - set(value)):
        raise ValueError(f"nothing is said for {', '.join(missing)}")
    return value
