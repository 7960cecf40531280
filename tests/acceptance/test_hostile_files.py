"""Files that mean harm: whatever they name, claim or are called, nothing but them is read and nobody is called."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bait import Bait, baited, untouched
from support.command import Tool, results_of
from support.footage import decode_complaints, make
from support.hostile import (
    ATTACKS,
    BOMBS,
    NAMES_FOR_FFMPEG,
    NAMES_FOR_PEOPLE,
    NO_FILES,
    PLAYLISTS,
    REFERENCES,
    SUBTITLES_AND_SCRIPTS,
    Attack,
)

LONGEST_S = 30.0
LIMIT = 5000
# 0: a file that fits; 3: the input is refused; 4: nothing of it fits.
ALLOWED = (0, 3, 4)
SECRET = "tok_nobody_may_see_this"
BESIDE = ("sibling.ts", "vobsub.sub", "lit1.png", "img001.mp4")


@pytest.fixture(scope="session")
def tiny_sound_clip(made_clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A third of a second with a tone and everything in its tables, B-frames and an edit list too."""
    path = tmp_path_factory.mktemp("tiny-sound") / "tiny.mp4"
    make(
        "-i",
        made_clip,
        "-t",
        0.3,
        "-vf",
        "scale=96:64",
        "-c:v",
        "libx264",
        "-bf",
        2,
        "-c:a",
        "aac",
        "-b:a",
        "48k",
        path,
    )
    return path


@pytest.fixture
def bait(tool: Tool, tmp_path: Path, tiny_sound_clip: Path) -> Iterator[Bait]:
    """Bait elsewhere and beside the attacks; while a test runs nobody opens it and nobody calls."""
    playable = tmp_path / "playable.ts"
    make("-i", tiny_sound_clip, "-c", "copy", playable)
    with baited(tmp_path / "elsewhere", tiny_sound_clip, playable.read_bytes()) as laid:
        for name in BESIDE:
            shutil.copy(laid.media, tool.folder / name)
        with untouched([laid.elsewhere, *(tool.folder / name for name in BESIDE)]):
            yield laid


def _try(
    tool: Tool, bait: Bait, attacks: list[Attack], limit: int = LIMIT, **environment: str
) -> dict[str, tuple[int, str]]:
    """How each ends, by its name: exit code and message; all else that must hold is asserted."""
    names = [attack.name.replace("{port}", str(bait.port)) for attack in attacks]
    for attack, name in zip(attacks, names, strict=True):
        attack.write(tool.folder / name, bait)
    (tool.folder / "out").mkdir()
    before, around = tool.files, _all_below(tool.folder.parent)
    messages = tool.folder.parent / "messages"
    arguments = ["--to", f"{limit}B", "-o", "out", "--json", "-v", "--", *names]
    with messages.open("w") as stderr:
        process = tool.start(*arguments, stderr=stderr.fileno(), NEMO_TOKEN=SECRET, **environment)
        ends: dict[str, tuple[int, str]] = {}
        said = ""
        for result, _ in results_of(process, LONGEST_S):
            error = result.get("error") or {"code": 0 if result["status"] != "infeasible" else 4, "message": ""}
            ends[names[len(ends)]] = error["code"], error["message"]
            said += str(result)
        process.kill()
        process.wait()
    said += messages.read_text()
    assert len(ends) == len(names), f"no end within {LONGEST_S} s: {names[len(ends)]!r}"
    assert {name: end for name, end in ends.items() if end[0] not in ALLOWED} == {}
    assert "Traceback" not in said
    assert "\x1b" not in said
    _assert_whole(tool, before, names, limit)
    _assert_nothing_told(tool, bait, said)
    assert _all_below(tool.folder.parent) - around <= {messages}, "something was written elsewhere"
    return ends


def _all_below(folder: Path) -> set[Path]:
    """Everything but the tool's own folders."""
    return {path for path in folder.rglob("*") if not {"home", "out"} & set(path.relative_to(folder).parts)}


def _assert_whole(tool: Tool, before: set[str], names: list[str], limit: int) -> None:
    outputs = [tool.folder / name for name in tool.files - before]
    for path in outputs:
        assert not path.name.startswith("."), "a part was left"
        assert path.stat().st_size <= limit
        # Under the limit a file is copied as it is.
        given = (tool.folder / name for name in names if (tool.folder / name).is_file())
        small = (source for source in given if source.stat().st_size == path.stat().st_size)
        assert decode_complaints(path) == "" or path.read_bytes() in {source.read_bytes() for source in small}, path
    assert list((tool.home / "work").iterdir()) == []


