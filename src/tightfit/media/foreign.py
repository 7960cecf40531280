"""A render that somebody else made of a stretch of the clip: held against the source, and taken over as a piece.

Whoever made it could not be told how, so that nothing is believed: not the number of pictures, not their times, not
their size, and not that they show what the source shows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import ffmpeg as graph
from av.packet import Packet

from tightfit.domain.geometry import Size
from tightfit.domain.media_info import VideoStream
from tightfit.domain.pieces import Part
from tightfit.domain.policy import Work
from tightfit.domain.timeline import decode_times, is_whole
from tightfit.errors import SourceError
from tightfit.media import argv, nal, process
from tightfit.media.encode import Clip, cut_of, decoded_frames, part_of, seeks_of
from tightfit.media.probe import probe
from tightfit.media.score_logs import ssim_scores
from tightfit.media.tools import Ffmpeg

# A file's clock may be coarser than the source's, and round each time to it.
_MOST_ROUNDING_S = Fraction(1, 1000)
# Muxers without edit lists begin as late as pictures are reordered; what begins later was moved.
_LATEST_START_S = 0.25
# Both are compared at this width: made small, an encode still looks like its source, and other pictures don't. Of
# eight clips, encodes at CRF 28 had at least 0.98 and 0.97, at CRF 40 at least 0.89 and 0.87; pictures half a second
# late at most 0.94 and 0.85, other clips 0.60 and 0.47 (docs/cloud.md). What is worse than this is better made here.
# Never at more than half of their own width: noise that an encode smooths is no other picture, and goes with the
# averaging (a noisy clip of 192x108 at CRF 28 has 0.94 and 0.92 at a width of 160, 0.96 and 0.95 at half).
_COMPARED_WIDTH, _LEAST_MEAN, _LEAST_WORST = 160, 0.95, 0.85
# The worst is that of the worst hundredth: a picture or two at a hard cut may be smeared.
_WORST_SHARE = 0.01


class Unlike(Exception):
    """It is not what the source shows; the text says in what, to follow "the service returned"."""


@dataclass(frozen=True)
class Wanted:
    """Frames ``[first, last)`` of the clip, ``size`` the pictures' size."""

    first: int
    last: int
    size: Size

    @property
    def frames(self) -> int:
        return self.last - self.first


async def taken_over(ffmpeg: Ffmpeg, clip: Clip, wanted: Wanted, made: Path, out: Path, *, threads: int) -> Part:
    """Rewrite ``made``, an MP4 file, as the piece ``out``, its packets as they are on the clip's own timeline.

    ``crf`` of the part is 0: nobody knows it. Raises Unlike, EncoderError where the comparison itself fails.
    """
    try:
        info = await probe(made, ffmpeg.policy)
    except SourceError:
        raise Unlike("a file that can't be read") from None
    video = info.main_video
    if video is None:
        raise Unlike("a file without a picture")
    _require_alike(clip, wanted, video)
    try:
        _rewrite(clip, wanted, made, video.index, out)
    except (av.FFmpegError, ValueError, IndexError) as exc:
        raise Unlike(f"a file that can't be read ({exc})") from None
    part = part_of(clip, wanted.first, out, 0.0)
    if part is None or part.kept != wanted.frames or not is_whole(part.ranks):
        raise Unlike("other pictures than it was sent")
    await _require_sound(ffmpeg, wanted, out)
    mean, worst = await likeness(ffmpeg, clip, wanted, out, threads=threads)
    if mean < _LEAST_MEAN or worst < _LEAST_WORST:
        raise Unlike(f"another picture than the source's (SSIM {mean:.2f}, at worst {worst:.2f})")
    return part


def _require_alike(clip: Clip, wanted: Wanted, video: VideoStream) -> None:
    """Everything that the container tells. Raises Unlike."""
    if video.codec != "h264" or video.pix_fmt != "yuv420p":
        raise Unlike(f"{video.codec} in {video.pix_fmt or 'an unknown form'} instead of H.264 in yuv420p")
    size = video.display_size
    if size != (wanted.size.width, wanted.size.height) or (video.width, video.height) != size:
        raise Unlike(f"pictures of {size[0]}x{size[1]} instead of {wanted.size}")
    if video.frames != wanted.frames:
        raise Unlike(f"{video.frames} pictures instead of {wanted.frames}")
    planned = clip.pts[wanted.first : wanted.last]
    rounding = max(_MOST_ROUNDING_S, video.time_base, clip.video.time_base)
    for shown, meant in zip(video.pts, planned, strict=True):
        off = (shown - video.pts[0]) * video.time_base - (meant - planned[0]) * clip.video.time_base
        if abs(off) > rounding:
            raise Unlike(f"pictures at other times (by {float(off):+.3f} s)")
    if abs(float(video.pts[0] * video.time_base)) > _LATEST_START_S:
        raise Unlike(f"pictures that begin at {float(video.pts[0] * video.time_base):.2f} s instead of 0")


