"""One piece of one clip at one quality: cut to the frame, encoded, and checked against the plan."""

from __future__ import annotations

import errno
import os
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

from tightfit.domain.codec import H264, Codec
from tightfit.domain.geometry import Size
from tightfit.domain.layout import Cut, Layout, lay_out
from tightfit.domain.level import level_of
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.pieces import Part
from tightfit.domain.policy import Work
from tightfit.errors import EncoderError, OutputError, SourceError
from tightfit.media import argv, kept, packets, process
from tightfit.media.coding import Coding, ConstantQuality, FirstPass, Rate
from tightfit.media.encoders import encoder_of
from tightfit.media.picture import Picture
from tightfit.media.probe import require_read
from tightfit.media.progress import ProgressReader
from tightfit.media.tools import Ffmpeg

# MP4 seeks by presentation time and a hair past a keyframe still lands on it; a transport stream has no
# index, and half a second early is what finds the keyframe itself.
_AFTER_KEYFRAME_S = 0.001
_BEFORE_KEYFRAME_S = -0.5
_RETRY_EARLIER_S = 1.5
# Each of their pictures is a keyframe; what comes too early is left out.
_EARLIER_KEPT_S = 0.5
_FULL = os.strerror(errno.ENOSPC)
_INDEXED = {"mov", "mp4", "matroska", "webm"}


@dataclass(frozen=True)
class Clip:
    """A source with everything an encode of any of its pieces needs; ``pts`` as in ``Analysis``.

    ``edited`` is what of the source is shown, and when; None shows all of it. ``pictures`` are its decoded ones, where
    the analysis kept them.
    """

    info: MediaInfo
    video: VideoStream
    picture: Picture
    pts: tuple[int, ...]
    edited: Layout | None = None
    pictures: Path | None = None

    @property
    def frames(self) -> int:
        return len(self.pts)

    @cached_property
    def layout(self) -> Layout:
        return self.edited or lay_out(self.video)

    @property
    def joints(self) -> tuple[int, ...]:
        """The frames at which another run of the source begins."""
        return tuple(sorted({bisect_left(self.pts, begin) for begin in self.layout.begins[1:]} - {0, self.frames}))

    def source_pts(self, frame: int) -> int:
        """The timestamp of a frame in the source, in ticks of the stream."""
        return self.layout.source_pts(self.pts[frame])


@dataclass(frozen=True)
class Setting:
    """How a piece is encoded; the same for all pieces of a clip but for the CRF.

    Where a piece is made to a size, ``crf`` is the quality that it is expected to come out at. None of its files may
    be much larger than ``most_bytes``, the whole clip's limit.
    """

    size: Size
    crf: float
    threads: int
    preset: str = "medium"
    most_bytes: int | None = None
    codec: Codec = H264
    tuning: str = ""


async def encode(
    ffmpeg: Ffmpeg,
    clip: Clip,
    first: int,
    last: int,
    setting: Setting,
    out: Path,
    *,
    on_frames: Callable[[int], None],
    rate: Rate | None = None,
    pictures: Path | None = None,
) -> Part:
    """Encode frames ``[first, last)`` into ``out`` and return them as a checked part.

    ``rate`` is constant quality at the setting's CRF unless told. A first pass leaves its ``pictures`` there for a
    second one, which takes them from there; both do without where that fails.
    The frames that came back are compared with the plan by timestamp; a wrong cut is repeated with an
    earlier seek, and at last without one. One that the system killed, most likely for want of memory, is repeated
    with less of it. Raises EncoderError where ffmpeg keeps failing, OutputError where its disk does, SourceError where
    no cut is exact, SourceUnreadable where the source's disk is why.
    """
    complaint, frugally = "", False
    for trial in _trials(clip, first, pictures):
        # A second pass has to look ahead as far as the first one did.
        tunings = [setting.tuning, encoder_of(setting.codec).FRUGAL if frugally and rate is None else ""]
        coding = _coding(clip, setting, rate or ConstantQuality(setting.crf), ":".join(filter(None, tunings)))
        output = _output(ffmpeg, clip, (first, last), setting, out, trial, coding)
        done = await process.run(
            argv.command(ffmpeg.path, output),
            cwd=out.parent,
            on_line=ProgressReader(on_frames),
            limits=ffmpeg.policy.limits(
                work_of(clip, first, last, setting, trial.seek_s, keeps=trial.keep is not None)
            ),
        )
        part = part_of(clip, first, out, setting.crf)
        if done.returncode == 0 and part is not None and sorted(part.ranks) == list(range(last - first)):
            return part
        if done.starved:
            setting, frugally = replace(setting, threads=1), True
        if trial.keep or trial.source:
            for path in filter(None, [trial.keep, trial.source]):
                path.unlink(missing_ok=True)
            continue
        if done.could_not_write == _FULL:
            raise process.unwritable(done, out.parent)
        complaint = done.last_message if done.returncode else ""
    raise _failure(done, complaint, clip, (first, last), out)


