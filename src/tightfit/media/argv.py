"""ffmpeg command lines as values: built here, run by process.py, checked by tests without running.

Input restrictions stand before `-i` (behind it ffmpeg ignores them), inputs are `file:` plus an
absolute path (a name that looks like an option, a protocol or a drive stays a name), and the demuxer
is pinned to the one that the probe saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from os.path import abspath
from pathlib import Path
from typing import Any

import ffmpeg

from tightfit.domain.layout import Cut, Slots
from tightfit.domain.media_info import MediaInfo, VideoStream
from tightfit.domain.policy import LOCAL, Policy
from tightfit.errors import EncoderError
from tightfit.media import argv_rules
from tightfit.media.coding import Coding
from tightfit.media.encoders import encoder_of

# A filter and its options.
Step = tuple[str, dict[str, Any]]
# Largest block ffmpeg may allocate at once; a 16000x16000 picture needs more and is refused by it.
_MAX_ALLOC_BYTES = 1 << 30


# Longer than any reordering lasts, even at one frame a minute.
LEAD_S = 3600


def lead_ticks(time_base: Fraction) -> int:
    """What is added to every timestamp of our intermediate files, in ticks."""
    return round(LEAD_S / time_base)


def ours(path: str | Path) -> str:
    """A path as ffmpeg and PyAV take it for nothing but a path, whatever colons or dashes it has."""
    return f"file:{abspath(path)}"


def source_input(
    info: MediaInfo, policy: Policy, *, threads: int, seek_s: float | None = None, roughly: bool = False
) -> Any:
    """The probed file as an ffmpeg input that can open nothing but itself, read by what ``policy`` allows.

    ``seek_s`` is where demuxing starts, in seconds from the container's first timestamp; None reads it all.
    ``roughly`` leaves pictures that no other one refers to unfiltered: a sixth less work, and no drift.
    """
    options: dict[str, Any] = {**_narrow(info.container.split(",")[0], policy), "threads": threads}
    if roughly:
        options["skip_loop_filter"] = "noref"
    if info.main_video and info.main_video.x264_build is not None:
        # Or a decoder that begins in the middle takes its pictures to pieces.
        options["x264_build"] = info.main_video.x264_build
    if seek_s is not None:
        options |= {"ss": f"{seek_s:.6f}", "noaccurate_seek": None}
    return ffmpeg.input(ours(info.alias or info.path), copyts=None, **options)


def own_input(path: Path, kind: str, **options: Any) -> Any:
    """A file that tightfit made, of the demuxer ``kind``, as an ffmpeg input; it may be damaged all the same."""
    return ffmpeg.input(ours(path), **_narrow(kind, LOCAL), **options)


def _narrow(kind: str, policy: Policy) -> dict[str, Any]:
    """What keeps an input to itself: its demuxer, which can't hand over to another one, and the decoders there are."""
    options: dict[str, Any] = {"protocol_whitelist": "file", "format_whitelist": kind, "f": kind}
    if policy.decoders is not None:
        options["codec_whitelist"] = ",".join(policy.decoders)
    return options | {"max_streams": policy.most_streams, "max_pixels": policy.most_pixels}


def frames_of(
    source: Any,
    video: VideoStream,
    cut: Cut | Sequence[Cut],
    steps: Sequence[Step],
    slots: Slots | None = None,
    *,
    before: Sequence[Step] = (),
) -> Any:
    """The frames of ``cut`` that ``slots`` leave, filtered by ``steps``, on a timeline that starts at ``cut.origin``.

    ``lead_ticks`` are added, so that what comes out is positive, decoding times included: a muxer that meets a negative
    one shifts them all. Of several cuts all have an end but the last. ``before`` are filters of the source as it is.
    """
    cuts, lead = [cut] if isinstance(cut, Cut) else list(cut), lead_ticks(video.time_base)
    bounds = {"start_pts": cuts[0].start} | ({} if cuts[-1].end is None else {"end_pts": cuts[-1].end})
    node = filtered(source[str(video.index)], before).filter("trim", **bounds)
    if len(cuts) > 1:
        ends = [f"*lt(pts,{c.end})" if c.end is not None else "" for c in cuts]
        node = node.filter("select", "+".join(f"gte(pts,{c.start}){end}" for c, end in zip(cuts, ends, strict=True)))
    shift = f"{lead - cuts[-1].origin:+d}"
    for earlier in reversed(cuts[:-1]):
        shift = f"+if(lt(PTS,{earlier.end}),{lead - earlier.origin},{shift})"
    node = node.filter("setpts", f"PTS{shift}")
    if slots:
        node = node.filter("select", _first_in_slot(slots, lead, [c.start - c.origin for c in cuts[1:]]))
    return filtered(node, steps)


