"""Facts about a file: read by a child process, checked and typed here."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any

from tightfit.domain.light import Light, MasteringDisplay
from tightfit.domain.media_info import (
    AudioStream,
    Chapter,
    Colour,
    FieldOrder,
    Identity,
    MediaInfo,
    OtherStream,
    VideoStream,
)
from tightfit.domain.policy import LOCAL, Policy
from tightfit.domain.refusal import refusal, refusal_of_size
from tightfit.errors import SourceError, SourceUnreadable
from tightfit.media import process

# Bytes hashed at the head, the middle and the tail: an edit that keeps size and mtime must miss all three.
_SAMPLE_BYTES = 256 * 1024
# AVFieldOrder of libavcodec/defs.h: 1 progressive, 2 tt, 3 bb, 4 tb, 5 bt.
_FIELD_ORDERS = {
    1: FieldOrder.PROGRESSIVE,
    2: FieldOrder.TOP_FIRST,
    4: FieldOrder.TOP_FIRST,
    3: FieldOrder.BOTTOM_FIRST,
    5: FieldOrder.BOTTOM_FIRST,
}
# libavformat's readers of still pictures: image2, png_pipe, jpeg_pipe …
_PICTURES = ("image2", "_pipe", "apng", "webp")
# A header duration this far from the packets' own is a lie worth telling (the larger of the two bounds).
_DURATION_SLACK_S, _DURATION_SLACK_RATIO = 1.0, 0.05


def identify(path: Path) -> Identity:
    """The file's identity; raises SourceError with a person's reason where it can't be read."""
    try:
        facts = path.stat()
        if stat.S_ISDIR(facts.st_mode):
            raise SourceError(f"{path} is a folder, not a video.", hint="Name the files in it, or add -r.")
        if not stat.S_ISREG(facts.st_mode):
            raise SourceError(f"{path} is not a regular file.", hint="Copy it to a file first.")
        if facts.st_size == 0:
            raise SourceError(f"{path} is empty (0 bytes).", hint="Copy or download it again.")
        return Identity(facts.st_size, facts.st_mtime_ns, facts.st_ino, facts.st_dev, _sample_hash(path, facts.st_size))
    except FileNotFoundError:
        raise SourceError(f"{path} does not exist.", hint="Check the name and the folder.") from None
    except PermissionError:
        raise SourceError(f"{path} can't be read: permission denied.", hint="Check who may read it.") from None
    except (OSError, ValueError) as exc:
        said = getattr(exc, "strerror", None) or exc
        raise SourceUnreadable(f"{path} can't be read: {said}.", hint="Check the disk it is on.") from exc


