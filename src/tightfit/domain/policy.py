"""How much a source may be and a child may take: one value for people's own files, one for strangers'.

The numbers of a source are refused before anything is decoded. Those of a child end it, so each is far beyond what
honest work takes: ``Work`` says how much there is to do, and a machine many times slower than the one that was measured
still gets the hardest of it done.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from tightfit.domain.media_info import MAX_PIXELS

# Containers that hold their own media. Playlists and scripts (hls, dash, concat, image2 …) name other files and are
# refused by not being here.
_USUAL_FORMATS = ("mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "mxf")
_RARE_FORMATS = (
    *("gif", "wav", "mp3", "aac", "flac", "rm", "ivf", "mpegvideo", "h264", "hevc", "nut", "dv", "m4v", "amr", "ac3"),
    *("caf", "aiff", "wtv", "gxf"),
)
# Names of decoders, several of them for one codec: about 95 % of public video and 93 % of its sound. The other five
# hundred are rarely used, rarely looked at, and where holes are found.
_USUAL_DECODERS = (
    *("h264", "hevc", "mpeg4", "msmpeg4v3", "msmpeg4", "mpeg2video", "mpeg1video", "vp8", "libvpx", "vp9"),
    *("libvpx-vp9", "av1", "libdav1d", "libaom-av1", "mjpeg", "prores", "dnxhd", "wmv3", "vc1", "h263", "theora"),
    *("aac", "aac_latm", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "dca", "opus", "libopus", "vorbis"),
    *("flac", "alac", "truehd", "amrnb", "amrwb", "wmav2", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_u8"),
    *("pcm_alaw", "pcm_mulaw", "subrip", "srt", "ass", "ssa", "mov_text", "webvtt", "text"),
)

# Pixels decoded, filtered, scored or encoded in a second of one core, where it goes slowest: noise of 10 bits and
# 4:4:4, encoded by x264's medium at CRF 8 on a busy machine (usual pictures: 17 to 80 million; two cores of 2026).
PIXELS_PER_S = 4e6
# A child that has nothing to do with pictures: seconds of CPU and of time that it may always take.
_LEAST_CPU_S = 60.0
_SPARE_FILE_BYTES, _FILE_FACTOR = 64_000_000, 1.2
_STDERR_BYTES, _STDERR_BYTES_PER_FRAME = 10_000_000, 256


@dataclass(frozen=True)
class Work:
    """What a child is given to do: pixels read and made, frames (its messages grow with them), and the bytes of the
    largest file that it is expected to write."""

    pixels: float = 0.0
    frames: int = 0
    file_bytes: float = 0.0


@dataclass(frozen=True)
class Limits:
    """What one child may take. ``file_bytes`` is for each file it writes, ``answer_bytes`` for what it says on stdout
    where that is kept, ``messages_bytes`` for stderr; None is no limit."""

    cpu_s: int | None = None
    wall_s: float | None = None
    file_bytes: int | None = None
    memory_bytes: int | None = None
    open_files: int = 256
    messages_bytes: int = _STDERR_BYTES
    answer_bytes: int = 1_000_000_000


@dataclass(frozen=True)
class Policy:
    """All limits there are. ``None`` is no limit; times are in seconds.

    ``most_*`` and ``least_side`` bound a source, ``formats`` and ``decoders`` name those that read it (None: all that
    ffmpeg has). A child gets ``cpu_factor`` times the CPU and ``wall_factor`` times the time that its work takes on one
    core at ``PIXELS_PER_S``, and at least ``least_wall_s``.
    """

    name: str
    most_bytes: int | None
    most_seconds: float | None
    most_frames: int | None
    most_fps: float | None
    most_pixels: int
    most_image_pixels: int
    most_image_frames: int
    most_streams: int
    least_side: int | None
    most_side: int | None
    most_aspect: int | None
    formats: tuple[str, ...]
    decoders: tuple[str, ...] | None
    cpu_factor: float
    wall_factor: float
    least_wall_s: float
    most_wall_s: float | None
    probe_s: float
    memory_bytes: int | None
    probe_memory_bytes: int | None

    def limits(self, work: Work) -> Limits:
        """What a child that has ``work`` to do may take."""
        estimate_s = work.pixels / PIXELS_PER_S
        wall_s = max(self.least_wall_s, self.wall_factor * estimate_s)
        return Limits(
            cpu_s=round(_LEAST_CPU_S + self.cpu_factor * estimate_s),
            wall_s=min(wall_s, self.most_wall_s or wall_s),
            file_bytes=round(_FILE_FACTOR * work.file_bytes) + _SPARE_FILE_BYTES,
            memory_bytes=self.memory_bytes,
            messages_bytes=_STDERR_BYTES + _STDERR_BYTES_PER_FRAME * work.frames,
        )

    @property
    def probing(self) -> Limits:
        """What the reader of containers may take: it writes no file."""
        return Limits(
            cpu_s=round(self.probe_s), file_bytes=0, memory_bytes=self.probe_memory_bytes, wall_s=self.probe_s
        )

    def facts(self) -> dict[str, object]:
        """Every limit by its name, for people and scripts."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


# For files of one's own: whatever is not an attack is taken on, however long it lasts.
LOCAL = Policy(
    name="local",
    most_bytes=None,
    most_seconds=None,
    most_frames=None,
    most_fps=None,
    most_pixels=MAX_PIXELS,
    # Phones make pictures of 200 megapixels (16320x12240).
    most_image_pixels=210_000_000,
    most_image_frames=10_000,
    most_streams=64,
    least_side=None,
    most_side=None,
    most_aspect=None,
    formats=_USUAL_FORMATS + _RARE_FORMATS,
    decoders=None,
    cpu_factor=40,
    wall_factor=160,
    least_wall_s=600,
    most_wall_s=None,
    # A packet table is read at the disk's speed: a hundred gigabytes in this time.
    probe_s=600,
    memory_bytes=None,
    probe_memory_bytes=None,
)
# For files of strangers on a machine that others use too.
SERVER = Policy(
    name="server",
    most_bytes=500_000_000,
    most_seconds=4 * 3600,
    most_frames=432_000,
    most_fps=240,
    most_pixels=MAX_PIXELS,
    most_image_pixels=64_000_000,
    most_image_frames=2_000,
    most_streams=64,
    least_side=16,
    most_side=8192,
    most_aspect=20,
    formats=_USUAL_FORMATS,
    decoders=_USUAL_DECODERS,
    cpu_factor=12,
    wall_factor=48,
    least_wall_s=300,
    most_wall_s=6 * 3600,
    probe_s=15,
    memory_bytes=4 << 30,
    # Address space, not memory in use: Python with libav maps half a gigabyte before it reads a byte.
    probe_memory_bytes=2 << 30,
)
POLICIES = {policy.name: policy for policy in (LOCAL, SERVER)}
