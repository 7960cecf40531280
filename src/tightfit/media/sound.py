"""What is heard in the edited clip: a source's sound as an input with its filters, in time with the picture.

Sound is cut where the picture is, to within ``_GRAIN`` samples, and put on the clip's clock, which is 0 at its first
picture; silence stands where the source has none.
"""

from __future__ import annotations

from math import log2
from typing import Any

from tightfit.domain.layout import Layout
from tightfit.domain.media_info import AudioStream, MediaInfo
from tightfit.domain.policy import Policy
from tightfit.media import argv

# Samples that are kept or dropped together: 1.3 ms at 48 kHz.
_GRAIN = 64
# Gaps in a source's timestamps are filled, or everything behind them would come too early: from 20 ms on, which is what
# lips and voice may be apart. Times that are rounded, or taken when a phone got round to it, are off by less.
FILLED = {"async": 1, "min_hard_comp": 0.02}
# Behind a joint the clocks have to agree again; what a grain may be off is nothing that is heard.
_REJOINED = {"async": 1, "min_hard_comp": 0.005, "first_pts": 0}
_FASTEST = 2.0
_DELAY_S = 0.027
# Where reading begins before the first sample that is heard: sound may be stored well behind the picture it goes with.
_EARLY_S = 10.0


def is_untouched(layout: Layout) -> bool:
    """Whether the sound is the source's, all of it and on its own clock: only then can it be copied."""
    edits = layout.edits
    faded = any(fade.sound for fade in edits.fades)
    return layout.keeps_time and not edits.mutes and edits.volume == 1 and not faded


def ends_s(stream: AudioStream, layout: Layout) -> float:
    """When the stream's last sample is heard, on the clock of the track; 0 or less where none is."""
    end = stream.start_s + stream.duration_s
    if is_untouched(layout):
        return end
    for begin, (start, stop) in reversed(list(zip(layout.begins, layout.stretches_s(), strict=True))):
        if end > start and stream.start_s < stop:
            return (float(begin * layout.time_base) + min(end, stop) - start) / float(layout.speed)
    return 0.0


def sound_of(info: MediaInfo, stream: AudioStream, policy: Policy, layout: Layout | None) -> Any:
    """The sound of ``stream`` as it is heard in the clip of ``layout``; None is a file of sound alone, all of it."""
    if layout is None or is_untouched(layout):
        return argv.source_input(info, policy, threads=1)[str(stream.index)]
    stretches = layout.stretches_s()
    first, last = stretches[0][0], stretches[-1][1]
    seek_s = first - _EARLY_S - info.start_s
    source = argv.source_input(info, policy, threads=1, seek_s=seek_s if seek_s > 0 else None)
    node = source[str(stream.index)].filter("aresample", **FILLED)
    node = node.filter("atrim", start=f"{first:.6f}", end=f"{last:.6f}").filter("asetnsamples", n=_GRAIN, p=0)
    for start, end in layout.muted_s():
        node = node.filter("volume", volume=0, enable=_within(start, end))
    if len(stretches) > 1:
        node = node.filter("aselect", "+".join(_within(a, b) for a, b in stretches))
    tempos, speed = _tempos(float(layout.speed)), float(layout.speed)
    late = f"+{_delay_s(speed) * speed:.6f}/TB" if speed < 1 else ""
    node = node.filter("asetpts", f"PTS-({_moved(layout)})/TB{late}").filter("aresample", **_REJOINED)
    for factor in tempos:
        node = node.filter("atempo", f"{factor:.9g}")
    if tempos:
        node = node.filter("atrim", end=f"{layout.duration_s:.6f}")
    if layout.edits.volume != 1:
        node = node.filter("volume", f"{layout.edits.volume:.6g}")
    return _faded(node, layout)


def _within(start: float, end: float) -> str:
    return f"gte(t,{start:.6f})*lt(t,{end:.6f})"


def _tempos(speed: float) -> list[float]:
    """Factors for atempo that make ``speed`` together: one above 2 skips samples, one below 0.5 it refuses."""
    factors = []
    while speed > _FASTEST or speed < 1 / _FASTEST:
        step = _FASTEST if speed > 1 else 1 / _FASTEST
        factors.append(step)
        speed /= step
    return factors if speed == 1 else [*factors, speed]


def _delay_s(speed: float) -> float:
    """By how many seconds atempo brings sounds too early where it slows them down: it draws out what leads up to them.

    Measured with tones of 40 ms: at half the speed 8 to 22 ms in noise, 38 to 46 out of silence. With this in between
    both are within 20 ms down to 0.4 of the speed; at a quarter tones in noise are up to 34 ms late.
    """
    return _DELAY_S * log2(1 / speed) if speed < 1 else 0.0


def _faded(node: Any, layout: Layout) -> Any:
    for fade in layout.edits.fades:
        if fade.sound and fade.in_s:
            node = node.filter("afade", type="in", st=0, d=f"{fade.in_s:.6f}")
        if fade.sound and fade.out_s:
            node = node.filter("afade", type="out", st=f"{layout.duration_s - fade.out_s:.6f}", d=f"{fade.out_s:.6f}")
    return node


def _moved(layout: Layout) -> str:
    """By how many seconds a sample at time T comes out earlier, as an expression."""
    moves = [float(run.origin * layout.time_base) for run in layout.runs]
    ends = [end for _, end in layout.stretches_s()]
    nested = f"{moves[-1]:.6f}"
    for move, end in reversed(list(zip(moves[:-1], ends[:-1], strict=True))):
        nested = f"if(lt(T,{end:.6f}),{move:.6f},{nested})"
    return nested
