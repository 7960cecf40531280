"""From the names on a command line to the files that are meant: folders, patterns, and what is left out of them."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tightfit.domain.file_kinds import MEDIA_EXTENSIONS
from tightfit.errors import SourceError, UsageError
from tightfit.units import parse_target

_PATTERN = frozenset("*?[")
_PART = re.compile(r"-part\d+$")


@dataclass(frozen=True)
class Input:
    """One file to work on. ``below`` is its place in the output folder; ``stem`` what its output is called after."""

    path: Path
    below: Path = Path()
    stem: str = ""


@dataclass(frozen=True)
class Skipped:
    """What was found and is not worked on, and why, in words that follow "skipped:"."""

    path: Path
    why: str


@dataclass(frozen=True)
class Found:
    inputs: tuple[Input, ...]
    skipped: tuple[Skipped, ...]


def find(
    names: Sequence[Path], *, recursive: bool = False, output: Path | None = None, slugs: Sequence[str] = ()
) -> Found:
    """Every file that ``names`` mean, each once, in the order named; folders in the order of their names.

    A folder stands for what is in it where ``recursive``; otherwise it stays in the list, and whoever opens it refuses
    it. Links to folders in it are not followed, so that no loop can be walked. ``slugs`` are the limits of this run as
    they stand in names of outputs. Raises SourceError where a folder holds nothing to work on.
    """
    search = _Search(recursive, output.absolute() if output else None, frozenset(slugs))
    folders = sum(path.is_dir() for path in names)
    for name in names:
        for path in _expanded(name):
            search.take(path, named=path == name, alone=folders <= 1)
    inputs, outputs = _without_outputs(search.inputs)
    skipped = (*search.skipped, *outputs)
    if not inputs:
        raise SourceError(
            f"{', '.join(map(str, names))} holds nothing to work on ({reasons(skipped) or 'nothing is there'}).",
            hint="Name the files themselves: a file that is named is tried whatever it is called.",
        )
    return Found(_with_stems(inputs, output), skipped)


def reasons(skipped: Sequence[Skipped]) -> str:
    """How many were skipped for what: "12 not a video, 2 hidden"."""
    counts: dict[str, int] = {}
    for one in skipped:
        counts[one.why] = counts.get(one.why, 0) + 1
    return ", ".join(f"{count} {why}" for why, count in counts.items())


def _expanded(name: Path) -> list[Path]:
    """What a pattern stands for; a name that exists is no pattern, and one that nothing matches stays as it is."""
    text = str(name)
    if _PATTERN.isdisjoint(text) or os.path.lexists(name):
        return [name]
    return [Path(found) for found in sorted(glob.glob(text, recursive=True))] or [name]


class _Search:
    """Walks and collects; a file that is met twice counts once."""

    def __init__(self, recursive: bool, output: Path | None, slugs: frozenset[str]) -> None:
        self.inputs: list[Input] = []
        self.skipped: list[Skipped] = []
        self._recursive, self._output, self._slugs = recursive, output, slugs
        self._seen: set[tuple[int, int]] = set()

    def take(self, path: Path, *, named: bool, alone: bool) -> None:
        if self._recursive and path.is_dir():
            below = Path() if alone else Path(path.absolute().name)
            for file in self._walk(path):
                self._add(file, below / file.relative_to(path).parent)
        elif named or not path.is_dir():
            self._add(path, Path(), named=named)
        else:
            self.skipped.append(Skipped(path, "a folder (-r takes what is in it)"))

    def _walk(self, folder: Path) -> Iterator[Path]:
        def refused(error: OSError) -> None:
            self.skipped.append(Skipped(Path(error.filename), "can't be read"))

        for at, folders, files in os.walk(folder, onerror=refused):
            here = Path(at)
            for name in sorted(folders):
                if why := self._folder_left_out(here / name):
                    self.skipped.append(Skipped(here / name, why))
                    folders.remove(name)
            folders.sort()
            yield from (here / name for name in sorted(files))

    def _folder_left_out(self, folder: Path) -> str:
        if folder.name.startswith("."):
            return "hidden"
        if folder.is_symlink():
            return "a link to a folder"
        return "the output folder" if self._output and folder.absolute() == self._output else ""

    def _add(self, path: Path, below: Path, *, named: bool = False) -> None:
        why = "" if named else self._file_left_out(path)
        if not why and (key := _key(path)) is not None:
            why = "the same file once more" if key in self._seen else ""
            self._seen.add(key)
        if why:
            self.skipped.append(Skipped(path, why))
        else:
            self.inputs.append(Input(path, below))

    def _file_left_out(self, path: Path) -> str:
        if path.name.startswith("."):
            return "hidden"
        if path.suffix.lower() not in MEDIA_EXTENSIONS:
            return "not media by its name"
        if path.is_symlink() and not path.exists():
            return "a link to nothing"
        if any(_PART.sub("", path.stem).endswith(f"-{slug}") for slug in self._slugs):
            return "made by tightfit, by its name"
        return ""


def _key(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except (OSError, ValueError):  # whoever opens it says so
        return None
    return facts.st_dev, facts.st_ino


def _without_outputs(inputs: Sequence[Input]) -> tuple[list[Input], list[Skipped]]:
    """Leave out what tightfit made of another input: ``clip-5MB.mp4`` beside ``clip.mov``."""
    stems = {(one.path.absolute().parent, one.path.stem) for one in inputs}
    kept, skipped = [], []
    for one in inputs:
        folder, stem = one.path.absolute().parent, one.path.stem
        cuts = [at for at, char in enumerate(stem) if char == "-"]
        if any((folder, stem[:at]) in stems and _is_limit(stem[at + 1 :]) for at in cuts):
            skipped.append(Skipped(one.path, "made by tightfit, by its name"))
        else:
            kept.append(one)
    return kept, skipped


def _is_limit(slug: str) -> bool:
    """True for what an output's name says behind the source's: "50MB", "25pct", "discord", "25MB-part03"."""
    limit = _PART.sub("", slug)
    try:
        target = parse_target(limit.removesuffix("pct") + "%" if limit.endswith("pct") else limit)
    except UsageError:
        return False
    if target.preset is None:
        return True
    from tightfit import presets

    return target.preset in presets.names()


def _with_stems(inputs: Sequence[Input], output: Path | None) -> tuple[Input, ...]:
    """Outputs get names that differ where the sources' names do not: the extension tells them apart, else a number."""
    taken: set[tuple[Path, str]] = set()
    named = []
    for one in inputs:
        place = output / one.below if output else one.path.absolute().parent
        for stem in stems_for(one.path):
            if (place, stem.casefold()) not in taken:
                break
        taken.add((place, stem.casefold()))
        named.append(replace(one, stem="" if stem == one.path.stem else stem))
    return tuple(named)


def stems_for(path: Path) -> Iterator[str]:
    """What outputs of ``path`` may be called after, the best name first; without an end."""
    yield path.stem
    yield f"{path.stem}-{path.suffix.removeprefix('.')}"
    number = 2
    while True:
        yield f"{path.stem}-{number}"
        number += 1
