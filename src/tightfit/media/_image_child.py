"""Runs alone in a child process: the only place where a picture is opened.

`python -I -m tightfit.media._image_child TASK PATH`, TASK a JSON object whose ``do`` is "look" (facts, nothing decoded
but what they need), "check" (decode everything), "fit" or "reel" (make ``out`` in the working folder, a still picture
or an animated WebP of at most ``limit`` bytes).
A decoder that crashes or eats memory takes this process with it and nothing else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import ExifTags, Image

from tightfit.media._image_fit import Fitting
from tightfit.media._image_open import Refused, has_alpha, opened, require_size, upright
from tightfit.media._image_reel import ReelFitting

Task = Mapping[str, Any]
Answer = dict[str, Any]
_SAID = {
    "title": ExifTags.Base.ImageDescription,
    "make": ExifTags.Base.Make,
    "model": ExifTags.Base.Model,
    "artist": ExifTags.Base.Artist,
}


class Unreadable(Exception):
    """A decoder could make nothing of the picture."""


@contextmanager
def source(task: Task, path: str) -> Iterator[Image.Image]:
    """The picture, opened; whatever its decoder raises inside is Unreadable, so that it is told from a bug of ours."""
    try:
        with opened(path, task["format"], task["pixels"]) as image:
            yield image
    except (Refused, MemoryError):
        raise
    except Exception as exc:
        raise Unreadable(str(exc) or type(exc).__name__) from exc


def look(task: Task, path: str) -> Answer:
    """What the picture is, its size by its header."""
    with source(task, path) as image:
        frames = getattr(image, "n_frames", 1)
        if frames > task["frames"]:
            raise Refused(f"has {frames:,} frames; at most {task['frames']:,} are taken")
        exif = image.getexif()
        durations = [_duration(image, n) for n in range(frames)] if frames > 1 else []
        return {
            "width": image.width,
            "height": image.height,
            "mode": image.mode,
            "alpha": has_alpha(image),
            "orientation": int(exif.get(int(ExifTags.Base.Orientation), 1) or 1),
            "exif_bytes": len(image.info.get("exif", b"")),
            "icc_bytes": len(image.info.get("icc_profile") or b""),
            "xmp_bytes": len(image.info.get("xmp", b"")),
            "durations_ms": durations,
            "loops": image.info.get("loop"),
            "metadata": _metadata(exif),
        }


def _duration(image: Image.Image, n: int) -> int:
    image.seek(n)
    if image.format in ("WEBP", "AVIF"):
        image.load()  # known only then
    return int(image.info.get("duration", 0))


def _metadata(exif: Image.Exif) -> dict[str, str]:
    found = {key: exif.get(int(tag)) for key, tag in _SAID.items()}
    found["date"] = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.DateTimeOriginal)
    found["location"] = "GPS" if exif.get_ifd(ExifTags.IFD.GPSInfo) else None
    return {key: str(value)[:200] for key, value in found.items() if value}


def check(task: Task, path: str) -> Answer:
    """Decode every frame; raises OSError where one does not decode."""
    with source(task, path) as image:
        frames = getattr(image, "n_frames", 1)
        for n in range(frames):
            image.seek(n)
            image.load()
        return {"width": image.width, "height": image.height, "frames": frames}


def fit(task: Task, path: str) -> Answer:
    with source(task, path) as image:
        turned, facts = upright(image)
    facts = facts.without(*task["drop"])
    require_size(turned.size, task["pixels"])
    if task["size"] and tuple(task["size"]) != turned.size:
        if turned.mode == "P":
            turned = turned.convert("RGBA" if has_alpha(turned) else "RGB")
        turned = turned.resize(tuple(task["size"]), Image.Resampling.LANCZOS)
    fitting = Fitting(turned, facts, task["form"], task["limit"], from_lossless=task["from_lossless"])
    made = fitting.run()
    if made is None:
        return {"smallest_bytes": fitting.smallest(), "fair_bytes": fitting.fair()}
    Path(task["out"]).write_bytes(made.data)
    return {
        "bytes": len(made.data),
        "width": made.size[0],
        "height": made.size[1],
        "quality": made.quality,
        "colours": made.colours,
        "ssim": made.score,
        "encodes": fitting.encodes,
        "said": fitting.said,
    }


def reel(task: Task, path: str) -> Answer:
    """Make an animated WebP."""
    with source(task, path) as image:
        size = tuple(task["size"] or image.size)
        fitting = ReelFitting(image, size, task["durations"], task["loops"], task["limit"])
        found = fitting.run()
    if found is None:
        return {"smallest_bytes": min(fitting.tried), "fair_bytes": min(fitting.tried)}
    data, made_size, quality = found
    Path(task["out"]).write_bytes(data)
    answer: Answer = {"bytes": len(data), "width": made_size[0], "height": made_size[1], "quality": quality}
    return answer | {"colours": None, "ssim": None, "encodes": fitting.encodes, "said": []}


TASKS: dict[str, Callable[[Task, str], Answer]] = {"look": look, "check": check, "fit": fit, "reel": reel}


def main(task: Task, path: str) -> None:
    try:
        answer = TASKS[task["do"]](task, path)
    except Refused as exc:
        answer = {"refused": str(exc)}
    except Unreadable as exc:
        answer = {"error": str(exc)}
    except OSError as exc:
        answer = {"disk": exc.errno}
    except MemoryError:
        answer = {"error": "it takes more memory than there is"}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2])