@dataclass(frozen=True)
class _Trial:
    """Where the pictures come from, and where they are kept: ``source`` are those that the analysis left, read from
    ``seek_s`` on as the clip itself is without them; ``keep`` is for a second pass."""

    seek_s: float | None
    source: Path | None = None
    keep: Path | None = None


def _trials(clip: Clip, first: int, keep: Path | None) -> Iterator[_Trial]:
    """What is there is looked at when its turn comes: a piece made meanwhile may have found it damaged."""
    seeks = seeks_of(clip, first)
    if keep:
        yield _of_kept(clip, first, keep) or _Trial(seeks[0], keep=keep)
    if again := _of_kept(clip, first):
        yield again
    yield from map(_Trial, seeks)


def _of_kept(clip: Clip, first: int, keep: Path | None = None) -> _Trial | None:
    if clip.pictures is None or not clip.pictures.exists():
        return None
    before_s = float((clip.pts[first] - clip.pts[0]) * clip.video.time_base) - _EARLIER_KEPT_S
    return _Trial(before_s if before_s > 0 else None, clip.pictures, keep)


# How ffmpeg 9 and 5 begin what they say of a decoder that gives up.
_SAID_OF_DECODERS = ("[dec:", "while decoding stream")


def _failure(
    done: process.Finished, complaint: str, clip: Clip, span: tuple[int, int], out: Path
) -> EncoderError | SourceError | OutputError:
    """What to raise where the last try failed too. Raises SourceUnreadable where the source's disk is why."""
    frames = f"frames {span[0]} to {span[1]} of {clip.info.path}"
    if done.starved:
        return process.starved(f"ffmpeg was killed again and again on {frames}")
    if done.could_not_write:
        return process.unwritable(done, out.parent)
    require_read(done, clip.info)
    if any(words in complaint for words in _SAID_OF_DECODERS):
        return SourceError(
            f"{clip.info.path} is damaged: its frames {span[0]} to {span[1]} can't be decoded.",
            hint="Get an undamaged copy.",
        )
    if not complaint:
        return SourceError(
            f"{clip.info.path} is damaged: its frames {span[0]} to {span[1]} come out differently whenever they are "
            "read.",
            hint="Get an undamaged copy.",
        )
    return EncoderError(
        f"ffmpeg could not encode {frames}: {complaint}.",
        hint="Run again with -v to see the command; if it happens again, the file may be damaged.",
    )


def _output(
    ffmpeg: Ffmpeg, clip: Clip, span: tuple[int, int], setting: Setting, out: Path, trial: _Trial, coding: Coding
) -> Any:
    time_base, is_first, keep = clip.video.time_base, isinstance(coding.rate, FirstPass), trial.keep
    if keep and not is_first:
        return argv.coded_output(kept.reading(keep), out, time_base, coding)
    # Kept pictures are those of the second pass, which are never rough ones.
    node = _frames(ffmpeg, clip, *span, setting, trial, roughly=is_first and not keep)
    if not keep:
        return argv.coded_output(node, out, time_base, coding)
    twice = node.split()
    return kept.beside(argv.coded_output(twice[0], out, time_base, coding), twice[1], keep, time_base)


def _frames(
    ffmpeg: Ffmpeg, clip: Clip, first: int, last: int, setting: Setting, trial: _Trial, *, roughly: bool
) -> Any:
    steps, slots, cut = clip.picture.steps(setting.size), clip.layout.slots, cut_of(clip, first, last)
    if trial.source:
        return kept.frames_of(trial.source, cut, clip.video.time_base, steps, trial.seek_s)
    source = argv.source_input(clip.info, ffmpeg.policy, threads=setting.threads, seek_s=trial.seek_s, roughly=roughly)
    return argv.frames_of(source, clip.video, cut, steps, slots, before=clip.picture.whole())


def _coding(clip: Clip, setting: Setting, rate: Rate, tuning: str) -> Coding:
    fps = clip.layout.fps
    tags, level = clip.picture.tag_options(), level_of(setting.size, fps)
    return Coding(rate, setting.preset, setting.threads, fps, tags, level, tuning, setting.codec, clip.picture.light)


