"""What a fit has achieved, kept where a crash can't reach it: pieces as files, everything else as events."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from tightfit.domain.job import Event, Kind
from tightfit.domain.pieces import Part, Variant
from tightfit.domain.plan import Choice, Pace
from tightfit.domain.rate import Observation
from tightfit.engine.disk import Disk, keep, sha256_of
from tightfit.errors import EncoderError, OutputError
from tightfit.media.encode import Clip, part_of

# The number of the segment that is all of the clip, however it was to be cut.
WHOLE = -1


@dataclass(frozen=True)
class Cover:
    """A way to cover one segment; ``constant`` where it was encoded at one quality, which teaches the rate model.

    ``frames`` were encoded for it, ``again`` is true for a correction, ``cloud`` for what a service rendered.
    """

    segment: int
    variant: Variant
    scale: Fraction
    pace: Pace
    constant: bool
    again: bool
    frames: int
    cloud: bool = False


@dataclass(frozen=True)
class Recalled:
    """What an earlier run left behind: the choice it had come to, what it had learned, and its finished pieces."""

    scale: Fraction | None = None
    pace: Pace | None = None
    seen: tuple[Observation, ...] = ()
    restarts: int = 0
    covers: tuple[Cover, ...] = ()


class Memory:
    """Remembers nothing: for a fit that no one will ever resume."""

    def recall(self) -> Recalled:
        return Recalled()

    def restarted(self, choice: Choice, seen: Iterable[Observation], restarts: int) -> None:
        """The clip is begun anew with ``choice``; all covers so far are void."""

    def made(self, cover: Cover) -> Variant:
        """Keep ``cover`` and return its variant, whose parts may have other paths now."""
        return cover.variant


@dataclass
class DurableMemory(Memory):
    """Keeps pieces in ``folder`` and tells ``record`` of each once it is durable.

    ``about`` is what decides a piece's content beside its range and quality: source and encoder.
    """

    folder: Path
    clip: Clip
    about: str
    before: tuple[Event, ...]
    record: Callable[[Kind, Mapping[str, Any]], None]
    disk: Disk = field(default_factory=Disk)
    _digests: dict[str, str] = field(default_factory=dict)
    _moved: dict[str, str] = field(default_factory=dict)

    def check(self, parts: Iterable[Part]) -> None:
        """Raise EncoderError where a piece is not what it was when it was made: a later run makes it again."""
        for part in parts:
            if sha256_of(Path(part.path)) != self._digests[part.path]:
                raise EncoderError(
                    f"The disk gave back another piece than it was given ({part.path}).",
                    hint="Run again: it is made anew; if it happens again, check the disk.",
                )

    def recall(self) -> Recalled:
        """What is still there, unharmed, and made by this encoder from this source; any other cover is left out."""
        scale: Fraction | None = None
        pace: Pace | None = None
        seen: tuple[Observation, ...] = ()
        restarts, covers = 0, []
        for event in self.before:
            if event.kind is Kind.RESTARTED:
                scale, restarts = Fraction(event.data["scale"]), int(event.data["restarts"])
                pace = _pace_in(event.data)
                seen = tuple(Observation(**facts) for facts in event.data["seen"])
            elif cover := self._cover(event.data):
                covers.append(cover)
                if cover.segment != WHOLE:
                    scale, pace = cover.scale, cover.pace
        return Recalled(scale, pace, seen, restarts, tuple(covers))

    def restarted(self, choice: Choice, seen: Iterable[Observation], restarts: int) -> None:
        begun = {"scale": str(choice.scale), "preset": str(choice.pace), "restarts": restarts}
        self.record(Kind.RESTARTED, {**begun, "seen": [asdict(o) for o in seen]})
        # From here on nobody asks for them, and there is only room for so much.
        for path in (*map(Path, self._digests), *self.folder.glob("piece-*")):
            self.disk.unlink(path, "piece")
        self._digests.clear()
        self._moved.clear()

    def made(self, cover: Cover) -> Variant:
        parts = tuple(self._kept(part, cover) for part in cover.variant.parts)
        facts = [
            {"file": Path(p.path).name, "sha256": self._digests[p.path], "first": p.first, "crf": p.crf, "kept": p.kept}
            for p in parts
        ]
        about = {"segment": cover.segment, "constant": cover.constant, "again": cover.again, "frames": cover.frames}
        how = {"by": self._by, "scale": str(cover.scale), "preset": str(cover.pace), "cloud": cover.cloud}
        self.record(Kind.MADE, {**about, **how, "parts": facts})
        return Variant(parts)

    def _kept(self, part: Part, cover: Cover) -> Part:
        if part.path in self._digests:
            return part
        if part.path in self._moved:
            # An encoder without two passes may give the same piece twice.
            return replace(part, path=self._moved[part.path])
        facts = [self.about, part.first, len(part.sizes), part.crf, str(cover.scale), str(cover.pace)]
        key = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]
        # The same range may be made twice at one quality, and x264 with threads never makes it twice alike.
        names = (self.folder / f"{key}-{n}.nut" for n in itertools.count())
        name = next(name for name in names if not name.exists())
        try:
            self._digests[str(name)] = keep(self.disk, Path(part.path), name)
        except OSError as exc:
            # What could not be synced may be anything by now (a second fsync may even succeed): it is never named.
            raise OutputError(
                f"A finished piece can't be kept in {self.folder}: {exc.strerror or exc}.",
                hint="Free some space, or point TIGHTFIT_HOME to another disk.",
            ) from exc
        self._moved[part.path] = str(name)
        return replace(part, path=str(name))

    @property
    def _by(self) -> str:
        return hashlib.sha256(self.about.encode()).hexdigest()[:16]

    def _cover(self, data: Mapping[str, Any]) -> Cover | None:
        if data.get("by") != self._by:
            return None
        parts = []
        for facts in data["parts"]:
            path = self.folder / facts["file"]
            try:
                if sha256_of(path) != facts["sha256"]:
                    return None
            except OSError:
                return None
            whole = part_of(self.clip, facts["first"], path, facts["crf"])
            if whole is None:
                return None
            self._digests[str(path)] = facts["sha256"]
            parts.append(whole.cut(facts["kept"]))
        variant, scale, pace = Variant(tuple(parts)), Fraction(data["scale"]), _pace_in(data)
        return Cover(
            data["segment"],
            variant,
            scale,
            pace,
            data["constant"],
            data["again"],
            data["frames"],
            data.get("cloud", False),
        )


def _pace_in(data: Mapping[str, Any]) -> Pace:
    """Journals of version 0.1 name no preset: there was one."""
    return Pace(data.get("preset", Pace.USUAL))
