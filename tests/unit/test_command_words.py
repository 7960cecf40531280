"""How a command line is read, and how names and numbers are put into words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.main import get_command

from tightfit.cli.app import app
from tightfit.cli.asking import Asked
from tightfit.cli.bare import COMMANDS, spelled_out
from tightfit.cli.failures import usage_error
from tightfit.cli.options import Limit, files_and_limit
from tightfit.cli.quick import asked
from tightfit.cli.text import percent, printable, sparkline, took
from tightfit.errors import UsageError
from tightfit.units import SIZE_HELP

LATER_COMMANDS = ("worker", "bench", "mcp")


def complaint(words: Sequence[str]) -> str:
    """What is said about ``words``, which can't be done."""
    try:
        get_command(app).main(spelled_out(words), prog_name="tightfit", standalone_mode=False)
    except typer.TyperException as problem:
        return str(usage_error(problem))
    except UsageError as error:
        return str(error)
    raise AssertionError("it can be done")


@pytest.mark.parametrize(
    "words", [["a.mp4", "5MB"], ["--to", "5MB", "a.mp4"], ["--", "-a.mp4", "5MB"], ["-q", "a.mp4"]]
)
def test_without_a_command_compress_is_meant(words: list[str]):
    assert spelled_out(words) == ["compress", *words]


@pytest.mark.parametrize("words", [["half the size please"], ["make it 5MB", "--dry-run"], ["压缩旅行.mp4到25MB"]])
def test_a_sentence_alone_is_asked(words: list[str]):
    assert spelled_out(words) == ["ask", *words]


@pytest.mark.parametrize("words", [[__file__], ["my clip.mp4", "5MB"], ["50兆"], ["旅行.mp4", "25MB"]])
def test_a_name_or_a_size_is_no_sentence(words: list[str]):
    assert spelled_out(words) == ["compress", *words]


@pytest.mark.parametrize("first", [*COMMANDS, "--version", "--help", "-h", "--show-completion"])
def test_a_command_stays_as_it_is(first: str):
    assert spelled_out([first, "a.mp4"]) == [first, "a.mp4"]


@pytest.mark.parametrize("command", LATER_COMMANDS)
def test_a_command_of_a_later_version_is_refused_in_one_sentence(command: str):
    assert complaint([command, "more"]) == f"tightfit {command} is not in this version."


@pytest.mark.parametrize(
    ("option", "value", "instead"),
    [
        *(("--codec", value, "h264") for value in ("vp9", "divx")),
        *(("--container", value, "mp4") for value in ("ogv", "avi")),
        *(("--hdr", value, hint) for value, hint in (("keep", "tonemap"), ("bright", "auto"))),
        ("--effort", "heroic", "fast"),
        *(("--where", value, "local") for value in ("cluster", "moon")),
    ],
)
def test_a_value_that_is_not_in_this_version_is_refused_with_one_that_is(option: str, value: str, instead: str):
    said = complaint(["a.mp4", "5MB", option, value])
    assert f"{option} {value}" in said
    assert f"write {option} {instead}." in said.lower()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "tightfit --help"),
        (["a.mp4"], SIZE_HELP),
        (["a.mp4", "5MB", "--no-fallback"], "Write --where cloud --no-fallback."),
        (["a.mp4", "5MB", "--max-credits", "-1"], "Write --max-credits 20."),
        (["a.mp4", "5MB", "--where", "cloud", "--offline"], "Leave one of them out."),
        (["a.mp4", "50"], "Write 50MB or 50%."),
        (["a.mp4", "b.mp4"], "'b.mp4' is not a size."),
        (["a.mp4", __file__], "No size is named for a.mp4, "),
        (["50MB"], "tightfit vacation.mp4 50MB"),
        (["", "50MB"], "vacation.mp4"),
        (["a.mp4", "--to", "5MB", "--for", "discord"], "--to and --for"),
        (["a.mp4", "5MB", "--outptu", "x"], "Did you mean --output?"),
        (["a.mp4", "5MB", "--zzz"], "tightfit compress --help"),
        (["a.mp4", "--to"], "--to 50MB"),
        (["a.mp4", "5MB", "--jobs", "many"], "--jobs 2"),
        (["a.mp4", "b.mp4", "5MB", "-o", "out.mp4"], "-o out.mp4"),
        (["presets", "show"], "tightfit presets show discord"),
        (["probe"], "tightfit probe --help"),
        (["make a.mp4 smaller"], "To what size?"),
        (["mach es kleiner"], "Auf welche Größe?"),
        (["ask"], "tightfit ask --help"),
    ],
)
def test_a_wrong_request_is_answered_with_something_that_works(words: list[str], said: str):
    assert said in complaint(words)


