"""The benchmark against other tools: formulas, outcomes, tables, and that a run goes on where an earlier one ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.cases import Case
from benchmarks.peers import formulas, report
from benchmarks.peers.__main__ import keep, load, missing, ordered
from benchmarks.peers.tools import TOOLS, outcome

CASE = Case(Path("/clips/one.mp4"), 100_000, 0.12)


def row(tool: str, **more: object) -> dict:
    made = {"clip": "one.mp4", "limit": 100_000, "tool": tool, "version": "1", "state": "made", "fill": 0.99}
    cost = {"cpu_s": 2.0, "wall_s": 1.0, "peak_mb": 50.0, "size": "64x48", "frames_lost": 0}
    return made | cost | {"vmaf": 80.0, "vmaf_harmonic": 79.0, "vmaf_p1": 70.0, "xpsnr": 35.0} | more


def test_plain_spends_every_bit_of_the_limit():
    plan = formulas.plain(1_000_000, 10.0, True)
    assert (plan.video_kbps, plan.audio_kbps) == (704.0, 96.0)
    assert formulas.plain(1_000_000, 10.0, False).video_kbps == 800.0
    assert formulas.plain(100_000, 10.0, True).audio_kbps == 16.0


def test_constrict_shrinks_picture_and_rate_with_the_budget():
    # 1 MB over 10 s is 772 kb/s, 96 of them sound.
    plan = formulas.constrict(1_000_000, 10.0, True, (1080, 60.0))
    assert plan.video_kbps == pytest.approx(676.0)
    assert (plan.audio_kbps, plan.height, plan.fps) == (96.0, 480, 30.0)


def test_constrict_crushes_below_246_kbps():
    plan = formulas.constrict(200_000, 10.0, True, (720, 30.0))
    assert plan.audio_kbps == pytest.approx(0.2 * 154.4)
    assert (plan.height, plan.fps) == (144, 24.0)


def test_constrict_never_enlarges_and_keeps_60_where_both_ladders_agree():
    assert formulas.constrict(10_000_000, 10.0, False, (360, 30.0)).height == 360
    plan = formulas.constrict(25_000_000, 10.0, False, (2160, 60.0))
    assert (plan.height, plan.fps) == (2160, 60.0)


@pytest.mark.parametrize(
    ("size", "attempt", "factor"),
    [(99, 1, None), (75, 1, None), (70, 1, 1.4), (70, 2, None), (101, 2, 0.98 / 1.01)],
)
def test_constrict_goes_on_until_the_file_fits_and_takes_a_small_one_the_second_time(size, attempt, factor):
    again = formulas.constrict_next(size, 100, 1.0, attempt)
    assert again == (factor if factor is None else pytest.approx(factor))


def test_8mb_local_takes_two_percent_too_much():
    plan = formulas.eight_mb(1024 * 1024, 10.0, True)
    assert plan.video_kbps == pytest.approx(819.2 - 128)
    assert formulas.eight_mb_retry(700.0, 102, 100) is None
    assert formulas.eight_mb_retry(700.0, 110, 100) == pytest.approx(700 / 1.1 * 0.94)
    assert formulas.eight_mb_retry(48.0, 110, 100) is None


@pytest.mark.parametrize(
    ("tool", "code", "said", "size", "late", "expected"),
    [
        ("vresize", 0, "", 100_000, False, "made"),
        ("vresize", 0, "", 100_001, False, "over"),
        ("vresize", 1, "Traceback", None, False, "failed"),
        ("vresize", 0, "", None, False, "failed"),
        ("scales-video-compressor", 1, "target too small: 0.1 MiB", None, False, "refused"),
        ("constrict", 4, "", 5, False, "refused"),
        ("ffmpeg4discord", -9, "", 5, True, "timed out"),
    ],
)
def test_the_outcome_in_a_word(tool, code, said, size, late, expected):
    assert outcome(TOOLS[tool], code, said, size, 100_000, late) == expected


def test_a_later_run_does_what_is_missing(tmp_path):
    results = tmp_path / "peers.jsonl"
    keep(results, row("vresize"))
    with results.open("a") as file:
        file.write('{"clip": "one.mp4", "lim')
    keep(results, row("constrict", state="failed"))
    assert [r["tool"] for r in load(results)] == ["vresize", "constrict"]
    assert missing(CASE, ["vresize", "constrict", "8mb.local"], load(results)) == ["8mb.local"]
    assert missing(Case(CASE.clip, 5, None), ["vresize"], load(results)) == ["vresize"]


def test_each_second_case_goes_backwards():
    assert [ordered(["a", "b"], n) for n in range(3)] == [["a", "b"], ["b", "a"], ["a", "b"]]


def test_tables_count_outcomes_and_say_where_we_lose():
    unmade = {key: value for key, value in row("vresize", state="failed").items() if "vmaf" not in key}
    unmade.pop("fill")
    rows = [row("tightfit"), row("constrict", vmaf=82.0, cpu_s=6.0), unmade, row("8mb.local", state="over", fill=1.01)]
    table = report.summary(rows)
    assert "| constrict | 1 | 1 | 1 | 0 | 0 | 0 | 0 | 0.9900 | +2.0 | 0 of 1 | 3.00 |" in table
    assert "| vresize | 1 | 1 | 0 | 0 | 0 | 1 | 0 |" in table
    assert "| 8mb.local | 1 | 1 | 0 | 1 |" in table
    assert report.lost(rows) == "- constrict, one.mp4 at 100 kB: +2.0 VMAF"
    columns = {text.count("|") for text in (*report.HEAD.splitlines(), *map(report.line, rows))}
    assert len(columns) == 1
    assert len({text.count("|") for text in table.splitlines()}) == 1
