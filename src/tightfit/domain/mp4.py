"""How many bytes an MP4 file spends on everything that is not sample payload.

The arithmetic follows what libavformat's mp4 muxer writes through PyAV with ``movflags=+faststart``:
video as the first track, AAC or MP3 audio as the second, no chapters, packets handed over in order of
decode time. Clause numbers are those of ISO/IEC 14496-12; results are bytes.

A table stores runs of equal values, so its size hangs on how regular the file is: ``tables_from_packets``
counts the runs of a known file, ``predict_overhead`` bounds them before there is one.
"""

from __future__ import annotations

import heapq
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from itertools import groupby, pairwise, takewhile
from typing import Generic, Literal, NamedTuple, TypeVar

DEFAULT_ENCODER = "Lavf62.12.102"

_BOX = 8  # size and type (4.2); a full box adds 4 for version and flags
_FULL_BOX = 12
_FREE_AND_MDAT = 16  # free is there to give way to a 64-bit mdat size, so both kinds of header cost this
_WIDE_FROM = 2**31 - 1  # movenc takes version 1 headers from INT32_MAX on, though 32 bits would hold more
_OFFSET_LIMIT = 2**32 - 1
_CHUNK_LIMIT = 1 << 20  # build_chunks() lets no chunk reach 1 MiB
_EDGE_RUNS = 6  # where one track starts before or ends after the other, a steady pattern breaks


class Sample(NamedTuple):
    """One packet as the muxer gets it; times in ticks of its track's time scale.

    ``duration`` matters where the track ends; for 0 libavformat puts in what it knows of the stream.
    """

    dts: int
    pts: int
    duration: int
    size: int
    key: bool = True
    disposable: bool = False


Samples = Sequence[Sample]
Shape = tuple[int, int]  # chunks, stsc runs


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
    """The same for AAC, or for MP3 with ``has_roll=False`` and no extradata."""

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
    samples: Samples


