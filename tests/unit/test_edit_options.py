"""Edits as people write them."""

from __future__ import annotations

import pytest

from tightfit.domain.edits import Aspect, Crop, Edits, Fade, Fit, Stretch
from tightfit.engine.edit_options import parse_edits, parse_stretch
from tightfit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("5-10", 5, 10),
        ("0:05-1:10.25", 5, 70.25),
        ("1:02:03-", 3723, None),
        ("-30.5", None, 30.5),
        ("90-", 90, None),
        (" 1 - 2 ", 1, 2),
        ("-", None, None),
        (".5-1.", 0.5, 1),
    ],
)
def test_a_stretch_of_time(text: str, start: float | None, end: float | None):
    assert parse_stretch("--trim", text) == Stretch(start, end)


@pytest.mark.parametrize(
    "text", ["", "5", "10-5", "5-5", "a-b", "0:75-2:00", "1:75:00-", "-0", "1-2-3", "5s-6s", "1e3-"]
)
def test_what_is_no_stretch_is_refused_with_one_that_works(text: str):
    with pytest.raises(UsageError, match="--trim") as refused:
        parse_edits({"trim": text})
    assert "0:10-0:30" in refused.value.hint


UNDERSTOOD = [
    ({"cut": ["1-2", "5-"]}, Edits(cuts=(Stretch(1, 2), Stretch(5)))),
    ({"cut": "1-2"}, Edits(cuts=(Stretch(1, 2),))),
    ({"fps": "30"}, Edits(fps=30)),
    ({"fps": "30000/1001"}, Edits(fps=30000 / 1001)),
    ({"fps": 24}, Edits(fps=24)),
    ({"fps": "auto"}, Edits()),
    ({"fps": "source"}, Edits(every_frame=True)),
    ({"speed": "1.5x"}, Edits(speed=1.5)),
    ({"speed": 2}, Edits(speed=2)),
    ({"crop": "640x360+10+20"}, Edits(crop=Crop(640, 360, 10, 20))),
    ({"crop": "640x360"}, Edits(crop=Crop(640, 360))),
    ({"rotate": 270}, Edits(rotate=270)),
    ({"aspect": "9:16"}, Edits(aspect=Aspect(9, 16))),
    ({"aspect": "2.35:1", "fit": "cover"}, Edits(aspect=Aspect(2.35, 1, Fit.COVER))),
    ({"aspect": "source"}, Edits()),
    ({"mute": "0:10-0:12"}, Edits(mutes=(Stretch(10, 12),))),
    ({"volume": "0"}, Edits(volume=0)),
    ({"fade": "1,2"}, Edits(fades=(Fade(1, 2),))),
    ({"fade": ",.5"}, Edits(fades=(Fade(0, 0.5),))),
    ({}, Edits()),
    ({"trim": None, "cut": None, "fps": None}, Edits()),
]


@pytest.mark.parametrize(("options", "edits"), UNDERSTOOD, ids=str)
def test_an_option_is_an_edit(options: dict[str, object], edits: Edits):
    assert parse_edits(options) == edits  # type: ignore[arg-type]


REFUSED = [
    *({"fps": value} for value in ("0", "-1", "fast", "1e9", "9999", "30/0")),
    *({"speed": value} for value in ("0", "0.01", "100", "-2", "fast", "nan", "inf")),
    *({"crop": value} for value in ("640", "640x", "0x0", "8x8", "640x360+5", "640x360-5+5", "1e3x10")),
    *({"rotate": value} for value in ("0", "45", "left", "-90", "360")),
    *({"aspect": value} for value in ("9", "9:0", "0:9", "1:100", "wide", "-1:2")),
    {"aspect": "9:16", "fit": "stretch"},
    {"fit": "cover"},
    *({"mute": value} for value in ("-", "5", "2-1")),
    *({"cut": value} for value in ("-", "a-b")),
    *({"volume": value} for value in ("-1", "17", "loud")),
    *({"fade": value} for value in ("1", "0,0", ",", "a,b", "1,2,3", "-1,2")),
]


@pytest.mark.parametrize("options", REFUSED, ids=str)
def test_nonsense_is_refused_with_a_value_that_works(options: dict[str, object]):
    with pytest.raises(UsageError) as refused:
        parse_edits(options)  # type: ignore[arg-type]
    assert any(f"--{name}" in refused.value.message for name in options)
    assert refused.value.hint.startswith("Write --")


def test_a_misspelled_keyword_is_no_edit():
    with pytest.raises(TypeError, match="trimm"):
        parse_edits({"trimm": "1-2"})  # type: ignore[typeddict-unknown-key]
