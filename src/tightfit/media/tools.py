"""Which ffmpeg is used, and what it can do. Detected by asking it, cached per binary, never assumed."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from tightfit.domain.policy import LOCAL, Policy, Work
from tightfit.errors import ToolError
from tightfit.media import argv, process

# A filter or encoder that some decision depends on; anything else is of no interest.
_FILTERS = ("zscale", "tonemap", "libvmaf", "xpsnr", "ssim", "trim", "setpts", "scale", "volumedetect", "bwdif")
_ENCODERS = ("libx264", "aac", "libx265", "libsvtav1", "libvpx-vp9", "libopus")
_CACHE_FORMAT = 4

# An ffmpeg that takes longer than this to say what it can do is none.
_ANSWER_S = 60.0
_ASKED = LOCAL.limits(Work())


@dataclass(frozen=True)
class Ffmpeg:
    """One usable ffmpeg binary and the limits it is run under. ``origin`` says where it came from: named, bundled or
    system. ``fine_av1``: its SVT-AV1 knows fractions of a step of quality."""

    path: str
    origin: str
    version: str
    encoders: frozenset[str]
    filters: frozenset[str]
    policy: Policy = LOCAL
    fine_av1: bool = False

    @property
    def can_tone_map(self) -> bool:
        return {"zscale", "tonemap"} <= self.filters

    @property
    def can_deinterlace(self) -> bool:
        return "bwdif" in self.filters

    @property
    def quality_metric(self) -> str | None:
        """The best metric that this binary measures."""
        for metric, name in (("vmaf", "libvmaf"), ("xpsnr", "xpsnr"), ("ssim", "ssim")):
            if name in self.filters:
                return metric
        return None


def _candidates(named: str | None) -> list[tuple[str, str]]:
    if named:
        return [("named", named)]
    found = []
    # Where no wheel for this platform carries a binary the system's own may do.
    found += [("bundled", str(path)) for path in _bundled()]
    if system := shutil.which("ffmpeg"):
        found.append(("system", system))
    return found


def _bundled() -> list[Path]:
    """The binary in the wheel of imageio-ffmpeg, which itself would run it, in our whole environment, to try it."""
    wheel = find_spec("imageio_ffmpeg")
    if wheel is None or wheel.origin is None:
        return []
    return sorted((Path(wheel.origin).parent / "binaries").glob("ffmpeg-*"))[:1]


async def find_ffmpeg(named: str | None, cache: Path | None = None, policy: Policy = LOCAL) -> Ffmpeg:
    """The ffmpeg to use: the named one, else the bundled one, else a capable one of the system.

    ``cache`` is a folder in which what a binary can do is remembered by its path, size and mtime. It will run under
    ``policy``.
    Raises ToolError where the named one is unusable, or where there is none at all.
    """
    reasons = []
    for origin, path in _candidates(named):
        try:
            return replace(await _examine(origin, path, cache), policy=policy)
        except (OSError, ValueError) as exc:
            reasons.append(f"{path}: {exc}")
    if named:
        raise ToolError(
            f"The ffmpeg named by TIGHTFIT_FFMPEG can't be used: {'; '.join(reasons)}.",
            hint="Unset TIGHTFIT_FFMPEG to use the bundled one, or name one of version 5.1 or newer with libx264.",
        )
    raise ToolError(
        f"No usable ffmpeg was found ({'; '.join(reasons) or 'none installed'}).",
        hint="Install the imageio-ffmpeg package, or name an ffmpeg with TIGHTFIT_FFMPEG.",
    )


async def _examine(origin: str, path: str, cache: Path | None) -> Ffmpeg:
    resolved = Path(path).expanduser().resolve(strict=True)
    stat = resolved.stat()
    key = f"{_CACHE_FORMAT}:{resolved}:{stat.st_size}:{stat.st_mtime_ns}"
    entry = cache / f"ffmpeg-{hashlib.sha256(key.encode()).hexdigest()[:16]}.json" if cache else None
    if entry:
        try:
            known = json.loads(entry.read_text())
            return Ffmpeg(
                str(resolved),
                origin,
                known["version"],
                frozenset(known["encoders"]),
                frozenset(known["filters"]),
                fine_av1=known["fine_av1"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            pass  # absent or damaged: it is measured below
    ffmpeg = await _detect(origin, str(resolved))
    if entry:
        with suppress(OSError):  # a cache that can't be written costs time, nothing else
            _remember(entry, ffmpeg)
    return ffmpeg


def _remember(entry: Path, ffmpeg: Ffmpeg) -> None:
    entry.parent.mkdir(parents=True, exist_ok=True)
    encoders, filters = sorted(ffmpeg.encoders), sorted(ffmpeg.filters)
    facts = {
        "fine_av1": ffmpeg.fine_av1,
        "path": ffmpeg.path,
        "version": ffmpeg.version,
        "encoders": encoders,
        "filters": filters,
    }
    partial = entry.with_name(f"{entry.name}.{os.getpid()}")
    partial.write_text(json.dumps(facts))
    partial.replace(entry)


async def _detect(origin: str, path: str) -> Ffmpeg:
    version = await process.run([path, "-hide_banner", "-version"], limit_s=_ANSWER_S, limits=_ASKED)
    match = re.match(rb"ffmpeg version (\S+)", version.stdout)
    if version.returncode != 0 or not match:
        raise ValueError("it does not answer -version like an ffmpeg")
    encoders = await _listed(path, "-encoders", _ENCODERS)
    filters = await _listed(path, "-filters", _FILTERS)
    if missing := {"libx264", "aac"} - encoders:
        raise ValueError(f"it has no {' and no '.join(sorted(missing))} encoder")
    await _try_encode(path)
    fine_av1 = "libsvtav1" in encoders and await _knows_fractions(path)
    return Ffmpeg(path, origin, match[1].decode(), encoders, filters, fine_av1=fine_av1)


async def _listed(path: str, option: str, wanted: tuple[str, ...]) -> frozenset[str]:
    answer = await process.run([path, "-hide_banner", option], limit_s=_ANSWER_S, limits=_ASKED)
    listing = answer.stdout.decode("utf-8", "replace")
    names = {columns[1] for line in listing.splitlines() if len(columns := line.split()) >= 2}
    return frozenset(names & set(wanted))


async def _try_encode(path: str) -> None:
    """One tiny encode with the options everything rests on: timestamp pass-through and a given time base."""
    done = await process.run(argv.trial(path), limit_s=_ANSWER_S, limits=_ASKED)
    if done.returncode != 0:
        raise ValueError(f"a trial encode failed: {done.last_message}")


# What ffmpeg says of a parameter that its SVT-AV1 can't read; it then encodes as if there were none.
_UNREAD = "Error parsing option"


async def _knows_fractions(path: str) -> bool:
    done = await process.run(argv.trial_av1(path), limit_s=_ANSWER_S, limits=_ASKED)
    return done.returncode == 0 and _UNREAD not in done.stderr
