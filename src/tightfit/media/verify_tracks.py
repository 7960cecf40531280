"""Whether the tracks beside the picture say what they are, and subtitles are shown when they should be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import av

from tightfit.domain.containers import Container
from tightfit.domain.subtitles import BitmapTrack, TextTrack, packets_of
from tightfit.errors import EncoderError
from tightfit.media.audio import AudioTrack
from tightfit.media.cargo import Cargo

AGAIN = "Run again: it is made anew."
Track = AudioTrack | TextTrack | BitmapTrack
Shown = Sequence[tuple[Fraction, Fraction]]


def check_subtitles_times(seen: Mapping[int, Shown], cargo: Cargo) -> None:
    """Raise EncoderError where a subtitle is not shown when it was planned; ``seen`` is in seconds, by stream."""
    first = 1 + len(cargo.tracks)
    for n, text in enumerate(cargo.texts, start=first):
        samples = packets_of(text.cues, cargo.container.text_subtitles)
        planned = [(_s(one.start_ms), _s(one.start_ms + one.duration_ms)) for one in samples]
        if list(seen.get(n, ())) != planned:
            raise EncoderError("The joined file shows subtitles at other times than planned.", hint=AGAIN)
    for n, drawn in enumerate(cargo.bitmaps, start=first + len(cargo.texts)):
        # How long one is drawn is said in its payload, or by the next one.
        if [start for start, _ in seen.get(n, ())] != [_s(start_ms) for start_ms, _ in drawn.samples]:
            raise EncoderError("The joined file shows drawn subtitles at other times than planned.", hint=AGAIN)


def _s(ms: int) -> Fraction:
    return Fraction(ms, 1000)


def check_descriptions(streams: Sequence[Any], cargo: Cargo) -> None:
    """Raise EncoderError where a track beside the picture has lost or gained a language or a flag."""
    tracks: list[Track] = [*cargo.tracks, *cargo.texts, *cargo.bitmaps]
    unasked = any(track.default for track in cargo.tracks)
    for n, (shown, track) in enumerate(zip(streams, tracks, strict=True)):
        if not _says_language(shown, track, cargo.container):
            raise EncoderError(f"The joined file has lost the language of {_name(track)}.", hint=AGAIN)
        # One sound track of an MP4 is heard unasked, whatever its source said.
        default = track.default or (n == 0 and bool(cargo.tracks) and not unasked and not cargo.container.is_matroska)
        if _has(shown, av.stream.Disposition.default) != default or not _says_forced(shown, track, cargo.container):
            raise EncoderError(f"The joined file has lost or gained a flag of {_name(track)}.", hint=AGAIN)


def _name(track: Track) -> str:
    if isinstance(track, AudioTrack):
        return "a sound track"
    return "drawn subtitles" if isinstance(track, BitmapTrack) else "subtitles"


def _says_language(shown: Any, track: Track, container: Container) -> bool:
    said = None if shown.language in (None, "und") else shown.language
    # Macintosh had no code for most languages.
    return bool(said == track.language or (container is Container.MOV and said is None))


def _says_forced(shown: Any, track: Track, container: Container) -> bool:
    """QuickTime has no place for it that libavformat knows."""
    forced = not isinstance(track, AudioTrack) and track.forced
    return container is Container.MOV or _has(shown, av.stream.Disposition.forced) == forced


def _has(shown: Any, flag: av.stream.Disposition) -> bool:
    return bool(shown.disposition & flag)
