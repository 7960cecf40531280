"""Formats and their encoders: one scale of quality, which one is chosen, how their pictures are stored."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tightfit.domain.codec import AV1, CODECS, H264, Codec, Effort
from tightfit.domain.edits import NO_EDITS
from tightfit.domain.media_info import Colour, Identity, VideoStream
from tightfit.engine.codecs import decided, keeps_hdr
from tightfit.engine.facts import fingerprint, request_facts, request_of
from tightfit.engine.requests import edit_request, make_request
from tightfit.errors import ToolError, UsageError
from tightfit.media import av1, hevc
from tightfit.media.tools import Ffmpeg

EVERYTHING = frozenset(codec.encoder for codec in CODECS.values()) | {"libopus"}
CLIP = Path("/clips/a.mp4")
IDENTITY = Identity(1, 2, 3, 4, "5")


def ffmpeg(*, encoders: frozenset[str] = EVERYTHING, fine_av1: bool = True) -> Ffmpeg:
    return Ffmpeg("/bin/ffmpeg", "named", "9", encoders, frozenset(), fine_av1=fine_av1)


@given(st.sampled_from(list(CODECS.values())), st.floats(6, 51))
def test_a_quality_that_an_encoder_knows_is_near_and_stays_what_it_is(codec: Codec, quality: float):
    known = codec.nearest(quality)
    assert codec.own_crf(known) == pytest.approx(codec.own_crf(quality))
    assert codec.nearest(known) == pytest.approx(known)
    if codec.own_crf(quality) < codec.most_crf:
        assert abs(known - quality) <= codec.grain / 2 + 1e-9


def test_what_is_made_where_nothing_is_chosen_has_the_presets_it_always_had():
    assert H264.presets[Effort.BALANCED] == ("medium", "faster")


@pytest.mark.parametrize(
    ("words", "codec", "why"),
    [
        ({"to": "500KB"}, "h264", "what else would play is not known"),
        ({"preset": "discord"}, "h264", "what else would play is not known"),
        ({"preset": "whatsapp"}, "h264", "no AV1, which it is not known to play"),
        ({"preset": "tiktok"}, "hevc", "H.265 is the best codec that the destination plays"),
        ({"preset": "tiktok", "effort": "fast"}, "h264", "no H.265, which takes more time"),
        ({"preset": "web"}, "av1", "AV1 is the best codec that the destination plays."),
        ({"to": "500KB", "container": "webm"}, "av1", "AV1 is what WebM files are written with."),
        ({"preset": "github", "output": "b.webm"}, "av1", "AV1 is what WebM files are written with."),
    ],
)
def test_auto_takes_the_best_codec_that_the_destination_plays(words: dict[str, str], codec: str, why: str):
    decision = decided(make_request(CLIP, codec="auto", **words), ffmpeg())
    assert decision.codec.name == codec
    assert why in decision.why


def test_a_codec_that_this_ffmpeg_lacks_is_refused_where_it_is_named_and_passed_over_where_it_is_not():
    poor = ffmpeg(encoders=frozenset({"libx264"}))
    with pytest.raises(ToolError, match="needs libsvtav1, and the ffmpeg at /bin/ffmpeg has none"):
        decided(make_request(CLIP, to="1MB", codec="av1"), poor)
    decision = decided(make_request(CLIP, preset="web", codec="auto"), poor)
    assert decision.codec is H264
    assert "no AV1, for which this ffmpeg has no libsvtav1" in decision.why


def test_webm_is_av1_without_a_word():
    assert make_request(CLIP, to="1MB", output="b.webm").codec == "av1"
    assert edit_request(CLIP, NO_EDITS, container="webm").codec == "av1"
    assert make_request(CLIP, to="1MB", output="b.mkv").codec == "h264"


def test_only_an_encoder_that_knows_them_is_asked_for_parts_of_a_step():
    request = make_request(CLIP, to="1MB", codec="av1")
    assert decided(request, ffmpeg(fine_av1=False)).codec is AV1
    assert decided(request, ffmpeg()).codec.own_step == 0.25


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"codec": "av1", "output": "b.mov"}, "No player expects AV1 in a .mov file"),
        ({"codec": "hevc", "output": "b.webm"}, "No player expects H.265 in a .webm file"),
        ({"codec": "h264", "container": "webm"}, "No player expects H.264 in a .webm file"),
        ({"codec": "vp9"}, "not in this version"),
        ({"codec": "h263"}, "means nothing"),
        ({"effort": "more"}, "means nothing"),
    ],
)
def test_what_can_t_be_is_refused(words: dict[str, str], said: str):
    with pytest.raises(UsageError, match=said):
        make_request(CLIP, to="1MB", **words)


HDR_CLIP = VideoStream(0, "hevc", 64, 64, Fraction(1, 25), (0,), (9,), (0,), colour=Colour(9, 16, 9, False))


@pytest.mark.parametrize(
    ("words", "keeps"),
    [
        ({"to": "1MB", "codec": "h264"}, False),
        ({"to": "1MB", "codec": "hevc"}, True),
        ({"to": "1MB", "codec": "av1", "hdr": "keep"}, True),
        ({"to": "1MB", "codec": "av1", "hdr": "tonemap"}, False),
        ({"preset": "instagram", "codec": "auto"}, True),
        ({"preset": "instagram", "codec": "hevc", "hdr": "keep"}, True),
        ({"preset": "tiktok", "codec": "hevc"}, False),
        ({"preset": "web", "codec": "auto"}, False),
    ],
)
def test_hdr_stays_where_codec_and_destination_show_it(words: dict[str, str], keeps: bool):
    request = make_request(CLIP, **words)
    codec = decided(request, ffmpeg()).codec
    assert keeps_hdr(request, codec, HDR_CLIP) is keeps
    assert not keeps_hdr(request, codec, replace(HDR_CLIP, colour=Colour(1, 1, 1, False))), "there is nothing to keep"


def test_hdr_that_would_not_be_shown_is_refused():
    with pytest.raises(UsageError, match=r"needs 10 bits, and H\.264 is written with 8"):
        make_request(CLIP, to="1MB", hdr="keep")
    with pytest.raises(UsageError, match="TikTok is not known to show HDR"):
        make_request(CLIP, preset="tiktok", codec="hevc", hdr="keep")
    with pytest.raises(UsageError, match=r"--codec auto comes to H\.264"):
        decided(make_request(CLIP, to="1MB", codec="auto", hdr="keep"), ffmpeg())


def test_jobs_for_destinations_of_earlier_versions_are_found_again():
    facts = [request_facts(make_request(CLIP, preset=name, codec="hevc"), IDENTITY) for name in ("tiktok", "instagram")]
    assert ["hdr" in one["destination"] for one in facts] == [False, True]
    assert [request_of(one).destination for one in facts] == [
        make_request(CLIP, preset=name).destination for name in ("tiktok", "instagram")
    ]


def test_a_destination_that_does_not_take_a_codec_says_so():
    with pytest.raises(UsageError, match=r"takes no AV1"):
        make_request(CLIP, preset="whatsapp", codec="av1")
    with pytest.raises(UsageError, match=r"takes no AV1"):
        make_request(CLIP, preset="tiktok", codec="auto", container="webm")


def test_webm_without_an_encoder_for_its_sound_is_refused():
    bare = ffmpeg(encoders=EVERYTHING - {"libopus"})
    with pytest.raises(ToolError, match="needs libopus"):
        decided(make_request(CLIP, to="1MB", codec="av1", container="webm"), bare)
    assert decided(make_request(CLIP, to="1MB", codec="av1", container="webm", audio="none"), bare).codec.name == "av1"


def test_each_codec_and_effort_is_another_job():
    asked = [{}, *({"codec": name} for name in ("hevc", "av1", "auto")), {"effort": "best"}]
    requests = [make_request(CLIP, to="90KB", **words) for words in asked]
    facts = [request_facts(request, IDENTITY) for request in requests]
    assert [request_of(one) for one in facts] == requests
    assert len(set(map(fingerprint, facts))) == len(asked)
    assert not {"codec", "effort"} & facts[0].keys(), "jobs of earlier versions are not found any more"


@given(st.binary(max_size=60))
def test_what_is_no_stream_of_h265_is_refused_and_nothing_else(given_bytes: bytes):
    hevc.sample(given_bytes)
    hevc.comparable(given_bytes)
    hevc.told(given_bytes)
    assert hevc.demand(given_bytes) >= (0, 0)
    try:
        hevc.description(given_bytes)
    except ValueError:
        return
    assert given_bytes


# VPS, SPS and PPS as x265 gave them for one clip at a quality and at a high rate: the second claims another tier and
# level.
_QUALITY = bytes.fromhex(
    "0000000140010c01ffff01600000030090000003000003005a959409"
    "0000000142010101600000030090000003000003005aa006b201e1d796565b930bc05a0040000000014401c173c189"
)
_RATE = bytes.fromhex(
    "0000000140010c01ffff21600000030090000003000003007b959409"
    "0000000142010121600000030090000003000003007ba006b201e1d796565b930bc05a0040000000014401c173c189"
)


def test_pieces_that_differ_in_level_alone_join_as_what_asks_most():
    assert hevc.comparable(_QUALITY) == hevc.comparable(_RATE)
    assert hevc.demand(_QUALITY) < hevc.demand(_RATE)
    record = hevc.description(_RATE)
    assert (record[0], record[1] & 0x20, record[12], record[22]) == (1, 0x20, 0x7B, 3)
    assert [record[23] & 0x3F, record[23] >> 7] == [32, 1]
    assert hevc.told(record)[23] == 32


def test_an_av1_picture_is_stored_without_its_delimiter():
    assert av1.sample(b"\x12\x00rest") == b"rest"
    assert av1.told(b"\x81\x00\x0c\x00head") == av1.told(av1.description(b"head")) == b"head"
