"""A file held against the rules of a destination, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from tightfit.domain.media_info import AudioStream, Hdr, MediaInfo, VideoStream
from tightfit.presets import Preset
from tightfit.units import format_bytes

# 59.94 and 60 are the same rule, and so is a rate that a time base of milliseconds rounds.
_FPS_SLACK = 1.01
_KBPS_SLACK = 1.02


@dataclass(frozen=True)
class Check:
    """One rule: its name, what the destination wants, what the file has."""

    rule: str
    wanted: str
    found: str
    ok: bool


def checks_of(preset: Preset, info: MediaInfo) -> list[Check]:
    """Every rule that the destination has, in the order in which people ask."""
    video, sounds = info.main_video, [a for a in info.audios if a.packets]
    found = [
        Check("size", f"at most {format_bytes(preset.limit_bytes)}", format_bytes(info.size), _fits(preset, info)),
        *_container(preset, info),
    ]
    if video is None:
        return [*found, Check("video", "a picture that moves", "none", False)]
    found += _duration(preset, video)
    found += _picture(preset, video)
    for sound in sounds:
        found += _sound(preset, sound, f"audio {sound.index} " if len(sounds) > 1 else "audio ")
    if most := preset.audio.max_tracks:
        found.append(Check("audio tracks", f"at most {most}", str(len(sounds)), len(sounds) <= most))
    return found


def _fits(preset: Preset, info: MediaInfo) -> bool:
    return info.size <= preset.limit_bytes


_SAME = {"matroska": "mkv"}


def _container(preset: Preset, info: MediaInfo) -> Iterator[Check]:
    held = [_SAME.get(name, name) for name in info.container.split(",")]
    if "mov" in held:
        # One demuxer reads both; the brand says which it is.
        brand = dict(info.metadata).get("major_brand", "").strip()
        held = ["mov"] if brand == "qt" else ["mp4"]
    elif held == ["mkv", "webm"]:
        held = ["webm"] if info.path.lower().endswith(".webm") else ["mkv"]
    if preset.containers:
        yield Check("container", " or ".join(preset.containers), held[0], held[0] in preset.containers)
    if not preset.edit_lists:
        yield Check("edit lists", "none", "some" if info.edit_lists else "none", not info.edit_lists)
        if info.index_first is not None:
            found = "before the media" if info.index_first else "behind the media"
            yield Check("index", "before the media", found, info.index_first)


def _duration(preset: Preset, video: VideoStream) -> Iterator[Check]:
    seconds = video.duration_s
    if least := preset.min_duration_s:
        yield Check("duration", f"at least {least:g} s", f"{seconds:.2f} s", seconds >= least)
    if most := preset.max_duration_s:
        yield Check("duration", f"at most {most:g} s", f"{seconds:.2f} s", seconds <= most)


def _picture(preset: Preset, video: VideoStream) -> Iterator[Check]:
    rules = preset.video
    if rules.codecs:
        yield Check("video codec", " or ".join(rules.codecs), video.codec, video.codec in rules.codecs)
        eight_bit = video.colour.hdr is Hdr.NONE and video.bit_depth == 8 and _is_420(video)
        found = f"{video.bit_depth} bit, {video.pix_fmt or 'unknown'}"
        if video.codec == "h264":
            yield Check("pixels", "8 bit, 4:2:0", found, eight_bit)
    fps: Fraction = video.fps
    if rules.min_fps:
        least = float(fps) * _FPS_SLACK >= rules.min_fps
        yield Check("frame rate", f"at least {rules.min_fps:g} fps", f"{float(fps):.2f} fps", least)
    if rules.max_fps:
        most = float(fps) <= rules.max_fps * _FPS_SLACK
        yield Check("frame rate", f"at most {rules.max_fps:g} fps", f"{float(fps):.2f} fps", most)
    yield from _size(preset, video)
    if rules.max_kbps:
        kbps = video.bytes * 8 / 1000 / max(video.duration_s, 0.001)
        found = f"{kbps:.0f} kb/s"
        yield Check("video rate", f"at most {rules.max_kbps} kb/s", found, kbps <= rules.max_kbps * _KBPS_SLACK)


def _is_420(video: VideoStream) -> bool:
    return (video.pix_fmt or "").startswith(("yuv420p", "yuvj420p", "nv12"))


def _size(preset: Preset, video: VideoStream) -> Iterator[Check]:
    """A portrait picture may turn the box on its side."""
    rules, (width, height) = preset.video, video.display_size
    upright = height > width and bool(rules.max_height)
    shown = f"{width}x{height}"
    least = rules.min_width or 0, rules.min_height or 0
    if any(least):
        yield Check("picture", f"at least {least[0]}x{least[1]}", shown, width >= least[0] and height >= least[1])
    if rules.max_width:
        box = (rules.max_width, rules.max_height or 0)
        across, down = (box[1], box[0]) if upright else box
        wanted = f"at most {across}x{down}" if down else f"at most {across} wide"
        yield Check("picture", wanted, shown, width <= across and (not down or height <= down))


def _sound(preset: Preset, sound: AudioStream, name: str) -> Iterator[Check]:
    rules = preset.audio
    if rules.codecs:
        yield Check(f"{name}codec", " or ".join(rules.codecs), sound.codec, sound.codec in rules.codecs)
    if rules.max_channels:
        wanted = f"at most {rules.max_channels}"
        yield Check(f"{name}channels", wanted, str(sound.channels), sound.channels <= rules.max_channels)
    if rules.max_rate_hz:
        wanted = f"at most {rules.max_rate_hz} Hz"
        yield Check(f"{name}rate", wanted, f"{sound.sample_rate} Hz", sound.sample_rate <= rules.max_rate_hz)
    if rules.max_kbps:
        ok = sound.kbps <= rules.max_kbps * _KBPS_SLACK
        yield Check(f"{name}bit rate", f"at most {rules.max_kbps} kb/s", f"{sound.kbps:.0f} kb/s", ok)
