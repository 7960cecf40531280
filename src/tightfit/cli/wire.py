"""Values as plain dicts, ready for JSON: what scripts, pages and agents are told, in one place."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction

    from tightfit.domain.file_plan import FilePlan
    from tightfit.domain.media_info import AudioStream, MediaInfo, VideoStream
    from tightfit.domain.plan import AlreadyFits, Plan
    from tightfit.domain.result import Failure, Option, Quality, Result
    from tightfit.domain.updates import Update
    from tightfit.engine.conformity import Check

Wire = dict[str, Any]


def update(value: Update) -> Wire:
    return {
        "type": "update",
        "job_id": value.job_id or None,
        "phase": value.phase.value,
        "percent": value.percent,
        "fps": value.fps,
        "eta_s": _rounded(value.eta_s, 1),
        "predicted_bytes": value.predicted_bytes,
        "message": value.message,
    }


def result(value: Result) -> Wire:
    wire: Wire = {
        "type": "result",
        "status": value.status.value,
        "job_id": value.job_id or None,
        "input": value.input,
        "output": value.output,
        "limit_bytes": value.limit_bytes,
        "bytes": value.bytes,
        "fill": _rounded(value.fill, 4),
        "duration_s": value.duration_s,
        "frames": value.frames,
        "video": asdict(value.video) if value.video else None,
        "audio": [asdict(track) for track in value.audio],
        "quality": _quality(value.quality) if value.quality else None,
        "segments": asdict(value.segments),
        "encoded_frames_ratio": value.encoded_frames_ratio,
        "elapsed_s": round(value.elapsed_s, 2),
        "warnings": list(value.warnings),
        "decisions": asdict(value.decisions) if value.decisions else None,
    }
    if value.destination is not None:
        wire["destination"] = value.destination
    if value.part is not None:
        wire["part"] = value.part
    if value.credits is not None:
        wire["credits"] = value.credits
    if value.status == "infeasible":
        wire |= infeasible(value.smallest_bytes, value.options)
    if value.status == "failed" and value.error:
        wire["error"] = asdict(value.error)
    return wire


def infeasible(smallest_bytes: int | None, options: tuple[Option, ...]) -> Wire:
    return {"smallest_bytes": smallest_bytes, "options": [asdict(option) for option in options]}


def _quality(value: Quality) -> Wire:
    """XPSNR is infinite where nothing differs; JSON has no word for it but null."""
    return {key: _rounded(v, 3) if isinstance(v, float) else v for key, v in asdict(value).items()}


def plan(value: Plan, info: MediaInfo) -> Wire:
    video = info.main_video
    assert video is not None, "what was planned has a picture"
    tracks = [_track(track.codec, track.kbps, track.channels) for track in (value.audio, *value.more_audio)]
    return {
        "type": "plan",
        "status": "feasible",
        "input": info.path,
        "limit_bytes": value.limit_bytes,
        "video": _picture(value.codec.name, (value.size.width, value.size.height), value.fps or video.fps),
        "audio": [] if value.audio.kind == "none" else tracks,
        "predicted_bytes": list(value.predicted_bytes),
        "predicted_vmaf": _rounded(value.predicted_vmaf, 1),
        "predicted_seconds": _rounded(value.predicted_seconds, 1),
        "segments": len(value.segments),
        "where": "cloud" if value.in_cloud else "local",
        # Renders are free; where no service is asked there is nothing to estimate.
        "credits": value.credits if value.in_cloud else None,
        "reasons": list(value.reasons),
        "warnings": list(value.warnings),
        "decisions": asdict(value.decisions),
    }


def file_plan(value: FilePlan, path: str) -> Wire:
    """The plan for a file that is made in one piece."""
    return {
        "type": "plan",
        "status": "feasible",
        "input": path,
        "limit_bytes": value.limit_bytes,
        "video": asdict(value.video) if value.video else None,
        "audio": [asdict(track) for track in value.audio],
        "predicted_bytes": list(value.predicted_bytes),
        "predicted_vmaf": None,
        "predicted_seconds": _rounded(value.predicted_seconds, 1),
        "segments": 0,
        "where": "local",
        "credits": None,
        "reasons": list(value.reasons),
        "warnings": list(value.warnings),
        "decisions": None,
    }


def copying_plan(value: AlreadyFits, info: MediaInfo) -> Wire:
    """The plan for a file that stays as it is."""
    video = info.main_video
    return {
        "type": "plan",
        "status": "already_fits",
        "input": info.path,
        "limit_bytes": value.limit_bytes,
        "video": _picture(video.codec, (video.width, video.height), None if _is_still(info) else video.fps)
        if video
        else None,
        "audio": [_track(sound.codec, sound.kbps, sound.channels) for sound in info.audios],
        "predicted_bytes": [value.bytes, value.bytes],
        "predicted_vmaf": None,
        "predicted_seconds": 0.0,
        "segments": 0,
        "where": "local",
        "credits": None,
        "reasons": ["It fits already and is copied as it is."],
        "warnings": [],
        "decisions": None,
    }


def _is_still(info: MediaInfo) -> bool:
    return info.image is not None and not info.image.is_animated


def _picture(codec: str, size: tuple[int, int], fps: Fraction | None) -> Wire:
    rate = None if fps is None else round(float(fps), 3)
    return {"codec": codec, "width": size[0], "height": size[1], "fps": rate}


def _track(codec: str, kbps: float, channels: int) -> Wire:
    return {"codec": codec, "kbps": round(kbps, 1), "channels": channels}


def infeasible_plan(path: str, limit_bytes: int | None, smallest: int, options: tuple[Option, ...]) -> Wire:
    head = {"type": "plan", "status": "infeasible", "input": path, "limit_bytes": limit_bytes}
    return head | infeasible(smallest, options)


def failure(kind: str, path: str, error: Failure) -> Wire:
    """A line of type ``kind`` for an input that gave none."""
    return {"type": kind, "status": "failed", "input": path, "error": asdict(error)}


def probe(info: MediaInfo) -> Wire:
    video, sound = info.main_video, info.main_audio
    return {
        "type": "probe",
        "input": info.path,
        "bytes": info.size,
        "container": info.container,
        "start_s": info.start_s,
        "duration_s": round(video.duration_s, 3) if video and not _is_still(info) else None,
        "header_duration_s": info.header_duration_s,
        "main_video": video.index if video else None,
        "main_audio": sound.index if sound else None,
        "videos": [_video(stream) for stream in info.videos],
        "audios": [_audio(stream) for stream in info.audios],
        "others": [asdict(stream) for stream in info.others],
        "chapters": info.chapters,
        "metadata": dict(info.metadata),
        "doubts": list(info.doubts),
        "image": asdict(info.image) if info.image else None,
    }


def checked(preset: str, checks: Sequence[Check]) -> Wire:
    """What a destination says of a file, for the line of ``probe``."""
    fits = all(check.ok for check in checks)
    return {"destination": {"preset": preset, "fits": fits, "rules": [asdict(check) for check in checks]}}


def _video(stream: VideoStream) -> Wire:
    width, height = stream.display_size
    return {
        "index": stream.index,
        "codec": stream.codec,
        "profile": stream.profile,
        "width": stream.width,
        "height": stream.height,
        "display_width": width,
        "display_height": height,
        "sar": f"{stream.sar.numerator}:{stream.sar.denominator}",
        "rotation": stream.rotation,
        "fps": round(float(stream.fps), 3),
        "fps_exact": None if stream.variable_rate else str(stream.fps),
        "variable_rate": stream.variable_rate,
        "frames": stream.frames,
        "duration_s": round(stream.duration_s, 3),
        "bytes": stream.bytes,
        "bytes_per_second": stream.bytes_per_second(),
        "keyframes_s": [round(float(pts * stream.time_base), 3) for pts in stream.keyframe_pts],
        "pix_fmt": stream.pix_fmt,
        "bit_depth": stream.bit_depth,
        "hdr": stream.colour.hdr.value,
        "light": asdict(stream.light),
        "colour": asdict(stream.colour),
        "field_order": stream.field_order.value,
        "language": stream.language,
        "default": stream.default,
        "cover_art": stream.cover_art,
    }


def _audio(stream: AudioStream) -> Wire:
    return {
        "index": stream.index,
        "codec": stream.codec,
        "profile": stream.profile,
        "sample_rate": stream.sample_rate,
        "channels": stream.channels,
        "kbps": round(stream.kbps, 1),
        "bytes": stream.bytes,
        "start_s": round(stream.start_s, 3),
        "duration_s": round(stream.duration_s, 3),
        "language": stream.language,
        "default": stream.default,
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, digits)
