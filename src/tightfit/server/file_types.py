"""Which files are taken: by the extension of their name, and by their first bytes. Nothing is parsed here."""

from __future__ import annotations

import unicodedata
from enum import StrEnum

from tightfit.domain.file_kinds import MIME_OF

SNIFFED_BYTES = 512
_LONGEST_NAME = 120


class FileType(StrEnum):
    VIDEO = "video"
    IMAGE = "image"
    AUDIO = "audio"


_EXTENSIONS = {
    **dict.fromkeys(("mp4", "mov", "avi", "webm", "mkv"), FileType.VIDEO),
    **dict.fromkeys(("jpg", "jpeg", "png", "gif", "webp"), FileType.IMAGE),
    **dict.fromkeys(("mp3", "wav", "m4a", "aac"), FileType.AUDIO),
}
FORMATS = "mp4 mov avi webm mkv, jpg png gif webp, mp3 wav m4a aac"


def named_type(name: str) -> FileType | None:
    """What a file of this name should be; None where it is not taken."""
    return _EXTENSIONS.get(_extension(name))


def mime_of(name: str) -> str:
    return MIME_OF[_extension(name)]


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


def shown_name(name: str) -> str:
    """A name as it may be shown: its last part, without control or direction characters, not too long."""
    last = name.replace("\\", "/").rpartition("/")[2]
    kept = "".join(c for c in unicodedata.normalize("NFC", last) if unicodedata.category(c)[0] != "C")
    stem, dot, extension = kept.rpartition(".")
    return f"{stem[: _LONGEST_NAME - len(extension) - 1]}{dot}{extension}" if dot else kept[:_LONGEST_NAME]


def sniffed_type(head: bytes) -> FileType | None:
    """What the first bytes say; VIDEO stands for every container that may hold video or sound alone."""
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"):
        return FileType.VIDEO
    if head.startswith(b"\x1a\x45\xdf\xa3"):
        return FileType.VIDEO
    if head.startswith(b"RIFF"):
        return {b"AVI ": FileType.VIDEO, b"WAVE": FileType.AUDIO, b"WEBP": FileType.IMAGE}.get(head[8:12])
    if head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")):
        return FileType.IMAGE
    if head.startswith(b"ID3") or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0):
        return FileType.AUDIO  # MPEG audio and ADTS begin with eleven set bits
    return None


def agree(named: FileType, sniffed: FileType | None) -> bool:
    """True where the content can be what the name says: sound may come in a container made for video."""
    return sniffed is named or (named is FileType.AUDIO and sniffed is FileType.VIDEO)