@dataclass(frozen=True, kw_only=True)
class TrackTable:
    """Counts that set the size of a track's boxes.

    ``stts_runs`` are runs of equal durations, ``stsc_runs`` runs of chunks with equally many samples.
    ``edits`` is 2 where the track starts late (an empty edit comes first), else 1: an edit list is always
    written. The ``wide_`` flags say which headers need 64-bit times. ``payload_before_last`` is what
    all tracks have written before this track's last sample; None means everything.
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


_TEXT_TAGS = (
    "title artist album_artist composer album date encoding_tool comment genre copyright grouping lyrics "
    "description synopsis show episode_id network keywords"
)
_BYTE_TAGS = "media_type hd_video gapless_playback compilation"
_NUMBER = re.compile(r"\s*[-+]?0*[1-9]")  # an integer that is not 0
_LOCATION = re.compile(r"(?:\s*[-+]?(?:\d+\.?\d*|\.\d+)){2,3}(?:/(.*))?", re.DOTALL)


def metadata_bytes(tags: Mapping[str, str], encoder: str = DEFAULT_ENCODER) -> int:
    """The movie's udta (8.10.1) for a container's metadata; what movenc has no place for costs nothing.

    ``encoder`` is libavformat's name and version, which it adds; "" for a bit-exact file.
    """
    given = {"encoding_tool": encoder} | {key.lower(): value for key, value in tags.items()}
    # An ilst item is a box with a data box in it, which has a type and a locale: 8 + 16 bytes.
    texts = [given[key].encode() for key in _TEXT_TAGS.split() if given.get(key)]
    items = sum(24 + len(text) for text in texts) + 25 * sum(key in given for key in _BYTE_TAGS.split())
    items += 28 * sum(key in given for key in ("episode_sort", "season_number"))
    items += 32 * sum(bool(_NUMBER.match(given.get(key, ""))) for key in ("track", "disc"))
    items += 26 * bool(_NUMBER.match(given.get("tmpo", "")))
    place = _LOCATION.match(given.get("location", ""))
    loci = 35 + len((place[1] or "").encode()) if place else 0
    return _BOX + _FULL_BOX + 33 + _BOX + items + loci


UNTAGGED = metadata_bytes({})  # the encoder's name alone


def mp4_overhead(
    video: VideoTable, audio: AudioTable | None = None, *, payload_bytes: int, metadata_bytes: int = UNTAGGED
) -> int:
    """File size minus ``payload_bytes`` (the sizes of all samples), exactly."""
    tracks: tuple[VideoTable | AudioTable, ...] = (video, audio) if audio else (video,)
    head = video.format.ftyp_bytes + _FREE_AND_MDAT
    # The muxer measures the moov as if it stood last, and again with the offsets that this gives.
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
    edts = _BOX + 16 + table.edits * (20 if table.wide_edits else 12)
    mdia = _BOX + (44 if table.wide_media else 32) + 32 + table.format.handler + 1
    return _BOX + tkhd + edts + table.format.track_tags + mdia + _minf(table, wide_offsets)


def _minf(table: VideoTable | AudioTable, wide_offsets: bool) -> int:
    """8.4.4: dinf with dref and url (8.7.1, 8.7.2), stbl (8.5.1) and the boxes of the kind of media."""
    dinf = _BOX + 16 + 12
    stsd = 16 + table.format.entry_bytes
    stts = 16 + 8 * table.stts_runs
    stsc = 16 + 12 * table.stsc_runs
    stsz = 20 + (0 if table.uniform_size else 4 * table.samples)
    stco = 16 + (8 if wide_offsets else 4) * table.chunks
    return _BOX + dinf + _BOX + stsd + stts + stsc + stsz + stco + table.own_boxes


def tables_from_packets(
    video: Track[VideoFormat], audio: Track[AudioFormat] | None = None, *, movie_scale: int = 1000
) -> tuple[VideoTable, AudioTable | None]:
    """The tables of the file that these packets make.

    ``movie_scale`` is 1000 ticks a second up to libavformat 62; from 63 on it is the least common multiple
    of the streams' time bases, and long files get wide headers sooner. Empty packets are dropped, as
    the muxer does. Raises ValueError for packets that it would refuse (decode times that don't
    rise, a frame shown before it is decoded) and for a track without any.
    """
    scales = [video.timescale, *([audio.timescale] if audio else [])]
    samples = [_checked(video.samples), *([_checked(audio.samples)] if audio else [])]
    frames = samples[0]
    chunks, before = _layout(samples, scales)
    counts = [_counts(*row, movie_scale) for row in zip(samples, scales, chunks, before, strict=True)]
    delays = [s.pts - s.dts for s in frames]
    video_table = VideoTable(
        **asdict(counts[0]),
        format=video.format,
        keyframes=sum(s.key for s in frames),
        ctts_runs=runs(delays) if any(delays) else 0,
        disposable=any(s.disposable for s in frames),
    )
    return video_table, AudioTable(**asdict(counts[1]), format=audio.format) if audio else None


def runs(values: Iterable[object]) -> int:
    """The runs of equal neighbours in ``values``."""
    return sum(1 for _ in groupby(values))


def _checked(samples: Samples) -> list[Sample]:
    kept = [s for s in samples if s.size]
    if not kept:
        raise ValueError("a track without packets")
    if any(b.dts <= a.dts for a, b in pairwise(kept)):
        raise ValueError("decode times must rise from packet to packet")
    if any(s.pts < s.dts for s in kept):
        raise ValueError("a frame can't be shown before it is decoded")
    return kept


def interleaved(samples: Sequence[Samples], timescales: Sequence[int]) -> Iterator[tuple[int, Sample]]:
    """Packets with their track's number in the order av_interleaved_write_frame() writes them.

    That is by decode time, the lower track first where times are equal. It holds if they are handed
    over in that order; a track that is more than 10 s behind (max_interleave_delta) isn't waited for.
    """

    def timed(track: int) -> Iterator[tuple[int, int, Sample]]:
        factor = math.lcm(*timescales) // timescales[track]
        return ((s.dts * factor, track, s) for s in samples[track])

    return ((track, s) for _, track, s in heapq.merge(*map(timed, range(len(samples)))))


def _layout(samples: Sequence[Samples], timescales: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """Per track: the samples in each chunk, and the payload that stands before its last sample."""
    chunks: list[list[int]] = [[] for _ in samples]
    before_last = [0] * len(samples)
    written, chunk_bytes, previous = 0, 0, -1
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
    return chunks, before_last


def _counts(samples: Samples, timescale: int, chunks: list[int], before: int, movie_scale: int) -> TrackTable:
    first, last = samples[0], samples[-1]
    durations = [*(b.dts - a.dts for a, b in pairwise(samples)), last.duration]
    # The offset that shifts the timeline is the least of all frames decoded by time 0.
    leading = [first, *takewhile(lambda s: s.dts <= 0, samples)]
    start = first.dts + min(s.pts - s.dts for s in leading)
    end = max(s.pts + s.duration for s in samples)
    delay, edited = start * movie_scale // timescale, -(-(end - start) * movie_scale // timescale)
    return TrackTable(
        samples=len(samples),
        stts_runs=runs(durations),
        chunks=len(chunks),
        stsc_runs=runs(chunks),
        edits=2 if delay > 0 else 1,
        uniform_size=len({s.size for s in samples}) == 1,
        wide_media=sum(durations) >= _WIDE_FROM,
        wide_track=-(-end * movie_scale // timescale) >= _WIDE_FROM,
        wide_edits=max(edited, delay) >= _WIDE_FROM,
        payload_before_last=before,
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
    video_format: VideoFormat = VideoFormat(extradata_bytes=80, colour_tagged=True, has_pasp=True),
    audio_format: AudioFormat = AudioFormat(extradata_bytes=8),
    disposable: bool = False,
    metadata_bytes: int = UNTAGGED,
) -> int:
    """What ``mp4_overhead`` can be at most for a file that is not encoded yet.

    ``variable_rate`` says that frame times are not equally far apart in ticks (rounding counts); without
    it ``fps`` must be exact. ``keyframe_interval_frames`` is the mean distance of keyframes to reckon with,
    ``payload_bytes`` at least what will be written; ``packet_samples`` are those of an audio packet.

    The result exceeds the real figure by at most 700 bytes, 80 per MiB of payload, 8 for each frame
    without a ctts run of its own (with B-frames) and, at a variable rate, 8 for each frame without an
    stts run of its own and what tidier interleaving saves (with audio, some 5 bytes a frame). Where
    the frames' times are known, ``tables_from_packets`` on made-up sizes comes closer.
    """
    splits = 2 * payload_bytes // _CHUNK_LIMIT + 1  # a chunk and the sample that no longer fits fill 1 MiB
    ratio = None if variable_rate else Fraction(fps) * packet_samples / audio_rate
    shapes = _shapes(frames, audio_packets, ratio) if audio_packets else ((1, 1), (0, 0))
    worst = TrackTable(
        samples=frames,
        stts_runs=frames if variable_rate else min(frames, 4),
        chunks=shapes[0][0] + splits,
        stsc_runs=shapes[0][1] + 3 * splits,
        edits=2,
        wide_media=True,
        wide_track=True,
        wide_edits=True,
    )
    video = VideoTable(
        **asdict(worst),
        format=video_format,
        keyframes=min(frames, -(-frames // keyframe_interval_frames)),
        ctts_runs=frames if b_frames else 1,
        disposable=disposable,
    )
    heard = replace(worst, samples=audio_packets, stts_runs=3, chunks=shapes[1][0], stsc_runs=shapes[1][1])
    audio = AudioTable(**asdict(heard), format=audio_format) if audio_packets else None
    return mp4_overhead(video, audio, payload_bytes=payload_bytes, metadata_bytes=metadata_bytes)


def _shapes(frames: int, packets: int, frames_per_packet: Fraction | None) -> tuple[Shape, Shape]:
    """Chunks and stsc runs of two interleaved tracks, the video's first, costing no less than the real ones.

    At constant rates n or n+1 samples of the faster track stand between two of the slower one, spread
    as evenly as can be: of the two counts, the rarer one stands alone each time and makes two runs.
    At a variable rate any order can come. A run of its own for each chunk takes three samples in two
    chunks, so that the tables cost most, 21⅓ bytes for each sample of the shorter track, with two thirds
    as many chunks as it has samples; these shapes cost the same.
    """
    video_slower = frames <= packets if frames_per_packet is None else frames_per_packet < 1
    slow, fast = (frames, packets) if video_slower else (packets, frames)
    slow_chunks, fast_chunks = min(slow, fast + 1), min(fast, slow) + 1
    if frames_per_packet is None:
        slow_runs, fast_runs = slow_chunks // 9 + 2, fast_chunks
    else:
        ratio = max(frames_per_packet, 1 / frames_per_packet)
        rarer = min(ratio % 1, -ratio % 1)
        slow_runs, fast_runs = _EDGE_RUNS, 2 * math.ceil(fast_chunks * rarer) + _EDGE_RUNS
    shapes = (slow_chunks, slow_runs), (fast_chunks, fast_runs)
    return shapes if video_slower else (shapes[1], shapes[0])
