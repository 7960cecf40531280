"""Sounds without a picture: the files that are made of them, and how many channels and samples a limit can carry."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import product

from tightfit.domain.media_info import AudioStream


@dataclass(frozen=True)
class SoundFormat:
    """``encoder`` and ``muxer`` are ffmpeg's names; rates are bits per second, for each channel.

    Below ``stereo_from`` for both channels together one channel sounds better (listening tests of the codecs' authors
    put it there or a little higher). ``step`` is the least difference between two bit rates that the encoder knows.
    """

    name: str
    title: str
    extensions: tuple[str, ...]
    codec: str
    encoder: str
    muxer: str
    least_rate: int
    most_rate: int
    stereo_from: int
    most_channels: int
    keeps_cover: bool
    step: int = 0


FORMATS = {
    f.name: f
    for f in (
        SoundFormat("mp3", "MP3", (".mp3",), "mp3", "libmp3lame", "mp3", 8_000, 160_000, 56_000, 2, True, step=1000),
        SoundFormat("m4a", "M4A", (".m4a",), "aac", "aac", "ipod", 10_000, 192_000, 40_000, 6, True),
        SoundFormat("aac", "AAC", (".aac",), "aac", "aac", "adts", 10_000, 192_000, 40_000, 6, False),
        SoundFormat("opus", "Opus", (".opus", ".ogg"), "opus", "libopus", "opus", 6_000, 192_000, 24_000, 6, False),
        SoundFormat("wav", "WAV", (".wav",), "pcm_s16le", "pcm_s16le", "wav", 64_000, 2_304_000, 0, 6, False),
    )
}
SOUND_EXTENSIONS = tuple(extension for f in FORMATS.values() for extension in f.extensions)
# Rates at which a channel's bits are best spent, by ITU-R BS.1196's and the encoders' own tables: (bits per second of a
# channel below which, samples per second).
_RATES = ((12_000, 12_000), (16_000, 16_000), (24_000, 24_000), (32_000, 32_000))
# Every encoder here knows these, the last three for MPEG-2 and 2.5.
_COMMON_RATES = (48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000)
# Above 24 kHz an MP3 is MPEG-1, which has no bit rate below 32 kb/s (ISO/IEC 11172-3, 2.4.2.3).
_MPEG_1_FROM = 40_000
# More channels than two are kept from this many bits per second of each on.
_SURROUND_FROM = 32_000


def format_named(extension: str) -> SoundFormat | None:
    """The format for this extension; None where it is no sound's."""
    return next((f for f in FORMATS.values() if extension.lower() in f.extensions), None)


def natural_format(extension: str, codec: str) -> SoundFormat:
    """What a sound becomes where nobody says: its own kind where that is one of ours, else what its codec suggests."""
    if own := format_named(extension):
        return own
    return next((f for f in FORMATS.values() if f.codec == codec), FORMATS["m4a"])


@dataclass(frozen=True)
class Shape:
    """Channels and samples per second of what is encoded. ``bits`` is a sample's size, for WAV alone."""

    channels: int
    sample_rate: int
    bits: int = 16


def shape_for(form: SoundFormat, stream: AudioStream, bits_per_s: float, *, same_both_sides: bool) -> Shape:
    """As much of the source as so many bits per second carry well."""
    channels = max(1, min(stream.channels, form.most_channels))
    if channels > 2 and bits_per_s < _SURROUND_FROM * channels:
        channels = 2
    if channels == 2 and (same_both_sides or bits_per_s < form.stereo_from):
        channels = 1
    if form.name == "opus":
        # Opus has its own bandwidths and always counts in 48 kHz (RFC 6716, 2.1.3).
        return Shape(channels, 48_000)
    most = next((rate for below, rate in _RATES if bits_per_s / channels < below), 48_000)
    if form.name == "mp3" and bits_per_s < _MPEG_1_FROM:
        most = min(most, 24_000)
    rates = [rate for rate in _COMMON_RATES if rate <= most]
    own = stream.sample_rate
    return Shape(channels, own if own in rates else next((r for r in rates if r <= own), rates[-1]))


# A WAV file's header, RIFF, fmt and data, and the extensible fmt of more than two channels or 16 bits.
_WAV_HEADER, _WAV_EXTENSION = 44, 24
# Resampling may round up and add a few samples.
_SPARE_SAMPLES = 64
_STEREO_WORTH = 1.5
_NARROW = 8_000


def wav_bytes(shape: Shape, seconds: float, tags: Iterable[tuple[str, str]]) -> int:
    """The most that a WAV file of this shape takes; ``tags`` each have a chunk in a list."""
    samples = int(seconds * shape.sample_rate) + _SPARE_SAMPLES
    words = sum(len(value.encode()) + 10 for _, value in tags)
    return samples * shape.channels * shape.bits // 8 + _WAV_HEADER + _WAV_EXTENSION + (12 + words if words else 0)


def wav_shape(
    stream: AudioStream, limit: int, tags: Iterable[tuple[str, str]], *, same_both_sides: bool, deep: bool
) -> Shape | None:
    """The best WAV within ``limit`` bytes; ``deep`` where the source has more than 16 bits. None where none fits.

    Both channels are worth a little less than twice the bandwidth; eight bits, which hiss, are the last resort.
    """
    tags = tuple(tags)
    most = max(1, min(stream.channels, 6))
    counts = [1] if same_both_sides and most == 2 else sorted({most, min(most, 2), 1})
    own = stream.sample_rate
    rates = sorted({own, *(rate for rate in _COMMON_RATES if rate <= own)})
    depths = (24, 16) if deep else (16,)
    shapes = [Shape(channels, rate, bits) for channels, rate, bits in product(counts, rates, depths)]
    fitting = [shape for shape in shapes if wav_bytes(shape, stream.duration_s, tags) <= limit]
    if fitting:
        return max(fitting, key=lambda shape: (_worth(shape), shape.bits))
    last = Shape(1, min(_NARROW, own), 8)
    return last if wav_bytes(last, stream.duration_s, tags) <= limit else None


def _worth(shape: Shape) -> float:
    return min(shape.sample_rate, 48_000) * (_STEREO_WORTH if shape.channels > 1 else 1.0) + shape.channels
