"""The page about a result: it loads nothing, and a hostile name is only text in it."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tightfit.domain.moments import Scores
from tightfit.domain.result import AudioOut, Result, Status, VideoOut
from tightfit.engine.report.facts import ReportFacts, SegmentRow, Still
from tightfit.engine.report.page import render

HOSTILE = ["<script>alert(1)</script>.mp4", '"><img src=x onerror=alert(1)>.mp4', "$job ${name} $.mp4", "a&b 'c'.mp4"]


def facts(name: str = "clip.mp4", metric: str = "vmaf", values: tuple[float, ...] = (80.0, 90.0, 70.0)) -> ReportFacts:
    result = Result(
        *(Status.MET, "01M8FDKE89SH7FGFC04QHAFQ0J", f"/videos/{name}", f"/videos/{name}", 1_000_000, 996_000, 3.0, 3),
        VideoOut("h264", 640, 360, 1.0),
        (AudioOut("aac", 64.0, 2),),
        warnings=(f"About {name}: it is odd.",),
    )
    scores = Scores(metric, None, 1, values)
    row = SegmentRow(0.0, 3.0, 3, 900_000, 24.0, scores.summary(), "encoded again")
    still = Still(f"The worst of {name}", 2.0, 70.0, b"\xff\xd8source", b"\xff\xd8after")
    return ReportFacts(
        *(replace(result, quality=scores.summary()), 9_000_000, f"1280x720 of {name}", (f"Since {name} is so.",)),
        *(scores, (0.0, 1.0, 2.0), (300_000, 0, 600_000), (row,), (still,), "tightfit"),
    )


class Tags(HTMLParser):
    """Every tag with its attributes, and each must be closed in turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in {"meta", "img", "input"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_only_text(name):
    plain, hostile = Tags(render(facts())), Tags(render(facts(name)))
    assert hostile.open == []
    assert [(tag, sorted(attrs)) for tag, attrs in hostile.seen] == [(tag, sorted(attrs)) for tag, attrs in plain.seen]


def test_it_loads_nothing_and_forbids_itself_to():
    page = render(facts())
    for tag, attrs in Tags(page).seen:
        assert tag not in {"link", "iframe", "object", "base"}
        assert (attrs.get("src") or "data:").startswith("data:image/jpeg;base64,") or "src" not in attrs
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|url\(", page)


@pytest.mark.parametrize(
    ("metric", "values"), [("vmaf", (0.0, 100.0, 50.0)), ("ssim", (0.9, 1.0, 1.0)), ("xpsnr", (30.0,) * 3)]
)
def test_every_metric_has_its_name_and_its_curve_within_the_chart(metric, values):
    page = render(facts(metric=metric, values=values))
    assert {"vmaf": "VMAF", "ssim": "SSIM", "xpsnr": "XPSNR"}[metric] + " on average" in page.replace(" (None)", "")
    [points] = re.findall(r'<polyline class="line" points="([^"]+)"', page)
    heights = [float(point.split(",")[1]) for point in points.split()]
    assert len(heights) == 3
    assert all(0 <= y <= 170 for y in heights)


def test_the_numbers_of_the_result_stand_in_it():
    page = render(facts())
    for word in (
        "996 000 of 1 000 000 bytes",
        "99.60 %",
        "9.00 MB",
        "996 kB",
        "encoded again",
        "Since clip.mp4 is so.",
    ):
        assert word in page
