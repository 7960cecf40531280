"""Runs alone in a child process: reads one untrusted container and prints what it holds as JSON.

`python -I -m tightfit.media._probe_child RULES PATH`, RULES the fields of ``Rules`` as JSON. A demuxer that crashes or
eats memory takes this process with it and nothing else.
"""

from __future__ import annotations

import errno
import json
import os
import re
import sys
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import av
import av.logging
from av.container import InputContainer

from tightfit.domain.media_info import STOPS_EARLY
from tightfit.media.layout import layout
from tightfit.media.light import light_of
from tightfit.media.references import external

# Still pictures are read too, to be called by their name; not by image2, which takes the name for a pattern of others.
_PICTURES = ("png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "gif_pipe", "apng", "webp")
# How playlists, scripts and drawings begin. They are told by that before any reader follows what they name.
_SCRIPTS = {
    b"#extm3u": "hls",
    b"ffconcat": "concat",
    b"<?xml": "dash",
    b"<mpd": "dash",
    b"<svg": "svg",
    b"<asx": "asx",
    b"<smil": "smil",
    b"<playlist": "xspf",
    b"[reference]": "reference",
    b"[playlist]": "pls",
    b"rtsptext": "reference",
    b"smptext": "reference",
    b"v=0": "sdp",
    b"# vobsub": "vobsub",
}
_LONGEST_BEGINNING = 64
_TURNS = {0: 0, 90: 270, -90: 90, 180: 180, -180: 180, 270: 90, -270: 270}


@dataclass(frozen=True)
class Rules:
    """What is read and how much of it: the demuxers, the decoders (None: any), and the largest numbers of each."""

    formats: list[str]
    decoders: list[str] | None
    streams: int
    pixels: int
    packets: int | None

    @property
    def options(self) -> dict[str, str]:
        """As libavformat takes them; they hold for the decoders that it tries too."""
        options = {"protocol_whitelist": "file", "format_whitelist": ",".join([*self.formats, *_PICTURES])}
        options |= {"max_streams": str(self.streams), "max_pixels": str(self.pixels)}
        return options | ({"codec_whitelist": ",".join(self.decoders)} if self.decoders is not None else {})


def main(rules: Rules, path: str) -> None:
    facts = _facts(rules, path)
    said = [facts.get("error", ""), *facts.get("doubts", ())]
    if "error" in facts or any(one.startswith(STOPS_EARLY) for one in said):
        # To a demuxer a failing disk and a damaged file look alike; and the disk may give now what it did not before.
        why = _read_error(path)
        if why:
            facts = {"unreadable": why}
        elif any(_EIO in one for one in said):
            facts = _facts(rules, path)
    json.dump(facts, sys.stdout)


_EIO = os.strerror(errno.EIO)
_BLOCK = 1 << 20


def _read_error(path: str) -> str:
    """What the system says where ``path`` can't be read to its end; nothing where it can."""
    try:
        with open(path, "rb") as file:
            while file.read(_BLOCK):
                pass
    except OSError as exc:
        return exc.strerror or str(exc)
    return ""


def _facts(rules: Rules, path: str) -> dict[str, Any]:
    said: list[tuple[int, str, str]] = []
    av.logging.set_level(av.logging.ERROR)  # without one nothing is logged that could be captured
    try:
        with open(path, "rb") as file:
            kind = _script_kind(file) or external(file)
            laid_out = layout(file)
        if kind:
            return {"refused": kind}
        with av.logging.Capture() as said:
            # Old tags are in old alphabets; a title that is not UTF-8 is no reason to refuse a film.
            container = av.open("file:" + path, options=rules.options, metadata_errors="replace")
        with container:
            names = set(container.format.name.split(","))
            if not names & set(rules.formats):
                return {"refused": container.format.name}
            facts = _read(container, rules) | laid_out
            _name_sizes(facts, "".join(line for _, _, line in said))
            return facts
    except (av.FFmpegError, OSError, ValueError, OverflowError) as exc:
        is_crowd = any("max_streams" in line for _, _, line in said)
        return {"over": "streams"} if is_crowd else {"error": str(exc)}


def _name_sizes(facts: dict[str, Any], said: str) -> None:
    """A decoder that was kept from pictures as large as these knows no size; what it said does."""
    found = _TOO_LARGE.search(said)
    for stream in facts.get("streams", ()):
        if found and stream["type"] == "video" and not stream.get("width"):
            stream["width"], stream["height"] = int(found[1]), int(found[2])


_TOO_LARGE = re.compile(r"Picture size (\d+)x(\d+) (?:is invalid|exceeds)")


def _script_kind(file: BinaryIO) -> str | None:
    beginning = file.read(_LONGEST_BEGINNING).removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    file.seek(0)
    return next((kind for start, kind in _SCRIPTS.items() if beginning.startswith(start)), None)


def _read(container: InputContainer, rules: Rules) -> dict[str, Any]:
    streams = [_stream_facts(s) for s in container.streams]
    packets: dict[int, list[tuple[int, int, bool, int]]] = {s["index"]: [] for s in streams}
    doubts = _read_packets(container, packets, rules.packets)
    for facts in streams:
        facts["packets"] = packets[facts["index"]]
        if facts["type"] == "video":
            facts |= _as_decoded(container, facts)
    return {
        "container": container.format.name,
        "start_s": (container.start_time or 0) / 1_000_000,
        "header_duration_s": None if container.duration is None else container.duration / 1_000_000,
        "streams": streams,
        "chapters": [_chapter(c) for c in container.chapters()],
        "metadata": dict(container.metadata),
        "doubts": doubts,
    }


def _chapter(chapter: Any) -> list[Any]:
    """Start and end in seconds, and the title."""
    base = chapter["time_base"] or 1
    return [float(chapter["start"] * base), float(chapter["end"] * base), chapter["metadata"].get("title", "")]


def _stream_facts(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    facts: dict[str, Any] = {
        "index": stream.index,
        "type": stream.type,
        "codec": context.codec.canonical_name if context else None,
        "time_base": [stream.time_base.numerator, stream.time_base.denominator] if stream.time_base else [1, 1000],
        "language": stream.metadata.get("language"),
        "title": stream.metadata.get("title"),
        "default": bool(stream.disposition & av.stream.Disposition.default),
        "forced": bool(stream.disposition & av.stream.Disposition.forced),
        "cover_art": bool(stream.disposition & av.stream.Disposition.attached_pic),
        "header_frames": stream.frames,
    }
    if context is not None and stream.type in ("video", "audio"):
        facts["profile"] = context.profile
        facts.update(_video_facts(context) if stream.type == "video" else _audio_facts(context))
    return facts


def _video_facts(context: Any) -> dict[str, Any]:
    sar = context.sample_aspect_ratio
    layout = context.format
    return {
        "width": context.width,
        "height": context.height,
        "sar": [sar.numerator, sar.denominator] if sar else [1, 1],
        "pix_fmt": layout.name if layout else None,
        "bit_depth": max((c.bits for c in layout.components), default=8) if layout else 8,
        "colour": [
            int(context.color_primaries),
            int(context.color_trc),
            int(context.colorspace),
            int(context.color_range),
        ],
        "field_order": int(context.field_order),
        "reorder_depth": int(context.reorder_depth),
    }


def _audio_facts(context: Any) -> dict[str, Any]:
    return {"sample_rate": context.sample_rate, "channels": context.layout.nb_channels if context.layout else 0}


def _read_packets(
    container: InputContainer, packets: dict[int, list[tuple[int, int, bool, int]]], most: int | None
) -> list[str]:
    """Fill ``packets`` with (pts, bytes, key, duration) of what a player would show; return what was odd.

    Ends where a video stream has more than ``most``.
    """
    doubts: list[str] = []
    untimed = corrupt = 0
    try:
        for packet in container.demux():
            if not packet.size or packet.is_discard:
                continue
            corrupt += packet.is_corrupt
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None and packet.stream.disposition & av.stream.Disposition.attached_pic:
                pts = 0  # a cover is shown from the beginning
            if pts is None:
                untimed += 1
                continue
            found = packets[packet.stream.index]
            found.append((pts, packet.size, packet.is_keyframe, packet.duration or 0))
            if most is not None and len(found) > most and packet.stream.type == "video":
                break
    except av.FFmpegError as exc:
        doubts.append(f"{STOPS_EARLY}: {exc}")
    if untimed:
        doubts.append(f"packets without a timestamp: {untimed}")
    if corrupt:
        doubts.append(f"packets marked as damaged: {corrupt}")
    return doubts


def _as_decoded(container: InputContainer, facts: dict[str, Any]) -> dict[str, Any]:
    """What the first picture says of itself: the clockwise turn in degrees that it asks for, and its colours, which
    count for more than what the container says of them."""
    try:
        container.seek(0)
        stream: Any = container.streams[facts["index"]]
        maker = None
        for packet in container.demux(stream):
            maker = maker or _X264.search(bytes(packet)) if facts["profile"] == _OLD_X264_DIFFERS else None
            for frame in packet.decode():
                turn = _TURNS.get(round(frame.rotation / 90) * 90, 0)
                build = int(maker[1]) if maker else None
                return {"rotation": turn, "x264_build": build} | _colours(frame, facts["colour"])
    except (av.FFmpegError, ValueError, OSError):
        pass  # undecodable here: the analysis encode says so with a better message
    return {"rotation": 0}


def _colours(frame: Any, said: list[int]) -> dict[str, Any]:
    """A frame's code points, by what comes along with it where it has none; and whether Dolby Vision does."""
    shown = (frame.color_primaries, frame.color_trc, frame.colorspace, frame.color_range)
    told = zip(shown, said, _UNSAID, strict=True)
    colour = [int(mine) if int(mine) != nothing else other for mine, other, nothing in told]
    along = {getattr(one.type, "name", ""): bytes(one) for one in frame.side_data}
    if along.keys() & _OF_PQ and colour[1] == _UNSAID[1]:
        told = zip(colour, _HDR10, _UNSAID, strict=True)
        colour = [mine if mine != nothing else other for mine, other, nothing in told]
    return {"colour": colour, "dolby_vision": bool(along.keys() & _OF_DOLBY), "light": asdict(light_of(along))}


# What is known of a mastering display is only said of PQ; its other code points are those of HDR10.
_OF_PQ = {"MASTERING_DISPLAY_METADATA", "DYNAMIC_HDR_PLUS"}
_OF_DOLBY = {"DOVI_RPU_BUFFER", "DOVI_METADATA"}
_UNSAID, _HDR10 = (2, 2, 2, 0), (9, 16, 9, 0)
# Early versions of x264 coded this profile in another way than the standard; decoders go by the version, which is told
# in the first packet alone.
_OLD_X264_DIFFERS = "High 4:4:4 Predictive"
_X264 = re.compile(rb"x264 - core (\d{1,4})\b")


if __name__ == "__main__":
    main(Rules(**json.loads(sys.argv[1])), sys.argv[2])
