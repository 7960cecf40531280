"""The files that the render API takes, by the extension of their name."""

from __future__ import annotations

from tightfit.domain.images import STILL_EXTENSIONS
from tightfit.domain.sound_file import SOUND_EXTENSIONS

MIME_OF = {
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "avi": "video/x-msvideo",
    "webm": "video/webm",
    "mkv": "video/x-matroska",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "mp3": "audio/mpeg",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
}

# What is taken for media in a folder, where nobody named it, by its name: opening everything there would take long.
MEDIA_EXTENSIONS = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".qt", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".divx", ".wmv", ".asf", ".flv"),
        *(".f4v", ".ogv", ".ogm", ".mpg", ".mpeg", ".mpe", ".m1v", ".m2v", ".vob", ".ts", ".m2ts", ".mts", ".mxf"),
        *(".dv", ".rm", ".rmvb", ".wtv", ".gif"),
        *STILL_EXTENSIONS,
        *SOUND_EXTENSIONS,
    )
)
