"""Pictures, from our side: every look at one and every change happens in a child (``_image_child``), in a jail."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any

from tightfit.domain.images import ImageFacts, ImageFormat
from tightfit.domain.media_info import Identity, MediaInfo, VideoStream
from tightfit.domain.policy import LOCAL, Policy, Work
from tightfit.domain.refusal import refusal_of_size
from tightfit.errors import EncoderError, SourceError
from tightfit.media import process

# Exif's orientation as the clockwise turn that a viewer makes (JEITA CP-3451, 4.6.4 A); mirrored ones turn as well.
_TURNS = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
_MILLISECONDS = Fraction(1, 1000)
# How often a picture's pixels are gone over until its best file is found: encoded, decoded, compared.
_PASSES = 60
_MADE = "made"


async def look(path: Path, form: ImageFormat, identity: Identity, policy: Policy = LOCAL) -> MediaInfo:
    """A picture's facts. Raises SourceError where it can't be read or is more than ``policy`` takes."""
    _refuse(path, refusal_of_size(identity.size, policy))
    facts = await _answer({"do": "look", "format": form.name, **_rules(policy)}, path, policy, policy_work(identity))
    image = ImageFacts(
        form.name,
        facts["mode"],
        facts["alpha"],
        facts["orientation"],
        facts["exif_bytes"],
        facts["icc_bytes"],
        facts["xmp_bytes"],
        tuple(facts["durations_ms"]),
        facts["loops"],
    )
    return MediaInfo(
        path=str(path),
        identity=identity,
        container=form.name,
        start_s=0.0,
        header_duration_s=sum(image.durations_ms) / 1000 if image.is_animated else None,
        videos=(_stream(form, facts, image, identity.size),),
        audios=(),
        others=(),
        chapters=0,
        metadata=tuple(sorted(facts["metadata"].items())),
        image=image,
    )


def _stream(form: ImageFormat, facts: Mapping[str, Any], image: ImageFacts, size: int) -> VideoStream:
    starts = tuple(accumulate(image.shown_ms[:-1], initial=0)) if image.is_animated else (0,)
    return VideoStream(
        index=0,
        codec=form.name,
        width=facts["width"],
        height=facts["height"],
        time_base=_MILLISECONDS,
        pts=starts,
        packet_bytes=(size, *(0 for _ in starts[1:])),
        keyframe_pts=(0,),
        pix_fmt=image.mode.lower(),
        rotation=_TURNS.get(image.orientation, 0),
    )


@dataclass(frozen=True)
class Made:
    """A picture within its limit, on disk. ``ssim`` is a still one's, against the source; ``said`` is for its owner."""

    path: Path
    bytes: int
    width: int
    height: int
    quality: float | None
    colours: int | None
    ssim: float | None
    encodes: int
    said: tuple[str, ...]


@dataclass(frozen=True)
class TooSmall:
    """No file fits: bytes of the smallest that is made, and of one that looks fair."""

    smallest_bytes: int
    fair_bytes: int


@dataclass(frozen=True)
class Wanted:
    """What is made of a picture. ``size`` is its largest width and height, upright; ``drop`` names what it shall not
    carry: exif, icc, xmp, text."""

    form: str
    limit: int
    size: tuple[int, int] | None = None
    drop: tuple[str, ...] = ()


async def fit(info: MediaInfo, wanted: Wanted, work: Path, policy: Policy = LOCAL) -> Made | TooSmall:
    """The best picture within the limit. Raises SourceError where the source does not decode; EncoderError, OSError."""
    assert info.image is not None, "only pictures come here"
    video, out = info.videos[0], work / f"{_MADE}.{wanted.form}"
    image = info.image
    task = {
        "do": "reel" if image.is_animated else "fit",
        "durations": image.shown_ms,
        # Without a word of its own an animation is played once.
        "loops": 1 if image.loops is None else image.loops,
        "format": info.image.format,
        "form": wanted.form,
        "limit": wanted.limit,
        "size": wanted.size,
        "drop": wanted.drop,
        "from_lossless": info.image.format in ("png", "gif"),
        "out": out.name,
    }
    effort = Work(pixels=_PASSES * video.pixels * video.frames, file_bytes=wanted.limit)
    answer = await _answer(task | _rules(policy), Path(info.path), policy, effort, work)
    if "smallest_bytes" in answer:
        return TooSmall(answer["smallest_bytes"], answer["fair_bytes"])
    made = Made(path=out, **{**answer, "said": tuple(answer["said"])})
    await _require_whole(made, wanted, policy)
    return made


async def require_decodes(path: Path, form: str, size: tuple[int, int], policy: Policy = LOCAL) -> int:
    """Frames of the picture at ``path``, all decoded; raises EncoderError where it is damaged or of another size."""
    task = {"do": "check", "format": form, **_rules(policy)}
    effort = Work(pixels=_PASSES * size[0] * size[1])
    try:
        seen = await _answer(task, path, policy, effort)
    except SourceError as exc:
        raise EncoderError(f"The picture that was made does not decode: {exc.message}") from exc
    if (seen["width"], seen["height"]) != size:
        raise EncoderError("The picture that was made is of another size than was asked for.")
    return int(seen["frames"])


async def _require_whole(made: Made, wanted: Wanted, policy: Policy) -> None:
    """Raise EncoderError where the file is not what was said of it: it is decoded once more, in another child."""
    size = made.path.stat().st_size
    if size != made.bytes or size > wanted.limit:
        raise EncoderError(f"The picture that was made is not the one that was asked for ({size} bytes).")
    await require_decodes(made.path, wanted.form, (made.width, made.height), policy)


def policy_work(identity: Identity) -> Work:
    """What a look may take: as if each byte were a pixel."""
    return Work(pixels=identity.size)


def _rules(policy: Policy) -> dict[str, Any]:
    return {"pixels": policy.most_image_pixels, "frames": policy.most_image_frames}


def _refuse(path: Path, reason: str) -> None:
    if reason:
        raise SourceError(f"{path} {reason}.", hint="Make it smaller with the program that made it.")


async def _answer(
    task: Mapping[str, Any], path: Path, policy: Policy, effort: Work, work: Path | None = None
) -> dict[str, Any]:
    """What the child says of ``task``. Raises SourceError where the picture is to blame, EncoderError, OSError."""
    argv = [sys.executable, "-I", "-m", "tightfit.media._image_child", json.dumps(task), os.path.abspath(path)]
    done = await process.run_or_again(argv, str(path), cwd=work, limits=policy.limits(effort))
    try:
        answer = json.loads(done.stdout)
        assert isinstance(answer, dict)
    except (ValueError, AssertionError):
        # Whatever a decoder did to the child, the picture did it; what we did to it says a traceback.
        if "Traceback" in done.stderr and "PIL" not in done.stderr:
            raise EncoderError(f"{path} could not be worked on: {done.last_message}.") from None
        raise SourceError(
            f"{path} can't be read as a picture: the reader failed ({done.last_message}).", hint="Check that it opens."
        ) from None
    _refuse(path, answer.get("refused", ""))
    if "error" in answer:
        raise SourceError(
            f"{path} is damaged or no picture: {answer['error'].rstrip('.')}.", hint="Check that it opens."
        )
    if "disk" in answer:
        number = answer["disk"] or 0
        raise OSError(number, os.strerror(number), str(work))
    return answer
