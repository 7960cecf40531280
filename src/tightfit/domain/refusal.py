"""What a policy refuses about a source, in sentences with both numbers: the one found and the one allowed."""

from __future__ import annotations

from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.policy import Policy

# Codecs whose decoders have other names than they.
_DECODERS = {"dts": "dca", "amr_nb": "amrnb", "amr_wb": "amrwb", "msmpeg4v3": "msmpeg4"}


def refusal_of_size(size: int, policy: Policy) -> str:
    """Why a file of ``size`` bytes is not read; nothing where it is."""
    if policy.most_bytes is not None and size > policy.most_bytes:
        return f"has {size:,} bytes; at most {policy.most_bytes:,} are taken"
    return ""


def refusal(info: MediaInfo, policy: Policy) -> str:
    """Why ``info`` is not worked on, as what follows its name in a sentence; nothing where it is."""
    streams = len(info.videos) + len(info.audios) + len(info.others)
    if streams > policy.most_streams:
        return f"holds {streams} streams; at most {policy.most_streams} are read"
    for video in info.videos:
        if reason := _pictures(video, policy) or (not video.cover_art and _course(video, policy)) or "":
            return reason
    main = info.main_video
    if main and not _is_decoded(main.codec, policy):
        return f"holds {main.codec} video; only {_listed(policy)} are decoded here"
    sound = info.main_audio
    if sound and not _is_decoded(sound.codec, policy):
        return f"holds {sound.codec} sound; only {_listed(policy)} are decoded here"
    return ""


def _pictures(video: VideoStream, policy: Policy) -> str:
    what = f"has pictures of {video.width}x{video.height}"
    if video.pixels > policy.most_pixels:
        return f"{what}, {video.pixels:,} pixels; at most {policy.most_pixels:,} are decoded"
    if video.pixels == 0 and video.frames:
        return f"has pictures whose size can't be read or is over {policy.most_pixels:,} pixels, the most decoded"
    if video.cover_art or not video.pixels:
        return ""
    short, long = sorted((video.width, video.height))
    if policy.least_side is not None and short < policy.least_side:
        return f"{what}; each side has to have at least {policy.least_side} pixels"
    if policy.most_side is not None and long > policy.most_side:
        return f"{what}; each side may have at most {policy.most_side} pixels"
    if policy.most_aspect is not None and long > policy.most_aspect * short:
        return f"{what}; one side may be at most {policy.most_aspect} times the other"
    return ""


def _course(video: VideoStream, policy: Policy) -> str:
    if policy.most_frames is not None and video.frames > policy.most_frames:
        return f"has {video.frames:,} frames; at most {policy.most_frames:,} are taken"
    if policy.most_seconds is not None and video.duration_s > policy.most_seconds:
        return f"lasts {video.duration_s:,.0f} s; at most {policy.most_seconds:,.0f} s are taken"
    if policy.most_fps is not None and video.frames > 1 and video.fps > policy.most_fps:
        return f"shows {float(video.fps):,.0f} frames a second; at most {policy.most_fps:g} are taken"
    return ""


def _is_decoded(codec: str, policy: Policy) -> bool:
    return policy.decoders is None or codec in policy.decoders or _DECODERS.get(codec) in policy.decoders


def _listed(policy: Policy) -> str:
    return f"{len(policy.decoders or ())} well-tried decoders' formats"
