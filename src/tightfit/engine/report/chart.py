"""Two curves over one time axis as inline SVG: quality as a line, bytes as bars, and where segments meet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from tightfit.engine.report.facts import ReportFacts

_WIDE, _HIGH, _LEFT, _BOTTOM = 960, 170, 46, 18
# A line of more points than this is no finer to the eye, and a large page.
_MOST_POINTS = 1200


def quality_chart(facts: ReportFacts) -> str:
    """One point a scored frame, or the worst of several where there are very many."""
    values, times = _thinned(facts.scores.values, facts.times_s)
    low, high, unit = _range_of(facts.scores.metric, values)
    points = " ".join(f"{_x(t, facts):.1f},{_y(v, low, high):.1f}" for t, v in zip(times, values, strict=True))
    line = f'<polyline class="line" points="{points}"/>'
    return _svg(f"{unit} over time", facts, (low, high), line)


def bytes_chart(facts: ReportFacts) -> str:
    """One bar a second."""
    most = max(facts.bytes_per_second, default=1) or 1
    scale = most / 1000
    bars = []
    for second, size in enumerate(facts.bytes_per_second):
        left, right = _x(second, facts), _x(min(second + 1, _ends(facts)), facts)
        top = _y(size / 1000, 0, scale)
        bars.append(
            f'<rect class="bar" x="{left:.1f}" y="{top:.1f}" width="{max(0.5, right - left - 1):.1f}" '
            f'height="{_HIGH - _BOTTOM - top:.1f}"/>'
        )
    return _svg("kB per second of video", facts, (0, scale), "".join(bars))


def _svg(title: str, facts: ReportFacts, bounds: tuple[float, float], inside: str) -> str:
    low, high = bounds
    seams = "".join(
        f'<line class="seam" x1="{_x(row.from_s, facts):.1f}" x2="{_x(row.from_s, facts):.1f}" y1="6" '
        f'y2="{_HIGH - _BOTTOM}"/>'
        for row in facts.segments[1:]
    )
    marks = [(value, _y(value, low, high)) for value in (low, (low + high) / 2, high)]
    labels = "".join(
        f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" class="y">{value:.3g}</text>'
        f'<line class="grid" x1="{_LEFT}" x2="{_WIDE}" y1="{y:.1f}" y2="{y:.1f}"/>'
        for value, y in marks
    )
    ends = _ends(facts)
    times = "".join(
        f'<text x="{_x(ends * k / 4, facts):.1f}" y="{_HIGH - 3}" class="x{k}">{_clock(ends * k / 4)}</text>'
        for k in range(5)
    )
    return (
        f'<figure><figcaption>{escape(title)}</figcaption><svg viewBox="0 0 {_WIDE} {_HIGH}" role="img" '
        f'aria-label="{escape(title)}">{labels}{seams}{inside}{times}</svg></figure>'
    )


def _range_of(metric: str, values: Sequence[float]) -> tuple[float, float, str]:
    if metric == "ssim":
        return math.floor(min(values) * 10) / 10, 1.0, "SSIM"
    low = max(0.0, math.floor(min(values) / 10) * 10)
    return low, 100.0 if metric == "vmaf" else max(low + 10, max(values)), "VMAF" if metric == "vmaf" else "XPSNR (dB)"


def _thinned(values: Sequence[float], times: Sequence[float]) -> tuple[list[float], list[float]]:
    step = -(-len(values) // _MOST_POINTS)
    return [min(values[n : n + step]) for n in range(0, len(values), step)], list(times[::step])


def _ends(facts: ReportFacts) -> float:
    return facts.result.duration_s or 1.0


def _x(time_s: float, facts: ReportFacts) -> float:
    return _LEFT + (_WIDE - _LEFT) * min(1.0, time_s / _ends(facts))


def _y(value: float, low: float, high: float) -> float:
    top, bottom = 8, _HIGH - _BOTTOM
    return bottom - (bottom - top) * (value - low) / (high - low)


def _clock(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
