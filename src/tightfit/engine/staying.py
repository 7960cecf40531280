"""Whether a clip that is under its limit may be copied as it is."""

from __future__ import annotations

from tightfit.domain.audio import SoundRules
from tightfit.domain.containers import container_of
from tightfit.domain.geometry import full_size
from tightfit.domain.media_info import Hdr, MediaInfo
from tightfit.domain.request import CompressRequest, Destination
from tightfit.engine.editing import is_edited


def may_stay(request: CompressRequest, info: MediaInfo) -> bool:
    """True where the file may be copied as it is: only a size was asked for, and a destination takes its form."""
    video, bound = info.main_video, request.resolution
    named = request.output is not None and not request.output.is_dir()
    if named and request.output and request.output.suffix.lower() != request.source.suffix.lower():
        return False
    if request.audio not in ("auto", "copy") or request.private:
        return False
    if request.container and container_of(request.source.suffix) is not request.container:
        return False
    if video and request.codec not in ("h264", "auto", video.codec):
        return False
    if request.hdr == "tonemap" and video and video.colour.hdr is not Hdr.NONE:
        return False
    if video and is_edited(request, info, video):
        return False
    if video and (bound.width or bound.height):
        display = video.display_size
        if full_size(display, bound) != full_size(display):
            return False
    if request.destination is None or video is None:
        return True
    if not _sound_may_stay(request.destination, info):
        return False
    if not request.destination.edit_lists and (info.edit_lists or info.index_first is False):
        return False
    codecs, containers = request.destination.codecs, request.destination.containers
    held = set(info.container.split(","))
    return (not codecs or video.codec in codecs) and (not containers or bool(held & set(containers)))


def _sound_may_stay(rules: Destination, info: MediaInfo) -> bool:
    sounds = [sound for sound in info.audios if sound.packets]
    if rules.max_audio_tracks is not None and len(sounds) > rules.max_audio_tracks:
        return False
    taken = SoundRules(
        frozenset(rules.audio_codecs) or None, rules.max_channels, rules.max_audio_rate, rules.max_audio_kbps
    )
    return all(taken.allow(sound) for sound in sounds)