def _sample_hash(path: Path, size: int) -> str:
    digest = hashlib.sha256(str(size).encode())
    with path.open("rb") as file:
        for offset in (0, max(0, size // 2), max(0, size - _SAMPLE_BYTES)):
            file.seek(offset)
            digest.update(file.read(_SAMPLE_BYTES))
    return digest.hexdigest()


async def probe(path: Path, policy: Policy = LOCAL) -> MediaInfo:
    """Read ``path``'s container and packet table in a child process; nothing is decoded but one frame.

    Raises SourceError where the file is missing, is not media, names other files instead of holding media, or is more
    than ``policy`` takes on; EncoderError where the system kills the child again and again.
    """
    identity = identify(path)
    _refuse(path, refusal_of_size(identity.size, policy))
    argv = [sys.executable, "-I", "-m", "tightfit.media._probe_child", _rules(policy), os.path.abspath(path)]
    done = await process.run(argv, limits=policy.probing)
    if done.starved:
        done = await process.run(argv, limits=policy.probing)
    if done.starved:
        raise process.starved(f"The reader of {path} was killed twice by the system")
    info = info_of(path, identity, done.stdout, policy, complaint=done.last_message)
    _refuse(path, refusal(info, policy))
    return info


def info_of(path: Path, identity: Identity, answer: bytes, policy: Policy, *, complaint: str) -> MediaInfo:
    """What the reader answered, typed; ``complaint`` is its last word where it answered nothing.

    Whatever a file made of the reader, this raises nothing but SourceError.
    """
    try:
        facts = json.loads(answer)
        _refuse_kind(path, facts.get("refused", ""))
        if facts.get("over") == "streams":
            _refuse(path, f"holds more than {policy.most_streams} streams; at most {policy.most_streams} are read")
        if "unreadable" in facts:
            raise SourceUnreadable(
                f"{path} can't be read: {facts['unreadable']}.", hint="Check the disk it is on, and run again."
            )
        if "error" in facts:
            raise SourceError(
                f"{path} is not a media file that can be read: {_reason(facts['error'])}.", hint="Check that it plays."
            )
        return _typed(path, identity, facts)
    except _MALFORMED:
        raise SourceError(
            f"{path} can't be read as media: the reader failed ({complaint}).",
            hint="The file is damaged or not a video.",
        ) from None


_MALFORMED = (ValueError, TypeError, KeyError, AttributeError, IndexError, ArithmeticError, RecursionError)


def require_read(done: process.Finished, info: MediaInfo) -> None:
    """Raise SourceUnreadable where ffmpeg could not read to its end what the reader of containers could.

    What neither can is damage, for which some demuxers have the same word.
    """
    if done.could_not_read and not info.stops_early:
        raise SourceUnreadable(
            f"{info.path} can't be read to its end: {os.strerror(errno.EIO)}.",
            hint="Check the disk it is on, and run again.",
        )


def _rules(policy: Policy) -> str:
    rules = {"formats": policy.formats, "decoders": policy.decoders, "streams": policy.most_streams}
    return json.dumps(rules | {"pixels": policy.most_pixels, "packets": policy.most_frames})


def _refuse(path: Path, reason: str) -> None:
    if reason:
        raise SourceError(f"{path} {reason}.", hint="Cut it down to that with the program that made it.")


def _refuse_kind(path: Path, kind: str) -> None:
    if not kind:
        return
    if kind.endswith(_PICTURES):
        raise SourceError(f"{path} is a picture, not a video.", hint="Name a video file.")
    what = kind if kind.startswith("a ") else f"a {kind} file, which names other files instead of holding a video"
    raise SourceError(f"{path} is {what}.", hint="Name the video file itself.")


def _reason(text: str) -> str:
    """PyAV's "[Errno 1094995529] Invalid data found …: 'file:…'" without number and address."""
    text = text.split("] ", 1)[-1]
    return text.split(": 'file:", 1)[0].split("; last error", 1)[0].rstrip(".")


def _typed(path: Path, identity: Identity, facts: dict[str, Any]) -> MediaInfo:
    streams = facts["streams"]
    videos = tuple(_video(s) for s in streams if s["type"] == "video" and s.get("codec"))
    doubts = list(facts["doubts"])
    measured = max((v.duration_s for v in videos if not v.cover_art), default=0.0)
    claimed = facts["header_duration_s"]
    if measured and claimed is None:
        doubts.append("the header names no duration")
    elif measured and abs(claimed - measured) > max(_DURATION_SLACK_S, _DURATION_SLACK_RATIO * measured):
        doubts.append(f"the header claims {claimed:.2f} s, the pictures last {measured:.2f} s")
    for stream in streams:
        counted = len(stream["packets"])
        if stream["type"] == "video" and stream["header_frames"] not in (0, counted):
            doubts.append(f"the header claims {stream['header_frames']} frames, {counted} are shown")
    return MediaInfo(
        path=str(path),
        identity=identity,
        container=facts["container"],
        start_s=facts["start_s"],
        header_duration_s=claimed,
        videos=videos,
        audios=tuple(_audio(s) for s in streams if s["type"] == "audio" and s.get("codec")),
        others=tuple(_other(s) for s in streams if s["type"] not in ("video", "audio")),
        chapters=len(facts["chapters"]),
        metadata=tuple(sorted(facts["metadata"].items())),
        doubts=tuple(doubts),
        index_first=facts.get("index_first"),
        edit_lists=bool(facts.get("edit_lists")),
        chapter_marks=tuple(Chapter(*chapter) for chapter in facts["chapters"]),
    )


def _other(stream: dict[str, Any]) -> OtherStream:
    return OtherStream(
        index=stream["index"],
        kind=stream["type"],
        codec=stream["codec"],
        language=stream["language"],
        default=stream["default"],
        forced=stream["forced"],
        title=stream["title"],
        packets=len(stream["packets"]),
        bytes=sum(p[1] for p in stream["packets"]),
    )


def _video(stream: dict[str, Any]) -> VideoStream:
    shown = sorted(stream["packets"])
    primaries, transfer, matrix, colour_range = stream["colour"]
    return VideoStream(
        index=stream["index"],
        codec=stream["codec"],
        width=stream["width"],
        height=stream["height"],
        time_base=Fraction(*stream["time_base"]),
        pts=tuple(p[0] for p in shown),
        packet_bytes=tuple(p[1] for p in shown),
        keyframe_pts=tuple(p[0] for p in shown if p[2]),
        pix_fmt=stream["pix_fmt"],
        bit_depth=stream["bit_depth"],
        sar=_ratio(stream["sar"]),
        rotation=stream["rotation"],
        colour=Colour(
            _tag(primaries), _tag(transfer), _tag(matrix, rgb_is_zero=True), {1: False, 2: True}.get(colour_range)
        ),
        field_order=_FIELD_ORDERS.get(stream["field_order"], FieldOrder.UNKNOWN),
        profile=stream["profile"],
        language=stream["language"],
        default=stream["default"],
        cover_art=stream["cover_art"],
        reorder_depth=stream["reorder_depth"],
        x264_build=stream.get("x264_build"),
        dolby_vision=bool(stream.get("dolby_vision")),
        light=_light(stream.get("light") or {}),
    )


def _light(said: dict[str, Any]) -> Light:
    shown, content = said.get("mastering"), said.get("content")
    if shown:
        points = {name: (int(x), int(y)) for name in ("red", "green", "blue", "white") for x, y in [shown[name]]}
        shown = MasteringDisplay(**points, most=int(shown["most"]), least=int(shown["least"]))
    return Light(shown or None, (int(content[0]), int(content[1])) if content else None, bool(said.get("dynamic")))


def _audio(stream: dict[str, Any]) -> AudioStream:
    base = Fraction(*stream["time_base"])
    packets = stream["packets"]
    start = min((p[0] for p in packets), default=0)
    end = max((p[0] + p[3] for p in packets), default=0)
    return AudioStream(
        index=stream["index"],
        codec=stream["codec"],
        sample_rate=stream["sample_rate"],
        channels=stream["channels"],
        bytes=sum(p[1] for p in packets),
        packets=len(packets),
        start_s=float(start * base),
        duration_s=float((end - start) * base),
        profile=stream["profile"],
        language=stream["language"],
        default=stream["default"],
        title=stream["title"],
    )


def _ratio(pair: list[int]) -> Fraction:
    """A sample aspect ratio; 0:1 means unknown, read as square."""
    return Fraction(*pair) if pair[0] > 0 and pair[1] > 0 else Fraction(1)


def _tag(value: int, *, rgb_is_zero: bool = False) -> int | None:
    """An H.273 code point; 2 is "unspecified", and 0 is reserved except for the RGB matrix."""
    return None if value == 2 or (value == 0 and not rgb_is_zero) else value