def filtered(node: Any, steps: Sequence[Step]) -> Any:
    for name, options in steps:
        node = node.filter(name, **options)
    return node


def _first_in_slot(slots: Slots, lead: int, begins: Sequence[int]) -> str:
    """True for the first frame of all, for the first in each slot, and for those that begin a cut."""
    own, before = (f"floor((({pts}-{lead})*{slots.num}+{slots.lead})/{slots.den})" for pts in ("pts", "prev_pts"))
    always = "".join(f"+eq(pts,{begin + lead})" for begin in begins)
    return f"if(isnan(prev_pts),1,gt({own},{before}){always})"


def coded_output(node: Any, out: Path, time_base: Fraction, coding: Coding) -> Any:
    """Encode ``node`` to a NUT file, which stores any time base exactly and can be read while it grows."""
    return ffmpeg.output(
        _described(node, coding.tags),
        ours(out),
        **{
            "f": "nut",
            "c:v": coding.codec.encoder,
            **encoder_of(coding.codec).options(coding),
            "fps_mode": "passthrough",
            "enc_time_base": f"{time_base.numerator}/{time_base.denominator}",
            "flush_packets": 1,
            **coding.tags,
        },
    )


# ``setparams`` has names of its own for one option of encoders, and for two transfer curves.
_SAID_AS = {"color_range": "range"}
_ALSO_CALLED = {"gamma22": "bt470m", "gamma28": "bt470bg"}


def _described(node: Any, tags: Mapping[str, str]) -> Any:
    """``node`` of the colours that the encoder is to tell of it: from version 7 on ffmpeg believes the pictures, loses
    what they don't say, and may convert what says nothing."""
    said = {_SAID_AS.get(name, name): _ALSO_CALLED.get(value, value) for name, value in tags.items()}
    return node.filter("setparams", **said) if said else node


def command(binary: str, output: Any, *, talkative: bool = False, strict: bool = False) -> list[str]:
    """As ``written``; raises EncoderError where it breaks a rule of ``argv_rules``, so that it never runs."""
    return _checked(written(binary, output, talkative=talkative, strict=strict))


def written(binary: str, output: Any, *, talkative: bool = False, strict: bool = False) -> list[str]:
    """The whole argv for ``output``: quiet but for warnings (or ``talkative``), progress on stdout, stdin closed.

    ``strict`` ends at the first error.
    """
    argv: list[str] = ffmpeg.compile(output, cmd=binary, overwrite_output=True)
    head = [
        *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+info" if talkative else "level+warning"),
        *("-progress", "pipe:1", "-stats_period", "0.25"),
        *("-max_alloc", str(_MAX_ALLOC_BYTES), "-filter_complex_threads", "1"),
        *(["-xerror"] if strict else []),
    ]
    return [argv[0], *head, *argv[1:]]


def trial(binary: str) -> list[str]:
    """One tiny encode with the options everything rests on: timestamp pass-through and a given time base."""
    made = [
        *(binary, "-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", argv_rules.TRIAL_SOURCE),
        *("-fps_mode", "passthrough", "-enc_time_base", "1/90000"),
        *("-c:v", "libx264", "-x264-params", "stitchable=1", "-f", "null", "-"),
    ]
    return _checked(made)


def trial_av1(binary: str) -> list[str]:
    """The same with a quality between two whole steps of SVT-AV1."""
    made = [
        *(binary, "-hide_banner", "-loglevel", "warning", "-nostdin", "-f", "lavfi", "-i", argv_rules.TRIAL_SOURCE),
        *("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "crf=40.5:lp=1", "-f", "null", "-"),
    ]
    return _checked(made)


def _checked(argv: list[str]) -> list[str]:
    if broken := argv_rules.violations(argv):
        raise EncoderError(f"An unsafe ffmpeg command was built and not run: {broken[0]}.", hint="Please report this.")
    return argv
