"""Attempts on this machine: ffmpeg as a child, watched while it runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from tightfit.domain.control import Keep, Verdict
from tightfit.domain.geometry import Size
from tightfit.domain.pieces import Part
from tightfit.media import encode as media_encode
from tightfit.media.encode import Clip, Setting
from tightfit.media.tools import Ffmpeg

Look = Callable[[Part], Verdict]


@dataclass(frozen=True)
class Task:
    """Frames ``[first, last)`` at one quality. ``looks`` are the packet counts at which to ask whether to go on."""

    first: int
    last: int
    size: Size
    crf: float
    threads: int
    looks: Sequence[int] = ()


@dataclass
class LocalExecutor:
    """Encodes pieces of one clip into ``work``.

    ``frames_by_attempt`` counts the frames given to an encoder, attempt by attempt, while they run.
    """

    ffmpeg: Ffmpeg
    clip: Clip
    work: Path
    on_progress: Callable[[], None]
    frames_by_attempt: dict[int, int] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def encoded_frames(self) -> int:
        return sum(self.frames_by_attempt.values())

    async def encode(self, task: Task, look: Look) -> tuple[Part, Verdict]:
        """Run one attempt: the whole range with ``Keep``, or less with the verdict that ended it.

        Raises EncoderError where ffmpeg fails on every try.
        """
        number = next(self._numbers)
        out = self.work / f"piece-{number:05d}.nut"
        watch = _Watch(self.clip, task, out, look)

        def on_frames(frames: int) -> None:
            self.frames_by_attempt[number] = max(self.frames_by_attempt.get(number, 0), frames)
            self.on_progress()
            watch.check(frames)

        with watch.scope:
            setting = Setting(task.size, task.crf, task.threads)
            part = await media_encode.encode(
                self.ffmpeg, self.clip, task.first, task.last, setting, out, on_frames=on_frames
            )
            self.frames_by_attempt[number] = part.kept
            return part, Keep()
        assert watch.part is not None, "only a look that saw a part ends an encode early"
        return watch.part, watch.verdict


class _Watch:
    """Looks at a growing encode when it passes the agreed counts, and stops it when told to."""

    def __init__(self, clip: Clip, task: Task, out: Path, look: Look) -> None:
        self.scope = anyio.CancelScope()
        self.part: Part | None = None
        self.verdict: Verdict = Keep()
        self._clip, self._task, self._out, self._look = clip, task, out, look
        self._due = sorted(task.looks)

    def check(self, frames: int) -> None:
        if not self._due or frames < self._due[0] or frames >= self._task.last - self._task.first:
            return
        while self._due and frames >= self._due[0]:
            self._due.pop(0)
        part = media_encode.part_of(self._clip, self._task.first, self._out, self._task.crf)
        if part is None:
            return
        self.verdict = self._look(part)
        if not isinstance(self.verdict, Keep):
            self.part = part
            self.scope.cancel()
