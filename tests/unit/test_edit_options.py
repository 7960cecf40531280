"""Edits as people write them."""

from __future__ import annotations

import pytest

from tightfit.domain.edits import Stretch
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
