"""Runs alone in a child process: reads one untrusted container and prints what it holds as JSON.

`python -I -m tightfit.media._probe_child PATH`. A demuxer that crashes or eats memory takes this
process with it and nothing else.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import av
from av.container import InputContainer

# Containers that hold their own media. Playlists and scripts (hls, dash, concat, image2 …) name other
# files and are refused by not being here.
ALLOWED = {
    *("mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "mxf", "gif", "wav", "mp3"),
    *(
        "aac",
        "flac",
        "rm",
        "ivf",
        "mpegvideo",
        "h264",
        "hevc",
        "nut",
        "dv",
        "m4v",
        "amr",
        "ac3",
        "caf",
        "aiff",
        "wtv",
        "gxf",
    ),
}
# Still pictures are read too, to be called by their name.
_PICTURES = ("image2", "png_pipe", "jpeg_pipe", "webp_pipe", "bmp_pipe", "tiff_pipe", "gif_pipe", "apng", "webp")
_WHITELIST = ",".join(sorted(ALLOWED | set(_PICTURES)))
# How playlists, scripts and drawings begin. They are told by that before any reader follows what they name.
_SCRIPTS = {
    b"#EXTM3U": "hls",
    b"ffconcat": "concat",
    b"<?xml": "dash",
    b"<MPD": "dash",
    b"<svg": "svg",
    b"[Reference]": "reference",
    b"v=0": "sdp",
}
_LONGEST_BEGINNING = 64
# More streams than any honest file has; reading four hundred takes over half a gigabyte.
MOST_STREAMS = 64
_TURNS = {0: 0, 90: 270, -90: 90, 180: 180, -180: 180, 270: 90, -270: 270}


def main(path: str) -> None:
    options = {"protocol_whitelist": "file", "format_whitelist": _WHITELIST, "max_streams": str(MOST_STREAMS)}
    try:
        if kind := _script_kind(path):
            json.dump({"refused": kind}, sys.stdout)
            return
        with av.open("file:" + path, options=options) as container:
            names = set(container.format.name.split(","))
            facts = _read(container) if names & ALLOWED else {"refused": container.format.name}
    except (av.FFmpegError, OSError, ValueError) as exc:
        facts = {"error": str(exc)}
    json.dump(facts, sys.stdout)


def _script_kind(path: str) -> str | None:
    with open(path, "rb") as file:
        beginning = file.read(_LONGEST_BEGINNING).removeprefix(b"\xef\xbb\xbf").lstrip()
    return next((kind for start, kind in _SCRIPTS.items() if beginning.startswith(start)), None)


def _read(container: InputContainer) -> dict[str, Any]:
    streams = [_stream_facts(s) for s in container.streams]
    packets: dict[int, list[tuple[int, int, bool, int]]] = {s["index"]: [] for s in streams}
    doubts = _read_packets(container, packets)
    for facts in streams:
        facts["packets"] = packets[facts["index"]]
        if facts["type"] == "video":
            facts["rotation"] = _rotation(container, facts["index"])
    return {
        "container": container.format.name,
        "start_s": (container.start_time or 0) / 1_000_000,
        "header_duration_s": None if container.duration is None else container.duration / 1_000_000,
        "streams": streams,
        "chapters": len(container.chapters()),
        "metadata": dict(container.metadata),
        "doubts": doubts,
    }


def _stream_facts(stream: Any) -> dict[str, Any]:
    context = stream.codec_context
    facts: dict[str, Any] = {
        "index": stream.index,
        "type": stream.type,
        "codec": context.codec.canonical_name if context else None,
        "time_base": [stream.time_base.numerator, stream.time_base.denominator] if stream.time_base else [1, 1000],
        "language": stream.metadata.get("language"),
        "default": bool(stream.disposition & av.stream.Disposition.default),
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


def _read_packets(container: InputContainer, packets: dict[int, list[tuple[int, int, bool, int]]]) -> list[str]:
    """Fill ``packets`` with (pts, bytes, key, duration) of what a player would show; return what was odd."""
    doubts: list[str] = []
    untimed = corrupt = 0
    try:
        for packet in container.demux():
            if not packet.size or packet.is_discard:
                continue
            corrupt += packet.is_corrupt
            pts = packet.pts if packet.pts is not None else packet.dts
            if pts is None:
                untimed += not packet.stream.disposition & av.stream.Disposition.attached_pic
                continue
            packets[packet.stream.index].append((pts, packet.size, packet.is_keyframe, packet.duration or 0))
    except av.FFmpegError as exc:
        doubts.append(f"reading stopped early: {exc}")
    if untimed:
        doubts.append(f"packets without a timestamp: {untimed}")
    if corrupt:
        doubts.append(f"packets marked as damaged: {corrupt}")
    return doubts


def _rotation(container: InputContainer, index: int) -> int:
    """The clockwise turn in degrees that the first frame's display matrix asks for."""
    try:
        container.seek(0)
        stream: Any = container.streams[index]
        for frame in stream.container.decode(stream):
            return _TURNS.get(round(frame.rotation / 90) * 90, 0)
    except (av.FFmpegError, ValueError, OSError):
        pass  # undecodable here: the analysis encode says so with a better message
    return 0


if __name__ == "__main__":
    main(sys.argv[1])
