"""How many bytes an MP4 file spends on everything that is not sample payload.

The arithmetic follows what libavformat's mp4 muxer writes through PyAV with ``movflags=+faststart`` and
``chunk_duration=INTERLEAVE_US``: video as the first track, AAC or MP3 audio as the second, no chapters,
packets handed over in order of decode time. Clause numbers are those of ISO/IEC 14496-12.

A table stores runs of equal values, so its size hangs on how regular the file is: ``tables_from_packets``
counts the runs of a known file, ``predict_overhead`` bounds them before there is one.
"""

from __future__ import annotations

import heapq
import math
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import partial
from itertools import groupby, pairwise, takewhile
from typing import Generic, Literal, NamedTuple, TypeVar

DEFAULT_ENCODER = "Lavf62.12.102"
# Sound and picture alternate by the second: by the packet, as is usual, chunks would cost 20 bytes a frame.
INTERLEAVE_US = 1_000_000

_BOX = 8  # size and type (4.2); a full box adds 4 for version and flags
_FULL_BOX = 12
_FREE_AND_MDAT = 16  # free is there to give way to a 64-bit mdat size, so both kinds of header cost this
_WIDE_FROM = 2**31 - 1  # movenc takes version 1 headers from INT32_MAX on, though 32 bits would hold more
_OFFSET_LIMIT = 2**32 - 1
_CHUNK_LIMIT = 1 << 20  # build_chunks() lets no chunk reach 1 MiB
_PATIENCE_US = 10_000_000  # max_interleave_delta
_PAUSE_S = 8  # with the chunks before and after, a track absent for so long may exhaust that


class Sample(NamedTuple):
    """One packet as the muxer gets it, times in ticks. libavformat guesses a ``duration`` that is 0."""

    dts: int
    pts: int
    duration: int
    size: int
    key: bool = True
    disposable: bool = False


Samples = Sequence[Sample]
CodedAs = Literal["h264", "hevc", "av1"]
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
    codec: CodedAs = "h264"
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
    """A track to be muxed, ``samples`` in decode order. ``timescale`` is the muxer's: at least 10 000."""

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
    size = _BOX + (120 if any(table.wide_track for table in tracks) else 108) + udta
    for table in tracks:
        before = payload if table.payload_before_last is None else table.payload_before_last
        size += trak_bytes(table, wide_offsets=payload_at + before > _OFFSET_LIMIT)
    return size


def trak_bytes(table: VideoTable | AudioTable, wide_offsets: bool) -> int:
    """8.3.1: tkhd (8.3.2), edts and elst (8.6.5, 8.6.6), mdia (8.4.1) with mdhd (8.4.2), hdlr (8.4.3) and
    minf (8.4.4): dinf with dref and url (8.7.1, 8.7.2), stbl (8.5.1) and the boxes of the kind of media."""
    tkhd = 104 if table.wide_track else 92
    edts = _BOX + 16 + table.edits * (20 if table.wide_edits else 12)
    mdia = _BOX + (44 if table.wide_media else 32) + 32 + table.format.handler + 1
    dinf = _BOX + 16 + 12
    stsd = 16 + table.format.entry_bytes
    stts = 16 + 8 * table.stts_runs
    stsc = 16 + 12 * table.stsc_runs
    stsz = 20 + (0 if table.uniform_size else 4 * table.samples)
    stco = 16 + (8 if wide_offsets else 4) * table.chunks
    minf = _BOX + dinf + _BOX + stsd + stts + stsc + stsz + stco + table.own_boxes
    return _BOX + tkhd + edts + table.format.track_tags + mdia + minf


def tables_from_packets(
    video: Track[VideoFormat], audio: Track[AudioFormat] | None = None, *, movie_scale: int = 1000
) -> tuple[VideoTable, AudioTable | None]:
    """The tables of the file that these packets make.

    ``movie_scale`` is 1000 ticks a second up to libavformat 62, from 63 on the least common multiple of the
    time scales. Empty packets are dropped; ValueError is raised for none and for times the muxer refuses.
    """
    scales = [video.timescale, *([audio.timescale] if audio else [])]
    samples = [_checked(video.samples), *([_checked(audio.samples)] if audio else [])]
    layout = _layout(samples, scales)
    counts = [_counts(*row, movie_scale) for row in zip(samples, scales, *layout, strict=True)]
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
    """The runs of equal neighbours in ``values``."""
    return sum(1 for _ in groupby(values))


def _checked(samples: Samples) -> list[Sample]:
    kept = [s for s in samples if s.size]
    if not kept:
        raise ValueError("a track without packets")
    if any(b.dts <= a.dts for a, b in pairwise(kept)) or any(s.pts < s.dts for s in kept):
        raise ValueError("decode times must rise from packet to packet and be none after its frame is shown")
    return kept


