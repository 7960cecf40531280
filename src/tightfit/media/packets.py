"""Reading our own encoded files: packets in decode order, with exact timestamps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av

from tightfit.media import bitstream
from tightfit.media.argv import lead_ticks, ours


@dataclass(frozen=True)
class Packet:
    """One coded frame: ``pts`` in ticks of the encode's time base, ``data`` as MP4 stores it."""

    pts: int
    key: bool
    data: bytes


@dataclass(frozen=True)
class EncodedTable:
    """What one encode produced, in decode order: timestamps in ticks, payload bytes, key flags."""

    pts: tuple[int, ...]
    sizes: tuple[int, ...]
    keys: tuple[bool, ...]
    parameter_sets: bytes


def read(path: Path, time_base: Fraction) -> Iterator[Packet]:
    """The packets of one of our NUT files, timestamps in ticks of ``time_base`` without the lead.

    A file that is still growing or was cut short simply ends earlier. NUT may store a finer time base
    than it was given; raises ValueError where a timestamp is no whole tick.
    """
    lead = lead_ticks(time_base)
    with av.open(ours(path), format="nut") as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None, "NUT names a time base for every stream"
        ticks, form = stream.time_base / time_base, bitstream.form_of(stream.codec_context.name)
        try:
            for packet in container.demux(stream):
                if packet.size:
                    assert packet.pts is not None, "NUT stores a timestamp with every frame"
                    yield Packet(_whole(packet.pts * ticks) - lead, packet.is_keyframe, form.sample(bytes(packet)))
        except av.FFmpegError:
            return


def _whole(value: Fraction) -> int:
    if value.denominator != 1:
        raise ValueError(f"{value} is not a whole number of ticks")
    return value.numerator


def table(path: Path, time_base: Fraction) -> EncodedTable:
    """Sizes and timestamps of a finished or growing encode; empty where not even the header is there."""
    try:
        rows = [(p.pts, len(p.data), p.key) for p in read(path, time_base)]
        parameter_sets = parameter_sets_of(path)
    except (av.FFmpegError, OSError, IndexError):
        return EncodedTable((), (), (), b"")
    return EncodedTable(tuple(r[0] for r in rows), tuple(r[1] for r in rows), tuple(r[2] for r in rows), parameter_sets)


def parameter_sets_of(path: Path) -> bytes:
    """The encoder's description of its pictures; equal for all pieces of one clip, or they can't be joined."""
    with av.open(ours(path), format="nut") as container:
        return container.streams.video[0].codec_context.extradata or b""


def is_described_as(path: Path, given: bytes) -> bool:
    """Whether a piece and another one, whose parameter sets are ``given``, can be joined."""
    with av.open(ours(path), format="nut") as container:
        coded = container.streams.video[0].codec_context
        form = bitstream.form_of(coded.name)
        return form.comparable(coded.extradata or b"") == form.comparable(given)


def description_of(paths: Iterable[Path]) -> bytes:
    """The one description of pieces that are joined, as containers store it.

    Raises ValueError where there is none, or where they are described differently.
    """
    given, decoders = [], set[str]()
    for path in paths:
        with av.open(ours(path), format="nut") as container:
            coded = container.streams.video[0].codec_context
            decoders.add(coded.name)
            given.append(coded.extradata or b"")
    forms = [bitstream.form_of(name) for name in decoders]
    if len(forms) != 1 or len({forms[0].comparable(one) for one in given}) != 1:
        raise ValueError("the encoder described them differently")
    return forms[0].description(max(given, key=forms[0].demand))
