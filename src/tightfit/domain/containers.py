"""The kinds of file that are written, and what each can hold."""

from __future__ import annotations

from enum import StrEnum


class Container(StrEnum):
    """By the suffix of the file's name."""

    MP4 = "mp4"
    MOV = "mov"
    MKV = "mkv"
    WEBM = "webm"

    @property
    def is_matroska(self) -> bool:
        """WebM is a part of it."""
        return self in (Container.MKV, Container.WEBM)

    @property
    def muxer(self) -> str:
        """libavformat's name of it."""
        return "matroska" if self is Container.MKV else self.value

    @property
    def text_subtitles(self) -> str:
        """libavcodec's name of the text subtitles that it holds."""
        return {Container.MKV: "subrip", Container.WEBM: "webvtt"}.get(self, "mov_text")

    @property
    def bitmap_subtitles(self) -> frozenset[str]:
        """Codecs of drawn subtitles that may be copied into it and that players show from it: Matroska's alone.

        MP4 has a form for those of DVDs, which hardly a player knows.
        """
        return _BITMAPS_MKV if self is Container.MKV else frozenset()

    def language(self, code: str | None) -> str | None:
        """How an ISO 639-2 code is written there: QuickTime knows one of the two codes that some languages have."""
        return _QUICKTIME_LANGUAGES.get(code or "", code) if self is Container.MOV else code

    @property
    def sound(self) -> frozenset[str]:
        """Codecs of sound that may be copied into it and that players expect there."""
        return {Container.MKV: _SOUND_MKV, Container.WEBM: _SOUND_WEBM}.get(self, _SOUND_MP4)

    @property
    def own_sound(self) -> str:
        """What sound is made to for it."""
        return "opus" if self is Container.WEBM else "aac"


# By libavformat's table of Macintosh languages.
_QUICKTIME_LANGUAGES = {
    "fre": "fra",
    "deu": "ger",
    "nld": "dut",
    "swe": "sve",
    "ell": "gre",
    "isl": "ice",
    "zho": "chi",
}
_SOUND_MP4 = frozenset({"aac", "mp3"})
_SOUND_WEBM = frozenset({"opus", "vorbis"})
_BITMAPS_MKV = frozenset({"dvd_subtitle", "hdmv_pgs_subtitle", "dvb_subtitle"})
_SOUND_MKV = _SOUND_MP4 | {"opus", "vorbis", "flac", "ac3", "eac3", "mp2"}


def container_of(suffix: str) -> Container | None:
    """The container that a file name's suffix (with its dot) means; None where none of these does."""
    try:
        return Container(suffix.lower().removeprefix("."))
    except ValueError:
        return None
