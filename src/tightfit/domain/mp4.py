"""How many bytes an MP4 file spends on everything that is not sample payload.

The arithmetic follows what libavformat's mp4 muxer writes through PyAV with ``movflags=+faststart``,
video as the first track, audio (AAC or MP3) as the second, packets handed over in order of their
decode time. Clause numbers are those of ISO/IEC 14496-12; all results are bytes. Chapters, subtitles and
further tracks have tables of their own and are not counted here.

A table stores runs of equal values, so its size hangs on how regular the file is, not on how long it
is. ``tables_from_packets`` counts the runs of a known file, ``predict_overhead`` bounds them before there
is one.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from itertools import groupby, takewhile
from typing import Generic, Literal, NamedTuple, TypeVar

DEFAULT_ENCODER = "Lavf62.12.102"
DEFAULT_MOVIE_SCALE = 1000

_BOX = 8  # size and type (4.2); a full box adds 4 for version and flags
_FULL_BOX = 12
_FREE_AND_MDAT = 16  # free is there to give way to a 64-bit mdat size, so both kinds of header cost this
_WIDE_FROM = 2**31 - 1  # movenc takes version 1 headers from INT32_MAX on, though 32 bits would hold more
_OFFSET_LIMIT = 2**32 - 1
_CHUNK_LIMIT = 1 << 20  # build_chunks() lets no chunk reach 1 MiB
_EDGE_RUNS = 6  # where one track starts before or ends after the other, a steady pattern breaks


class Sample(NamedTuple):
    """One packet as the muxer gets it; times in ticks of its track's time scale.

    ``duration`` matters for the track's last sample only. Where it is 0, libavformat first puts in
    one frame (video: by the stream's average rate, if set; audio: by the codec).
    """

    dts: int
    pts: int
    duration: int
    size: int
    key: bool = True
    disposable: bool = False


@dataclass(frozen=True)
class VideoFormat:
    """What the sample entry says of the coded video.

    ``extradata_bytes`` is the avcC, hvcC or av1C record. ``colour_tagged`` means that primaries, transfer
    and matrix are all known (else no colr is written), ``has_pasp`` that a sample aspect ratio is set,
    1:1 included. ``other_boxes`` are whole boxes: clli 12, mdcv 32, fiel 10 (HEVC and AV1 with a known
    field order). ``handler`` is the length of the handler's name, "VideoHandler" unless the stream's
    metadata has another; ``track_tags`` the track's own udta, written for a title or a role.
    """

    extradata_bytes: int
    codec: Literal["h264", "hevc", "av1"] = "h264"
    colour_tagged: bool = False
    has_pasp: bool = False
    has_btrt: bool = True
    other_boxes: int = 0
    handler: int = 12
    track_tags: int = 0

    @property
    def entry_bytes(self) -> int:
        """VisualSampleEntry (12.1.3), its codec record (14496-15), colr 19, pasp 16 and btrt 20 (8.5.2.2)."""
        boxes = 19 * self.colour_tagged + 16 * self.has_pasp + 20 * self.has_btrt
        return 86 + _BOX + self.extradata_bytes + boxes + self.other_boxes

    @property
    def ftyp_bytes(self) -> int:
        """4.3: major brand and version, then isom, iso2 and mp41, with avc1 or av01 where it applies."""
        return _BOX + 8 + 4 * (3 + (self.codec != "hevc"))


@dataclass(frozen=True)
class AudioFormat:
    """What the sample entry says of the coded audio: AAC, or MP3 with ``has_roll=False`` and no extradata."""

    extradata_bytes: int
    has_roll: bool = True
    has_btrt: bool = True
    handler: int = 12
    track_tags: int = 0

    @property
    def entry_bytes(self) -> int:
        """AudioSampleEntry (12.2.3), esds (14496-14; every descriptor has a five-byte head) and btrt."""
        decoder_info = 5 + self.extradata_bytes if self.extradata_bytes else 0
        esds = _FULL_BOX + (5 + 3) + (5 + 13) + decoder_info + (5 + 1)
        return 36 + esds + 20 * self.has_btrt


Format = TypeVar("Format", VideoFormat, AudioFormat)


@dataclass(frozen=True)
class Track(Generic[Format]):
    """A track to be muxed: ``samples`` in decode order, in ticks of 1/``timescale`` seconds."""

    format: Format
    timescale: int
    samples: Sequence[Sample]


@dataclass(frozen=True, kw_only=True)
class TrackTable:
    """Counts that set the size of a track's boxes.

    ``stts_runs`` are runs of equal durations, ``stsc_runs`` runs of chunks with equally many samples.
    ``edits`` is 2 where the track starts late (an empty edit comes first), else 1: the muxer leaves no
    edit list out. The ``wide_`` flags say which headers need 64-bit times. ``payload_before_last``
    is the payload of all tracks written before this track's last sample; None means all there is.
    """

    samples: int
    stts_runs: int
    chunks: int
    stsc_runs: int
    edits: int = 1
    uniform_size: bool = False
    wide_media: bool = False
    wide_track: bool = False
    wide_edits: bool = False
    payload_before_last: int | None = None


@dataclass(frozen=True, kw_only=True)
class VideoTable(TrackTable):
    """``ctts_runs`` is 0 where no frame is shown later than decoded; ``disposable`` adds an sdtp."""

    format: VideoFormat
    keyframes: int
    ctts_runs: int = 0
    disposable: bool = False

    @property
    def own_boxes(self) -> int:
        """vmhd (12.1.2), stss (8.6.2; left out where all frames are keys), sdtp (8.6.4), ctts (8.6.1.3)."""
        stss = 16 + 4 * self.keyframes if 0 < self.keyframes < self.samples else 0
        sdtp = _FULL_BOX + self.samples if self.disposable else 0
        ctts = 16 + 8 * self.ctts_runs if self.ctts_runs else 0
        return 20 + stss + sdtp + ctts


@dataclass(frozen=True, kw_only=True)
class AudioTable(TrackTable):
    format: AudioFormat

    @property
    def own_boxes(self) -> int:
        """smhd (12.2.2), and for AAC one sgpd (8.9.3) and sbgp (8.9.2) entry: a roll of one packet."""
        return 16 + (26 + 28 if self.format.has_roll else 0)


_TEXT_TAGS = frozenset(
    (
        "title artist album_artist composer album date encoding_tool comment genre copyright grouping lyrics"
    ).split()
    + "description synopsis show episode_id network keywords".split()
)
_NUMBER_TAGS = {"episode_sort": 28, "season_number": 28} | dict.fromkeys(
    ("media_type", "hd_video", "gapless_playback", "compilation"), 25
)
_LOCATION = re.compile(r"\s*[-+]?\d*\.?\d+\s*[-+]?\d*\.?\d+(?:\s*[-+]?\d*\.?\d+)?(?:/(.*))?", re.DOTALL)


def metadata_bytes(tags: Mapping[str, str], encoder: str = DEFAULT_ENCODER) -> int:
    """The movie's udta (8.10.1) for a container's metadata; what movenc has no place for costs nothing.

    ``encoder`` is libavformat's name for itself, "" for a bit-exact file. ``creation_time`` goes into
    headers that are there anyway.
    """
    given = {"encoding_tool": encoder} | {key.lower(): value for key, value in tags.items()}
    # An ilst item is a box with a data box in it, which has a type and a locale: 8 + 16 bytes.
    items = sum(24 + len(given[key].encode()) for key in _TEXT_TAGS & given.keys() if given[key])
    items += sum(size for key, size in _NUMBER_TAGS.items() if key in given)
    items += sum(32 for key in ("track", "disc") if _leading_int(given.get(key, "")))
    items += 26 if _leading_int(given.get("tmpo", "")) else 0
    place = _LOCATION.match(given.get("location", ""))
    loci = 35 + len((place[1] or "").encode()) if place else 0
    return _BOX + _FULL_BOX + 33 + _BOX + items + loci


def _leading_int(text: str) -> int:
    match = re.match(r"\s*[-+]?\d+", text)
    return int(match[0]) if match else 0


DEFAULT_METADATA_BYTES = metadata_bytes({})


def mp4_overhead(
    video: VideoTable,
    audio: AudioTable | None = None,
    *,
    payload_bytes: int,
    metadata_bytes: int = DEFAULT_METADATA_BYTES,
) -> int:
    """File size minus ``payload_bytes`` (the sizes of all samples), exactly."""
    tracks: tuple[VideoTable | AudioTable, ...] = (video, audio) if audio else (video,)
    head = video.format.ftyp_bytes + _FREE_AND_MDAT
    # The muxer measures the moov as if it stood last and again as if it stood first; only the offsets' width can differ.
    moov = _moov(tracks, metadata_bytes, payload_bytes, head)
    return head + _moov(tracks, metadata_bytes, payload_bytes, head + moov)


def _moov(tracks: Iterable[VideoTable | AudioTable], udta: int, payload: int, payload_at: int) -> int:
    """8.2.1, with mvhd (8.2.2) as wide as the longest track's header."""
    mvhd = 120 if any(table.wide_track for table in tracks) else 108
    size = _BOX + mvhd + udta
    for table in tracks:
        before = payload if table.payload_before_last is None else table.payload_before_last
        size += _trak(table, wide_offsets=payload_at + before > _OFFSET_LIMIT)
    return size


def _trak(table: VideoTable | AudioTable, wide_offsets: bool) -> int:
    """8.3.1: tkhd (8.3.2), edts and elst (8.6.5, 8.6.6), mdia (8.4.1) with mdhd (8.4.2) and hdlr (8.4.3)."""
    tkhd = 104 if table.wide_track else 92
    edts = _BOX + 16 + table.edits * (20 if table.wide_edits else 12) if table.edits else 0
    mdhd = 44 if table.wide_media else 32
    hdlr = 32 + table.format.handler + 1
    return _BOX + tkhd + edts + table.format.track_tags + _BOX + mdhd + hdlr + _minf(table, wide_offsets)


def _minf(table: VideoTable | AudioTable, wide_offsets: bool) -> int:
    """8.4.4: dinf with dref and url (8.7.1, 8.7.2), stbl (8.5.1) and the boxes of the kind of media."""
    dinf = _BOX + 16 + 12
    stsd = 16 + table.format.entry_bytes
    stts = 16 + 8 * table.stts_runs
    stsc = 16 + 12 * table.stsc_runs
    stsz = 20 + (0 if table.uniform_size else 4 * table.samples)
    stco = 16 + (8 if wide_offsets else 4) * table.chunks
    return _BOX + dinf + _BOX + stsd + stts + stsc + stsz + stco + table.own_boxes


def video_timescale(time_base_denominator: int) -> int:
    """The time scale movenc gives a video track: the stream's own, doubled up to 10 000 ticks a second."""
    scale = time_base_denominator
    while scale < 10_000:
        scale *= 2
    return scale


def movie_scale(libavformat_major: int, *time_base_denominators: int) -> int:
    """The movie's time scale: 1000 up to libavformat 62, then one that fits all streams' time bases."""
    common = math.lcm(*time_base_denominators)
    return max(1000, common) if libavformat_major > 62 and common < _WIDE_FROM else 1000


def tables_from_packets(
    video: Track[VideoFormat],
    audio: Track[AudioFormat] | None = None,
    *,
    movie_scale: int = DEFAULT_MOVIE_SCALE,
) -> tuple[VideoTable, AudioTable | None]:
    """The tables of the file that these packets make.

    Raises ValueError for packets that the muxer would refuse (decode times that don't rise, a frame
    shown before it is decoded) and for a track without any. Empty packets are dropped, as the muxer does.
    """
    tracks: list[Track[VideoFormat] | Track[AudioFormat]] = [video, *([audio] if audio else [])]
    samples = [_checked(track.samples) for track in tracks]
    layout = _Layout.of(samples, [track.timescale for track in tracks])
    counts = [
        _counts(s, t.timescale, movie_scale, layout, i)
        for i, (s, t) in enumerate(zip(samples, tracks, strict=True))
    ]
    delays = [s.pts - s.dts for s in samples[0]]
    video_table = VideoTable(
        **asdict(counts[0]),
        format=video.format,
        keyframes=sum(s.key for s in samples[0]),
        ctts_runs=runs(delays) if any(delays) else 0,
        disposable=any(s.disposable for s in samples[0]),
    )
    return video_table, AudioTable(**asdict(counts[1]), format=audio.format) if audio else None


def runs(values: Iterable[object]) -> int:
    """How many runs of equal neighbours ``values`` has."""
    return sum(1 for _ in groupby(values))


def _checked(samples: Sequence[Sample]) -> list[Sample]:
    kept = [s for s in samples if s.size]
    if not kept:
        raise ValueError("a track without packets")
    if any(b.dts <= a.dts for a, b in zip(kept, kept[1:], strict=False)):
        raise ValueError("decode times must rise from packet to packet")
    if any(s.pts < s.dts for s in kept):
        raise ValueError("a frame can't be shown before it is decoded")
    return kept


def interleaved(
    samples: Sequence[Sequence[Sample]], timescales: Sequence[int]
) -> Iterator[tuple[int, Sample]]:
    """Packets with their track's number in the order av_interleaved_write_frame() writes them.

    That is by decode time, the lower track first where times are equal. It holds if they are handed over in that order;
    a track that falls more than 10 s behind (max_interleave_delta) is no longer waited for.
    """

    def timed(track: int) -> Iterator[tuple[int, int, Sample]]:
        factor = math.lcm(*timescales) // timescales[track]
        return ((s.dts * factor, track, s) for s in samples[track])

    return ((track, s) for _, track, s in heapq.merge(*map(timed, range(len(samples)))))


@dataclass(frozen=True)
class _Layout:
    """Per track: samples in each chunk, and the payload that stands before its last sample."""

    chunks: list[list[int]]
    before_last: list[int]

    @classmethod
    def of(cls, samples: Sequence[Sequence[Sample]], timescales: Sequence[int]) -> _Layout:
        chunks: list[list[int]] = [[] for _ in samples]
        before_last = [0] * len(samples)
        written = chunk_bytes = 0
        previous = -1
        for track, sample in interleaved(samples, timescales):
            if track == previous and chunk_bytes + sample.size < _CHUNK_LIMIT:
                chunks[track][-1] += 1
                chunk_bytes += sample.size
            else:
                chunks[track].append(1)
                chunk_bytes = sample.size
            before_last[track] = written
            written += sample.size
            previous = track
        return cls(chunks, before_last)


def _counts(
    samples: Sequence[Sample], timescale: int, movie_scale: int, layout: _Layout, track: int
) -> TrackTable:
    first, last = samples[0], samples[-1]
    steps = [b.dts - a.dts for a, b in zip(samples, samples[1:], strict=False)]
    # The offset that shifts the timeline is the least of all frames decoded by time 0.
    leading = [first, *takewhile(lambda s: s.dts <= 0, samples)]
    start = first.dts + min(s.pts - s.dts for s in leading)
    end = max(s.pts + s.duration for s in samples)
    delay = start * movie_scale // timescale
    edited = -(-(end - start) * movie_scale // timescale)
    return TrackTable(
        samples=len(samples),
        stts_runs=runs([*steps, last.duration]),
        chunks=len(layout.chunks[track]),
        stsc_runs=runs(layout.chunks[track]),
        edits=2 if delay > 0 else 1,
        uniform_size=len({s.size for s in samples}) == 1,
        wide_media=last.dts - first.dts + last.duration >= _WIDE_FROM,
        wide_track=-(-end * movie_scale // timescale) >= _WIDE_FROM,
        wide_edits=max(edited, delay) >= _WIDE_FROM,
        payload_before_last=layout.before_last[track],
    )


def predict_overhead(
    frames: int,
    fps: float | Fraction,
    variable_rate: bool,
    b_frames: bool,
    keyframe_interval_frames: int,
    audio_packets: int = 0,
    audio_rate: int = 48_000,
    *,
    payload_bytes: int,
    packet_samples: int = 1024,
    video_format: VideoFormat = VideoFormat(extradata_bytes=80, colour_tagged=True, has_pasp=True),  # noqa: B008
    audio_format: AudioFormat = AudioFormat(extradata_bytes=8),  # noqa: B008
    disposable: bool = False,
    metadata_bytes: int = DEFAULT_METADATA_BYTES,
) -> int:
    """What ``mp4_overhead`` can be at most for a file that is not encoded yet. One video, one or no audio track.

    ``variable_rate`` says that frame times are not equally far apart in ticks (rounding counts);
    ``fps`` matters only without it, and must be the rate itself, not one rounded to whole frames.
    ``keyframe_interval_frames`` is the mean distance of keyframes to reckon with; ``audio_rate`` and
    ``packet_samples`` give the packets per second; ``payload_bytes`` is at least what is going to be written.

    The result exceeds the real figure by at most 700 bytes, 8 for each frame that has no ctts run of its
    own (with B-frames), 80 per MiB of payload and, at a variable rate, 8 for each frame
    without an stts run of its own and what less ragged interleaving saves.
    """
    splits = 2 * payload_bytes // _CHUNK_LIMIT + 1  # a chunk and the sample that no longer fits in fill 1 MiB
    if audio_packets and variable_rate:
        video_shape, audio_shape = _ragged(frames, audio_packets)
    elif audio_packets:
        video_shape, audio_shape = _steady(frames, audio_packets, Fraction(fps) * packet_samples / audio_rate)
    else:
        video_shape, audio_shape = (1, 1), (0, 0)
    chunks = min(frames, video_shape[0] + splits)
    video = VideoTable(
        format=video_format,
        samples=frames,
        stts_runs=frames if variable_rate else min(frames, 4),
        ctts_runs=frames if b_frames else 1,
        keyframes=min(frames, -(-frames // keyframe_interval_frames)),
        disposable=disposable,
        chunks=chunks,
        stsc_runs=min(chunks, video_shape[1] + 3 * splits),
        edits=2,
        wide_media=True,
        wide_track=True,
        wide_edits=True,
    )
    audio = AudioTable(
        format=audio_format,
        samples=audio_packets,
        stts_runs=3,
        chunks=audio_shape[0],
        stsc_runs=audio_shape[1],
        edits=2,
        wide_media=True,
        wide_track=True,
        wide_edits=True,
    )
    tables = (video, audio if audio_packets else None)
    return mp4_overhead(*tables, payload_bytes=payload_bytes, metadata_bytes=metadata_bytes)


Shape = tuple[int, int]  # chunks, stsc runs


def _steady(frames: int, packets: int, frames_per_packet: Fraction) -> tuple[Shape, Shape]:
    """Chunks of two tracks at constant rates.

    Between two samples of the slower track stand n or n+1 of the faster one, spread as evenly as can
    be: of the two counts, the rarer one stands alone each time and makes two runs.
    """
    ratio = max(frames_per_packet, 1 / frames_per_packet)
    rarer = min(ratio % 1, -ratio % 1)
    slow = (
        (min(frames, packets + 1), packets) if frames_per_packet < 1 else (min(packets, frames + 1), frames)
    )
    fast_chunks = min(slow[1], slow[0] + 1)
    fast = fast_chunks, min(fast_chunks, 2 * math.ceil(fast_chunks * rarer) + _EDGE_RUNS)
    single = slow[0], min(slow[0], _EDGE_RUNS)
    return (single, fast) if frames_per_packet < 1 else (fast, single)


def _ragged(frames: int, packets: int) -> tuple[Shape, Shape]:
    """The costliest way to interleave two tracks: as many chunks as go with counts that keep changing.

    ``r`` runs over ``c`` chunks need a second sample in every other run: r <= 2·(samples - c) + 1.
    """
    few, many = min(frames, packets), max(frames, packets)

    def shapes(chunks: int) -> tuple[Shape, Shape]:
        others = min(many, chunks + 1)
        return (chunks, min(chunks, 2 * (few - chunks) + 1)), (others, min(others, 2 * (many - others) + 1))

    def cost(pair: tuple[Shape, Shape]) -> int:
        return sum(4 * chunks + 12 * stsc_runs for chunks, stsc_runs in pair)

    # The cost is concave in the chunks, so that its peak is where one of the two bounds takes over.
    peaks = {few, *(peak + d for peak in (2 * few // 3, 2 * many // 3) for d in (-1, 0, 1))}
    best = max((shapes(min(few, max(1, chunks))) for chunks in peaks), key=cost)
    return best if frames <= packets else (best[1], best[0])
