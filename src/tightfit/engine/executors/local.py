"""Attempts on this machine: ffmpeg as a child, watched while it runs."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio

from tightfit.domain.codec import H264, Codec, Effort
from tightfit.domain.geometry import Size
from tightfit.domain.pieces import Part
from tightfit.domain.plan import Pace
from tightfit.media import encode as media_encode
from tightfit.media import packets, stepwise, two_pass
from tightfit.media.encode import Clip, Setting
from tightfit.media.encoders import encoder_of
from tightfit.media.tools import Ffmpeg
from tightfit.media.two_pass import Measured

# CPU of x264's first pass over its second one's (0.41 … 0.56, measured on four clips): for the progress only.
FIRST_PASS_WORK = 0.45


Look = Callable[[Part], bool]


@dataclass(frozen=True)
class Task:
    """Frames ``[first, last)`` at one quality; after ``look_at`` packets, if any, it is asked whether to go on."""

    first: int
    last: int
    size: Size
    crf: float
    threads: int
    look_at: int | None = None
    pace: Pace = Pace.USUAL


@dataclass
class LocalExecutor:
    """Encodes pieces of one clip, which is to take ``most_bytes``, into ``work``.

    ``shows_screen``: letters and lines instead of what a camera sees. ``frames_by_attempt`` counts the frames given to
    an encoder, attempt by attempt, while they run; first passes, which are quick looks and no encodes, are counted
    apart.
    """

    ffmpeg: Ffmpeg
    clip: Clip
    work: Path
    on_progress: Callable[[], None]
    most_bytes: int | None = None
    codec: Codec = H264
    effort: Effort = Effort.BALANCED
    shows_screen: bool = False
    frames_by_attempt: dict[int, int] = field(default_factory=dict)
    frames_looked_at: dict[int, int] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _parameter_sets: dict[tuple[Size, Pace], bytes] = field(default_factory=dict)
    _seen: dict[tuple[Size, int, int], list[Part]] = field(default_factory=dict)
    _may_keep: bool = True
    _describing: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def encoded_frames(self) -> int:
        return sum(self.frames_by_attempt.values())

    @property
    def work_done(self) -> float:
        """All that was done so far, in frames encoded once."""
        return self.encoded_frames + FIRST_PASS_WORK * sum(self.frames_looked_at.values())

    async def encode(
        self, task: Task, is_off_course: Look, on_frames: Callable[[int], None] = lambda _: None
    ) -> Part | None:
        """Run one attempt at constant quality; None where ``is_off_course`` ended it early.

        Raises EncoderError where ffmpeg fails on every try.
        """
        number, out = self._next()
        count = self._counter(self.frames_by_attempt, number)

        def counted(frames: int) -> None:
            count(frames)
            on_frames(frames)

        await self._describe(task)
        clip, watch = self.clip, _Watch(self.clip, task, out, is_off_course, counted)
        with watch.scope:
            part = await media_encode.encode(
                self.ffmpeg, clip, task.first, task.last, self._setting(task), out, on_frames=watch.on_frames
            )
            self.frames_by_attempt[number] = part.kept
            if clip.pictures is None or await self._joins(part, task):
                return part
            return await self.encode(task, is_off_course, on_frames)
        return None

    async def measure(self, task: Task, is_off_course: Look, *, keeps: bool = False) -> Measured | None:
        """Look at the range in a first pass, so that it can be encoded to a size; None and errors as in ``encode``.

        ``keeps``: its pictures are kept for that where there is room.
        """
        number, out = self._next()
        # Where there is no such pass, a look is an encode like any other.
        two = self.codec.two_passes
        counts, look = (
            (self.frames_looked_at, two_pass.first_pass) if two else (self.frames_by_attempt, stepwise.first_look)
        )
        watch = _Watch(self.clip, task, out, is_off_course, self._counter(counts, number))
        with watch.scope:
            return await look(
                *(self.ffmpeg, self.clip, task.first, task.last, self._setting(task), out),
                on_frames=watch.on_frames,
                keeps=keeps and self._may_keep and not self._has_kept(task.size),
            )
        two_pass.pictures_of(out).unlink(missing_ok=True)
        return None

    async def encode_to_size(self, task: Task, measured: Measured, wanted_bytes: float) -> Part:
        """Encode a measured range to about ``wanted_bytes`` of payload; the task's CRF is what that should come to.

        Raises EncoderError.
        """
        if not self.codec.two_passes:
            seen = self._seen.setdefault((task.size, measured.part.first, measured.part.last), [])
            seen.extend(part for part in [measured.part] if part not in seen)
            return await stepwise.nearest_to(
                self.ffmpeg, self.clip, seen, wanted_bytes, self._setting(task), self._counted_file
            )
        await self._describe(task, measured)
        number, out = self._next()
        counted, clip = self._counter(self.frames_by_attempt, number), self.clip
        part = await two_pass.second_pass(
            self.ffmpeg, clip, measured, wanted_bytes, self._setting(task), out, on_frames=counted
        )
        self.frames_by_attempt[number] = part.kept
        if (clip.pictures is None and measured.pictures is None) or await self._joins(part, task):
            return part
        return await self.encode_to_size(task, replace(measured, pictures=None), wanted_bytes)

    def _has_kept(self, size: Size) -> bool:
        """Whether the pictures of this size are on the disk already."""
        return self.clip.pictures is not None and size == self.clip.picture.full

    async def _joins(self, part: Part, task: Task) -> bool:
        """Whether what was made of kept pictures can be joined to what is made of the source; else none are any more.

        Where chroma lies is not kept, and what says it can't be joined to what does not.
        """
        if packets.is_described_as(Path(part.path), await self.parameter_sets(task)):
            return True
        self._may_keep, self.clip = False, replace(self.clip, pictures=None)
        return False

    async def _describe(self, task: Task, measured: Measured | None = None) -> None:
        """Ask first what will be needed, so that a finished piece waits for nothing that may fail."""
        if self.clip.pictures or (measured and measured.pictures):
            await self.parameter_sets(task)

    def preset(self, pace: Pace) -> str:
        """What the encoder calls this pace."""
        return self.codec.presets[self.effort][pace is Pace.QUICK]

    def _setting(self, task: Task) -> Setting:
        crf, preset = self.codec.nearest(task.crf), self.preset(task.pace)
        tuning = encoder_of(self.codec).SCREEN if self.shows_screen else ""
        return replace(
            setting_of(task), most_bytes=self.most_bytes, codec=self.codec, preset=preset, crf=crf, tuning=tuning
        )

    def _counted_file(self) -> tuple[Path, Callable[[int], None]]:
        number, out = self._next()
        return out, self._counter(self.frames_by_attempt, number)

    def made_elsewhere(self, frames: int) -> None:
        """Count the frames of a piece that another place encoded."""
        self.frames_by_attempt[next(self._numbers)] = frames
        self.on_progress()

    async def parameter_sets(self, task: Task) -> bytes:
        """What describes the pieces of this task's kind here: pieces that say the same can be joined.

        Read off an encode of one picture, once. Raises EncoderError.
        """
        async with self._describing:
            kind = (task.size, task.pace)
            if kind not in self._parameter_sets:
                number = next(self._numbers)
                out = self.work / f"kind-{number:05d}.nut"
                await media_encode.encode(
                    self.ffmpeg,
                    replace(self.clip, pictures=None),
                    task.first,
                    task.first + 1,
                    self._setting(task),
                    out,
                    on_frames=lambda _: None,
                )
                self._parameter_sets[kind] = packets.parameter_sets_of(out)
                out.unlink()
            return self._parameter_sets[kind]

    def _next(self) -> tuple[int, Path]:
        number = next(self._numbers)
        return number, self.work / f"piece-{number:05d}.nut"

    def _counter(self, counts: dict[int, int], number: int) -> Callable[[int], None]:
        def count(frames: int) -> None:
            counts[number] = max(counts.get(number, 0), frames)
            self.on_progress()

        return count


def setting_of(task: Task) -> Setting:
    return Setting(task.size, task.crf, task.threads, task.pace)


class _Watch:
    """Counts the frames of a growing encode, looks at it once, and stops it when told to."""

    def __init__(self, clip: Clip, task: Task, out: Path, is_off_course: Look, counted: Callable[[int], None]) -> None:
        self.scope = anyio.CancelScope()
        self._clip, self._task, self._out = clip, task, out
        self._is_off_course, self._counted = is_off_course, counted
        self._due = task.look_at

    def on_frames(self, frames: int) -> None:
        self._counted(frames)
        if self._due is None or frames < self._due or frames >= self._task.last - self._task.first:
            return
        part = media_encode.part_of(self._clip, self._task.first, self._out, self._task.crf)
        if part is None:
            return
        self._due = None
        if self._is_off_course(part):
            self.scope.cancel()