def _assert_nothing_told(tool: Tool, bait: Bait, said: str) -> None:
    """Neither what the bait holds nor what the environment does is in anything that was said or written."""
    written = [path.read_bytes() for folder in ("out", "../home") for path in _files(tool.folder / folder)]
    for secret in (bait.canary, SECRET):
        assert secret not in said
        assert not any(secret.encode() in content for content in written)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]


def test_there_are_enough_of_them():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 60


def test_what_names_other_files_is_refused_and_none_of_them_opened(tool: Tool, bait: Bait):
    ends = _try(tool, bait, [*PLAYLISTS, *SUBTITLES_AND_SCRIPTS])
    assert {name: code for name, (code, _) in ends.items() if code != 3} == {}
    named = [name for name, (_, message) in ends.items() if "names other files" in message]
    assert len(named) >= 25


def test_a_system_ffmpeg_of_years_ago_is_kept_from_them_too(tool: Tool, bait: Bait):
    system = shutil.which("ffmpeg")
    if system is None:
        pytest.skip("no ffmpeg on the PATH: only the bundled one is tried")
    attacks = [*PLAYLISTS[:2], *REFERENCES[-2:], *NAMES_FOR_FFMPEG[:2]]
    ends = _try(tool, bait, attacks, TIGHTFIT_FFMPEG=system)
    assert [code for code, _ in ends.values()] == [3, 3, 0, 4, 0, 0], ends


def test_bombs_are_refused_with_numbers_or_end_within_their_limits(tool: Tool, bait: Bait):
    ends = _try(tool, bait, BOMBS)
    for name in ("streams.mp4", "movie-bomb.mov"):
        assert ends[name][0] == 3
    assert "at most 64 are read" in ends["streams.mp4"][1]
    assert "256,000,000 pixels; at most 37,748,736" in ends["movie-bomb.mov"][1]
    assert ends["gap.mkv"][0] == 0, "long is not hostile where files are one's own"


def test_movies_kept_in_other_files_are_refused_and_odd_ones_read(tool: Tool, bait: Bait):
    ends = _try(tool, bait, REFERENCES)
    kept = {"reference-movie.mov", "dref-url.mov", "dref-file.mp4", "dref-urn.mov", "dref-alias.mov", "linked.mkv"}
    assert {name for name, (code, message) in ends.items() if code == 3 and "other files" in message} == kept


def test_what_is_no_file_is_refused(tool: Tool, bait: Bait):
    attacks = [a for a in NO_FILES if os.path.exists("/proc/self/environ") or a.name != "environ.mp4"]
    ends = _try(tool, bait, attacks)
    assert {name: code for name, (code, _) in ends.items() if code != 3} == {}


@pytest.mark.parametrize(("names", "limit"), [(NAMES_FOR_FFMPEG, LIMIT), (NAMES_FOR_PEOPLE, 1_000_000)])
def test_names_are_names_and_nothing_else(tool: Tool, bait: Bait, names: list[Attack], limit: int):
    ends = _try(tool, bait, names, limit)
    # One that is a pattern of names to every demuxer of pictures is not read at all.
    assert {name: code for name, (code, _) in ends.items() if code} == ({"lit%d.png": 3} if limit == LIMIT else {})


def test_strangers_files_meet_smaller_numbers(tool: Tool, bait: Bait):
    def made(*options: object):
        return lambda path, bait: make("-i", bait.clip, *options, path)

    attacks = [
        Attack("small.mp4", made("-vf", "scale=8:8", "-an")),
        Attack("narrow.mp4", made("-vf", "scale=2000:16", "-an")),
        Attack("fast.mp4", made("-vf", "setpts=N/(1000*TB)", "-fps_mode", "passthrough", "-an")),
        Attack("rare.mkv", made("-c:v", "ffv1", "-an")),
        Attack("rare-sound.mkv", made("-c:v", "copy", "-c:a", "adpcm_ms")),
        next(attack for attack in BOMBS if attack.name == "gap.mkv"),
        Attack("usual.mp4", made("-c", "copy")),
    ]
    ends = _try(tool, bait, attacks, TIGHTFIT_POLICY="server")
    said = {
        "small.mp4": "at least 16 pixels",
        "narrow.mp4": "at most 20 times",
        "fast.mp4": "at most 240",
        "rare.mkv": "ffv1 video",
        "rare-sound.mkv": "adpcm_ms sound",
        "gap.mkv": "at most 14,400 s",
    }
    for name, words in said.items():
        assert ends[name][0] == 3, name
        assert words in ends[name][1], ends[name]
    assert ends["usual.mp4"][0] == 0
