"""The page itself: one file of HTML that loads nothing, whatever names and texts are in it."""

from __future__ import annotations

import base64
from html import escape
from importlib.resources import files
from pathlib import Path
from string import Template

from tightfit.domain.result import Quality
from tightfit.engine.report.chart import bytes_chart, quality_chart
from tightfit.engine.report.facts import ReportFacts, SegmentRow, Still
from tightfit.units import format_bytes

_NAMES = {"vmaf": "VMAF", "xpsnr": "XPSNR", "ssim": "SSIM"}


def render(facts: ReportFacts) -> str:
    """The whole document."""
    template = Template(files("tightfit.engine.report").joinpath("page.html").read_text(encoding="utf-8"))
    result = facts.result
    assert result.bytes, "only what was made is told of"
    assert result.limit_bytes, "only what was made is told of"
    return template.substitute(
        job=escape(result.job_id),
        name=escape(Path(result.output or "").name),
        source=escape(Path(result.input).name),
        before=escape(format_bytes(facts.source_bytes)),
        after=escape(format_bytes(result.bytes)),
        limit=escape(format_bytes(result.limit_bytes)),
        exactly=f"{result.bytes:,} of {result.limit_bytes:,} bytes".replace(",", " "),
        fill=f"{100 * result.bytes / result.limit_bytes:.2f}",
        meter=f"{100 * result.bytes / result.limit_bytes:.1f}",
        quality=_quality(result.quality, facts),
        was=escape(facts.source_says),
        became=escape(_became(facts)),
        stills="".join(_still(still, facts) for still in facts.stills),
        charts=quality_chart(facts) + bytes_chart(facts),
        segments="".join(_segment(n, row) for n, row in enumerate(facts.segments, start=1)),
        metric=_NAMES[facts.scores.metric],
        reasons="".join(f"<li>{escape(reason)}</li>" for reason in facts.reasons),
        warnings=_warnings(result.warnings),
        made_by=escape(facts.made_by),
    )


def _quality(quality: Quality | None, facts: ReportFacts) -> str:
    if quality is None:
        return ""
    digits = 4 if quality.metric == "ssim" else 1
    model = f" ({escape(quality.model)})" if quality.model else ""
    every = "every frame" if facts.scores.every == 1 else f"every {facts.scores.every}th frame"
    return (
        f"<b>{quality.mean:.{digits}f}</b> {_NAMES[quality.metric]}{model} on average, harmonic mean "
        f"{quality.harmonic_mean:.{digits}f}, worst hundredth below {quality.p1:.{digits}f}; {every} was compared."
    )


def _became(facts: ReportFacts) -> str:
    result, video = facts.result, facts.result.video
    assert video, "only what was made is told of"
    sound = ", ".join(f"{a.codec} {a.kbps:.0f} kb/s {a.channels} ch" for a in result.audio) or "no sound"
    return f"{video.width}x{video.height} {video.codec} at {video.fps or 0:.4g} fps, {sound}"


def _still(still: Still, facts: ReportFacts) -> str:
    digits = 3 if facts.scores.metric == "ssim" else 1
    caption = f"{still.title}, at {still.at_s:.2f} s: {_NAMES[facts.scores.metric]} {still.score:.{digits}f}"
    return (
        f"<figure><figcaption>{escape(caption)}</figcaption>"
        f'<div class="pair"><img alt="the source" src="{_data(still.source)}">'
        f'<img class="after" alt="what it became" src="{_data(still.encoded)}">'
        '<span class="tag left">source</span><span class="tag right">fitted</span><i class="bar"></i>'
        '<input type="range" min="0" max="100" step="0.1" value="50" aria-label="how much of each is shown"></div>'
        "</figure>"
    )


def _data(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _segment(number: int, row: SegmentRow) -> str:
    kbps = row.bytes * 8 / 1000 / max(0.001, row.to_s - row.from_s)
    digits = 4 if row.quality and row.quality.metric == "ssim" else 1
    quality = f"{row.quality.mean:.{digits}f}" if row.quality else "–"
    worst = f"{row.quality.p1:.{digits}f}" if row.quality else "–"
    cells = (
        str(number),
        f"{row.from_s:.2f} – {row.to_s:.2f} s",
        str(row.frames),
        format_bytes(row.bytes),
        f"{kbps:.0f}",
        f"{row.crf:.1f}",
        quality,
        worst,
        row.note,
    )
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _warnings(warnings: tuple[str, ...]) -> str:
    if not warnings:
        return ""
    return "<h2>To know</h2><ul>" + "".join(f"<li>{escape(text)}</li>" for text in warnings) + "</ul>"
