"""What becomes of the sound: encoded once for the whole clip, copied, or (last) left out. In bytes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from tightfit.domain.media_info import AudioStream
from tightfit.domain.request import AudioChoice

STEREO_KBPS = (32, 40, 48, 64, 80, 96, 112, 128, 160)
MONO_KBPS = (16, 20, 24, 32, 40, 48, 64, 80, 96)
# AAC-LC in 5.1 needs about three times what stereo does; below the first step it is mixed down.
SURROUND_KBPS = (192, 224, 256, 320, 384)
_SURROUND_CHANNELS = 6
# An encoder that is told a rate comes out this near it.
_RATE_SLACK = 1.02
# Codecs that MP4 may hold and that phones, browsers and chat hosts play from it.
COPYABLE = {"aac", "mp3"}
# Sound's part of the whole: a fifth where everything is starved, a tenth where there is plenty.
_SHARE_STARVED, _SHARE_RICH = 0.20, 0.10
_STARVED_KBPS, _RICH_KBPS = 100.0, 1000.0
# Sound that would take more than this of the file leaves no picture worth having.
MOST_OF_FILE = 0.6
# 60 dB below the middle signal: what the left and right ear get is the same.
SAME_BOTH_SIDES_DB = -60.0
SILENCE_DB = -80.0
# AAC-LC frames hold 1024 samples (ISO/IEC 14496-3).
AAC_FRAME_SAMPLES = 1024


class AudioKind(StrEnum):
    NONE = "none"
    COPY = "copy"
    ENCODE = "encode"


@dataclass(frozen=True)
class Loudness:
    """RMS levels in dB below full scale of the middle (L+R)/2 and the side (L-R)/2 signal.

    ``damaged`` where the track did not decode without a word: such a one is not copied.
    """

    middle_db: float
    side_db: float
    damaged: bool = False

    @property
    def silent(self) -> bool:
        return max(self.middle_db, self.side_db) < SILENCE_DB

    @property
    def same_both_sides(self) -> bool:
        return self.side_db < SILENCE_DB or self.side_db < self.middle_db + SAME_BOTH_SIDES_DB


@dataclass(frozen=True)
class AudioPlan:
    """``kbps`` and ``channels`` as they will be; ``reason`` is a sentence, ``warning`` one that must be seen.

    ``unreadable`` where there is none since nothing of the track can be decoded.
    """

    kind: AudioKind
    kbps: float = 0.0
    channels: int = 0
    sample_rate: int = 0
    reason: str = ""
    warning: str = ""
    codec: str = "aac"
    unreadable: bool = False

    def expected_bytes(self, duration_s: float) -> int:
        return math.ceil(self.kbps * 1000 / 8 * duration_s)


def fair_kbps(limit_bytes: int, duration_s: float) -> float:
    """Sound's share of the limit in kb/s, log-linear between the starved and the rich end."""
    total = limit_bytes * 8 / 1000 / duration_s
    position = math.log(max(total, 1.0) / _STARVED_KBPS) / math.log(_RICH_KBPS / _STARVED_KBPS)
    share = _SHARE_STARVED + (_SHARE_RICH - _SHARE_STARVED) * min(1.0, max(0.0, position))
    return total * share


@dataclass(frozen=True)
class SoundRules:
    """What the file takes: codecs that may be copied (None: any), channels, hertz and kb/s at most.

    ``share`` is what this track gets of the usual rate, ``codec`` what it is made to where it is not copied.
    """

    copyable: frozenset[str] | None = frozenset(COPYABLE)
    most_channels: int | None = None
    most_rate: int | None = None
    most_kbps: int | None = None
    share: float = 1.0
    codec: str = "aac"

    def allow(self, stream: AudioStream) -> bool:
        """Whether the stream may go into the file as it is."""
        too_many = self.most_channels is not None and stream.channels > self.most_channels
        too_fine = self.most_rate is not None and stream.sample_rate > self.most_rate
        if self.most_kbps is not None and stream.kbps > self.most_kbps * _RATE_SLACK:
            return False
        return (self.copyable is None or stream.codec in self.copyable) and not too_many and not too_fine


ANY_SOUND = SoundRules()


def plan_audio(
    stream: AudioStream | None,
    choice: AudioChoice,
    limit_bytes: int,
    duration_s: float,
    loudness: Loudness,
    rules: SoundRules = ANY_SOUND,
    *,
    may_copy: bool = True,
) -> AudioPlan:
    """Decide from the wish, the budget and the content. Pure; bytes are counted after the encode.

    Without ``may_copy`` (the sound is edited) no wish but ``copy`` copies it.
    """
    if stream is None:
        return AudioPlan(AudioKind.NONE, reason="the source has no sound")
    if choice == "none":
        return AudioPlan(AudioKind.NONE, reason="sound was not wanted")
    if choice == "copy":
        return _copy(stream, "the sound is copied as asked")
    wanted = _encode(stream, choice, limit_bytes, duration_s, loudness, rules)
    may_copy = may_copy and choice == "auto" and not loudness.damaged
    if may_copy and rules.allow(stream) and 0 < stream.kbps <= wanted.kbps * 1.05:
        return _copy(stream, f"the source's own sound is already small ({stream.kbps:.0f} kb/s) and is copied")
    return wanted


