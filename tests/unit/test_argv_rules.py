"""Every ffmpeg command that can be built keeps the rules, whatever the values; and each rule catches what breaks it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import ffmpeg as graph
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tightfit.domain.geometry import Size
from tightfit.domain.media_info import Colour, FieldOrder, Identity, MediaInfo, VideoStream
from tightfit.domain.policy import LOCAL, POLICIES, SERVER
from tightfit.errors import EncoderError
from tightfit.media import argv
from tightfit.media.argv_rules import TRIAL_SOURCE, violations
from tightfit.media.coding import Coding, ConstantQuality, FirstPass, SecondPass
from tightfit.media.picture import Picture

# What a hostile name, tag or JSON value looks like.
NASTY = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=60),
    st.sampled_from(
        [
            "-i",
            "-y",
            "-filter_script",
            "a.mp4' -f lavfi -i movie=x",
            "[0:0]movie=/etc/passwd[s]",
            "x;movie=y",
            "%d",
            "\n-i\n",
        ]
    ),
)
CONTAINERS = st.sampled_from(["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts", "avi", "flv", "mpeg", "gif", "ogg"])
CODE_POINT = st.one_of(st.none(), st.integers(0, 300))


@st.composite
def videos(draw: st.DrawFn) -> VideoStream:
    base = Fraction(1, draw(st.integers(1, 1 << 30)))
    first = draw(st.integers(-(1 << 40), 1 << 40))
    steps = draw(st.lists(st.integers(1, 1 << 20), min_size=1, max_size=5))
    pts = tuple(first + sum(steps[:n]) for n in range(len(steps) + 1))
    return VideoStream(
        index=draw(st.integers(0, 63)),
        codec=draw(NASTY),
        width=draw(st.integers(16, 8192)),
        height=draw(st.integers(16, 4320)),
        time_base=base,
        pts=pts,
        packet_bytes=(1,) * len(pts),
        keyframe_pts=pts[:1],
        pix_fmt=draw(st.sampled_from([None, "yuv420p", "yuvj420p", "gbrp", "pal8", "yuv420p10le"])),
        sar=draw(st.sampled_from([Fraction(1), Fraction(4, 3), Fraction(10, 11)])),
        rotation=draw(st.sampled_from([0, 90, 180, 270])),
        colour=Colour(draw(CODE_POINT), draw(CODE_POINT), draw(CODE_POINT), draw(st.sampled_from([None, True, False]))),
        language=draw(NASTY),
    )


@st.composite
def infos(draw: st.DrawFn) -> MediaInfo:
    video = draw(videos())
    return MediaInfo(
        path=draw(NASTY),
        identity=Identity(1, 1, 1, 1, ""),
        container=draw(CONTAINERS),
        start_s=0.0,
        header_duration_s=None,
        videos=(video,),
        audios=(),
        others=(),
        chapters=0,
        metadata=((draw(NASTY), draw(NASTY)),),
    )


RATES = st.one_of(
    st.floats(0, 51).map(ConstantQuality),
    st.floats(0, 51).map(lambda crf: FirstPass(crf, "piece-00001-stats")),
    st.integers(1, 10**6).map(lambda kbps: SecondPass(kbps, "piece-00001-stats", "faster")),
)


@settings(max_examples=150, deadline=None)
@given(
    info=infos(),
    policy=st.sampled_from(list(POLICIES.values())),
    rate=RATES,
    seek=st.one_of(st.none(), st.floats(0, 1e6)),
    size=st.tuples(st.integers(8, 4096), st.integers(8, 2160)).map(lambda wh: Size(2 * wh[0], 2 * wh[1])),
    fast=st.booleans(),
    fields=st.sampled_from(FieldOrder),
)
def test_every_encode_keeps_the_rules_whatever_it_is_given(
    info: MediaInfo, policy: Any, rate: argv.Rate, seek: float | None, size: Size, fast: bool, fields: FieldOrder
):
    video = info.videos[0]
    picture = Picture(video, size, fields=fields)
    source = argv.source_input(info, policy, threads=2, seek_s=seek, roughly=fast)
    cut, steps = argv.Cut(video.pts[0], None, video.pts[0]), picture.steps(size, fast=fast)
    node = argv.frames_of(source, video, cut, steps, before=picture.whole())
    coding = Coding(rate, "medium", 2, video.fps, picture.tag_options(), 40, "subme=1" if fast else "")
    made = argv.command("/usr/bin/ffmpeg", argv.coded_output(node, Path("/w/piece.nut"), video.time_base, coding))
    assert violations(made) == []
    # What the file is called is one word, and the whole of it.
    assert [word for word in made if info.path in word and len(info.path) > 12] in ([], [argv.ours(info.path)])
    assert made.count("-i") == 1
    before_input = made[: made.index("-i")]
    for option in ("-protocol_whitelist", "-format_whitelist", "-max_pixels", "-max_streams", "-f"):
        assert option in before_input
    assert ("-codec_whitelist" in before_input) == (policy is SERVER)


GOOD = [
    *("ffmpeg", "-nostdin", "-f", "mov", "-format_whitelist", "mov", "-max_pixels", "1", "-max_streams", "64"),
    *("-protocol_whitelist", "file", "-i", "file:/a.mp4", "-filter_complex", "[0:0]trim=start_pts=0[s0]"),
    *("-map", "[s0]", "-f", "nut", "file:/w/out.nut", "-y"),
]


def changed(old: str, *new: str) -> list[str]:
    at = GOOD.index(old)
    return [*GOOD[:at], *new, *GOOD[at + 1 :]]


BROKEN = {
    "the terminal is read": changed("-nostdin"),
    "no protocol whitelist": [word for word in GOOD if word not in ("-protocol_whitelist", "file")],
    "a whitelist behind the input": [
        *(word for word in GOOD if word not in ("-protocol_whitelist", "file")),
        *("-protocol_whitelist", "file"),
    ],
    "another protocol": changed("file", "file,http"),
    "a playlist's demuxer": changed("mov", "concat"),
    "a relative input": changed("file:/a.mp4", "file:a.mp4"),
    "a bare input": changed("file:/a.mp4", "/a.mp4"),
    "a network input": changed("file:/a.mp4", "http://a/b.mp4"),
    "a graph as input": ["ffmpeg", "-nostdin", "-f", "lavfi", "-i", "movie=/etc/passwd", "-f", "null", "-"],
    "an output of another kind": changed("nut", "tee"),
    "an output elsewhere": changed("file:/w/out.nut", "http://a/out.nut"),
    "a free word": [*GOOD, "extra.mp4"],
    "a filter that reads": changed("[0:0]trim=start_pts=0[s0]", "movie=/etc/passwd[s0]"),
    "a second filter that reads": changed("[0:0]trim=start_pts=0[s0]", "[0:0]trim=start_pts=0[s1];amovie=/a[s0]"),
    "a chained filter that reads": changed("[0:0]trim=start_pts=0[s0]", "[0:0]trim=start_pts=0,subtitles=/a[s0]"),
    "scores elsewhere": changed("[0:0]trim=start_pts=0[s0]", "[0:0][1:0]ssim=stats_file=/etc/x[s0]"),
    "a log elsewhere": changed("[0:0]trim=start_pts=0[s0]", "[0:0][1:0]libvmaf=log_path=/etc/x[s0]"),
    "notes elsewhere": changed("[0:0]trim=start_pts=0[s0]", "[0:0]metadata=print:key=a:file=/etc/x[s0]"),
    "notes elsewhere, first of all": changed("[0:0]trim=start_pts=0[s0]", "[0:0]metadata=file=/etc/x:mode=print[s0]"),
    "a tree elsewhere": changed("[0:0]trim=start_pts=0[s0]", "[0:0][1:0]paletteuse=debug_kdtree=/etc/x[s0]"),
    "another file's words": [*GOOD[:-3], "-map_metadata", "1", *GOOD[-3:]],
    "a stats file elsewhere": [*GOOD[:-3], "-passlogfile", "/etc/x", *GOOD[-3:]],
    **{
        f"{option}": [*GOOD[:1], option, "x", *GOOD[1:]]
        for option in (
            *(
                "-filter_script",
                "-attach",
                "-dump_attachment",
                "-report",
                "-stats_enc_pre",
                "-vf",
                "-lavfi",
                "-init_hw_device",
            ),
            *(
                "-enable_drefs",
                "-use_absolute_path",
                "-safe",
                "-allowed_extensions",
                "-/filter_complex",
                "-sdp_file",
                "-vstats_file",
            ),
        )
    },
}


def test_a_usual_command_keeps_the_rules():
    assert violations(GOOD) == []
    assert violations(argv.trial("/usr/bin/ffmpeg")) == []
    assert TRIAL_SOURCE in argv.trial("/usr/bin/ffmpeg")


@pytest.mark.parametrize("what", BROKEN)
def test_each_broken_rule_is_named(what: str):
    assert violations(BROKEN[what]) != []


@pytest.mark.parametrize(("option", "value"), [("crf", "23 -i x"), ("x264-params", "a b"), ("map", "x"), ("ss", "-i")])
def test_a_value_that_is_none_never_reaches_ffmpeg(option: str, value: str):
    source = argv.own_input(Path("/a.mp4"), "mov")
    with pytest.raises(EncoderError, match="unsafe"):
        argv.command("/usr/bin/ffmpeg", graph.output(source, "-", f="null", **{option: value}))


def test_a_command_that_names_an_attachment_is_not_built():
    info = MediaInfo("/a.mkv", Identity(1, 1, 1, 1, ""), "matroska,webm", 0.0, None, (), (), (), 0, ())
    source = argv.source_input(replace(info, container="concat"), SERVER, threads=1)
    with pytest.raises(EncoderError, match="concat"):
        argv.command("/usr/bin/ffmpeg", graph.output(source, "-", f="null"))


VIDEO = VideoStream(
    **{"index": 2, "codec": "h264", "width": 640, "height": 360, "time_base": Fraction(1, 1000)},
    **{"pts": (40, 80, 120), "packet_bytes": (1, 1, 1), "keyframe_pts": (40,)},
)
SOURCE = ["-format_whitelist", "mov", "-max_pixels", "37748736", "-max_streams", "64", "-protocol_whitelist", "file"]
HEAD = [
    *("/ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning", "-progress", "pipe:1"),
    *("-stats_period", "0.25", "-max_alloc", "1073741824", "-filter_complex_threads", "1"),
]


@pytest.mark.parametrize(
    ("end", "trim"), [(None, "trim=start_pts=40"), (120, "trim=end_pts=120:start_pts=40")], ids=["all", "a part"]
)
def test_an_encode_is_this_command_to_the_word(end: int | None, trim: str):
    info = MediaInfo("/a.mp4", Identity(1, 1, 1, 1, ""), "mov,mp4", 0.0, None, (VIDEO,), (), (), 0, ())
    node = argv.frames_of(
        argv.source_input(info, LOCAL, threads=2, seek_s=1.5, roughly=True),
        VIDEO,
        argv.Cut(40, end, 40),
        [("scale", {"w": 64, "h": 36})],
    )
    coding = Coding(SecondPass(398, "notes", "faster"), "medium", 3, Fraction(25), {"color_range": "tv"}, 30, "me=dia")
    made = argv.command("/ffmpeg", argv.coded_output(node, Path("/w/out.nut"), VIDEO.time_base, coding))
    assert made == [
        *HEAD,
        *("-f", "mov", "-copyts", *SOURCE[:6], "-noaccurate_seek", *SOURCE[6:]),
        *("-skip_loop_filter", "noref", "-ss", "1.500000", "-threads", "2", "-i", "file:/a.mp4"),
        "-filter_complex",
        f"[0:2]{trim}[s0];[s0]setpts=PTS+3599960[s1];[s1]scale=h=36:w=64[s2];[s2]setparams=range=tv[s3]",
        *("-map", "[s3]", "-f", "nut", "-b:v", "398k", "-c:v", "libx264", "-color_range", "tv"),
        *("-enc_time_base", "1/1000", "-flush_packets", "1", "-fps_mode", "passthrough", "-pass", "2"),
        *("-passlogfile", "notes", "-preset", "medium", "-threads", "3"),
        *("-x264-params", "stitchable=1:level=30:fps=25/1:me=dia:ratetol=0.1:weightp=1", "file:/w/out.nut", "-y"),
    ]


def test_the_trial_and_a_look_at_our_own_file_are_these_commands():
    assert argv.trial("/ffmpeg") == [
        *("/ffmpeg", "-hide_banner", "-loglevel", "error", "-nostdin", "-f", "lavfi", "-i", TRIAL_SOURCE),
        *("-fps_mode", "passthrough", "-enc_time_base", "1/90000", "-c:v", "libx264"),
        *("-x264-params", "stitchable=1", "-f", "null", "-"),
    ]
    source = argv.own_input(Path("/w/a.mp4"), "mov", threads=2)
    made = argv.command("/ffmpeg", graph.output(source, "-", f="null"), talkative=True, strict=True)
    head = ["level+info" if word == "level+warning" else word for word in HEAD]
    assert made == [
        *(*head, "-xerror", "-f", "mov", *SOURCE, "-threads", "2", "-i", "file:/w/a.mp4"),
        *("-f", "null", "-", "-y"),
    ]
    assert argv.lead_ticks(Fraction(1, 90000)) == 3600 * 90000


def test_a_first_pass_is_one_and_a_stranger_s_file_meets_these_decoders():
    info = MediaInfo("/a.mp4", Identity(1, 1, 1, 1, ""), "mov,mp4", 0.0, None, (VIDEO,), (), (), 0, ())
    source = argv.source_input(info, SERVER, threads=2)
    node = argv.frames_of(source, VIDEO, argv.Cut(40, None, 40), [])
    coding = Coding(FirstPass(23, "notes"), "medium", 3, Fraction(25), {}, 30)
    made = argv.command("/ffmpeg", argv.coded_output(node, Path("/w/out.nut"), VIDEO.time_base, coding))
    assert (made[made.index("-pass") + 1], made[made.index("-crf") + 1]) == ("1", "23.000")
    assert made[made.index("-codec_whitelist") + 1].split(",")[:3] == ["h264", "hevc", "mpeg4"]
    assert "-skip_loop_filter" not in made
    assert violations([*GOOD[:1], *GOOD[2:]]) == ["it may read the terminal (no -nostdin)"]
