"""What HDR pictures say of their light, on its way into the header of a file.

libavformat writes it into a header where a stream has it, and NUT, which our pieces are in, has no place for it. So a
small MP4 is made to copy the stream from, with the two boxes in it.
"""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet

from tightfit.domain.light import Light
from tightfit.domain.mp4_boxes import box
from tightfit.media.argv import ours
from tightfit.media.moov import add_to_sample_entry


def boxes(light: Light) -> bytes:
    """As boxes of a sample entry (ISO/IEC 14496-12, 12.1.6 and 12.1.7)."""
    found = b""
    if shown := light.mastering:
        points = [of for point in shown.points.values() for of in point]
        found += box(b"mdcv", struct.pack(">8H2I", *points, shown.most, shown.least))
    if light.content:
        found += box(b"clli", struct.pack(">2H", *light.content))
    return found


def template(piece: Path, description: bytes, light: Light) -> InputContainer:
    """A file to copy the video stream of ``piece`` from, which says what its light is. Raises av.FFmpegError."""
    made = BytesIO()
    with av.open(ours(piece), format="nut") as source, av.open(made, "w", format="mp4") as out:
        shown = source.streams.video[0]
        stream = out.add_stream_from_template(shown, opaque=True)
        stream.codec_context.extradata = description
        first = next(packet for packet in source.demux(shown) if packet.size)
        packet: Packet[Any] = Packet(bytes(first))
        packet.stream, packet.pts, packet.dts = stream, 0, 0
        packet.is_keyframe = True
        out.mux(packet)
    return av.open(BytesIO(add_to_sample_entry(made.getvalue(), boxes(light))), "r", format="mov")