@pytest.mark.parametrize(
    "words",
    [
        ["half the size please"],
        ["ask", "8MB", "a.mp4", "b.mp4", "--dry-run", "--json"],
        ["ask", "-q", "8MB", "-o", "out.mp4", "--overwrite", "-v"],
        ["make it 5MB", "--quiet", "--verbose", "--json"],
    ],
)
def test_a_sentence_is_read_without_the_parser_as_with_it(words: list[str]):
    command = get_command(app).commands["ask"]  # type: ignore[attr-defined]
    parsed = command.make_context("ask", spelled_out(words)[1:]).params
    parsed["files"] = tuple(parsed["files"] or ())
    assert asdict(asked(words) or Asked("")) == parsed


@pytest.mark.parametrize(
    "words",
    [[], ["a.mp4", "5MB"], ["ask"], ["ask", "--help"], ["ask", "8MB", "--jobs", "2"], ["ask", "8MB", "-o"]],
)
def test_whatever_is_not_plain_is_left_to_the_parser(words: list[str]):
    assert asked(words) is None


def test_the_last_word_is_the_size_unless_an_option_names_it():
    assert files_and_limit(["a", "b", "25%"], None, None) == ([Path("a"), Path("b")], Limit(to="25%"))
    assert files_and_limit(["a", "25%"], "5MB", None) == ([Path("a"), Path("25%")], Limit(to="5MB"))
    assert files_and_limit(["a"], None, "discord") == ([Path("a")], Limit(preset="discord"))


@given(st.text())
def test_any_name_is_printed_on_one_line_without_control_characters(name: str):
    shown = printable(name)
    assert len(shown.splitlines()) <= 1
    assert all(ord(char) >= 32 and char != "\x7f" for char in shown)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ('a b\'s "c".mp4', 'a b\'s "c".mp4'),
        ("a\n\x1b[31mb", "a\\n\\x1b[31mb"),
        ("caf\udce9", "caf\\udce9"),
        ("abc\N{RIGHT-TO-LEFT OVERRIDE}4pm", "abc\\u202e4pm"),
        ("\u0641\u064a\u062f\u064a\u0648 兆 é", "\u0641\u064a\u062f\u064a\u0648 兆 é"),
        ("10.15\N{NARROW NO-BREAK SPACE}PM.mov", "10.15\N{NARROW NO-BREAK SPACE}PM.mov"),
        ("\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}", "\N{MAN}\N{ZERO WIDTH JOINER}\N{WOMAN}"),
        ("[/red]", "[/red]"),
    ],
)
def test_only_what_would_harm_a_terminal_is_escaped(name: str, shown: str):
    assert printable(name) == shown


def test_only_a_full_file_is_a_hundred_percent():
    assert (percent(0.99999), percent(1), percent(0.8984)) == ("99.9 %", "100.0 %", "89.8 %")


def test_a_sparkline_follows_the_values_in_the_width_there_is():
    assert sparkline([]) == ""
    assert sparkline([0, 0]) == "▁▁"
    assert sparkline([1, 4, 8]) == "▂▅█"
    assert len(sparkline(range(1000))) == 40


def test_tenths_of_a_second_matter_only_below_a_minute():
    assert (took(31.94), took(59.96), took(125)) == ("31.9 s", "1 min 00 s", "2 min 05 s")