def interleaved(samples: Sequence[Samples], timescales: Sequence[int]) -> Iterator[tuple[int, Sample]]:
    """Packets with their track's number, the video's 0, as av_interleaved_write_frame() writes them.

    They come to it by decode time, the lower track first where times are equal. One track's packets are
    queued until the other track starts a chunk, and the other's pass meanwhile; from a queue longer than
    max_interleave_delta some are let go. A chunk starts when the durations since the last start make
    more than a chunk's or, being compared as unsigned, less than 0. A start that is off the grid of
    whole chunks (for video, of their middles) brings the next one an eighth of the way nearer to it.
    """
    common = math.lcm(*timescales)
    lanes = ([(s.dts * (common // scale), n, s) for s in samples[n]] for n, scale in enumerate(timescales))
    limits = [-(-INTERLEAVE_US * scale // 10**6) for scale in timescales]
    spent = [0] * len(limits)
    queue: deque[tuple[int, int, Sample]] = deque()
    for time, track, sample in heapq.merge(*lanes):
        limit = limits[track]
        spent[track] += sample.duration
        if not 0 <= spent[track] <= limit:
            at = sample.dts + (limit // 2 if track == 0 else 0)
            spent[track] += int((at - _nearest(at, limit) * limit) / 8) - limit
        elif queue and queue[0][1] != track:
            yield track, sample
            continue
        now = _nearest(time * 10**6, common)
        while queue and (queue[0][1] != track or now - queue[0][0] > _PATIENCE_US):
            yield queue.popleft()[1:]
        queue.append((now, track, sample))
    yield from (row[1:] for row in queue)


def _nearest(value: int, unit: int) -> int:
    """``value / unit``, rounded as AV_ROUND_NEAR_INF does: halves away from zero."""
    return (abs(value) + unit // 2) // unit * (1 if value >= 0 else -1)


def _layout(samples: Sequence[Samples], timescales: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """Per track: the samples in each chunk, and the payload that stands before its last sample."""
    chunks: list[list[int]] = [[] for _ in samples]
    before_last = [0] * len(samples)
    written, chunk_bytes, previous = 0, 0, -1
    for track, sample in interleaved(samples, timescales):
        if track != previous or chunk_bytes + sample.size >= _CHUNK_LIMIT:
            chunks[track].append(0)
            chunk_bytes = 0
        chunks[track][-1] += 1
        chunk_bytes += sample.size
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
    stts_runs: int | None = None,
    audio_start_s: float | None = None,
    packet_samples: int = 1024,
    video_format: VideoFormat = VideoFormat(extradata_bytes=80, colour_tagged=True, has_pasp=True),
    audio_format: AudioFormat = AudioFormat(extradata_bytes=8),
    metadata_bytes: int = UNTAGGED,
) -> int:
    """What ``mp4_overhead`` can be at most for a file that is not encoded yet.

    ``stts_runs`` are those of the distances between the frames' pts. Where they aren't known, each frame of a
    ``variable_rate`` may be one; where they are, variable means only that a frame lasts for 8 s or more.
    ``fps`` is the mean. ``audio_start_s`` is when the first packet comes if the first frame is shown at 0;
    if it isn't given, or packets of ``packet_samples`` don't follow without gaps, any order is feared.

    The result exceeds the real figure by at most 700 bytes, 80 per MiB of payload, 24 per second of sound
    and 8 for each frame without a run of its own in ctts (with B-frames) and stts (if those are guessed).
    Add 200 per second for frames of 8 s, or 22 a frame for any order (see ``_alternation``).
    """
    splits = 2 * payload_bytes // _CHUNK_LIMIT + 1  # a chunk and the sample that no longer fits fill 1 MiB
    pauses = float(frames / fps) / _PAUSE_S if variable_rate else 0.0
    packet_s = packet_samples / audio_rate
    chunks, stsc_runs = _alternation(frames, audio_packets, packet_s, audio_start_s, pauses)
    guessed = frames if variable_rate else 2
    steps = min(frames, (guessed if stts_runs is None else stts_runs) + 2)  # of dts: two at the ends differ
    worst = partial(TrackTable, edits=2, wide_media=True, wide_track=True, wide_edits=True)
    seen = worst(samples=frames, stts_runs=steps, chunks=chunks + splits, stsc_runs=stsc_runs + 3 * splits)
    keys, delays = min(frames, -(-frames // keyframe_interval_frames)), frames if b_frames else 1
    video = VideoTable(**asdict(seen), format=video_format, keyframes=keys, ctts_runs=delays)
    heard = worst(samples=audio_packets, stts_runs=3, chunks=chunks, stsc_runs=stsc_runs)
    audio = AudioTable(**asdict(heard), format=audio_format) if audio_packets else None
    return mp4_overhead(video, audio, payload_bytes=payload_bytes, metadata_bytes=metadata_bytes)


def _alternation(frames: int, packets: int, packet_s: float, start_s: float | None, pauses: float) -> Shape:
    """Chunks and stsc runs that cost no less, in both tracks, than the real ones.

    Sound that starts its first chunk near the grid (see ``interleaved``) keeps to it. From 8 packets early on
    the sum of durations gets below 0 and sinks on. Any order can come of that: at worst 21⅓ bytes for each
    sample of the shorter track, with one and two of them in its chunks by turns. When a track was absent,
    a chunk's worth of packets can go through one by one before the next start.
    """
    chunks, chunk_s = min(frames, packets) + 1, INTERLEAVE_US / 10**6
    early = chunk_s / 2 - ((start_s or 0) + chunk_s / 2) % chunk_s  # or up to a packet more
    steady = chunk_s <= 16 * packet_s or 0.1 * packet_s - chunk_s / 2 < early < 6.9 * packet_s
    if start_s is None or not steady:
        return chunks, chunks * 5 // 9 + 2
    waits = pauses + (abs(start_s) > _PAUSE_S)
    turns = math.ceil((packets + 9) * packet_s / chunk_s + waits * (chunk_s / packet_s + 2)) + 3
    return min(turns, chunks), min(turns, chunks)