# x264's notes of a first pass: its mbtree file has two bytes for each block of 16x16 pixels of each frame.
PIXELS_PER_NOTE_BYTE = 128


def work_of(clip: Clip, first: int, last: int, setting: Setting, seek_s: float | None, *, keeps: bool = False) -> Work:
    decoded, frames = decoded_frames(clip, last, seek_s), last - first
    pixels = decoded * clip.video.pixels + frames * setting.size.pixels
    notes = frames * setting.size.pixels / PIXELS_PER_NOTE_BYTE
    piece = frames * setting.size.pixels * MOST_BYTES_PER_PIXEL if setting.most_bytes is None else setting.most_bytes
    held = kept.bytes_of(frames, setting.size, clip.picture.bytes_per_pixel)
    return Work(pixels, decoded, max(piece, notes, held if keeps else 0))


# No encode is larger than the pictures it is made of.
MOST_BYTES_PER_PIXEL = kept.BYTES_PER_PIXEL


def decoded_frames(clip: Clip, last: int, seek_s: float | None) -> int:
    """How many frames a decoder that starts at ``seek_s`` sees at most before ``last`` is done."""
    end = bisect_left(clip.video.pts, clip.source_pts(last - 1)) + 1
    if seek_s is None:
        return end
    return end - bisect_left(clip.video.pts, (clip.info.start_s + seek_s - _EARLY_S) / clip.video.time_base)


# A demuxer without an index lands somewhere before where it was sent.
_EARLY_S = 10.0


def part_of(clip: Clip, first: int, out: Path, crf: float) -> Part | None:
    """The finished or growing encode at ``out`` as a part; None where its frames are not the plan's from ``first``."""
    table = packets.table(out, clip.video.time_base)
    ranks = _ranks(table.pts, clip.pts[first : first + len(table.pts)])
    if ranks is None:
        return None
    return Part(str(out), first, crf, table.sizes, ranks, table.keys, len(table.sizes))


def _ranks(pts: tuple[int, ...], planned: tuple[int, ...]) -> tuple[int, ...] | None:
    """Presentation ranks in decode order.

    While an encode grows, a few frames that are shown earlier may still be missing, so each timestamp
    has to be a planned one; how many there are is for the caller to compare.
    """
    rank = {p: i for i, p in enumerate(planned)}
    if not pts or len(planned) != len(pts):
        return None
    found = [rank.get(p, -1) for p in pts]
    missing = sum(r < 0 for r in found)
    if missing and missing > _REORDER_MARGIN:
        return None
    return tuple(r if r >= 0 else len(planned) for r in found)


# x264's deepest reordering: frames beyond a growing file's end that may already be in it.
_REORDER_MARGIN = 16


def cut_of(clip: Clip, first: int, last: int) -> Cut:
    """Frames ``[first, last)``, all of one run, by their exact timestamps."""
    run = clip.layout.run_at(clip.pts[first])
    goes_on = last < clip.frames and clip.layout.run_at(clip.pts[last]) == run
    return Cut(clip.source_pts(first), clip.source_pts(last) if goes_on else run.end, run.origin)


def cuts_of(clip: Clip, first: int, last: int) -> list[Cut]:
    """Frames ``[first, last)``, of however many runs, by their exact timestamps."""
    bounds = [first, *(joint for joint in clip.joints if first < joint < last), last]
    return [cut_of(clip, a, b) for a, b in pairwise(bounds)]


def is_indexed(info: MediaInfo) -> bool:
    """Whether reading can begin at a certain keyframe, instead of somewhere near it."""
    return bool(_INDEXED & set(info.container.split(",")))


def seeks_of(clip: Clip, first: int) -> list[float | None]:
    """Where to start reading, best guess first; None is the beginning, which is slow and always right."""
    return seeks_to(clip, clip.source_pts(first))


def seeks_to(clip: Clip, pts: int) -> list[float | None]:
    """As ``seeks_of``, for the frame at ``pts`` ticks of the stream."""
    info, video = clip.info, clip.video
    if clip.picture.is_interlaced:
        # How its fields become one picture depends on the picture before it.
        pts = video.pts[max(0, bisect_left(video.pts, pts) - 1)]
    keyframe = video.keyframe_at_or_before(pts)
    if keyframe is None or pts <= video.pts[0]:
        return [None, None]
    at = float(keyframe * video.time_base) - info.start_s
    guess = at + (_AFTER_KEYFRAME_S if is_indexed(info) else _BEFORE_KEYFRAME_S)
    return [s if s and s > 0 else None for s in (guess, at - _RETRY_EARLIER_S, None)]