def _rewrite(clip: Clip, wanted: Wanted, made: Path, index: int, out: Path) -> None:
    """Copy the packets into a NUT file as our encoder would have written it. Raises ValueError, av.FFmpegError."""
    base, planned = clip.video.time_base, clip.pts[wanted.first : wanted.last]
    lead, rows = argv.lead_ticks(base), [(pts, is_key) for pts, is_key, _ in _coded(made, index)]
    rank = {pts: n for n, pts in enumerate(sorted(pts for pts, _ in rows))}
    if len(rank) != wanted.frames or len(rows) != wanted.frames:
        raise ValueError("two pictures at one time")
    if not rows[0][1] or rank[rows[0][0]] != 0:
        raise ValueError("it does not begin with a keyframe")
    decoded_at = decode_times(planned, [rank[pts] for pts, _ in rows], clip.video.frame_ticks)
    with av.open(argv.ours(made), format="mov") as source, av.open(argv.ours(out), "w", format="nut") as sink:
        template = source.streams[index]
        sets, length_bytes = nal.annex_b_sets(template.codec_context.extradata or b"")
        track = sink.add_stream_from_template(template, opaque=True)
        track.codec_context.extradata = sets
        track.time_base = base
        for dts, (pts, is_key, data) in zip(decoded_at, _coded(made, index), strict=True):
            copied = Packet(nal.start_coded(data, length_bytes))
            copied.stream, copied.time_base = track, base
            copied.pts, copied.dts, copied.is_keyframe = planned[rank[pts]] + lead, dts + lead, is_key
            sink.mux(copied)


def _coded(made: Path, index: int) -> Iterator[tuple[int, bool, bytes]]:
    """The pictures of a stream in the order in which they are decoded: time, whether one may begin there, bytes."""
    with av.open(argv.ours(made), format="mov") as source:
        for packet in source.demux(source.streams[index]):
            if packet.size and packet.pts is not None:
                yield packet.pts, packet.is_keyframe, bytes(packet)


async def _require_sound(ffmpeg: Ffmpeg, wanted: Wanted, piece: Path) -> None:
    """Decode it all. Raises Unlike at the first complaint: what is published has to decode without a word."""
    output = graph.output(
        argv.own_input(piece, "nut"), "-", f="null", fps_mode="passthrough", enc_time_base="1/1000000"
    )
    limits = ffmpeg.policy.limits(Work(wanted.frames * wanted.size.pixels, wanted.frames))
    command = argv.command(ffmpeg.path, output, strict=True)
    done = await process.run(command, cwd=piece.parent, on_line=process.unheard, limits=limits)
    if done.returncode != 0 or done.stderr.strip():
        raise Unlike(f"pictures that don't decode cleanly ({done.last_message})")


async def likeness(ffmpeg: Ffmpeg, clip: Clip, wanted: Wanted, piece: Path, *, threads: int) -> tuple[float, float]:
    """SSIM (Wang et al. 2004, ffmpeg's ``ssim`` filter, luma and chroma) of ``piece`` against the source's frames.

    Both are made small first, by averaging. The mean of all frames, and the first percentile. Raises EncoderError.
    """
    first, last = wanted.first, wanted.last
    source = argv.source_input(clip.info, ffmpeg.policy, threads=threads, seek_s=seeks_of(clip, first)[0])
    steps, before = clip.picture.steps(wanted.size), clip.picture.whole()
    full = argv.frames_of(source, clip.video, cut_of(clip, first, last), steps, before=before)
    shown = argv.own_input(piece, "nut", threads=threads)["v:0"]
    log = f"ssim-{first}-{last}-{piece.stem}.log"
    pair = [_small(node, wanted.size) for node in (shown, full)]
    command = argv.command(ffmpeg.path, graph.output(graph.filter(pair, "ssim", stats_file=log), "-", f="null"))
    decoded = decoded_frames(clip, last, seeks_of(clip, first)[0]) + wanted.frames
    work = Work(decoded * (clip.video.pixels + wanted.size.pixels), decoded, _LOG_BYTES_PER_FRAME * wanted.frames)
    done = await process.run(command, cwd=piece.parent, on_line=process.unheard, limits=ffmpeg.policy.limits(work))
    scores = ssim_scores(piece.parent / log)
    if done.returncode != 0 or len(scores) != wanted.frames:
        raise Unlike(f"pictures that can't be decoded ({done.last_message})")
    ordered = sorted(scores)
    return sum(scores) / len(scores), ordered[int(_WORST_SHARE * len(ordered))]


_LOG_BYTES_PER_FRAME = 200


def _small(node: Any, size: Size) -> Any:
    """Frame n at time n on both sides, so that the n-th is compared with the n-th."""
    width = min(max(16, size.width // 4 * 2), _COMPARED_WIDTH)
    height = max(16, 2 * round(size.height * width / size.width / 2))
    small = node.filter("scale", width, height, flags="area").filter("format", "yuv420p")
    return small.filter("settb", "1/1000").filter("setpts", "N")
