"""Drawn subtitles (DVD, Blu-ray, DVB) arrive in Matroska packet by packet, and are said where they can't."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import pytest
from support.footage import decode_complaints, lavfi, make

import tightfit
from tightfit.domain.subtitles import BitmapTrack

WIDTH, HEIGHT = 320, 180
BOX = (120, 130, 80, 24)  # x, y, width and height of a white box
SHOWN_S = ((0.4, 0.8), (1.2, 1.6))


def _segment(at_s: float, kind: int, body: bytes) -> bytes:
    return b"PG" + struct.pack(">IIBH", round(at_s * 90_000), 0, kind, len(body)) + body


def _run_of_white() -> bytes:
    # Two runs of colour 1, each shorter than 64 pixels, and the line's end.
    return bytes((0, 0x80 | 40, 1, 0, 0x80 | (BOX[2] - 40), 1, 0, 0)) * BOX[3]


def _display_set(n: int, at_s: float, *, shows: bool) -> bytes:
    """Blu-ray's presentation graphics: composition, window, palette, object, end."""
    x, y, width, height = BOX
    window = struct.pack(">BBHHHH", 1, 0, x, y, width, height)
    head = struct.pack(">HHBHBBBB", WIDTH, HEIGHT, 0x10, n, 0x80 if shows else 0, 0, 0, int(shows))
    placed = struct.pack(">HBBHH", 0, 0, 0, x, y) if shows else b""
    segments = [_segment(at_s, 0x16, head + placed), _segment(at_s, 0x17, window)]
    if shows:
        coded = _run_of_white()
        segments.append(_segment(at_s, 0x14, bytes((0, 0, 1, 235, 128, 128, 255))))
        size = (len(coded) + 4).to_bytes(3, "big")
        segments.append(
            _segment(at_s, 0x15, struct.pack(">HBB", 0, 0, 0xC0) + size + struct.pack(">HH", width, height) + coded)
        )
    return b"".join([*segments, _segment(at_s, 0x80, b"")])


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds with the same boxes as subtitles of a Blu-ray, a DVD and DVB."""
    folder = tmp_path_factory.mktemp("drawn")
    sup, out = folder / "a.sup", folder / "drawn.mkv"
    ends = [(at, end == 1) for span in SHOWN_S for end, at in enumerate(span)]
    sup.write_bytes(b"".join(_display_set(n, at, shows=not is_end) for n, (at, is_end) in enumerate(ends)))
    picture = lavfi(f"testsrc2=s={WIDTH}x{HEIGHT}:r=25:d=2,noise=alls=20:allf=t")
    coded = ("-c:v", "libx264", "-crf", 8, "-preset", "veryfast", "-pix_fmt", "yuv420p")
    kinds = ("-c:s:0", "copy", "-c:s:1", "dvdsub", "-c:s:2", "dvbsub")
    named = [
        word for n, code in enumerate(("eng", "fre", "ger")) for word in (f"-metadata:s:s:{n}", f"language={code}")
    ]
    flags = ("-disposition:s:1", "default", "-disposition:s:2", "forced")
    maps = ("-map", "0:v", "-map", "1:s", "-map", "1:s", "-map", "1:s")
    make("-copyts", *picture, "-fix_sub_duration", "-i", sup, *maps, *coded, *kinds, *named, *flags, out)
    return out


def _subtitles_in(path: Path) -> list[tuple[str, str | None, bool, bool, list[tuple[float, bytes]]]]:
    found = []
    with av.open(str(path)) as container:
        packets: dict[int, list[tuple[float, bytes]]] = {s.index: [] for s in container.streams.subtitles}
        for packet in container.demux():
            if packet.size and packet.pts is not None and packet.stream_index in packets:
                packets[packet.stream_index].append((float(packet.pts * packet.time_base), bytes(packet)))
        for s in container.streams.subtitles:
            flags = [bool(s.disposition & getattr(av.stream.Disposition, f)) for f in ("default", "forced")]
            found.append((s.codec_context.name, s.language, *flags, packets[s.index]))
    return found  # type: ignore[return-value]


def test_drawn_subtitles_arrive_in_matroska_byte_by_byte(drawn: Path, tmp_path: Path):
    output, limit = tmp_path / "out.mkv", 200_000
    result = tightfit.compress(drawn, to=f"{limit}B", output=output)
    assert [said for said in result.warnings if "file fills" not in said] == []
    assert 0.97 * limit <= output.stat().st_size <= limit
    made = _subtitles_in(output)
    assert made == _subtitles_in(drawn)
    assert [(language, default, forced) for _, language, default, forced, _ in made] == [
        ("eng", False, False),
        ("fre", True, False),
        ("ger", False, True),
    ]
    assert decode_complaints(output) == ""


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"container": "mp4"}, "players don't show from MP4"),
        ({"container": "mkv", "trim": "0.2-"}, "no longer fit the edited clip"),
        ({"container": "mkv", "aspect": "1:1", "fit": "cover"}, "no longer fit the edited clip"),
        ({"container": "mkv", "to": "12KB", "resolution": "64x36"}, "too much of this size"),
    ],
)
def test_drawn_subtitles_that_can_not_go_along_are_said(drawn: Path, options: dict[str, str], why: str):
    planned = tightfit.plan(drawn, **{"to": "100KB", **options})  # type: ignore[arg-type]
    assert sum(why in said for said in planned.warnings) >= 1


def test_a_track_ends_with_the_picture_and_says_no_longer_time():
    track = BitmapTrack("a.mkv", "dvd_subtitle", ((400, 300), (5_500, 9_000_000), (1 << 32, 0)), 500)
    assert track.fitted(0.5, 6.0).samples == ((0, 300), (5_000, 1_000))
