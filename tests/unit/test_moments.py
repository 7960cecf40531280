"""What the scores of frames say, and how they are read from ffmpeg's logs."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.moments import Scores, moments
from tightfit.errors import EncoderError
from tightfit.media.score_logs import FAULTLESS_DB, ssim_scores, vmaf_scores, xpsnr_scores

values = st.lists(st.floats(0, 100), min_size=1, max_size=300)


def scores(*numbers: float, every: int = 1) -> Scores:
    return Scores("vmaf", "vmaf_v0.6.1", every, tuple(numbers))


@given(values)
def test_means_lie_between_the_worst_and_the_best_and_the_harmonic_one_below(numbers):
    found = scores(*numbers).summary()
    assert min(numbers) - 1e-6 <= found.harmonic_mean <= found.mean + 1e-6 <= max(numbers) + 2e-6
    assert found.p1 in numbers


@given(values, st.integers(1, 7), st.floats(1, 60))
def test_both_moments_are_frames_that_were_scored(numbers, every, fps):
    made = scores(*numbers, every=every)
    for frame in vars(moments(made, fps)).values():
        assert frame % every == 0
        assert 0 <= frame // every < len(numbers)


def test_the_worst_second_is_shown_and_not_one_bad_frame():
    good, flash, poor = [90.0] * 10, [90.0] * 9 + [40.0], [60.0] * 4 + [55.0] + [60.0] * 5
    assert moments(scores(*good, *flash, *poor, *good), 10).worst == 24


def test_the_typical_moment_is_as_good_as_most():
    good, poor, usual = [99.0] * 10, [20.0] * 10, [80.0] * 10
    typical = moments(scores(*good, *poor, *usual, *usual, *usual), 10).typical
    assert 20 <= typical < 50


@pytest.mark.parametrize("every", [1, 3])
def test_a_segment_is_judged_by_its_own_frames(every):
    numbers = [float(n * every) for n in range(0, 60)]
    found = scores(*numbers, every=every).between(30, 60)
    inside = [n for n in numbers if 30 <= n < 60]
    assert found is not None
    assert math.isclose(found.mean, sum(inside) / len(inside))


def test_a_segment_without_a_scored_frame_has_no_quality():
    assert scores(*[50.0] * 10, every=10).between(11, 19) is None


LOGS = {
    "vmaf": (vmaf_scores, json.dumps({"frames": [{"metrics": {"vmaf": 91.5}}, {"metrics": {"vmaf": 88}}]}), [91.5, 88]),
    "ssim": (ssim_scores, "n:1 Y:0.9 U:0.9 V:0.9 All:0.91 (10.4)\nn:2 Y:1 U:1 V:1 All:1.0 (inf)\n", [0.91, 1.0]),
    "xpsnr": (
        xpsnr_scores,
        "n:    1  XPSNR y: 41.25  XPSNR u: 45  XPSNR v: 44\nn:    2  XPSNR y: inf  XPSNR u: inf\n\nXPSNR avg",
        [41.25, FAULTLESS_DB],
    ),
}


@pytest.mark.parametrize("metric", LOGS)
def test_a_log_is_read_and_removed(metric, tmp_path):
    read, text, expected = LOGS[metric]
    log = tmp_path / "log"
    log.write_text(text)
    assert read(log) == expected
    assert not log.exists()


@pytest.mark.parametrize("metric", LOGS)
@pytest.mark.parametrize("text", ["", "nonsense\n", '{"frames": [{}]}'])
def test_a_log_that_says_no_score_is_an_error_that_says_why(metric, text, tmp_path):
    read = LOGS[metric][0]
    log = tmp_path / "log"
    log.write_text(text)
    if metric == "ssim" and not text:
        assert read(log) == []
        return
    with pytest.raises(EncoderError, match="it fell over"):
        read(log, "it fell over")