def _copy(stream: AudioStream, reason: str) -> AudioPlan:
    return AudioPlan(AudioKind.COPY, stream.kbps, stream.channels, stream.sample_rate, reason, codec=stream.codec)


def _encode(
    stream: AudioStream,
    choice: AudioChoice,
    limit_bytes: int,
    duration_s: float,
    loudness: Loudness,
    rules: SoundRules,
) -> AudioPlan:
    fair = float(choice) if isinstance(choice, int) else fair_kbps(limit_bytes, duration_s) * rules.share
    if choice == "auto" and rules.most_kbps:
        fair = min(fair, float(rules.most_kbps))
    channels = _channels(stream, fair, loudness, rules)
    ladder = MONO_KBPS if channels == 1 else STEREO_KBPS if channels == 2 else SURROUND_KBPS
    kbps = float(choice) if isinstance(choice, int) else _step_at_or_below(ladder, fair)
    if loudness.silent and choice == "auto":
        kbps = float(MONO_KBPS[0])
    if choice == "auto" and stream.kbps > 0:
        kbps = min(kbps, max(float(ladder[0]), stream.kbps))
    reason = f"sound at {kbps:.0f} kb/s {_LAYOUTS.get(channels, f'in {channels} channels')}"
    if channels == 1 and stream.channels >= 2:
        reason += (
            ", since both sides carry the same"
            if loudness.same_both_sides
            else ", since stereo would starve at this size"
        )
    elif channels == 2 and stream.channels > 2:
        reason += f", mixed down from {stream.channels} channels, which would starve at this size"
    rate = min(stream.sample_rate, rules.most_rate or stream.sample_rate)
    # Opus is always 48 kHz to a decoder (RFC 7845, 5.1).
    rate = 48_000 if rules.codec == "opus" else _sample_rate(rate, kbps / channels)
    return AudioPlan(AudioKind.ENCODE, kbps, channels, rate, reason, codec=rules.codec)


_LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}


def _channels(stream: AudioStream, fair: float, loudness: Loudness, rules: SoundRules) -> int:
    most = min(stream.channels, rules.most_channels or stream.channels, _SURROUND_CHANNELS)
    # A source of few bits has no more than two channels' worth of sound in it.
    worth_it = min(fair, 2 * stream.kbps) >= SURROUND_KBPS[0]
    if most > 2 and worth_it and not loudness.same_both_sides and not loudness.silent:
        return most
    return 2 if most >= 2 and not loudness.same_both_sides and fair >= STEREO_KBPS[1] else 1


def _step_at_or_below(ladder: tuple[int, ...], kbps: float) -> float:
    return float(max((step for step in ladder if step <= kbps), default=ladder[0]))


def _sample_rate(source: int, kbps_per_channel: float) -> int:
    """Rates that AAC-LC can use well: what a channel of few bits can't carry is better not sampled."""
    most = 24000 if kbps_per_channel < 24 else 32000 if kbps_per_channel < 32 else 48000
    if source <= most and source in (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000):
        return source
    return min(most, 48000) if source > most else 48000


def packets_expected(plan: AudioPlan, duration_s: float) -> int:
    """AAC packets for this long, with one frame of priming and one of flush."""
    if plan.kind is AudioKind.NONE:
        return 0
    return math.ceil(duration_s * plan.sample_rate / AAC_FRAME_SAMPLES) + 2


def drop(plan: AudioPlan) -> AudioPlan:
    """The last resort, said aloud."""
    return AudioPlan(
        AudioKind.NONE,
        reason=f"the sound is left out: even at {plan.kbps:.0f} kb/s it would take most of the file",
        warning="The sound was left out: at this size there is no room for it beside a picture.",
    )


def over_early() -> AudioPlan:
    """A track of which nothing is heard, since the pictures that went with it are lost."""
    why = "it is over before the first picture that can be decoded"
    return AudioPlan(
        AudioKind.NONE, reason=f"the sound is left out, since {why}", warning=f"The sound was left out: {why}."
    )


def broken(said: str) -> AudioPlan:
    """A track that can't be decoded: the picture is worth having without it."""
    return AudioPlan(
        AudioKind.NONE,
        reason="the sound is left out, since it can't be decoded",
        warning=f"The sound was left out: {said.removesuffix('.')}.",
        unreadable=True,
    )
